import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCommand } from '../../../src/adapters/command/run-command.ts'
import { cleanUp } from '../../support/database.ts'

const TIMEOUT_MS = 20_000

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'bellows-command-'))
  cleanUp(() => rm(made, { recursive: true, force: true }))
  return made
}

describe('a command', () => {
  test('is a line for the shell, or a program with its arguments that no shell sees', async () => {
    expect(await runCommand({ command: 'echo "$((1 + 1))"; exit 3', timeoutMs: TIMEOUT_MS })).toEqual({
      code: 3,
      out: '2\n',
      err: '',
    })
    expect(await runCommand({ command: ['printf', '%s', '$HOME; exit 3'], timeoutMs: TIMEOUT_MS })).toEqual({
      code: 0,
      out: '$HOME; exit 3',
      err: '',
    })
  })

  test('gets variables beside those of this process', async () => {
    const { out } = await runCommand({
      command: 'echo "$BELLOWS_INSTANCE $(test -n "$PATH" && echo and a path)"',
      env: { BELLOWS_INSTANCE: 'web-1' },
      timeoutMs: TIMEOUT_MS,
    })
    expect(out).toBe('web-1 and a path\n')
  })

  test('that prints both ways is heard both ways', async () => {
    expect(await runCommand({ command: 'echo yes; echo no >&2', timeoutMs: TIMEOUT_MS })).toEqual({
      code: 0,
      out: 'yes\n',
      err: 'no\n',
    })
  })

  test.each<[string, string | readonly string[], RegExp]>([
    ['does not exist', ['/no/such/program'], /^could not be run: \/no\/such\/program: .*ENOENT/],
    ['is ended by a signal', 'kill -9 $$', /^was ended by SIGKILL$/],
    ['has no name', [''], /^could not be run/],
  ])('that %s is told of as such, and has no exit code', async (_what, command, problem) => {
    const end = await runCommand({ command, timeoutMs: TIMEOUT_MS })
    expect(end.problem).toMatch(problem)
    expect(end).not.toHaveProperty('code')
  })

  test('that takes too long is ended with all that it began', async () => {
    const place = await folder()
    const late = path.join(place, 'late')
    const end = await runCommand({
      command: `echo begun; (sleep 1.5; touch '${late}') & wait`,
      timeoutMs: 200,
    })
    expect(end).toMatchObject({ problem: 'did not end within 0.2 s', out: 'begun\n' })
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect(existsSync(late)).toBe(false)
  })

  test('that takes too long and listens to nobody is killed', async () => {
    const end = await runCommand({ command: `trap '' TERM; while :; do sleep 0.05; done`, timeoutMs: 100 })
    expect(end.problem).toBe('did not end within 0.1 s')
  })

  test('that leaves something running is not waited for any longer', async () => {
    const { out, code } = await runCommand({ command: 'sleep 5 & echo "$!"', timeoutMs: TIMEOUT_MS })
    expect(code).toBe(0)
    const pid = Number(out)
    expect(process.kill(pid, 0), 'what it left runs on').toBe(true)
    process.kill(pid, 'SIGKILL')
  })

  test('that prints without end is ended', async () => {
    const end = await runCommand({ command: 'yes', timeoutMs: TIMEOUT_MS })
    expect(end.problem).toBe('printed too much')
  })
})
