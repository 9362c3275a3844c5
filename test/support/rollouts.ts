import { type RolloutChange, rolloutRules } from '../../src/config.ts'
import type { RoleWish } from '../../src/core/rollout/event.ts'
import type { Placement } from '../../src/core/rollout/fleet.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { type FakeFleet, type FakeOptions, fakeFleet } from './fake-deployer.ts'
import { rename } from './rename.ts'

export const MIGRATION = { name: '0001_test', operations: [rename()] } as const

export const WEB: readonly RoleWish[] = [{ role: 'web', instances: 3 }]

/** Rules for a fleet in which a second passes with each look. */
export const wish = (version: string, change: RolloutChange = {}, roles: readonly RoleWish[] = WEB) => ({
  version,
  roles,
  rules: rolloutRules({
    canary: { instances: 0 },
    minHealthyMs: 2_000,
    startupDeadlineMs: 20_000,
    pollMs: 5,
    ...change,
  }),
})

export const placement = (slot: number, version = '1', role = 'web'): Placement => ({
  id: `${role}-${slot}-r0-1`,
  role,
  slot,
  version,
})

/** A fleet in memory that serves version 1, and in which a second passes with each look. */
export function servingFleet(options: FakeOptions = {}, count = 3): FakeFleet {
  const fleet = fakeFleet({ lookMs: 1_000, ...options })
  for (let slot = 1; slot <= count; slot += 1) fleet.put(placement(slot))
  return fleet
}

/** Who lives, such as `web-1 2 serving`. */
export const livingIn = (fleet: Pick<FakeFleet, 'now'>): readonly string[] =>
  fleet
    .now()
    .filter(({ state }) => state !== 'gone')
    .map(({ role, slot, version, state }) => `${role}-${slot} ${version} ${state}`)
    .toSorted()

export const serving = (version: string, count = 3): readonly string[] =>
  Array.from({ length: count }, (_, at) => `web-${at + 1} ${version} serving`)

export interface Ready {
  readonly database: TestDatabase
  readonly bellows: Bellows
  /** The run whose new shape is ready. */
  readonly run: number
}

/** A database in which a new version of the application may be rolled out. */
export async function readyDatabase(): Promise<Ready> {
  const database = await testDatabase(
    "create table users (id int primary key, name text); insert into users values (1, 'Ada')",
  )
  const bellows = await database.bellows({
    // The deployer of these tests is given to the rollout alone.
    settings: {
      gate: {
        whenNoneRegistered: 'allow',
        reason: 'a test',
        overrides: [{ check: 'inventory', reason: 'a test' }],
      },
    },
  })
  const { id } = await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  return { database, bellows, run: id }
}
