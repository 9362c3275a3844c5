import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { isRunning, markProcess } from '../../../src/adapters/os/process-mark.ts'
import { cleanUp } from '../../support/database.ts'
import { ask } from '../../support/http.ts'
import { site } from './cli-support.ts'
import { about, placed, serving, until } from './support.ts'

const FOLLOW = path.resolve('src/adapters/process/running.ts')

describe.runIf(process.platform === 'linux')('a supervisor that has run out of files', () => {
  test('takes nobody for gone, ends nobody, and tells whom it was to tell as soon as it can', async () => {
    const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
    cleanUp(async () => void child.kill('SIGKILL'))
    const mark = markProcess(child.pid ?? 0)
    const program = `import { closeSync, openSync } from 'node:fs'
      import { setTimeout as sleep } from 'node:timers/promises'
      import { createJiti } from 'jiti'
      const { follow } = await createJiti('/').import(${JSON.stringify(FOLLOW)})
      const running = follow({ mark: ${JSON.stringify(mark)}, exited: undefined, mayLinger: () => false })
      let how = 'it runs'
      const ended = running.ended.then((words) => { how = words })
      await sleep(300)
      const files = []
      try { for (;;) files.push(openSync('/dev/null')) } catch {}
      await sleep(1_000)
      console.log(how)
      running.signal('SIGTERM')
      await sleep(500)
      console.log(how)
      for (const file of files) closeSync(file)
      await ended
      console.log(how)`
    const { stdout, stderr } = await promisify(execFile)('/bin/sh', [
      '-c',
      'ulimit -n 60; exec "$0" --input-type=module -e "$1"',
      process.execPath,
      program,
    ])
    expect(stdout.trim().split('\n'), stderr).toEqual([
      'it runs',
      'it runs',
      'unknown: it was not a child of this supervisor',
    ])
    expect(child.signalCode).toBe('SIGTERM')
  })

  test('lives on, and so do the instances that it took over', { timeout: 60_000 }, async () => {
    const { port, deployer, up, killed } = await site()
    const first = await up()
    await serving(deployer, placed('web-1'))
    const { pid } = await about(port)
    const mark = markProcess(Number(pid))
    await killed(first)
    const second = await up()
    expect(await about(port)).toMatchObject({ pid })

    execFileSync('prlimit', ['--pid', String(second.child.pid), '--nofile=40:40'])
    const clients: Socket[] = Array.from({ length: 80 }, () => connect(port, '127.0.0.1'))
    for (const client of clients) client.on('error', () => undefined)
    await sleep(2_000)
    for (const client of clients) client.destroy()
    await expect.poll(() => ask(port).then(({ status }) => status, String)).toBe(200)

    expect(await about(port)).toMatchObject({ pid })
    expect(isRunning(mark)).toBe(true)
    await until(deployer, 'web-1', { state: 'serving', restarts: 0 })
    expect(second.child.exitCode).toBeNull()
    second.child.kill('SIGTERM')
    await once(second.child, 'exit')
  })
})
