import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { RolloutChange } from '../../../src/config.ts'
import { ask } from '../../support/http.ts'
import { about, placed, seen, serving, stateFolder, supervised, webRole, workerRole } from './support.ts'

/** Two instances that are ill whenever the test says so. */
async function two(rules: RolloutChange = {}) {
  const state = await stateFolder()
  const sick = (id: string): string => path.join(state, `sick-${id}`)
  const { deployer, supervisor } = await supervised(
    { web: await webRole({ env: { SICK_FILE: path.join(state, 'sick') } }) },
    state,
    rules,
  )
  await serving(deployer, placed('web-1'), placed('web-2'))
  const port = supervisor.ports.get('web') ?? 0
  return {
    deployer,
    sicken: async (id: string) => {
      writeFileSync(sick(id), '')
      await expect.poll(async () => (await seen(deployer, id)).health.failures).toBeGreaterThanOrEqual(3)
    },
    cure: async (id: string) => {
      rmSync(sick(id))
      await expect.poll(async () => (await seen(deployer, id)).health.passes).toBeGreaterThanOrEqual(2)
    },
    /** Who answers. */
    answering: async () => {
      const instances = new Set<unknown>()
      for (let count = 0; count < 6; count += 1) instances.add((await about(port)).instance)
      return [...instances].map(String).toSorted()
    },
    status: async () => (await ask(port)).status,
  }
}

describe('an instance that is ill while it serves', () => {
  test('gets no requests until it is well again', async () => {
    const { deployer, sicken, cure, answering } = await two()
    expect(await answering()).toEqual(['web-1', 'web-2'])
    await sicken('web-1')
    expect(await answering()).toEqual(['web-2'])
    expect(await seen(deployer, 'web-1')).toMatchObject({
      state: 'serving',
      health: { passes: 0, healthyForMs: 0, lastError: 'answered 503 sick on demand' },
    })
    await cure('web-1')
    expect(await answering()).toEqual(['web-1', 'web-2'])
  })

  test('gets requests for as long as the rules of the rollout take it for one that works', async () => {
    const { sicken, answering } = await two({ health: { failure: 1_000 } })
    await sicken('web-1')
    expect(await answering()).toEqual(['web-1', 'web-2'])
  })

  test('gets requests all the same when no other is well', async () => {
    const { sicken, cure, answering } = await two()
    await sicken('web-1')
    await sicken('web-2')
    expect(await answering()).toEqual(['web-1', 'web-2'])
    await cure('web-2')
    expect(await answering()).toEqual(['web-2'])
  })

  test('is well as far as a new deployment can say, until it is found ill again', async () => {
    const { deployer, sicken, answering } = await two()
    await sicken('web-1')
    await deployer.drain('web-1')
    await deployer.drain('web-2')
    await deployer.serve('web-2')
    expect(await answering()).toEqual(['web-2'])
  })
})

describe('a worker', () => {
  test('is asked by a command, when there is one', async () => {
    const state = await stateFolder()
    const ill = path.join(state, 'ill-w')
    const { deployer } = await supervised(
      {
        worker: workerRole({
          health: {
            kind: 'command',
            command: ['/bin/sh', '-c', 'test ! -e "$1-$BELLOWS_INSTANCE"', 'sh', path.join(state, 'ill')],
            intervalMs: 50,
            timeoutMs: 5_000,
          },
        }),
      },
      state,
    )
    await serving(deployer, placed('w', 'worker'))
    writeFileSync(ill, '')
    await expect
      .poll(async () => (await seen(deployer, 'w')).health)
      .toMatchObject({ passes: 0, lastError: 'the check ended with exit code 1' })
    rmSync(ill)
    await expect.poll(async () => (await seen(deployer, 'w')).health.passes).toBeGreaterThan(1)
  })
})
