import { BellowsError } from '../core/errors.ts'
import { loosePartName } from '../core/plan/index-parts.ts'
import { createIndexSql } from '../core/plan/index-text.ts'
import type { StandingParts } from '../core/plan/parts.ts'
import {
  allStandSql,
  type BarePart,
  barePartsSql,
  type MisnamedColumn,
  misnamedSql,
} from '../core/plan/standing-parts.ts'
import type { Step, TransactionStep } from '../core/plan/step.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import { id, qualified, sql } from '../core/sql.ts'
import type { Driving } from './context.ts'
import { eachLacking } from './each-lacking.ts'
import { holds } from './holds.ts'
import { transactWithLocks } from './lock.ts'
import { buildOutside, outside } from './outside.ts'
import { stopIfAsked } from './stop.ts'

/** So often a partition may come just before the transaction that needs what stands in each. */
const ROUNDS_MAX = 10

/** Builds what each partition lacks, one by one, while writers go on. */
export async function standInEach(
  engine: Driving,
  run: Pick<Run, 'id'>,
  step: Step,
  parts: StandingParts,
): Promise<void> {
  const lacking = (one?: QualifiedName) => engine.database.read<BarePart>(barePartsSql(parts, one))
  await eachLacking(engine, { run, step, lacking }, (part) => standIn(engine, parts, part))
  await nameInEach(engine, { run: run.id, step: step.id }, parts)
}

async function standIn(engine: Driving, parts: StandingParts, part: BarePart): Promise<void> {
  for (const name of part.leftovers)
    await outside(engine, sql`drop index concurrently if exists ${id(part.namespace)}.${id(name)}`)
  const name = loosePartName(parts, part)
  const index = { name, tablespace: parts.tablespace }
  const statement = createIndexSql(index, part, parts.using, 'concurrently')
  await buildOutside(engine, { namespace: part.namespace, name }, statement)
}

/** One after the other, each in a transaction of its own: what is not named yet is named while everybody waits. */
async function nameInEach(
  engine: Driving,
  { run, step }: Pick<Parameters<typeof transactWithLocks>[1], 'run' | 'step'>,
  parts: StandingParts,
): Promise<void> {
  if (parts.named === undefined) return
  for (const { namespace, name, from, to } of await engine.database.read<MisnamedColumn>(
    misnamedSql(parts),
  )) {
    stopIfAsked(engine)
    const index = { namespace, name }
    await transactWithLocks(engine, {
      run,
      step,
      locks: [{ relation: index, level: 'access_exclusive', implied: true }],
      statementTimeoutMs: engine.settings.holdTimeoutMs,
      requires: [],
      statements: [sql`alter table ${qualified(index)} rename column ${id(from)} to ${id(to)}`],
      // So that everybody sees it go on.
      events: [{ type: 'step_started', step }],
    })
  }
}

/** A partition that comes between the build and the lock has it built behind that: nothing is read while everybody waits. */
export async function standing(
  engine: Driving,
  run: Pick<Run, 'id'>,
  step: TransactionStep,
  work: () => Promise<void>,
): Promise<void> {
  const { stands = [] } = step
  for (let round = 1; ; round += 1) {
    for (const parts of stands) await standInEach(engine, run, step, parts)
    try {
      await work()
      return
    } catch (error) {
      const isDrift = error instanceof BellowsError && error.code === 'drift_found'
      if (!isDrift || round >= ROUNDS_MAX || (await allStand(engine, stands))) throw error
    }
  }
}

async function allStand(engine: Driving, stands: readonly StandingParts[]): Promise<boolean> {
  for (const parts of stands) if (!(await holds(engine, allStandSql(parts)))) return false
  return true
}
