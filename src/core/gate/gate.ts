import type { Dependents } from '../schema/model.ts'
import { type Brownout, brownoutCheck } from './brownout.ts'
import { type GateCheck, type GateRules, green, isPassed, type Override, type RefusalCode } from './check.ts'
import { type ClientFacts, clientsCheck } from './clients.ts'
import { dependentsCheck } from './dependents.ts'
import { type InventoryFacts, inventoryCheck } from './inventory.ts'
import { type LeaseFacts, leasesCheck } from './leases.ts'
import { type SessionFacts, sessionsCheck } from './sessions.ts'
import { type TransactionFacts, transactionsCheck } from './transactions.ts'
import { seesReads, usageCheck } from './usage.ts'
import type { UsageFacts, Watch } from './watch.ts'

/** What was seen of who and what needs a column. */
export interface GateFacts extends LeaseFacts, TransactionFacts, ClientFacts {
  /** `"users"."name"`, for people. */
  readonly column: string
  /** Absent where nobody knows what runs: the application was not rolled out for this migration, and no cluster is known. */
  readonly inventory?: InventoryFacts
  readonly sessions: SessionFacts
  readonly usage: UsageFacts
  readonly watch: Watch
  /** Absent when no trial was made. */
  readonly brownout?: Brownout
  readonly dependents: Dependents
}

/**
 * Who uses the column: somebody who is there (`active`); only such as are silent and not known to be gone, or what is left of them:
 * pods, sessions, use in the quiet time (`draining`); nobody (`drained`). `unknown` when nobody ever registered.
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

export function gateChecks(facts: GateFacts, rules: GateRules): readonly GateCheck[] {
  const { column, usage } = facts
  const leases = leasesCheck(column, facts, rules)
  // One of the two must tell: where the use of a column is seen, and there is none, nobody needs to have registered.
  const standsAlone = isUntold(leases)
  const used = usageCheck(column, usage, facts.watch, standsAlone ? alone(rules) : rules)
  const isTold = standsAlone && used.state === 'green' && seesReads(usage)
  return [
    ...(facts.inventory === undefined ? [] : [inventoryCheck(facts.inventory)]),
    isTold
      ? green('leases', ['no instance was ever registered; its use is watched instead, readers included'])
      : leases,
    sessionsCheck(column, facts.sessions, rules),
    transactionsCheck(column, facts, rules),
    used,
    clientsCheck(column, facts, rules),
    ...(facts.brownout === undefined ? [] : [brownoutCheck(column, facts.brownout)]),
    dependentsCheck(column, facts.dependents, facts.clients),
  ].map((one) => waived(one, rules.overrides))
}

function isUntold(leases: GateCheck): boolean {
  return leases.state === 'unknown' && leases.overridden === undefined
}

/** Is any time asked for in which nothing has used it? Where use is all that can be seen there always is. */
export function asksForQuiet(facts: GateFacts, rules: GateRules): boolean {
  const { quietMs } = isUntold(leasesCheck(facts.column, facts, rules)) ? alone(rules) : rules
  return quietMs > 0
}

function alone(rules: GateRules): GateRules {
  return { ...rules, quietMs: Math.max(rules.quietMs, rules.quietAloneMs) }
}

/**
 * Checks that cannot be gone without: whatever depends on the column would break, and an open transaction would only make the
 * contract wait for its lock.
 */
export const NEVER_OVERRIDDEN = ['dependents', 'transactions'] as const

function waived(check: GateCheck, overrides: readonly Override[]): GateCheck {
  if (check.state === 'green' || check.overridden !== undefined) return check
  const isFixed = NEVER_OVERRIDDEN.some((name) => name === check.check)
  // A live lease is gone without one by one; see leases.ts.
  const found = overrides.find((one) => one.check === check.check && one.check !== 'leases')
  return isFixed || found === undefined ? check : { ...check, overridden: found.reason }
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
