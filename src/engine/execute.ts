import { assert, BellowsError } from '../core/errors.ts'
import { DOOR, holdDoorSql } from '../core/plan/column-state.ts'
import { keepsOldClients } from '../core/plan/hazards.ts'
import { stepsOf } from '../core/plan/plan.ts'
import {
  type ConcurrentIndexStep,
  isTransaction,
  type OutsideStep,
  type Step,
  type TransactionStep,
  versionName,
} from '../core/plan/step.ts'
import type { Event, StepFacts } from '../core/run/event.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import { id, qualified, type Sql, sql } from '../core/sql.ts'
import { finishSql } from './backfill/checkpoint.ts'
import { fill } from './backfill/fill.ts'
import { verify } from './backfill/verify.ts'
import type { Driving } from './context.ts'
import { requireNobodySql } from './gate.ts'
import { inspect } from './inspect.ts'
import { transactWithLocks } from './lock.ts'
import { note } from './note.ts'

/** Events that belong to the completion of a step: before its own, and after it. */
export interface Around {
  readonly before: readonly Event[]
  readonly after: readonly Event[]
  /** What must still hold in the transaction that hides a column; absent where a rollback drops one. */
  readonly requires?: readonly Sql[]
  readonly lookAgain?: () => Promise<void>
}

/** What is recorded when the step is done, in the transaction that completes it. */
type Record = (how: 'performed' | 'found_done', facts: StepFacts) => readonly Event[]

/**
 * The one rule: if the probe says done, record that; otherwise perform, then the probe must say done, then record. Whoever calls
 * has skipped what the journal has already.
 */
export async function executeStep(engine: Driving, run: Run, step: Step, around: Around): Promise<void> {
  const record: Record = (how, facts) => [
    ...around.before,
    { type: 'step_done', step: step.id, how, facts },
    ...versionEvents(engine, run, step, facts),
    ...around.after,
  ]
  if (await holds(engine, step.probe)) {
    if (step.changes?.kind === 'added') throw addedByOthers(step, step.changes.column)
    if (isTransaction(step) && step.makes !== undefined) throw madeByOthers(step, step.makes)
    await note(engine, run.id, record('found_done', await factsOf(engine, step)))
  } else {
    await perform(engine, run, step, { ...around, record })
  }
}

/** Adding a column and recording that is one transaction: one that is there without its record is not the one of the plan. */
function addedByOthers(step: Step, column: string): BellowsError {
  const { namespace, name } = tableOf(step)
  return new BellowsError(
    'column_exists',
    `Somebody else has added "${column}" to "${name}" since the plan was made.`,
    {
      step: step.id,
      hint: `Roll this migration back, which leaves that column alone, and plan anew with it; or drop it: alter table ${qualified({ namespace, name })} drop column ${id(column)}`,
    },
  )
}

/** The same of any other thing: dropping it on the way back would take it from whoever made it. */
function madeByOthers(step: Step, what: string): BellowsError {
  return new BellowsError(
    'drift_found',
    `Somebody else has done it since the plan was made: ${what} is as this step was to make it.`,
    {
      step: step.id,
      hint: 'Roll this migration back, which leaves that as it is, and take the operation out of it; or take back what was done by hand, and run the same command again.',
    },
  )
}

interface Performing extends Pick<Around, 'requires' | 'lookAgain'> {
  readonly record: Record
}

async function perform(engine: Driving, run: Run, step: Step, performing: Performing): Promise<void> {
  const { record } = performing
  if (isTransaction(step)) {
    await performTransaction(engine, run, step, performing)
    return
  }
  switch (step.kind) {
    case 'concurrent_index':
      await buildIndex(engine, run, step)
      await note(engine, run.id, record('performed', {}))
      break
    case 'outside':
      await runOutside(engine, run, step)
      await note(engine, run.id, record('performed', {}))
      break
    case 'inspect':
      await inspect(engine, step)
      await note(engine, run.id, record('performed', {}))
      break
    case 'backfill': {
      const rows = await fill(engine, run.id, step)
      await note(engine, run.id, record('performed', { rows }), [finishSql(run.id, step.id)])
      break
    }
    case 'verify': {
      const verdict = await verify(engine, run.id, step)
      await note(engine, run.id, record('performed', { verdict }), [finishSql(run.id, step.id)])
      break
    }
    case 'gate':
      assert(false, 'a gate is passed, not executed')
  }
}

