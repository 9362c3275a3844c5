import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { commandOf, isRunning, markProcess, startOf } from '../../../src/adapters/os/process-mark.ts'
import { waitFor } from '../../support/fixtures/embedded.ts'

const actual = process.platform
const pretend = (platform: string): void =>
  void Object.defineProperty(process, 'platform', { value: platform })
afterEach(() => pretend(actual))

// The way of macOS, by `ps`, works on Linux as well.
describe.each(['linux', 'darwin'].filter((each) => each === actual || actual === 'linux'))(
  'on %s',
  (platform) => {
    test('a process is known as long as it runs', async () => {
      pretend(platform)
      const child = spawn('sleep', ['600'])
      const mark = markProcess(child.pid ?? 0)
      expect(isRunning(mark)).toBe(true)
      expect(isRunning(markProcess(process.pid))).toBe(true)
      child.kill('SIGKILL')
      await once(child, 'exit')
      expect(isRunning(mark)).toBe(false)
      expect(startOf(mark.pid)).toBeUndefined()
    })

    test('another process of the same number is not taken for it', () => {
      pretend(platform)
      const mark = markProcess(process.pid)
      expect(isRunning({ ...mark, started: `${mark.started}0` })).toBe(false)
    })

    test('nor is one of the same number and moment after the machine was started again', () => {
      pretend(platform)
      const mark = markProcess(process.pid)
      // On Linux the time is counted from the start of the machine; elsewhere it is a date.
      if (platform !== 'linux') return expect(mark.started).toMatch(/\d{4}$/)
      expect(mark.boot).toMatch(/^[\da-f-]{36}$/)
      expect(isRunning({ ...mark, boot: 'of another start' })).toBe(false)
    })

    test('a mark that another version made, without the start of the machine, is understood', () => {
      pretend(platform)
      const { pid, started } = markProcess(process.pid)
      expect(isRunning({ pid, started })).toBe(true)
      if (platform === 'linux') expect(started).toMatch(/^\d+$/)
    })

    test('one that was gone when it was marked never runs', () => {
      pretend(platform)
      const mark = markProcess(2_147_483_646)
      expect(mark.started).toBe('')
      expect(isRunning(mark)).toBe(false)
    })

    test('a zombie does not run any more', async () => {
      pretend(platform)
      // The shell's child ends while the shell, become `sleep`, never asks for it.
      const shell = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 600'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const [line] = await once(shell.stdout, 'data')
      const zombie = Number(String(line).trim())
      expect(
        await waitFor(
          () => startOf(zombie),
          (start) => start === undefined,
        ),
      ).toBeUndefined()
      expect(() => process.kill(zombie, 0)).not.toThrow()
      shell.kill('SIGKILL')
    })

    test('the time zone and the language of whoever asks make no difference', () => {
      pretend(platform)
      const mark = markProcess(process.pid)
      const { TZ, LC_ALL } = process.env
      Object.assign(process.env, { TZ: 'Asia/Tokyo', LC_ALL: 'de_DE.UTF-8' })
      expect(isRunning(mark)).toBe(true)
      for (const [name, value] of Object.entries({ TZ, LC_ALL })) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    })
  },
)

test('the command of a process is told, and none of one that is not there', () => {
  expect(commandOf(process.pid)).toContain('node')
  expect(commandOf(2_147_483_646)).toBe('')
})
