import { assert, BellowsError } from '../core/errors.ts'
import { addedBy } from '../core/plan/added-by.ts'
import { goesByParts } from '../core/plan/at-one-go.ts'
import { versionName } from '../core/plan/change.ts'
import { tableOf } from '../core/plan/changed-table.ts'
import { DOOR, holdDoorSql } from '../core/plan/column-state.ts'
import { keepsOldClients } from '../core/plan/hazards.ts'
import type { Leaver } from '../core/plan/leaver.ts'
import { stepsOf } from '../core/plan/plan.ts'
import {
  changesOf,
  isTransaction,
  leaversOf,
  type Made,
  type Step,
  type TransactionStep,
} from '../core/plan/step.ts'
import type { Event, StepFacts } from '../core/run/event.ts'
import type { Run } from '../core/run/run.ts'
import { id, qualified, type Sql } from '../core/sql.ts'
import { finishSql } from './backfill/checkpoint.ts'
import { fill } from './backfill/fill.ts'
import { verify } from './backfill/verify.ts'
import { braked } from './brake/brake.ts'
import { whileHeldByHand } from './brake/held-by-hand.ts'
import type { Driving } from './context.ts'
import { workThroughKeys } from './foreign-key-parts.ts'
import { type Passed, requireNobodySql } from './gate.ts'
import { forgetDoorOf } from './gated.ts'
import { holds, requireAll } from './holds.ts'
import { workThroughParts } from './index-parts.ts'
import { inspect, tellingRows } from './inspect.ts'
import { transactWithLocks } from './lock.ts'
import { note } from './note.ts'
import { buildIndex, runAhead, runOutside } from './outside.ts'
import { standing } from './standing-parts.ts'
import { wasBegun } from './started.ts'
import { validateParts } from './validate-parts.ts'

/** Events that belong to the completion of a step: before its own, and after it. */
export interface Around {
  /** Recorded before a step that shares no transaction with its record is begun. */
  readonly ahead: readonly Event[]
  readonly before: readonly Event[]
  readonly after: readonly Event[]
  /** The gate in front of what takes something away; absent where a rollback does. */
  readonly passed?: Passed
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
    ...(isTransaction(step) ? (around.passed?.overridden ?? []) : []),
    { type: 'step_done', step: step.id, how, facts },
    ...versionEvents(engine, run, step, facts),
    ...around.after,
  ]
  if (await holds(engine, step.probe)) {
    const [added] = addedBy(step)
    const isNew = added !== undefined || step.makes !== undefined
    const isStrange = isNew && !(await wasBegun(engine, run, step.id))
    if (isStrange && added !== undefined) throw addedByOthers(step, added)
    if (isStrange && step.makes !== undefined) throw madeByOthers(step, step.makes)
    const done = record('found_done', await factsOf(engine, step))
    await note(engine, run.id, [...around.ahead, ...done], doorsOf(step))
  } else {
    await perform(engine, run, step, { ...around, record })
  }
}

/**
 * Adding something and recording that is one transaction: what is there without any record of it is not the one of the plan. A run
 * that goes back to its backfill takes the steps behind it once more, and finds what they made.
 */
function addedByOthers(step: Step, { table, column }: Leaver): BellowsError {
  if (column === undefined)
    return new BellowsError(
      'drift_found',
      `Somebody else has created "${table.name}" in "${table.namespace}" since the plan was made.`,
      {
        step: step.id,
        hint: 'Roll this migration back, which leaves that table alone, and plan anew with it; or drop it.',
      },
    )
  return new BellowsError(
    'column_exists',
    `Somebody else has added "${column}" to "${table.name}" since the plan was made.`,
    {
      step: step.id,
      hint: `Roll this migration back, which leaves that column alone, and plan anew with it; or drop it: alter table ${qualified(table)} drop column ${id(column)}`,
    },
  )
}

/** What this run did not begin to make: taking the run back must not drop it. */
function madeByOthers(step: Step, made: Made): BellowsError {
  const what = typeof made === 'string' ? made : `"${made.name}"`
  const alone = typeof made === 'string' ? 'that' : qualified(made)
  return new BellowsError('drift_found', `Somebody else has made ${what} since the plan was made.`, {
    step: step.id,
    hint: `Roll this migration back, which leaves ${alone} alone, and plan anew without the operation.`,
  })
}

interface Performing extends Pick<Around, 'ahead' | 'passed'> {
  readonly record: Record
}

async function perform(engine: Driving, run: Run, step: Step, performing: Performing): Promise<void> {
  const { record } = performing
  if (!goesByParts(step)) await whileHeldByHand(engine, run.id, step)
  if (isTransaction(step)) {
    await runAhead(engine, step)
    const work = () => performTransaction(engine, run, step, performing)
    await standing(engine, run, step, () => tellingRows(engine, step, work))
    return
  }
  await begin(engine, run, step, performing)
  const facts = await tellingRows(engine, step, () => carryOut(engine, run, step))
  const done = record('performed', facts)
  const isTable = step.kind === 'backfill' || step.kind === 'verify'
  await note(engine, run.id, done, isTable ? [finishSql(run.id, step.id)] : doorsOf(step))
}

