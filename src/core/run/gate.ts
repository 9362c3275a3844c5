import type { Dependent } from '../schema/model.ts'
import type { Override } from './event.ts'

/** What was seen when the door to a column had been closed. */
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

export type GateVerdict =
  | { readonly open: true; readonly because: readonly string[]; readonly overrides: readonly Override[] }
  | {
      readonly open: false
      readonly code: 'dependents_found' | 'instances_blocking' | 'gate_closed'
      readonly because: readonly string[]
      readonly hint: string
    }

/** May the column disappear? What stands against it comes first, and each sentence is what every face shows. */
export function contractGate(facts: GateFacts, rules: GateRules): GateVerdict {
  return (
    dependentsVerdict(facts) ?? instancesVerdict(facts) ?? noneVerdict(facts, rules) ?? opened(facts, rules)
  )
}

function dependentsVerdict({ column, dependents }: GateFacts): GateVerdict | undefined {
  if (dependents.length === 0) return undefined
  return {
    open: false,
    code: 'dependents_found',
    because: dependents.map(({ kind, name }) => `the ${kind} ${name} depends on ${column}`),
    hint: 'Change each to use the new column, or drop it; Bellows never drops what it did not make.',
  }
}

function instancesVerdict({ column, needing }: GateFacts): GateVerdict | undefined {
  const blocking = needing.filter((one) => one.blocks)
  if (blocking.length === 0) return undefined
  return {
    open: false,
    code: 'instances_blocking',
    because: blocking.map(({ instance, state }) =>
      state === 'live'
        ? `the instance "${instance}" uses ${column}`
        : `the instance "${instance}" is silent but not known to be gone; it uses ${column}`,
    ),
    hint: `Update or stop them; of one that is surely gone say so: bellows instances release ${blocking[0]?.instance ?? ''}`,
  }
}

function noneVerdict({ column, everRegistered }: GateFacts, rules: GateRules): GateVerdict | undefined {
  if (everRegistered || rules.whenNoneRegistered === 'allow') return undefined
  return {
    open: false,
    code: 'gate_closed',
    because: [`no instance was ever registered, so nobody knows whether one uses ${column}`],
    hint: `Have the application register (import { announce } from 'bellows/app', or select bellows.register(...)), or take the responsibility: --allow-no-instances "<why>"`,
  }
}

function opened({ column, needing, everRegistered }: GateFacts, rules: GateRules): GateVerdict {
  const silent = needing.map(
    ({ instance }) => `the instance "${instance}" is silent, its grace is over and no session of it is left`,
  )
  const overrides = everRegistered
    ? []
    : [{ check: 'instances', reason: rules.reason ?? 'no reason was given' }]
  return {
    open: true,
    because: [...silent, `no instance uses ${column}`, `nothing depends on ${column}`],
    overrides,
  }
}
