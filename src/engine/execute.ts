import { BellowsError } from '../core/errors.ts'
import { keepsOldClients } from '../core/plan/hazards.ts'
import { stepsOf } from '../core/plan/plan.ts'
import {
  type ConcurrentIndexStep,
  isTransaction,
  type Step,
  type TransactionStep,
} from '../core/plan/step.ts'
import type { Event, StepFacts } from '../core/run/event.ts'
import type { Run } from '../core/run/run.ts'
import { qualified, type Sql, sql } from '../core/sql.ts'
import { batchTransaction } from './backfill/batch.ts'
import { finishSql } from './backfill/checkpoint.ts'
import { fill } from './backfill/fill.ts'
import { verify } from './backfill/verify.ts'
import type { Driving } from './context.ts'
import { requireNobodySql } from './gate.ts'
import { transactWithLocks } from './lock.ts'

/** Events that belong to the completion of a step: before its own, and after it. */
export interface Around {
  readonly before: readonly Event[]
  readonly after: readonly Event[]
}

/**
 * The one rule: if the probe says done, record that; otherwise perform, then the probe must say done, then record. Whoever calls
 * has skipped what the journal has already.
 */
export async function executeStep(engine: Driving, run: Run, step: Step, around: Around): Promise<void> {
  if (await holds(engine, step.probe)) {
    const facts = await factsOf(engine, step)
    await batchTransaction(engine, run.id, [], doneEvents(run, step, 'found_done', facts, around))
    return
  }
  if (isTransaction(step)) {
    await performTransaction(engine, run, step, around)
  } else if (step.kind === 'concurrent_index') {
    await buildIndex(engine, run, step)
    await batchTransaction(engine, run.id, [], doneEvents(run, step, 'performed', {}, around))
  } else if (step.kind !== 'gate') {
    const facts =
      step.kind === 'backfill'
        ? { rows: await fill(engine, run.id, step) }
        : { verdict: await verify(engine, run.id, step) }
    const events = doneEvents(run, step, 'performed', facts, around)
    await batchTransaction(engine, run.id, [finishSql(run.id, step.id)], events)
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

function doneEvents(
  run: Run,
  step: Step,
  how: 'performed' | 'found_done',
  facts: StepFacts,
  around: Around,
): readonly Event[] {
  return [
    ...around.before,
    { type: 'step_done', step: step.id, how, facts },
    ...versionEvents(run, step, facts),
    ...around.after,
  ]
}

/** A version that stands already is not given a second number: the step was only repeated. */
function versionEvents(run: Run, step: Step, facts: StepFacts): readonly Event[] {
  if (step.version === undefined || run.versions.has(step.version)) return []
  const phase = stepsOf(run.plan, step.phase)
  const table =
    'table' in step ? step.table : step.kind === 'concurrent_index' ? step.index : step.locks[0]?.relation
  return [
    {
      type: 'version_applied',
      step: step.id,
      name: step.version,
      facts: {
        table: { namespace: table?.namespace ?? '', name: table?.name ?? '' },
        ...(facts.rows === undefined ? {} : { rows: facts.rows }),
        ...(keepsOldClients(phase) ? { backwardCompatible: true } : {}),
        ...(run.plan.migration.implied === true ? { implied: true } : {}),
      },
    },
  ]
}

async function performTransaction(
  engine: Driving,
  run: Run,
  step: TransactionStep,
  around: Around,
): Promise<void> {
  const { holdTimeoutMs, scanTimeoutMs } = engine.settings
  await transactWithLocks(engine, {
    run: run.id,
    step: step.id,
    locks: step.locks,
    statementTimeoutMs: step.cost === 'scan' ? scanTimeoutMs : holdTimeoutMs,
    requires: step.requires,
    // Between the look of the gate and this transaction an instance may have come back.
    statements: [
      ...(step.retires === undefined ? [] : [requireNobodySql(engine, step.retires)]),
      ...step.statements,
    ],
    probe: step.probe,
    events: doneEvents(run, step, 'performed', {}, around),
  })
}

/** Builds outside a transaction. What an interrupted build left is invalid, costs writes and proves nothing: it goes first. */
async function buildIndex(engine: Driving, run: Run, step: ConcurrentIndexStep): Promise<void> {
  const { scanTimeoutMs } = engine.settings
  // A lock timeout would kill a build that only waits for older transactions, which stops nobody.
  const bounds = { lockTimeoutMs: 0, statementTimeoutMs: scanTimeoutMs }
  await batchTransaction(engine, run.id, [], [{ type: 'step_started', step: step.id }])
  await engine.driver.outside(sql`drop index concurrently if exists ${qualified(step.index)}`, bounds)
  await engine.driver.outside(step.statement, bounds)
  if (await holds(engine, step.probe)) return
  throw new BellowsError('probe_failed', `The index "${step.index.name}" was built and is not valid.`, {
    step: step.id,
    hint: 'Run the same command again: it drops the index and builds it anew.',
  })
}
