import { BellowsError } from '../core/errors.ts'
import { indexIsInvalid } from '../core/plan/probes.ts'
import type { ConcurrentIndexStep, OutsideStep, TransactionStep } from '../core/plan/step.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import { qualified, type Sql, sql } from '../core/sql.ts'
import type { Driving } from './context.ts'
import { holds, requireAll } from './holds.ts'
import { note } from './note.ts'

/** A lock timeout would kill what only waits for older transactions, and stops nobody meanwhile. */
export async function outside({ driver, settings }: Driving, statement: Sql): Promise<void> {
  await driver.outside(statement, { lockTimeoutMs: 0, statementTimeoutMs: settings.scanTimeoutMs })
}

/** Statements that PostgreSQL takes only outside a transaction. */
export async function runOutside(engine: Driving, run: Run, step: OutsideStep): Promise<void> {
  await requireAll(engine, step)
  await note(engine, run.id, [{ type: 'step_started', step: step.id }])
  const isBegun = step.begun !== undefined && (await holds(engine, step.begun.when))
  const statements = isBegun && step.begun !== undefined ? [step.begun.statement] : step.statements
  for (const statement of statements) await outside(engine, statement)
  if (await holds(engine, step.probe)) return
  throw new BellowsError('probe_failed', `What was to ${step.does} ran, but that does not hold.`, {
    step: step.id,
    hint: 'Run the same command again: it looks first, and does what is left.',
  })
}

/** What a transaction has brought about before it asks for any lock. */
export async function runAhead(
  engine: Driving,
  { ahead = [] }: Pick<TransactionStep, 'ahead'>,
): Promise<void> {
  for (const statement of ahead) await outside(engine, statement)
}

/**
 * Builds an index. What a build leaves that fails is invalid, and a unique one refuses duplicates all the same: it goes at once, if
 * nobody holds it for long. Where it cannot go now, whoever builds again drops it.
 */
export async function buildOutside(engine: Driving, index: QualifiedName, statement: Sql): Promise<void> {
  try {
    await outside(engine, statement)
  } catch (error) {
    if (!isNameTaken(error)) await dropUnfinished(engine, index).catch(() => {})
    throw error
  }
}

/** By what somebody else has made meanwhile, or is about to. */
function isNameTaken(error: unknown): boolean {
  return error instanceof BellowsError && error.sqlstate === '42P07'
}

async function dropUnfinished(engine: Driving, index: QualifiedName): Promise<void> {
  if (!(await holds(engine, indexIsInvalid(index)))) return
  const { deadlineMs } = engine.settings.lock
  await engine.driver.outside(sql`drop index concurrently if exists ${qualified(index)}`, {
    lockTimeoutMs: deadlineMs,
    statementTimeoutMs: deadlineMs,
  })
}

/** Builds outside a transaction. What an interrupted build left is invalid, costs writes and proves nothing: it goes first. */
export async function buildIndex(engine: Driving, run: Run, step: ConcurrentIndexStep): Promise<void> {
  await requireAll(engine, step)
  await note(engine, run.id, [{ type: 'step_started', step: step.id }])
  await outside(engine, sql`drop index concurrently if exists ${qualified(step.index)}`)
  await buildOutside(engine, step.index, step.statement)
  if (await holds(engine, step.probe)) return
  throw new BellowsError('probe_failed', `The index "${step.index.name}" was built and is not valid.`, {
    step: step.id,
    hint: 'Run the same command again: it drops the index and builds it anew.',
  })
}
