import { brownoutCheck } from './brownout.ts'
import { CHECK_NAMES, type GateCheck, type GateRules, green, type Override } from './check.ts'
import { clientsCheck } from './clients.ts'
import { dependentsCheck } from './dependents.ts'
import type { Evidence, GateFacts } from './facts.ts'
import { inventoryCheck } from './inventory.ts'
import { leasesCheck, whoRegistered } from './leases.ts'
import { sessionsCheck } from './sessions.ts'
import { transactionsCheck } from './transactions.ts'
import { seesReads, usageCheck } from './usage.ts'
import { windowOf } from './window.ts'

/** Every check, as it is at this look, in the order of their names. */
export function gateChecks(facts: GateFacts, rules: GateRules): readonly GateCheck[] {
  const { column, usage } = facts
  const others = checksBesideUse(facts, rules)
  const leases = others.find(({ check }) => check === 'leases')
  // One of the two must tell: where the use of a column is seen, and there is none, nobody needs to have registered.
  const standsAlone = isUseAlone(leases, facts)
  const watch = windowOf(facts.watch, others, rules)
  const used = usageCheck(column, usage, watch, standsAlone ? alone(rules) : rules)
  const isTold = standsAlone && used.state === 'green' && seesReads(usage)
  return [...others.map((one) => (isTold && one.check === 'leases' ? watchedInstead(facts) : one)), used]
    .toSorted((a, b) => CHECK_NAMES.indexOf(a.check) - CHECK_NAMES.indexOf(b.check))
    .map((one) => waived(one, rules.overrides))
}

function watchedInstead(facts: Evidence): GateCheck {
  return green('leases', [`${whoRegistered(facts)}; its use is watched instead, readers included`])
}

/** What one look tells by itself: all but the use, of which it matters for how long there was none. */
export function checksBesideUse(facts: Evidence, rules: GateRules): readonly GateCheck[] {
  const { column } = facts
  return [
    ...(facts.inventory === undefined ? [] : [inventoryCheck(facts.inventory)]),
    leasesCheck(column, facts, rules),
    sessionsCheck(column, facts.sessions, rules),
    transactionsCheck(column, facts, rules),
    clientsCheck(column, facts, rules),
    ...(facts.brownout === undefined ? [] : [brownoutCheck(column, facts.brownout, facts.migration)]),
    dependentsCheck(column, facts.dependents, facts.clients),
  ]
}

function isUseAlone(leases: GateCheck | undefined, { everRegistered }: Evidence): boolean {
  return leases?.state === 'unknown' && leases.overridden === undefined && !everRegistered
}

/** Is any time asked for in which nothing has used it? Where use is all that can be seen there always is. */
export function asksForQuiet(facts: Evidence, rules: GateRules): boolean {
  const isAlone = isUseAlone(leasesCheck(facts.column, facts, rules), facts)
  return (isAlone ? alone(rules) : rules).quietMs > 0
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