async function carryOut(engine: Driving, run: Run, step: Exclude<Step, TransactionStep>): Promise<StepFacts> {
  switch (step.kind) {
    case 'concurrent_index':
      await buildIndex(engine, run, step)
      return {}
    case 'outside':
      await runOutside(engine, run, step)
      return {}
    case 'index_parts':
      await workThroughParts(engine, run, step)
      return {}
    case 'validate_parts':
      await validateParts(engine, run, step)
      return {}
    case 'foreign_key_parts':
      await workThroughKeys(engine, run, step)
      return {}
    case 'inspect':
      await inspect(engine, step)
      return {}
    case 'backfill':
      return { rows: await braked(engine, run.id, step, (driving) => fill(driving, run.id, step)) }
    case 'verify':
      return { verdict: await braked(engine, run.id, step, (driving) => verify(driving, run.id, step)) }
    case 'gate':
      assert(false, 'a gate is passed, not executed')
  }
}

/** Rows that a finished backfill had set before its record was lost. */
async function factsOf(engine: Driving, step: Step): Promise<StepFacts> {
  if (step.kind !== 'backfill') return {}
  return { rows: (await engine.journal.checkpoint(step.id))?.rowsDone ?? 0 }
}

/** A version that stands already is not given a second number: the step was only repeated. */
function versionEvents(engine: Driving, run: Run, step: Step, facts: StepFacts): readonly Event[] {
  const { reverses } = run.plan.migration
  if (reverses !== undefined && step.changes !== undefined) {
    const taken = step.phase === 'backfill' || step.phase === 'purge' ? (reverses[step.phase] ?? []) : []
    return taken.map(({ version, name }) => ({ type: 'version_withdrawn', version, name }))
  }
  return changesOf(step)
    .filter((change) => !run.versions.has(versionName(change)))
    .map((change) => ({
      type: 'version_applied',
      name: versionName(change),
      facts: {
        change,
        table: tableOf(step),
        ...(facts.rows === undefined ? {} : { rows: facts.rows }),
        ...(keepsOldClients(stepsOf(run.plan, step.phase)) ? { backwardCompatible: true } : {}),
        ...(engine.implied === true ? { implied: true } : {}),
      },
    }))
}

async function performTransaction(
  engine: Driving,
  run: Run,
  step: TransactionStep,
  { record, passed }: Performing,
): Promise<void> {
  const { holdTimeoutMs, scanTimeoutMs } = engine.settings
  await transactWithLocks(engine, {
    run: run.id,
    step: step.id,
    ...(passed === undefined ? {} : { lookAgain: passed.lookAgain }),
    ...(step.retires === undefined ? {} : { ahead: [holdDoorSql()], waitsFor: [DOOR] }),
    locks: step.locks,
    statementTimeoutMs: step.cost === 'scan' || step.cost === 'unknown' ? scanTimeoutMs : holdTimeoutMs,
    requires: step.requires,
    // Between the look of the gate and this transaction an instance may have come back.
    statements: [
      ...(step.retires === undefined ? [] : (passed?.requires ?? requireNobody(engine, step))),
      ...step.statements,
      ...doorsOf(step),
    ],
    probe: step.after ?? step.probe,
    events: record('performed', {}),
  })
}

/** For the transaction of a rollback that drops columns: no instance uses one of them. */
function requireNobody(engine: Driving, step: TransactionStep): readonly Sql[] {
  return leaversOf(step).map((one) => requireNobodySql(engine, one))
}

/**
 * What shares no transaction with its statements is looked at right before them, and what is gone without is written down; with that
 * its phase is entered, so that whoever came back since the gate looked does not cost the way back.
 */
async function begin(engine: Driving, run: Run, step: Step, { ahead, passed }: Performing): Promise<void> {
  if (ahead.length > 0) await requireAll(engine, step)
  if (passed === undefined) {
    if (ahead.length > 0) await note(engine, run.id, ahead)
    return
  }
  await transactWithLocks(engine, {
    run: run.id,
    step: step.id,
    lookAgain: passed.lookAgain,
    ahead: [holdDoorSql()],
    waitsFor: [DOOR],
    locks: [],
    requires: [],
    statementTimeoutMs: engine.settings.holdTimeoutMs,
    statements: passed.requires,
    events: [...ahead, ...passed.overridden],
  })
}

/** What is gone without ever being hidden needs no door any more. */
function doorsOf(step: Step): readonly Sql[] {
  const gone = leaversOf(step).filter(({ thing }) => thing !== undefined || step.phase === 'purge')
  return gone.map(forgetDoorOf)
}
