import { BellowsError } from '../core/errors.ts'
import { partNames } from '../core/plan/index-names.ts'
import {
  type LackingPart,
  lackingPartsSql,
  loosePartName,
  loosePartsSql,
  takenSql,
  usingSql,
} from '../core/plan/index-parts.ts'
import { createIndexSql } from '../core/plan/index-text.ts'
import type { PartConstraint } from '../core/plan/parts.ts'
import { indexStands } from '../core/plan/probes.ts'
import type { IndexPartsStep, Lock } from '../core/plan/step.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import { id, lit, qualified, type Sql, sql } from '../core/sql.ts'
import type { Driving } from './context.ts'
import { eachLacking } from './each-lacking.ts'
import { holds } from './holds.ts'
import { transactWithLocks } from './lock.ts'
import { note } from './note.ts'
import { buildOutside, outside } from './outside.ts'
import { standInEach } from './standing-parts.ts'
import { stopIfAsked } from './stop.ts'

export async function workThroughParts(engine: Driving, run: Run, step: IndexPartsStep): Promise<void> {
  await note(engine, run.id, [{ type: 'step_started', step: step.id }])
  // Whoever needs them looks again, because a partition that comes has none.
  if (step.how === 'stand')
    return await standInEach(engine, run, step, { ...step, using: await usingOf(engine, step) })
  if (step.how === 'drop') await dropLooseParts(engine, step)
  else await buildParts(engine, run, { ...step, using: await usingOf(engine, step) })
  if (await holds(engine, step.probe)) return
  throw new BellowsError('probe_failed', `What was to ${step.does} ran, but that does not hold.`, {
    step: step.id,
    hint: 'Was a partition detached meanwhile, or did somebody drop a part? Roll the migration back, and begin anew.',
  })
}

/** A step whose parts are yet to be built, and how. */
type Building = IndexPartsStep & { readonly using: string }

async function usingOf(engine: Driving, { index, using, id: step }: IndexPartsStep): Promise<string> {
  const [found] =
    using === null ? await engine.database.read<{ using: string }>(usingSql(index)) : [{ using }]
  if (found !== undefined) return found.using
  throw new BellowsError(
    'drift_found',
    `The index "${index.name}" is gone, of which parts are to be built.`,
    {
      step,
      hint: 'Roll the migration back, and begin anew.',
    },
  )
}

async function buildParts(engine: Driving, run: Run, step: Building): Promise<void> {
  const lacking = (one?: QualifiedName) => engine.database.read<LackingPart>(lackingPartsSql(step, one))
  await eachLacking(engine, { run, step, lacking }, (part) =>
    part.leaf ? buildLeaf(engine, run, step, part) : makeBranch(engine, run, step, part),
  )
}

async function buildLeaf(engine: Driving, run: Run, step: Building, part: LackingPart): Promise<void> {
  const loose = { namespace: part.namespace, name: loosePartName(step, part) }
  if (!(await holds(engine, indexStands(loose, part, lit(step.using))))) {
    await outside(engine, sql`drop index concurrently if exists ${qualified(loose)}`)
    await buildOutside(
      engine,
      loose,
      createIndexSql({ name: loose.name, tablespace: step.tablespace }, part, step.using, 'concurrently'),
    )
  }
  const name = await freeName(engine, step, part)
  await attach(
    engine,
    run,
    step,
    step.constraint === undefined
      ? {
          locked: { relation: loose, level: 'access_exclusive', implied: true },
          statements: [sql`alter index ${qualified(loose)} rename to ${id(name)}`, attachSql(part, name)],
        }
      : {
          locked: { relation: part, level: 'access_exclusive' },
          statements: [becomesConstraintSql(part, step.constraint, { loose, name }), attachSql(part, name)],
        },
  )
}

/** With the name of the constraint the index gets its own. */
function becomesConstraintSql(
  part: LackingPart,
  { usingIndex: { before, after } }: PartConstraint,
  { loose, name }: { readonly loose: QualifiedName; readonly name: string },
): Sql {
  return sql`alter table ${qualified(part)} add constraint ${id(name)} ${before} using index ${id(loose.name)}${after}`
}

/** A partition that is partitioned itself has nothing to build: its own partitions have. */
async function makeBranch(engine: Driving, run: Run, step: Building, part: LackingPart): Promise<void> {
  const name = await freeName(engine, step, part)
  const made =
    step.constraint === undefined
      ? createIndexSql({ name, tablespace: step.tablespace }, part, step.using, 'only')
      : sql`alter table only ${qualified(part)} add constraint ${id(name)} ${step.constraint.definition}`
  await attach(engine, run, step, {
    locked:
      step.constraint === undefined
        ? { relation: part, level: 'access_exclusive', implied: true }
        : { relation: part, level: 'access_exclusive', only: true },
    statements: [made, attachSql(part, name)],
  })
}

function attachSql({ namespace, parent }: LackingPart, name: string) {
  return sql`alter index ${qualified(parent)} attach partition ${qualified({ namespace, name })}`
}

/** The name that PostgreSQL would give to the part. */
async function freeName(engine: Driving, step: IndexPartsStep, part: LackingPart): Promise<string> {
  const names = partNames(part.name, step)
  const taken = await engine.database.read<{ name: string }>(takenSql(part.namespace, names))
  const free = names.find((one) => taken.every(({ name }) => name !== one))
  if (free !== undefined) return free
  throw new BellowsError('plan_refused', `"${part.name}" has too many indexes like this one.`, {
    step: step.id,
  })
}

async function attach(
  engine: Driving,
  run: Run,
  step: IndexPartsStep,
  { locked, statements }: { readonly locked: Lock; readonly statements: readonly Sql[] },
): Promise<void> {
  await transactWithLocks(engine, {
    run: run.id,
    step: step.id,
    locks: [locked],
    statementTimeoutMs: engine.settings.holdTimeoutMs,
    requires: [],
    statements,
    // So that everybody sees it go on.
    events: [{ type: 'step_started', step: step.id }],
  })
}

async function dropLooseParts(engine: Driving, step: IndexPartsStep): Promise<void> {
  for (const part of await engine.database.read<QualifiedName>(loosePartsSql(step))) {
    stopIfAsked(engine)
    await outside(engine, sql`drop index concurrently if exists ${qualified(part)}`)
  }
}
