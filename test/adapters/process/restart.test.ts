import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { monotonicMs } from '../../../src/adapters/os/monotonic.ts'
import { createChild } from '../../../src/adapters/process/child.ts'
import { fileLogs } from '../../../src/adapters/process/logs.ts'
import { loopbackPorts } from '../../../src/adapters/process/ports.ts'
import type { Records } from '../../../src/adapters/process/records.ts'
import { rolloutRules } from '../../../src/config.ts'
import { ask } from '../../support/http.ts'
import {
  about,
  kill,
  placed,
  seen,
  serving,
  stateFolder,
  supervised,
  until,
  webRole,
  workerRole,
} from './support.ts'

const SHORT_LIVED = workerRole({ command: ['/bin/sh', '-c', 'sleep 0.3; exit 9'] })

describe('an instance that serves and ends by itself', () => {
  test('is started again while the others serve, and serves again when it is well', async () => {
    const { deployer, supervisor, said } = await supervised({ web: await webRole() })
    const port = supervisor.ports.get('web') ?? 0
    await serving(deployer, placed('web-1'), placed('web-2'))
    await ask(port, { path: '/exit?code=3' })
    const fleet = async () =>
      (await deployer.fleet()).map(({ state, restarts }) => `${state} ${restarts}`).toSorted()
    await expect.poll(fleet).toEqual(['serving 0', 'starting 1'])
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(port)))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    await expect.poll(fleet).toEqual(['serving 0', 'serving 1'])
    expect(said.join('\n')).toMatch(
      /"web-[12]" has ended by itself \(exit code 3\); it is started again in 1 s/,
    )
    const pids = new Set<unknown>()
    for (let count = 0; count < 4; count += 1) pids.add((await about(port)).pid)
    expect(pids.size).toBe(2)
  })

  test('gets no requests before its checks say that it is well, although there is no other', async () => {
    const state = await stateFolder()
    const ready = path.join(state, 'ready')
    writeFileSync(ready, '')
    const { deployer, supervisor } = await supervised(
      { web: await webRole({ env: { READY_FILE: ready } }) },
      state,
    )
    const port = supervisor.ports.get('web') ?? 0
    await serving(deployer, placed('web-1'))
    rmSync(ready)
    kill(state, 'web-1')
    await expect.poll(async () => (await seen(deployer, 'web-1')).health.lastError).toBe('ended: SIGKILL')
    await expect.poll(async () => (await seen(deployer, 'web-1')).health.lastError).toMatch(/^answered 503/)
    expect((await ask(port)).status).toBe(503)
    expect((await seen(deployer, 'web-1')).state).toBe('starting')
    writeFileSync(ready, '')
    await until(deployer, 'web-1', { state: 'serving', restarts: 1 })
    expect((await ask(port)).status).toBe(200)
  })

  test('serves again also when there is nothing to ask it', async () => {
    const { deployer, state } = await supervised({ worker: workerRole() })
    await serving(deployer, placed('w', 'worker'))
    kill(state, 'w')
    await until(deployer, 'w', { state: 'serving', restarts: 1 })
    expect((await seen(deployer, 'w')).health.failures).toBe(0)
  })

  test.for(['stop', 'drain'] as const)('may be given up meanwhile: %s', async (call) => {
    const { deployer } = await supervised({ worker: SHORT_LIVED })
    await deployer.start(placed('w', 'worker'))
    await deployer.serve('w')
    await until(deployer, 'w', { state: 'starting', restarts: 1 })
    // It has work already, as far as that can be said.
    await deployer.serve('w')
    await deployer[call]('w')
    await until(deployer, 'w', { state: 'gone', ended: 'exit code 9' })
  })

  test('is not started again when it was given up in the moment in which it was to be', async () => {
    const state = await stateFolder()
    let goOn: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const records: Records = {
      readAll: async () => [],
      // The one who writes that down is slow.
      write: async (record) => (record.state === 'gone' ? await held : undefined),
      remove: async () => undefined,
    }
    const child = createChild(
      { ...placed('w', 'worker'), state: 'starting', sinceMs: monotonicMs(), restarts: 0 },
      {
        role: SHORT_LIVED,
        rules: rolloutRules(),
        records,
        logs: fileLogs(state),
        ports: loopbackPorts(),
        changed: () => undefined,
        cut: () => undefined,
        say: () => undefined,
      },
    )
    await child.start()
    await child.serve()
    await expect.poll(() => child.look()).toMatchObject({ state: 'starting', returning: true, restarts: 1 })
    const stopped = child.stop()
    // Longer than it waits before it starts it again.
    await sleep(1_500)
    goOn()
    await stopped
    // In turn, behind whatever waited.
    await child.drain()
    expect([child.hasProcess, child.record.process, child.record.state]).toEqual([false, undefined, 'gone'])
  })

  test('is waited for longer each time', async () => {
    const { deployer, said } = await supervised({ worker: SHORT_LIVED })
    await deployer.start(placed('w', 'worker'))
    await deployer.serve('w')
    await expect.poll(() => said.filter((line) => line.includes('has ended by itself')).length).toBe(2)
    expect(said.join('\n')).toMatch(/again in 1 s[\s\S]*again in 2 s/)
    await deployer.stop('w')
    await until(deployer, 'w', { state: 'gone' })
  })

  test('is not started again when it was draining', async () => {
    const { deployer, state } = await supervised({ web: await webRole() })
    await serving(deployer, placed('web-1'))
    await deployer.drain('web-1')
    kill(state, 'web-1')
    await until(deployer, 'web-1', { state: 'gone', ended: 'SIGKILL', restarts: 0 })
  })
})
