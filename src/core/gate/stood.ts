import { argument } from './argument.ts'
import type { CheckName, GateCheck, GateRules, Offender } from './check.ts'
import { checksBesideUse } from './checks.ts'
import type { Evidence } from './facts.ts'
import { unknownUse } from './usage.ts'
import type { Stood } from './window.ts'

/**
 * Whoever decides, or waits to, must be able to see everything. Who only glances may lack the word or the means for that: whom a
 * glance has seen counts, what it could not see does not.
 */
export type Look = 'glance' | 'decision'

/**
 * What was not green at a look, whatever whoever looks would go on without. Not the transactions: they are waited for behind a door
 * that was closed a moment ago. Nor a trial: what it refuses is use.
 */
export function stoodAgainst(facts: Evidence, look: Look): readonly Stood[] {
  const checks = checksBesideUse(facts, STRICT).filter(({ check }) => !APART.includes(check))
  const named = checksBesideUse(facts, { ...STRICT, unregistered: 'allow' })
  const unasked = unaskedIn(facts)
  const unknown = unknownUse(facts.usage)
  const use = unknown.length === 0 ? [] : [{ check: 'usage', state: 'unknown', because: unknown } as const]
  return [...checks, ...use].flatMap((one) => {
    const { check, state, because } = one
    if (state === 'green' || (state === 'unknown' && (look === 'glance' || unasked.includes(check))))
      return []
    const instances = facts.needing.filter(({ blocks }) => blocks).map(({ instance }) => instance)
    return {
      check,
      ms: facts.usage.nowMs,
      because: `the check "${check}" was ${state} until then: ${because[0] ?? ''}`,
      offenders: ('offenders' in one ? one.offenders : [])
        .slice(0, SHOWN)
        .map((who) => seenAt(who, facts, check)),
      ...(check === 'leases' && instances.length > 0 ? { instances } : {}),
      ...(isGreen(named, check) ? { unregistered: true } : {}),
    }
  })
}

function isGreen(checks: readonly GateCheck[], name: CheckName): boolean {
  return checks.some(({ check, state }) => check === name && state === 'green')
}

/** Without the word for the version that is to stay, or a deployer, nobody has looked. */
function unaskedIn({ inventory, staying }: Evidence): readonly CheckName[] {
  return [
    ...(inventory !== undefined && 'unasked' in inventory ? (['inventory'] as const) : []),
    ...(staying !== undefined && staying.version === undefined ? (['leases'] as const) : []),
  ]
}

const STRICT: GateRules = { unregistered: 'refuse', quietMs: 1, quietAloneMs: 1, overrides: [] }
const APART: readonly CheckName[] = ['transactions', 'brownout']
const SHOWN = 3

/** Who is gone needs nothing but time, unless it comes again and again; and a pid may be somebody else's by then. */
function seenAt({ pid: _pid, ...who }: Offender, { usage }: Evidence, check: CheckName): Offender {
  const declare = `bellows clients add <name> --role ${argument(who.role ?? '<role>')} --owner <who>`
  const fix = `bellows gate wait${check === 'sessions' ? `; or, if it comes again and again: ${declare}` : ''}`
  return { ...who, lastSeen: usage.now, fix }
}
