import { type GateCheck, type GateRules, isPassed, type Override, type RefusalCode } from './check.ts'
import { gateChecks } from './checks.ts'
import type { GateFacts } from './facts.ts'
import type { LeaseFacts } from './leases.ts'

/**
 * Who uses the column: somebody who is there (`active`); only such as are silent and not known to be gone, or what is left of them:
 * pods, sessions, use in the quiet time (`draining`); nobody (`drained`). `unknown` when nobody ever registered who uses the table.
 */
export type Usage = 'active' | 'draining' | 'drained' | 'unknown'

export type GateVerdict =
  | {
      readonly open: true
      readonly checks: readonly GateCheck[]
      readonly because: readonly string[]
      readonly overrides: readonly Override[]
    }
  | {
      readonly open: false
      readonly code: RefusalCode
      readonly because: readonly string[]
      readonly hint: string
    }

/** May the column disappear? */
export function contractGate(facts: GateFacts, rules: GateRules): GateVerdict {
  const checks = gateChecks(facts, rules)
  const failed = checks.filter((one) => !isPassed(one))
  // Dependents first: whatever runs, somebody has to change them. A lease says more than what follows from it.
  const first = FIRST_SAID.flatMap((name) => failed.filter(({ check }) => check === name))
  const red = [...first, ...failed].find(isNotGreen)
  if (red !== undefined) return { open: false, code: red.code, because: red.because, hint: red.hint }
  return {
    open: true,
    checks,
    because: checks.filter(({ state }) => state === 'green').flatMap(({ because }) => because),
    overrides: used(checks, facts, rules),
  }
}

/** What is really gone without: an override that nothing stands against is not one. */
function used(
  checks: readonly GateCheck[],
  { needing }: GateFacts,
  { overrides }: GateRules,
): readonly Override[] {
  const ofChecks = checks.flatMap(({ check, overridden }) =>
    overridden === undefined ? [] : [{ check, reason: overridden }],
  )
  const ofInstances = overrides.filter(({ instance }) =>
    needing.some((one) => one.blocks && one.instance === instance),
  )
  return [...ofChecks, ...ofInstances]
}

const FIRST_SAID = ['dependents', 'leases'] as const

function isNotGreen(check: GateCheck): check is Extract<GateCheck, { readonly hint: string }> {
  return check.state !== 'green'
}

export function isOpen(checks: readonly GateCheck[]): boolean {
  return checks.every(isPassed)
}

/** Where these are red somebody who uses the column is there, was so lately, or may be. */
const OF_USERS: readonly GateCheck['check'][] = ['inventory', 'sessions', 'usage']

export function usageOf({ needing, everRegistered }: LeaseFacts, checks: readonly GateCheck[]): Usage {
  const blocking = needing.filter((one) => one.blocks)
  if (blocking.some(({ state }) => state === 'live')) return 'active'
  const isLeft = checks.some((one) => one.state === 'red' && !isPassed(one) && OF_USERS.includes(one.check))
  if (blocking.length > 0 || (everRegistered && isLeft)) return 'draining'
  return everRegistered ? 'drained' : 'unknown'
}
