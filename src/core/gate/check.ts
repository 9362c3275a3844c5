import type { ErrorCode } from '../errors.ts'

/** What must hold before a column may disappear, each looked at by itself. */
export const CHECK_NAMES = [
  'inventory',
  'leases',
  'sessions',
  'transactions',
  'usage',
  'clients',
  'brownout',
  'dependents',
] as const
export type CheckName = (typeof CHECK_NAMES)[number]

export type RefusalCode = Extract<ErrorCode, 'dependents_found' | 'instances_blocking' | 'gate_closed'>

/** Who or what stands against it. Times are ISO 8601, by the clock of the database; of a pod by that of its cluster. */
export interface Offender {
  /** For people: `the instance "web-1"`, `the session 4711`. */
  readonly who: string
  readonly application?: string
  /** Of the application, where it was said. */
  readonly version?: string
  /** Machine or pod, where it was said. */
  readonly host?: string
  readonly role?: string
  /** Address of the client; absent for a local socket, and where it may not be seen. */
  readonly address?: string
  readonly pid?: number
  readonly firstSeen?: string
  readonly lastSeen?: string
  /** What to do about this one, with the command where there is one. */
  readonly fix: string
}

/** `unknown` is never green: it could not be measured, or not well enough. */
export type GateCheck = {
  readonly check: CheckName
  /** Each sentence is what every face shows. */
  readonly because: readonly string[]
  readonly offenders: readonly Offender[]
  /** Why somebody goes on without it. */
  readonly overridden?: string
} & (
  | { readonly state: 'green' }
  | {
      readonly state: 'red' | 'unknown'
      readonly code: RefusalCode
      /** What to do about all of it. */
      readonly hint: string
    }
)

/** A check, or a part of one, that says nothing here: it cannot, or nobody has asked for it. No gate stays closed for that. */
export interface Absent {
  readonly check: CheckName
  readonly state: 'unavailable' | 'not_asked_for'
  readonly because: string
}

/** A check, or one instance of the check `leases`, that somebody decided to go without, or that a setting of his has loosened. */
export interface Override {
  readonly check: CheckName
  /** The one instance whose lease is not waited for. */
  readonly instance?: string
  /** By which it asks for less than usual: `gate.quietMs 0 s instead of 60 s`. */
  readonly setting?: string
  readonly reason: string
}

/** Every bound and every decision of the owner that the gate goes by. */
export interface GateRules {
  /** Sessions of nobody who registered, and transactions older than the door: do they keep it closed, or are they only named? */
  readonly unregistered: 'refuse' | 'allow'
  /** How long nothing may have used the old shape; 0 asks for no such time. */
  readonly quietMs: number
  /** How long, where no instance was ever registered that uses the table, and use is all that can be seen. */
  readonly quietAloneMs: number
  readonly overrides: readonly Override[]
}

export function green(
  check: CheckName,
  because: readonly string[],
  offenders: readonly Offender[] = [],
): GateCheck {
  return { check, state: 'green', because, offenders }
}

/** Nobody stands against it, or the owner goes on nevertheless. */
export function isPassed(check: GateCheck): boolean {
  return check.state === 'green' || check.overridden !== undefined
}

/** Leaves out what is not known, so that it is not shown as such. */
export function known<T extends object>(fields: { readonly [K in keyof T]: T[K] | null | undefined }): T {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined && value !== ''),
  ) as T
}
