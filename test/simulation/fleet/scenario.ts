import { DEFAULT_SETTINGS } from '../../../src/config.ts'
import type { GateSettings } from '../../../src/engine/settings.ts'
import { type Chance, type Scenario, scenario } from '../scenario.ts'

/** What a simulated fleet is, and how much goes wrong around it. */
export interface FleetScenario {
  /** Deployed by Bellows, in roles and slots; absent when somebody else deploys and Bellows only sees leases and sessions. */
  readonly rollout: Scenario | undefined
  /** Instances of the old version, where somebody else deploys. */
  readonly instances: number
  readonly gate: GateSettings
  /** Between 0 and 1. */
  readonly trouble: number
  /** Everything works from here on, and whoever was left is ended. */
  readonly calmAfterMs: number
  readonly jobEveryMs: number
}

/** Mostly a few instances, of which whatever happens to one happens to many; sometimes tens of them. */
export function fleetScenario(luck: Chance): FleetScenario {
  const isDriven = luck.happens(0.4)
  const trouble = luck.one(0, 0.2, 1, 1)
  const rollout = scenario(luck, luck.one(3, 3, 3, 20))
  const sized = rollout.roles.every(({ instances }) => instances > 0)
  return {
    rollout: isDriven && sized ? { ...rollout, trouble: trouble / 10 } : undefined,
    instances: 1 + luck.below(luck.one(5, 5, 5, 50)),
    gate: gateFor(luck),
    trouble,
    calmAfterMs: 90_000 + luck.below(300_000),
    jobEveryMs: 10_000,
  }
}

/** Everything goes wrong that can, all the time, and whoever is there is looked after. */
export function roughScenario(luck: Chance): FleetScenario {
  const given = fleetScenario(luck)
  return { ...given, trouble: 1, gate: { ...given.gate, unregistered: 'refuse' } }
}

/** A thousand instances, in a short time. */
export function largeScenario(luck: Chance, kind: 'free' | 'driven'): FleetScenario {
  const large = { ...fleetScenario(luck), calmAfterMs: 60_000 + luck.below(120_000), jobEveryMs: 120_000 }
  if (kind === 'free') return { ...large, rollout: undefined, instances: 1_000 }
  const { rules } = scenario(luck)
  return {
    ...large,
    trouble: 0.2,
    rollout: {
      roles: [{ role: 'web', instances: 1_000 }],
      before: new Map([['web', 1_000]]),
      rules: { ...rules, batch: '50%', order: 'start-first', onFailure: 'rollback', pollMs: 3_000 },
      badShare: 0,
      trouble: 0.001,
    },
  }
}

function gateFor(luck: Chance): GateSettings {
  return {
    ...DEFAULT_SETTINGS.gate,
    silentGraceMs: luck.one(30_000, 90_000),
    quietMs: luck.one(0, 20_000, 60_000),
    unregistered: luck.one('refuse', 'refuse', 'allow'),
  }
}