async function holds(engine: Driving, probe: Sql): Promise<boolean> {
  const [answer] = await engine.database.read<{ holds: boolean }>(sql`select (${probe}) as holds`)
  return answer?.holds === true
}

/** Rows that a finished backfill had set before its record was lost. */
async function factsOf(engine: Driving, step: Step): Promise<StepFacts> {
  if (step.kind !== 'backfill') return {}
  return { rows: (await engine.journal.checkpoint(step.id))?.rowsDone ?? 0 }
}

/** A version that stands already is not given a second number: the step was only repeated. */
function versionEvents(engine: Driving, run: Run, step: Step, facts: StepFacts): readonly Event[] {
  if (step.changes === undefined) return []
  const { reverses } = run.plan.migration
  if (reverses !== undefined) {
    const taken = step.phase === 'backfill' || step.phase === 'purge' ? (reverses[step.phase] ?? []) : []
    return taken.map(({ version, name }) => ({ type: 'version_withdrawn', version, name }))
  }
  const name = versionName(step.changes)
  if (run.versions.has(name)) return []
  const event: Event = {
    type: 'version_applied',
    name,
    facts: {
      change: step.changes,
      table: tableOf(step),
      ...(facts.rows === undefined ? {} : { rows: facts.rows }),
      ...(keepsOldClients(stepsOf(run.plan, step.phase)) ? { backwardCompatible: true } : {}),
      ...(engine.implied === true ? { implied: true } : {}),
    },
  }
  return [event]
}

/** The table that a step changes. */
export function tableOf(step: Step): QualifiedName {
  const table = 'table' in step ? step.table : step.locks[0]?.relation
  assert(table !== undefined, `a step that changes a table locks it: ${step.id}`)
  return { namespace: table.namespace, name: table.name }
}

async function performTransaction(
  engine: Driving,
  run: Run,
  step: TransactionStep,
  { record, requires, lookAgain }: Performing,
): Promise<void> {
  const { holdTimeoutMs, scanTimeoutMs } = engine.settings
  await transactWithLocks(engine, {
    run: run.id,
    step: step.id,
    ...(lookAgain === undefined ? {} : { lookAgain }),
    ...(step.retires === undefined ? {} : { ahead: [holdDoorSql()], waitsFor: [DOOR] }),
    locks: step.locks,
    statementTimeoutMs: step.cost === 'instant' ? holdTimeoutMs : scanTimeoutMs,
    requires: step.requires,
    // Between the look of the gate and this transaction an instance may have come back.
    statements: [
      ...(step.retires === undefined ? [] : (requires ?? [requireNobodySql(engine, step.retires)])),
      ...step.statements,
    ],
    probe: step.probe,
    events: record('performed', {}),
  })
}

/** Statements that may wait long for older transactions, and stop nobody meanwhile. */
async function runOutside(engine: Driving, run: Run, step: OutsideStep): Promise<void> {
  const bounds = { lockTimeoutMs: 0, statementTimeoutMs: engine.settings.scanTimeoutMs }
  await note(engine, run.id, [{ type: 'step_started', step: step.id }])
  for (const statement of step.statements) await engine.driver.outside(statement, bounds)
  if (await holds(engine, step.probe)) return
  throw new BellowsError('probe_failed', `What was to ${step.does} ran, but that does not hold.`, {
    step: step.id,
    hint: 'Run the same command again: it looks first, and does what is left.',
  })
}

/** Builds outside a transaction. What an interrupted build left is invalid, costs writes and proves nothing: it goes first. */
async function buildIndex(engine: Driving, run: Run, step: ConcurrentIndexStep): Promise<void> {
  const { scanTimeoutMs } = engine.settings
  // A lock timeout would kill a build that only waits for older transactions, which stops nobody.
  const bounds = { lockTimeoutMs: 0, statementTimeoutMs: scanTimeoutMs }
  await note(engine, run.id, [{ type: 'step_started', step: step.id }])
  await engine.driver.outside(sql`drop index concurrently if exists ${qualified(step.index)}`, bounds)
  await engine.driver.outside(step.statement, bounds)
  if (await holds(engine, step.probe)) return
  throw new BellowsError('probe_failed', `The index "${step.index.name}" was built and is not valid.`, {
    step: step.id,
    hint: 'Run the same command again: it drops the index and builds it anew.',
  })
}
