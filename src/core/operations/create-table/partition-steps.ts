import { assert } from '../../errors.ts'
import { namesFor } from '../../plan/names.ts'
import { isEmpty, relationAbsent } from '../../plan/probes.ts'
import { shadowHazards } from '../../plan/shadowed.ts'
import type { StepDraft } from '../../plan/step.ts'
import { theTable } from '../../plan/table-checks.ts'
import { tableHasNoDependents } from '../../plan/table-dependents.ts'
import { boundKey } from '../../schema/bounds.ts'
import { findTable, hasImmediateKey, type QualifiedName } from '../../schema/model.ts'
import { id, lit, qualified, regclass, type Sql, sql, trusted } from '../../sql.ts'
import type { Context } from '../operation.ts'
import {
  besideDefault,
  defaultOf,
  defaultSteps,
  type Fallback,
  inDefault,
  isProved,
} from '../partition/fallback.ts'
import { lookStep } from '../partition/in-the-way.ts'
import {
  detachBesideDefaultStep,
  detachStep,
  isPartition,
  letGoStep,
  type Parting,
  partnerLocks,
} from '../partition/steps.ts'
import { isNotTold } from '../partition/told.ts'
import { wholeRowsHazard } from '../set-table/changed.ts'
import { asAttached, itsTable, type NewPartitionOf, takesTheRest } from './partition-of.ts'
import { withNewPartition } from './partition-schema.ts'

/** `CREATE TABLE … PARTITION OF` would keep everybody from the table; this keeps nobody from it, and comes to the same. */
export function makePartitionSteps(op: NewPartitionOf, context: Context): readonly StepDraft[] {
  const parting = partingOf(op, context)
  const fallback = defaultOf(asAttached(op), context.facts)
  const shadows = shadowHazards(theTable(op), context.facts)
  const made = (step: StepDraft): StepDraft => ({ ...step, hazards: [...step.hazards, ...shadows] })
  if (fallback === undefined) return [made(makeStep(op, parting))]
  return [
    lookStep(inDefault(parting, fallback)),
    ...(isProved(asAttached(op), fallback) ? defaultSteps(parting, fallback) : []),
    made(makeStep(op, parting, fallback)),
  ]
}

function makeStep(op: NewPartitionOf, parting: Parting, fallback?: Fallback): StepDraft {
  const { table, part, bounds, proof } = parting
  const on = qualified(part)
  const { locks, requires, ...beside } =
    fallback === undefined
      ? { locks: [], requires: [], cost: 'instant' as const }
      : besideDefault(asAttached(op), parting, fallback)
  return {
    kind: 'ddl',
    phase: 'expand',
    does: `create the table "${op.table}" as a partition of "${table.name}"`,
    hazards: part.replicaIdentity === 'full' ? [wholeRowsHazard(part.name)] : [],
    probe: isPartition(parting),
    changes: { kind: 'created', table: op.table },
    locks: [
      { relation: theTable(op), level: 'access_exclusive', implied: true },
      { relation: itsTable(op), level: 'share_update_exclusive', implied: true },
      ...partnerLocks(table),
      ...locks,
    ],
    requires: [
      ...requires,
      ...(part.replicaIdentity === 'full' || hasImmediateKey(table) ? [] : [isNotTold(table, theTable(op))]),
    ],
    statements: [
      sql`create table ${on} (like ${qualified(table)} including defaults including constraints including generated including storage including compression)`,
      // In front of the moment in which a publication of the table tells of its rows.
      ...(part.replicaIdentity === 'full' ? [sql`alter table ${on} replica identity full`] : []),
      // Without a row there is nothing to look at, and the indexes are made in the same moment.
      sql`alter table ${qualified(table)} attach partition ${on} ${trusted(bounds)}`,
      ...(fallback === undefined || !isProved(asAttached(op), fallback)
        ? []
        : [dropProofSql(fallback, proof.name)]),
      ...(op.comment === undefined ? [] : [sql`comment on table ${on} is ${lit(op.comment)}`]),
    ],
    ...beside,
  }
}

/** As long as it never had a row. What has been written to it meanwhile has no other place. */
export function takePartitionBackSteps(op: NewPartitionOf, context: Context): readonly StepDraft[] {
  const parting = partingOf(op, context)
  const fallback = defaultOf(asAttached(op), context.facts)
  const beside = fallback ?? (takesTheRest(op) ? parting.part : undefined)
  const probe = sql`(${isApart(parting)} or ${stays(parting)})`
  const detach: StepDraft =
    beside === undefined
      ? { ...detachStep(parting, 'expand', []), probe }
      : detachBesideDefaultStep(parting, beside, [], probe)
  return [
    detach,
    ...(fallback === undefined || !isProved(asAttached(op), fallback)
      ? []
      : [
          letGoStep(
            [[fallback, parting.proof.name]],
            'expand',
            `let the default partition "${fallback.name}" take any row again`,
          ),
        ]),
    dropStep(op, parting),
  ]
}

function dropStep(op: NewPartitionOf, parting: Parting): StepDraft {
  const table = theTable(op)
  return {
    kind: 'ddl',
    phase: 'expand',
    does: `drop the table "${op.table}" again, which never had a row`,
    hazards: [],
    probe: sql`(${relationAbsent(table)} or ${stays(parting)})`,
    locks: [
      { relation: table, level: 'access_exclusive' },
      ...partnerLocks(parting.table).map((lock) => ({ ...lock, level: 'access_exclusive' as const })),
    ],
    requires: [
      {
        that: isEmpty(table),
        code: 'dependents_found',
        otherwise: `"${op.table}" has got rows as it was detached; attach it again (alter table ${qualified(itsTable(op))} attach partition ${qualified(table)} ${op.partitionOf.bounds}), and it stays`,
      },
      {
        that: tableHasNoDependents(table, []),
        code: 'dependents_found',
        otherwise: `something depends on "${op.table}" by now; drop that first`,
      },
    ],
    statements: [sql`drop table ${qualified(table)} restrict`],
    cost: 'instant',
    retires: { table },
  }
}

/** It has rows, or has had some. */
function stays(parting: Parting): Sql {
  return sql`(${isPartition(parting)} and not ${isEmpty(parting.part)})`
}

/** Also not on its way out. */
function isApart({ table, part }: Parting): Sql {
  return sql`not exists (select from pg_catalog.pg_inherits where inhrelid = ${regclass(part)} and inhparent = ${regclass(table)})`
}

function dropProofSql(fallback: QualifiedName, name: string): Sql {
  return sql`alter table ${qualified(fallback)} drop constraint ${id(name)}`
}

function partingOf(op: NewPartitionOf, { schema, facts, seed }: Context): Parting {
  const { bounds } = op.partitionOf
  const made = withNewPartition(op, schema, facts)
  const [table, part] = [findTable(schema, itsTable(op)), findTable(made, theTable(op))]
  const found = takesTheRest(op) ? EVERYTHING : facts.bounds[boundKey({ table: itsTable(op), bounds })]
  assert(
    table !== undefined && part !== undefined && found !== undefined && 'proof' in found,
    'steps come after check',
  )
  const proof = { name: namesFor(seed, op.table, []).proof, condition: found.proof }
  return { table, part, bounds, proof }
}

/** Of a default partition nothing has to be proved: nobody stands beside it. */
const EVERYTHING = { proof: 'true' }
