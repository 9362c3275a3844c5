import { rolloutRules } from '../../src/config.ts'
import type { RoleWish } from '../../src/core/rollout/event.ts'
import { neededOf, type RolloutRules } from '../../src/core/rollout/rules.ts'
import type { Behaviour } from '../support/fake-deployer.ts'

/** Figures that are the same for the same seed. */
export interface Chance {
  /** From 0 up to, not including. */
  below(count: number): number
  happens(probability: number): boolean
  one<const T extends readonly unknown[]>(...of: T): T[number]
}

/** Source: the generator mulberry32 of T. Ettinger, public domain. */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (count: number) => Math.floor(next() * count)
  return {
    below,
    happens: (probability) => next() < probability,
    one: (...of) => of[below(of.length)]!,
  }
}

export const OLD = '1'
export const NEW = '2'

export interface Scenario {
  readonly roles: readonly RoleWish[]
  readonly rules: RolloutRules
  /** Instances of each role that serve before, by role. */
  readonly before: ReadonlyMap<string, number>
  /** How bad the release is: the share of instances that misbehave. */
  readonly badShare: number
  /** How unreliable everything around it is. */
  readonly trouble: number
}

export function scenario(luck: Chance, size = 5): Scenario {
  const names = luck.one(['web'], ['web', 'worker'])
  const roles = names.map((role) => ({ role, instances: luck.below(size + 1) }))
  const before = new Map(
    [...names, ...luck.one([], ['cron'])].map((role): [string, number] => [role, luck.below(size + 1)]),
  )
  const rules = rulesFor(luck, roles)
  return { roles, rules, before, badShare: luck.one(0, 0, 0.05, 0.3, 1), trouble: luck.one(0, 0, 0.02, 0.1) }
}

function rulesFor(luck: Chance, roles: readonly RoleWish[]): RolloutRules {
  const rules = rolloutRules({
    batch: luck.one(1, 2, 3, '25%', '100%'),
    order: luck.one('start-first', 'stop-first'),
    minAvailablePercent: luck.one(100, 75, 50, 0),
    canary: { instances: luck.below(3), pauseMs: luck.one(0, 3_000, 'manual') },
    startupDeadlineMs: 20_000,
    minHealthyMs: luck.one(0, 3_000),
    pauseBetweenMs: luck.one(0, 2_000),
    progressDeadlineMs: 60_000,
    maxFailures: luck.below(3),
    retries: luck.below(3),
    onFailure: luck.one('rollback', 'rollback', 'pause', 'continue'),
    drainTimeoutMs: 5_000,
    stopTimeoutMs: 5_000,
    bakeMs: luck.one(0, 4_000),
    checks: luck.one([], [{ name: 'errors', sql: 'select true' }]),
    checkRetryMs: 2_000,
    checkUnknownsMax: 2,
  })
  const isHopeless = roles.some(
    ({ instances }) =>
      rules.order === 'stop-first' && instances > 0 && neededOf(rules, instances) === instances,
  )
  return isHopeless ? { ...rules, order: 'start-first' } : rules
}

export function behaviourOf(luck: Chance, badShare: number): Behaviour {
  const usual: Behaviour = {
    healthyAfterMs: luck.below(8) * 1_000,
    drainLooks: luck.below(9),
    stopLooks: luck.below(4),
    ...(luck.happens(0.2) ? { servesByItself: true } : {}),
  }
  if (!luck.happens(badShare)) return usual
  const { healthyAfterMs: _healthy, ...never } = usual
  return luck.one(
    never,
    { ...usual, diesAfterMs: luck.below(5) * 1_000 },
    { ...usual, diesAfterMs: 20_000 + luck.below(60) * 1_000 },
    { ...usual, sickAfterMs: 10_000 + luck.below(60) * 1_000 },
    // While those before it are still on their way out.
    { ...usual, healthyAfterMs: 0, sickAfterMs: (2 + luck.below(4)) * 1_000 },
    { ...usual, flapsEvery: 2 + luck.below(3) },
  )
}
