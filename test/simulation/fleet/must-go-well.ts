import { expect } from 'vitest'
import { type Chance, chance, OLD } from '../scenario.ts'
import { begun } from './life.ts'
import { contracted } from './operator.ts'
import type { FleetScenario } from './scenario.ts'

/** Longer than anybody is silent in these worlds. */
const AFTERWARDS_MS = 300_000
/** Of so many worlds it is no chance any more whether drivers are killed in some. */
const MANY_SEEDS = 20

export type Scenario = (luck: Chance) => FleetScenario

/** In each world the column disappears, and nobody needs it when it does, nor afterwards; however often the driver is killed. */
export async function allMustGoWell(seeds: readonly number[], scenario: Scenario): Promise<void> {
  const deaths: string[] = []
  for (const seed of seeds) await mustGoWell(seed, scenario, deaths)
  if (seeds.length >= MANY_SEEDS)
    expect(deaths.length, 'drivers that were killed').toBeGreaterThan(seeds.length / 10 - 1)
}

async function mustGoWell(seed: number, scenario: Scenario, deaths: string[]): Promise<void> {
  const luck = chance(seed + 1)
  const life = begun(luck, scenario(luck))
  const where = `SEED=${seed}`
  const outcome = await contracted(life, deaths).catch((cause: unknown) => {
    throw new Error(where, { cause })
  })
  expect(outcome, where).toBe('the column is hidden')
  expect(life.crowd.isHidden(), where).toBe(true)
  life.crowd.start('late', OLD)
  life.time.pass(AFTERWARDS_MS)
  expect(life.crowd.harms, where).toEqual([])
  expect(life.crowd.find('late')?.life, 'whoever starts the old version is told that it is too late').toBe(
    'ended',
  )
}
