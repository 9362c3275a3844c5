import { BellowsError } from '../errors.ts'
import type { Run } from '../run/run.ts'
import { namesOf } from './combine.ts'

/** Where the history begins on a database that was there before Bellows. */
export interface Baseline {
  /** ISO 8601, by the clock of the database. */
  readonly at: string
  /** The role of the database that made it. */
  readonly role: string
  /** The files that count as applied without a run: the name of the migration, and the SHA-256 of the file's text. */
  readonly files: Readonly<Record<string, string>>
  /** The last run before it. Its file and all older ones are taken as they were then. */
  readonly lastRun: number
}

/**
 * What stands against counting these migrations as applied. A schema in the middle of a change is no base either.
 * @throws BellowsError `run_conflict`
 */
export function refuseBaseline(names: readonly string[], runs: readonly Run[]): void {
  const [open] = runs.filter(({ state }) => state !== 'completed' && state !== 'rolled_back')
  if (open !== undefined) {
    const { name } = open.plan.migration
    throw new BellowsError('run_conflict', `The migration "${name}" is under way (${open.state}).`, {
      hint: `Finish it (bellows contract ${name}) or take it back (bellows rollback ${name}) first.`,
    })
  }
  const last = new Map(runs.flatMap((run) => namesOf(run.plan.migration).map((name) => [name, run.state])))
  const takenBack = names.find((name) => last.get(name) === 'rolled_back')
  if (takenBack === undefined) return
  throw new BellowsError(
    'run_conflict',
    `The migration "${takenBack}" was rolled back, so it cannot count as applied.`,
    { hint: `Run it (bellows expand ${takenBack}), or remove its file.` },
  )
}

/** What a baseline would change in how files count. */
export interface Recount {
  /** Applied from now on, without ever running. */
  readonly applied: readonly string[]
  /** Pending again. */
  readonly pending: readonly string[]
}

export function recount(
  names: readonly string[],
  before: Baseline | undefined,
  runs: readonly Run[],
): Recount {
  const ran = new Set(
    runs.filter(({ state }) => state !== 'rolled_back').flatMap(({ plan }) => namesOf(plan.migration)),
  )
  const counted = Object.keys(before?.files ?? {})
  const without = (list: readonly string[], of: readonly string[]) =>
    list.filter((name) => !of.includes(name) && !ran.has(name))
  return { applied: without(names, counted), pending: without(counted, names) }
}
