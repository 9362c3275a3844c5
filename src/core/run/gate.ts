import type { Dependent } from '../schema/model.ts'
import type { Override } from './event.ts'

/** What was seen of who and what needs a column. */
export interface GateFacts {
  /** `"users"."name"`, for people. */
  readonly column: string
  readonly needing: readonly {
    readonly instance: string
    readonly state: 'live' | 'silent'
    readonly blocks: boolean
  }[]
  readonly everRegistered: boolean
  readonly dependents: readonly Pick<Dependent, 'kind' | 'name'>[]
}

export interface GateRules {
  readonly whenNoneRegistered: 'refuse' | 'allow'
  readonly reason?: string
}

type RefusalCode = 'dependents_found' | 'instances_blocking' | 'gate_closed'

/** One thing that must hold before a column may disappear. Each sentence is what every face shows. */
export type GateCheck = { readonly check: 'leases' | 'dependents'; readonly because: readonly string[] } & (
  | { readonly green: true }
  | {
      readonly green: false
      readonly code: RefusalCode
      /** What to do about it. */
      readonly hint: string
    }
)

/**
 * Who uses the column: somebody who is there (`active`), only such as are silent and not known to be gone (`draining`), nobody
 * (`drained`); `unknown` when nobody ever registered.
 */
export type Usage = 'active' | 'draining' | 'drained' | 'unknown'

export type GateVerdict =
  | { readonly open: true; readonly because: readonly string[]; readonly overrides: readonly Override[] }
  | {
      readonly open: false
      readonly code: RefusalCode
      readonly because: readonly string[]
      readonly hint: string
    }

/** May the column disappear? */
export function contractGate(facts: GateFacts, rules: GateRules): GateVerdict {
  const checks = gateChecks(facts, rules)
  // Dependents first: whatever runs, somebody has to change them.
  const red = checks.findLast((one) => !one.green)
  if (red !== undefined) return { open: false, code: red.code, because: red.because, hint: red.hint }
  const overrides = facts.everRegistered
    ? []
    : [{ check: 'instances', reason: rules.reason ?? 'no reason was given' }]
  return { open: true, because: checks.flatMap(({ because }) => because), overrides }
}

export function gateChecks(facts: GateFacts, rules: GateRules): readonly GateCheck[] {
  return [leasesCheck(facts, rules), dependentsCheck(facts)]
}

export function isOpen(checks: readonly GateCheck[]): boolean {
  return checks.every(({ green }) => green)
}

export function usageOf({ needing, everRegistered }: GateFacts): Usage {
  const blocking = needing.filter((one) => one.blocks)
  if (blocking.some(({ state }) => state === 'live')) return 'active'
  if (blocking.length > 0) return 'draining'
  return everRegistered ? 'drained' : 'unknown'
}

function leasesCheck({ column, needing, everRegistered }: GateFacts, rules: GateRules): GateCheck {
  const check = 'leases'
  const blocking = needing.filter((one) => one.blocks)
  if (blocking.length > 0) {
    return {
      check,
      green: false,
      code: 'instances_blocking',
      because: blocking.map(({ instance, state }) =>
        state === 'live'
          ? `the instance "${instance}" uses ${column}`
          : `the instance "${instance}" is silent but not known to be gone; it uses ${column}`,
      ),
      hint: `Update or stop them; of one that is surely gone say so: bellows instances release ${blocking[0]?.instance ?? ''}`,
    }
  }
  if (!everRegistered && rules.whenNoneRegistered === 'refuse') {
    return {
      check,
      green: false,
      code: 'gate_closed',
      because: [`no instance was ever registered, so nobody knows whether one uses ${column}`],
      hint: `Have the application register (import { announce } from 'bellows/app', or select bellows.register(...)), or take the responsibility: --allow-no-instances "<why>"`,
    }
  }
  const silent = needing.map(
    ({ instance }) => `the instance "${instance}" is silent, its grace is over and no session of it is left`,
  )
  return { check, green: true, because: [...silent, `no instance uses ${column}`] }
}

function dependentsCheck({ column, dependents }: GateFacts): GateCheck {
  const check = 'dependents'
  if (dependents.length === 0) return { check, green: true, because: [`nothing depends on ${column}`] }
  return {
    check,
    green: false,
    code: 'dependents_found',
    because: dependents.map(({ kind, name }) => `the ${kind} ${name} depends on ${column}`),
    hint: 'Change each to use the new column, or drop it; Bellows never drops what it did not make.',
  }
}
