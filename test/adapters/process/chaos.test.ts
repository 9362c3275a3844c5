import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isRunning } from '../../../src/adapters/os/process-mark.ts'
import type { FleetInstance } from '../../../src/core/rollout/fleet.ts'
import type { Deployer } from '../../../src/engine/ports.ts'
import { ask } from '../../support/http.ts'
import { type Site, site } from './cli-support.ts'
import { placed, recordsIn } from './support.ts'

/** The same numbers for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (state >>> 8) % below
  }
}

const IDS = ['a', 'b', 'c', 'd', 'e']
const CALLS = ['start', 'start', 'serve', 'serve', 'drain', 'stop', 'forget'] as const
const ROUNDS = 4
const CALLS_A_ROUND = 14

/** What it was told may be out of place, or told while nobody is there: that is an answer, too. */
async function tell(deployer: Deployer, call: (typeof CALLS)[number], id: string): Promise<void> {
  const told = call === 'start' ? deployer.start(placed(id)) : deployer[call](id)
  await told.catch((error: { code?: string }) => {
    expect(['instance_unknown', 'phase_order', 'deployer_failed']).toContain(error.code)
  })
}

/** Ends some instance, as a crash does. */
function crash({ state }: Site, pick: number): void {
  const running = recordsIn(state).filter(({ process: mark }) => mark !== undefined && isRunning(mark))
  const pid = running[pick % Math.max(1, running.length)]?.process?.pid
  if (pid !== undefined) process.kill(pid, 'SIGKILL')
}

async function settled({ deployer, state, processes }: Site): Promise<readonly FleetInstance[]> {
  const known = (): number[] =>
    recordsIn(state)
      .flatMap(({ process: mark }) => mark?.pid ?? [])
      .toSorted((a, b) => a - b)
  await expect
    .poll(async () => (await deployer.fleet()).some(({ state }) => state === 'stopping'))
    .toBe(false)
  await expect.poll(() => processes().toSorted((a, b) => a - b)).toEqual(known())
  const fleet = await deployer.fleet()
  expect(fleet.map(({ id }) => id).toSorted()).toEqual(
    recordsIn(state)
      .map(({ id }) => id)
      .toSorted(),
  )
  return fleet
}

test.runIf(process.platform === 'linux').for([1, 2])(
  'whatever is told, crashes and is killed (%d), all that runs is known, and what serves answers',
  async (seed) => {
    const next = numbers(seed)
    const place = await site({ stopTimeoutMs: 2_000 })
    const { deployer, port, up, killed } = place
    for (let round = 0; round < ROUNDS; round += 1) {
      const running = await up()
      const told: Promise<void>[] = []
      for (let count = 0; count < CALLS_A_ROUND; count += 1) {
        const call = CALLS[next(CALLS.length)] ?? 'start'
        told.push(tell(deployer, call, IDS[next(IDS.length)] ?? 'a'))
        if (next(5) === 0) crash(place, next(5))
        await sleep(next(60))
      }
      await killed(running)
      if (next(2) === 0) crash(place, next(5))
      await Promise.all(told)
    }
    await up()
    const fleet = await settled(place)
    for (const { id, state } of fleet) if (state === 'gone') await deployer.forget(id)
    for (const { id } of fleet) await tell(deployer, 'drain', id)
    await deployer.start(placed('last'))
    await expect
      .poll(async () => (await deployer.fleet()).find(({ id }) => id === 'last')?.health.passes)
      .toBeGreaterThan(0)
    await deployer.serve('last')
    expect(JSON.parse((await ask(port)).body)).toMatchObject({ instance: 'last' })

    for (const { id } of await deployer.fleet()) await deployer.stop(id)
    await expect.poll(async () => (await deployer.fleet()).every(({ state }) => state === 'gone')).toBe(true)
    expect(place.processes()).toEqual([])
  },
)
