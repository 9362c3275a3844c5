import { argument } from './argument.ts'
import { type GateCheck, type GateRules, green, known, type Offender } from './check.ts'

/** An instance that declared that it uses the column. */
export interface Needing {
  readonly instance: string
  readonly state: 'live' | 'silent'
  /** A silent one no longer does when its grace is over and no session of it is left. */
  readonly blocks: boolean
  readonly application?: string | null
  readonly version?: string | null
  readonly host?: string | null
  readonly role?: string | null
  readonly address?: string | null
  readonly pid?: number | null
  readonly firstSeen?: string | null
  readonly lastSeen?: string | null
}

/** When a silent instance is taken for gone. */
export interface Silence {
  /** Not before its lease has been over for so long. */
  readonly graceMs: number
  /** Names of sessions on other servers, the standbys: one that has a session there is not gone either. */
  readonly elsewhere?: readonly string[]
  /** Of what no instance declares: the version beside which everybody may need it. */
  readonly beside?: string
}

/** Of what no instance declares: whoever is of the version that is to stay does without, where anybody has said which that is. */
export interface Staying {
  readonly version?: string
}

export interface LeaseFacts {
  readonly needing: readonly Needing[]
  /** Did anybody register who uses anything of its table; of what is on none, anybody at all? */
  readonly everRegistered: boolean
  /** Others did, and use other tables. */
  readonly registeredElsewhere?: true
  readonly staying?: Staying
}

/**
 * E2: no instance that registered uses the column, and silent ones are known to be gone. One that is live can be gone without
 * only by its name.
 */
export function leasesCheck(column: string, facts: LeaseFacts, rules: GateRules): GateCheck {
  const { needing, staying } = facts
  const waived = rules.overrides.filter(({ check }) => check === 'leases')
  const reasonFor = (name: string) => waived.find(({ instance }) => instance === name)?.reason
  const blocking = needing.filter((one) => one.blocks && reasonFor(one.instance) === undefined)
  if (blocking.length > 0) {
    if (staying !== undefined && staying.version === undefined) return nobodySaid(column, blocking)
    return {
      check: 'leases',
      state: 'red',
      code: 'instances_blocking',
      because: blocking.map((one) => sentence(one, column, staying)),
      offenders: blocking.map(offender),
      hint: `Update or stop them; of one that is surely gone say so: ${releaseOf(blocking[0]?.instance ?? '')}`,
    }
  }
  if (!facts.everRegistered)
    return nobodyRegistered(column, facts, waived.find(({ instance }) => instance === undefined)?.reason)
  const passed = needing.map(({ instance, blocks }) =>
    blocks
      ? `the instance "${instance}" ${staying === undefined ? 'uses' : 'may use'} ${column} and is gone on without: ${reasonFor(instance)}`
      : `the instance "${instance}" is silent, its grace is over and no session of it is left`,
  )
  const waivedFor = needing.filter(({ blocks }) => blocks).map(offender)
  return waivedFor.length === 0
    ? green('leases', [...passed, noneUses(column, staying)])
    : green('leases', passed, waivedFor)
}

function nobodyRegistered(column: string, facts: LeaseFacts, reason: string | undefined): GateCheck {
  return {
    check: 'leases',
    state: 'unknown',
    code: 'gate_closed',
    because: [`${whoRegistered(facts)}, so nobody knows whether one uses ${column}`],
    offenders: [],
    hint: `Have the application register (import { announce } from 'bellows/app', or select bellows.register(...)), or take the responsibility: --allow-no-instances "<why>"`,
    ...(reason === undefined ? {} : { overridden: reason }),
  }
}

/** Why leases tell nothing: whoever uses the table may be somebody who never registers. */
export function whoRegistered({ registeredElsewhere }: Pick<LeaseFacts, 'registeredElsewhere'>): string {
  return registeredElsewhere === true
    ? 'no instance was ever registered that uses anything of the table'
    : 'no instance was ever registered'
}

function noneUses(column: string, staying: Staying | undefined): string {
  return staying?.version === undefined
    ? `no instance uses ${column}`
    : `no instance that may use ${column} is of another version than "${staying.version}"`
}

/** Nobody can be told from those who do without. */
function nobodySaid(column: string, blocking: readonly Needing[]): GateCheck {
  return {
    check: 'leases',
    state: 'unknown',
    code: 'instances_blocking',
    because: blocking.map(
      ({ instance }) =>
        `the instance "${instance}" may use ${column}: nobody has said which version of the application is to stay`,
    ),
    offenders: blocking.map(offender),
    hint: `Say which one does without: --to <version>. ${NEEDS_NO_WORD}`,
  }
}

/** Of the version that is to stay. */
export const NEEDS_NO_WORD =
  'A new version that "bellows deploy" has rolled out for the migration, or waited for, needs no word.'

function sentence({ instance, state, version }: Needing, column: string, staying?: Staying): string {
  // One of that version can only be here because it says itself that it uses the relation.
  const isDeclared = staying === undefined || version === staying.version
  const uses = isDeclared
    ? `uses ${column}`
    : `may use ${column}: it is ${ofVersion(version)}, and not "${staying.version}"`
  return state === 'live'
    ? `the instance "${instance}" ${uses}`
    : `the instance "${instance}" is silent but not known to be gone; it ${uses}`
}

function ofVersion(version: string | null | undefined): string {
  return version === null || version === undefined ? 'of a version that it does not say' : `of "${version}"`
}

function offender({ instance, state, blocks: _blocks, ...seen }: Needing): Offender {
  return known<Offender>({
    who: `the instance "${instance}"`,
    ...seen,
    fix:
      state === 'live'
        ? `deploy the new version in its place, or stop it; if it is surely gone: ${releaseOf(instance)}`
        : `if it is surely gone: bellows instances release ${argument(instance)}`,
  })
}

/** A reason is asked for while its lease goes on. */
function releaseOf(instance: string): string {
  return `bellows instances release ${argument(instance)} --reason "<why>"`
}
