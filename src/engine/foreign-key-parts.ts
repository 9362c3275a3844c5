import { BellowsError } from '../core/errors.ts'
import { allKeysProvedSql, lackingKeySql, looseKeysSql } from '../core/plan/foreign-key-parts.ts'
import { constraintAbsent } from '../core/plan/probes.ts'
import type { ForeignKeyPartsStep } from '../core/plan/step.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import { id, lit, qualified, type Sql, sql } from '../core/sql.ts'
import type { Driving } from './context.ts'
import { holds } from './holds.ts'
import { transactWithLocks } from './lock.ts'
import { note } from './note.ts'
import { stopIfAsked } from './stop.ts'

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
  for (let round = 1; ; round += 1) {
    await proveEach(engine, run, step)
    try {
      await takeOver(engine, run, step)
      return
    } catch (error) {
      const isLate = error instanceof BellowsError && error.code === 'drift_found' && round < ROUNDS_MAX
      if (!isLate || (await holds(engine, allKeysProvedSql(step)))) throw error
    }
  }
}

async function proveEach(engine: Driving, run: Run, step: ForeignKeyPartsStep): Promise<void> {
  const { other, name, definition } = step
  for (;;) {
    stopIfAsked(engine)
    const [part] = await engine.database.read<QualifiedName & { isPut: boolean }>(lackingKeySql(step))
    if (part === undefined) return
    // NOT VALID and VALIDATE are two transactions: the first one stops writers, the second one reads.
    await (part.isPut
      ? transact(engine, run, step, {
          locks: [
            { relation: part, level: 'share_update_exclusive' },
            { relation: other, level: 'row_share', implied: true },
          ],
          statement: sql`alter table ${qualified(part)} validate constraint ${id(name)}`,
          statementTimeoutMs: engine.settings.scanTimeoutMs,
        })
      : transact(engine, run, step, {
          locks: [
            { relation: other, level: 'share_row_exclusive', implied: true },
            { relation: part, level: 'share_row_exclusive' },
          ],
          statement: sql`alter table ${qualified(part)} add constraint ${id(name)} ${definition} not valid`,
        }))
  }
}

/** With the table and all partitions locked nobody makes another one. */
async function takeOver(engine: Driving, run: Run, step: ForeignKeyPartsStep): Promise<void> {
  const { table, other, name, definition, comment } = step
  await transactWithLocks(engine, {
    run: run.id,
    step: step.id,
    locks: [
      { relation: other, level: 'access_exclusive', implied: true },
      { relation: table, level: 'share_row_exclusive' },
    ],
    statementTimeoutMs: engine.settings.holdTimeoutMs,
    requires: [
      {
        that: constraintAbsent(table, name),
        code: 'drift_found',
        otherwise: `"${table.name}" has got another constraint "${name}" since the plan was made`,
      },
      {
        that: allKeysProvedSql(step),
        code: 'drift_found',
        otherwise: `a partition of "${table.name}" lacks the foreign key "${name}", which came meanwhile`,
      },
    ],
    statements: [
      sql`alter table ${qualified(table)} add constraint ${id(name)} ${definition}`,
      ...(comment === null
        ? []
        : [sql`comment on constraint ${id(name)} on ${qualified(table)} is ${lit(comment)}`]),
    ],
    events: [{ type: 'step_started', step: step.id }],
  })
}

async function dropLooseKeys(engine: Driving, run: Run, step: ForeignKeyPartsStep): Promise<void> {
  for (const part of await engine.database.read<QualifiedName>(looseKeysSql(step)))
    await transact(engine, run, step, {
      locks: [
        { relation: step.other, level: 'access_exclusive', implied: true },
        { relation: part, level: 'access_exclusive' },
      ],
      statement: sql`alter table ${qualified(part)} drop constraint ${id(step.name)} restrict`,
    })
}

async function transact(
  engine: Driving,
  run: Run,
  step: ForeignKeyPartsStep,
  {
    locks,
    statement,
    statementTimeoutMs = engine.settings.holdTimeoutMs,
  }: {
    readonly locks: ForeignKeyPartsStep['locks']
    readonly statement: Sql
    readonly statementTimeoutMs?: number
  },
): Promise<void> {
  await transactWithLocks(engine, {
    run: run.id,
    step: step.id,
    locks,
    statementTimeoutMs,
    requires: [],
    statements: [statement],
    // So that everybody sees it go on.
    events: [{ type: 'step_started', step: step.id }],
  })
}
