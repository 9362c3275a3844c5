import { BellowsError } from '../core/errors.ts'
import { canonical } from '../core/hash.ts'
import type { Baseline } from '../core/history/baseline.ts'
import { namesOf, partsOf } from '../core/history/combine.ts'
import type { Migration } from '../core/operations/migration.ts'
import { touchedByBoth } from '../core/plan/beside.ts'
import { elementOfBoth } from '../core/plan/elements.ts'
import { makePlan, nothingLeft } from '../core/plan/make-plan.ts'
import { needsOf, relationsOf, tablesOf } from '../core/plan/needs.ts'
import type { Plan } from '../core/plan/plan.ts'
import { typeOfBoth } from '../core/plan/removed-values.ts'
import { renamedValueOfBoth } from '../core/plan/renamed-beside.ts'
import { foldRun, type Run, stepsLeft } from '../core/run/run.ts'
import { isSameName, type QualifiedName } from '../core/schema/model.ts'
import { estimate, fillsOf } from './backfill/estimate.ts'
import { refuseBlind } from './brake/refuse-blind.ts'
import type { Driving, Engine } from './context.ts'
import { refuseTooSoon } from './give-way.ts'
import { readBaseline } from './history.ts'
import { refuseWithoutRoom } from './room.ts'
import { readRuns } from './runs.ts'
import { tryMappings } from './try-mappings.ts'

/** The run of a migration, by its name: the one in flight or completed; one that was rolled back counts as none. */
export async function findRun(engine: Engine, migration: string): Promise<Run | undefined> {
  return (await readRuns(engine, { migration })).findLast((run) => run.state !== 'rolled_back')
}

async function planFor(engine: Engine, migration: Migration): Promise<Plan> {
  const { schema, facts } = await engine.database.introspect(needsOf(migration))
  return makePlan(migration, schema, facts)
}

/**
 * What a migration would do by now: nothing when it was completed, and of one that was begun what was shown then.
 * @throws BellowsError `drift_found` when it was changed after that
 */
export async function planNow(engine: Engine, migration: Migration): Promise<Plan> {
  const own = await findRun(engine, migration.name)
  if (own === undefined) return await planFor(engine, migration)
  const { plan, state } = unchanged(own, migration)
  return state === 'completed' ? nothingLeft(plan) : plan
}

/** The run of a migration, begun if there is none. A run that was begun keeps its plan: what executes is what was shown. */
export async function startRun(engine: Driving, migration: Migration): Promise<Run> {
  const own = await resumable(engine, migration)
  if (own !== undefined) return own
  const plan = await planFor(engine, migration)
  // Only the plan knows which other tables it locks, such as those behind foreign keys.
  for (const other of await readRuns(engine, 'open')) {
    refuseConflict(migration, relationsOf(plan, other.plan.migration), other)
    refuseSameValue(plan, other)
  }
  await refuseTooSoon(engine, plan)
  await refuseBlind(engine, plan)
  await refuseWithoutRoom(engine, fillsOf(plan), await estimate(engine, plan))
  await tryMappings(engine, plan)
  const id = await engine.driver.startRun(plan)
  return foldRun({ id, plan }, [])
}

/**
 * The run of a migration, to go on with; undefined where one may begin.
 * @throws BellowsError `run_conflict` when another run is at work on the same table or object or the migration counts as applied,
 *   `drift_found` when it was changed
 */
export async function resumable(engine: Engine, migration: Migration): Promise<Run | undefined> {
  const own = await findRun(engine, migration.name)
  if (own !== undefined) return unchanged(own, migration)
  refuseCounted(namesOf(migration), await readBaseline(engine))
  await refuseBegun(engine, migration)
  for (const other of await readRuns(engine, 'open')) {
    refuseSameType(migration, other)
    refuseSameElement(migration, other)
    refuseConflict(migration, tablesOf(migration), other)
  }
  return undefined
}

/** Of several that are to be released as one none may have a run of its own. */
async function refuseBegun(engine: Engine, migration: Migration): Promise<void> {
  for (const name of namesOf(migration).filter((one) => one !== migration.name)) {
    const run = await findRun(engine, name)
    if (run === undefined) continue
    throw new BellowsError('run_conflict', `The migration "${name}" was begun already (${run.state}).`, {
      hint: 'Release the others without it.',
    })
  }
}

function refuseCounted(names: readonly string[], baseline: Baseline | undefined): void {
  const name = names.find((one) => Object.hasOwn(baseline?.files ?? {}, one))
  if (baseline === undefined || name === undefined) return
  throw new BellowsError(
    'run_conflict',
    `The migration "${name}" counts as applied since the baseline of ${baseline.at}.`,
    { hint: 'If it was not, set the baseline to the last one that was: bellows baseline <migration>' },
  )
}

function unchanged(run: Run, migration: Migration): Run {
  const begun = new Set([run.plan.migration, ...partsOf(run.plan.migration)].map(canonical))
  if (begun.has(canonical(migration))) return run
  const { name } = partsOf(migration).find((part) => !begun.has(canonical(part))) ?? migration
  throw new BellowsError('drift_found', `The migration "${name}" was changed after it had been started.`, {
    hint: `Restore the file as it was, or go back first: bellows rollback ${name}`,
  })
}

/**
 * One run at a time takes columns of a table away: a second one would not know what the first is about to put on them. Adding
 * a column is free, unless its value comes from columns that the other run keeps in step, or that one stands in the middle of a phase,
 * or is at work on the column or on the table as a whole.
 */
function refuseConflict(migration: Migration, mine: readonly QualifiedName[], other: Run): void {
  const shared = relationsOf(other.plan, migration).find((theirs) =>
    mine.some((one) => isSameName(one, theirs)),
  )
  if (shared === undefined) return
  const isAddition = migration.operations.every((op) => op.kind === 'add_column' && op.up === undefined)
  if (!isAddition || isInterrupted(other)) throw isAtWork(other, `"${shared.name}"`)
  const met = touchedByBoth(migration, other.plan.migration)
  if (met !== undefined) throw isAtWork(other, met)
}

/** A value that came while another one goes would be in no column of the new type: whoever writes it would fail. */
function refuseSameType(migration: Migration, other: Run): void {
  const type = typeOfBoth(migration, other.plan.migration)
  if (type !== undefined) throw isAtWork(other, `the type ${type}`)
}

/** What is no table has nothing of the other run beside it: a rollback of the one would take back what the other has done. */
function refuseSameElement(migration: Migration, other: Run): void {
  const element = elementOfBoth(migration, other.plan.migration)
  if (element !== undefined) throw isAtWork(other, `the ${element}`)
}

/** A plan says the values of an enum by the names that they had when it was made. */
function refuseSameValue(plan: Plan, other: Run): void {
  const value = renamedValueOfBoth(plan, other.plan)
  if (value !== undefined) throw isAtWork(other, value)
}

function isAtWork({ plan, state }: Run, what: string): BellowsError {
  const { name } = plan.migration
  return new BellowsError('run_conflict', `The migration "${name}" is at work on ${what} (${state}).`, {
    hint: `Finish it (bellows contract ${name}) or take it back (bellows rollback ${name}) first.`,
  })
}

/** Does the run stand in the middle of changing things, rather than waiting for somebody to go on? */
export function isInterrupted(run: Run): boolean {
  switch (run.state) {
    case 'expanding':
      return stepsLeft(run, 'expand').length > 0
    case 'backfilling':
      return stepsLeft(run, 'backfill').length > 0
    case 'rolling_back':
    case 'purging':
      return true
    default:
      return false
  }
}
