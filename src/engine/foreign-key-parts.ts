import { BellowsError } from '../core/errors.ts'
import {
  allKeysProvedSql,
  dropKey,
  isForWhole,
  type KeyWork,
  lackingKeySql,
  ownLooseKeysSql,
  proveKey,
  putKey,
  putWholeKey,
  takeOverKeys,
} from '../core/plan/foreign-key-parts.ts'
import type { ForeignKeyPartsStep } from '../core/plan/step.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import type { Driving } from './context.ts'
import { eachLacking } from './each-lacking.ts'
import { holds } from './holds.ts'
import { transactWithLocks } from './lock.ts'
import { note } from './note.ts'

/** So often a partition may come just before the table gets its key. */
const ROUNDS_MAX = 10

/** Each partition gets the key and is proved by itself; the table takes these over, and reads nothing. Who dies on the way goes on with the next. */
export async function workThroughKeys(engine: Driving, run: Run, step: ForeignKeyPartsStep): Promise<void> {
  await note(engine, run.id, [{ type: 'step_started', step: step.id }])
  if (step.how === 'drop') await dropLooseKeys(engine, run, step)
  else await addKeys(engine, run, step)
  if (await holds(engine, step.probe)) return
  throw new BellowsError('probe_failed', `What was to ${step.does} ran, but that does not hold.`, {
    step: step.id,
    hint: 'Has somebody dropped a constraint meanwhile? Roll the migration back, and begin anew.',
  })
}

async function addKeys(engine: Driving, run: Run, step: ForeignKeyPartsStep): Promise<void> {
  if (await holds(engine, isForWhole(step))) await transact(engine, run, step, putWholeKey(step))
  for (let round = 1; ; round += 1) {
    await proveEach(engine, run, step)
    try {
      await transact(engine, run, step, takeOverKeys(step))
      return
    } catch (error) {
      const isLate = error instanceof BellowsError && error.code === 'drift_found' && round < ROUNDS_MAX
      if (!isLate || (await holds(engine, allKeysProvedSql(step)))) throw error
    }
  }
}

async function proveEach(engine: Driving, run: Run, step: ForeignKeyPartsStep): Promise<void> {
  const lacking = (one?: QualifiedName) =>
    engine.database.read<QualifiedName & { isPut: boolean }>(lackingKeySql(step, one))
  await eachLacking(engine, { run, step, lacking }, (part) =>
    transact(engine, run, step, part.isPut ? proveKey(step, part) : putKey(step, part)),
  )
}

async function dropLooseKeys(engine: Driving, run: Run, step: ForeignKeyPartsStep): Promise<void> {
  for (const part of await engine.database.read<QualifiedName>(ownLooseKeysSql(step)))
    await transact(engine, run, step, dropKey(step, part))
}

async function transact(
  engine: Driving,
  run: Run,
  step: ForeignKeyPartsStep,
  { cost, ...work }: KeyWork,
): Promise<void> {
  const { holdTimeoutMs, scanTimeoutMs } = engine.settings
  await transactWithLocks(engine, {
    ...work,
    run: run.id,
    step: step.id,
    statementTimeoutMs: cost === 'scan' ? scanTimeoutMs : holdTimeoutMs,
    // So that everybody sees it go on.
    events: [{ type: 'step_started', step: step.id }],
  })
}
