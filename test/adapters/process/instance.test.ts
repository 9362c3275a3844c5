import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { ask } from '../../support/http.ts'
import {
  about,
  placed,
  recordOf,
  recordsIn,
  seen,
  serving,
  stateFolder,
  supervised,
  until,
  webRole,
  workerRole,
} from './support.ts'

describe('an instance', () => {
  test('is started, gets requests when it is told to, drains, ends, and is remembered until it is forgotten', async () => {
    const { state, deployer, supervisor } = await supervised({ web: await webRole() })
    const port = supervisor.ports.get('web') ?? 0
    expect(await deployer.fleet()).toEqual([])

    await deployer.start(placed('web-1', 'web', 3, '7f3a'))
    await until(deployer, 'web-1', { state: 'starting', inFlight: 0, restarts: 0 })
    await expect.poll(async () => (await seen(deployer, 'web-1')).health.passes).toBeGreaterThan(1)
    expect((await ask(port)).status, 'no work yet').toBe(503)

    await deployer.serve('web-1')
    expect(await about(port)).toMatchObject({ instance: 'web-1', role: 'web', slot: '3', version: '7f3a' })
    const slow = ask(port, { path: '/slow?ms=600' })
    await until(deployer, 'web-1', { state: 'serving', inFlight: 1 })

    await deployer.drain('web-1')
    await until(deployer, 'web-1', { state: 'draining', inFlight: 1 })
    expect((await ask(port)).status, 'no new work').toBe(503)
    expect((await slow).status).toBe(200)
    await until(deployer, 'web-1', { inFlight: 0 })

    await deployer.stop('web-1')
    await until(deployer, 'web-1', { state: 'gone', ended: 'exit code 0' })
    expect(await deployer.log('web-1', 10)).toEqual(['started web-1', 'told to end'])
    await deployer.forget('web-1')
    expect(await deployer.fleet()).toEqual([])
    expect(recordsIn(state)).toEqual([])
    expect(existsSync(path.join(state, 'logs', 'web-1.log'))).toBe(false)
  })

  test('is started once, however often that is asked for, and stays ended', async () => {
    const { state, deployer } = await supervised({ web: await webRole() })
    await Promise.all([1, 2, 3].map(() => deployer.start(placed('web-1'))))
    const { process } = recordOf(state, 'web-1')
    await serving(deployer, placed('web-1'))
    await deployer.serve('web-1')
    expect(recordOf(state, 'web-1').process).toEqual(process)
    await deployer.drain('web-1')
    await deployer.drain('web-1')
    await deployer.serve('web-1')
    await until(deployer, 'web-1', { state: 'serving' })
    await deployer.stop('web-1')
    await deployer.stop('web-1')
    await deployer.drain('web-1')
    await until(deployer, 'web-1', { state: 'gone' })
    await deployer.start(placed('web-1'))
    expect((await deployer.fleet()).map(({ id, state }) => [id, state])).toEqual([['web-1', 'gone']])
    await expect(deployer.serve('web-1')).rejects.toMatchObject({ code: 'instance_unknown' })
  })

  test('that ends before it serves is gone, with how it ended and its last words', async () => {
    const { deployer } = await supervised({
      web: await webRole({ command: ['/bin/sh', '-c', 'echo no database >&2; exit 7'] }),
    })
    await deployer.start(placed('web-1'))
    await until(deployer, 'web-1', { state: 'gone', ended: 'exit code 7' })
    expect(await deployer.log('web-1', 5)).toEqual(['no database'])
  })

  test.for([
    ['a program that there is not', { command: ['/no/such/program'] }, 'exit code 127', /no\/such\/program/],
    [
      'a folder that there is not',
      { cwd: '/no/such/{version}' },
      /could not be started: .*no\/such\/v1/,
      /^$/,
    ],
  ] as const)('of %s is gone, and says why', async ([, change, ended, log]) => {
    const { deployer } = await supervised({ web: await webRole(change) })
    await deployer.start(placed('web-1'))
    await until(deployer, 'web-1', { state: 'gone' })
    expect((await seen(deployer, 'web-1')).ended).toMatch(ended)
    expect((await deployer.log('web-1', 5)).join()).toMatch(log)
  })

  test('has its own port, its names in the environment, and nothing on its input', async () => {
    const { deployer, supervisor } = await supervised({
      web: await webRole({ env: { OWN: '{slot}/{version}' } }),
      worker: workerRole({
        command: ['/bin/sh', '-c', 'env; cat; echo read all; exec sleep 600'],
        env: { OWN: '{slot}/{version}' },
      }),
    })
    await serving(deployer, placed('a'), placed('b'))
    const pids = new Set<unknown>()
    for (let count = 0; count < 4; count += 1) pids.add((await about(supervisor.ports.get('web'))).pid)
    expect(pids.size).toBe(2)
    await deployer.start(placed('w', 'worker', 2, 'v9'))
    await expect.poll(() => deployer.log('w', 200)).toContain('read all')
    expect(await deployer.log('w', 200)).toEqual(
      expect.arrayContaining([
        'OWN=2/v9',
        'BELLOWS_INSTANCE=w',
        'BELLOWS_ROLE=worker',
        'BELLOWS_SLOT=2',
        'BELLOWS_VERSION=v9',
      ]),
    )
  })

  test('of a role without a port is a worker: it serves, and never has requests', async () => {
    const { deployer } = await supervised({ worker: workerRole() })
    await serving(deployer, placed('worker-1', 'worker'))
    const worker = await seen(deployer, 'worker-1')
    // None, rather than not known: then a rollout would wait for them.
    expect(worker).toMatchObject({ state: 'serving', health: { failures: 0 }, inFlight: 0 })
    await expect.poll(() => deployer.log('worker-1', 5)).toEqual(['started worker-1'])
    await deployer.drain('worker-1')
    await deployer.stop('worker-1')
    await until(deployer, 'worker-1', { state: 'gone', ended: 'exit code 0' })
  })
})

test('of those that are gone the last hundred are remembered', async () => {
  const state = await stateFolder()
  const records = path.join(state, 'instances')
  mkdirSync(records)
  for (let number = 1; number <= 110; number += 1) {
    const id = `gone-${number}`
    const record = {
      ...placed(id, 'worker'),
      state: 'gone',
      sinceMs: number,
      restarts: 0,
      ended: 'exit code 1',
    }
    writeFileSync(path.join(records, `${id}.json`), JSON.stringify(record))
  }
  const { deployer } = await supervised({ worker: workerRole() }, state)
  await deployer.start(placed('w', 'worker'))
  const ids = (await deployer.fleet()).map(({ id }) => id)
  expect(ids).toHaveLength(101)
  expect(ids).toEqual(expect.arrayContaining(['gone-11', 'gone-110', 'w']))
  expect(recordsIn(state)).toHaveLength(101)
})
