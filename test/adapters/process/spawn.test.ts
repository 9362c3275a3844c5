import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { isRunning, markProcess } from '../../../src/adapters/os/process-mark.ts'
import { spawnWaiting } from '../../../src/adapters/process/spawn.ts'
import { stateFolder } from './support.ts'

const launch = (...command: string[]) => ({ command, cwd: '/', env: {} })

describe('a process that waits for leave', () => {
  test('becomes the program when it is given, and is the same process before and after', async () => {
    const folder = await stateFolder()
    const [log, file] = [path.join(folder, 'log'), path.join(folder, 'file')]
    const { mark, go, exited } = await spawnWaiting(
      launch('/bin/sh', '-c', 'echo "$$ $1"; touch "$2"; exit 3', 'sh', 'two  words; $HOME', file),
      log,
    )
    expect(existsSync(file)).toBe(false)
    expect(isRunning(mark)).toBe(true)
    go()
    expect(await exited).toBe('exit code 3')
    expect(existsSync(file)).toBe(true)
    expect(readFileSync(log, 'utf8')).toBe(`${mark.pid} two  words; $HOME\n`)
  })

  test('never does when it is given up', async () => {
    const folder = await stateFolder()
    const file = path.join(folder, 'file')
    const { abandon, exited } = await spawnWaiting(launch('touch', file), path.join(folder, 'log'))
    abandon()
    expect(await exited).toBe('exit code 1')
    expect(existsSync(file)).toBe(false)
  })

  test('never does when whoever started it is killed before that', async () => {
    const folder = await stateFolder()
    const file = path.join(folder, 'file')
    const adapter = path.resolve('src/adapters/process/spawn.ts')
    const program = `import { createJiti } from 'jiti'
      const { spawnWaiting } = await createJiti('/').import(${JSON.stringify(adapter)})
      const { mark } = await spawnWaiting({ command: ['touch', ${JSON.stringify(file)}], cwd: '/', env: {} }, ${JSON.stringify(path.join(folder, 'log'))})
      console.log(mark.pid)
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [pid] = await once(parent.stdout, 'data')
    const mark = markProcess(Number(String(pid)))
    expect(isRunning(mark)).toBe(true)
    expect(await once(parent, 'exit')).toEqual([null, 'SIGKILL'])
    await expect.poll(() => isRunning(mark)).toBe(false)
    expect(existsSync(file)).toBe(false)
  })

  test('cannot be in a folder that there is not', async () => {
    const log = path.join(await stateFolder(), 'log')
    await expect(spawnWaiting({ command: ['true'], cwd: '/no/such', env: {} }, log)).rejects.toThrow(
      '"/no/such" does not exist',
    )
  })

  test('has a log that only its owner reads, at whose end everything goes', async () => {
    const log = path.join(await stateFolder(), 'log')
    for (const word of ['one', 'two']) {
      const { go, exited } = await spawnWaiting(launch('echo', word), log)
      go()
      await exited
    }
    expect(readFileSync(log, 'utf8')).toBe('one\ntwo\n')
    expect(statSync(log).mode & 0o777).toBe(0o600)
  })
})
