import type { CheckName, GateCheck, GateRules, Offender } from './check.ts'

/** That a check was not green at a look. */
export interface Stood {
  readonly check: CheckName
  /** When it was seen so last, in milliseconds of the database's clock. */
  readonly ms: number
  readonly because: string
  /** Some of those who stood against it. */
  readonly offenders: readonly Offender[]
  /** Only by somebody who is neither registered nor declared. */
  readonly unregistered?: true
  /** Of `leases`: all instances that did. Each can be gone without by its name. */
  readonly instances?: readonly string[]
}

interface Window {
  readonly sinceMs: number
  readonly because: string
  readonly stood?: readonly Stood[]
}

/**
 * The time in which nothing was used and every required check was green at every look, with what stood against it until then. A
 * check that is not green at this look speaks for itself, and one that is gone without is not required.
 */
export function windowOf<W extends Window>(watch: W, checks: readonly GateCheck[], rules: GateRules): W {
  const stood = (watch.stood ?? []).filter(
    (one) => one.ms > watch.sinceMs && isGreenNow(one, checks) && isRequired(one, rules),
  )
  const [last] = stood.toSorted((a, b) => b.ms - a.ms)
  return last === undefined
    ? { ...watch, stood }
    : { ...watch, stood, sinceMs: last.ms, because: last.because }
}

function isGreenNow({ check }: Stood, checks: readonly GateCheck[]): boolean {
  return check === 'usage' || checks.some((one) => one.check === check && one.state === 'green')
}

function isRequired(
  { check, instances, unregistered: ofStrangers }: Stood,
  { overrides, unregistered }: GateRules,
): boolean {
  const own = overrides.filter((one) => one.check === check)
  if (instances !== undefined) return instances.some((name) => !own.some(({ instance }) => instance === name))
  return (
    !own.some(({ instance }) => instance === undefined) && !(ofStrangers === true && unregistered === 'allow')
  )
}

/** What was seen at two looks or more, each check at the last one. Two who look at once may have seen the same. */
export function lastOfEach(stood: readonly Stood[]): readonly Stood[] {
  const latestFirst = stood.toSorted((a, b) => b.ms - a.ms)
  return latestFirst.filter((one, at) => !latestFirst.slice(0, at).some((later) => covers(later, one)))
}

/** An instance that went counts from when it was there, whatever becomes of the others. */
function covers(later: Stood, { check, instances }: Stood): boolean {
  if (later.check !== check || (later.instances === undefined) !== (instances === undefined)) return false
  const names = new Set(later.instances)
  return (instances ?? []).every((name) => names.has(name))
}
