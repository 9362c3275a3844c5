import { assert, type BellowsError } from '../errors.ts'
import { behindGate } from '../plan/behind-gate.ts'
import { ofTable } from '../plan/leaver.ts'
import { namesFor } from '../plan/names.ts'
import { refused, tableProblems, theTable } from '../plan/table-checks.ts'
import type { Facts } from '../schema/facts.ts'
import { findTable, isSameName, type QualifiedName, type Table } from '../schema/model.ts'
import { lit, qualified, type Sql, shown, sql } from '../sql.ts'
import type { Context, OperationSpec } from './operation.ts'
import { detachedSchema } from './partition/attached-schema.ts'
import {
  attachStep,
  detachStep,
  finishStep,
  letGoStep,
  type Parting,
  proveSteps,
  sameColumns,
} from './partition/steps.ts'

/** Makes a partition a table of its own, which stays with all its rows. Until the purge it can be attached again in an instant. */
export interface DetachPartition {
  readonly kind: 'detach_partition'
  readonly namespace: string
  readonly table: string
  readonly partition: string
}

export const detachPartition: OperationSpec<DetachPartition> = {
  needs: (op) => ({
    tables: [theTable(op), thePart(op)].map((table) => ({ ...table, columns: [] })),
    questions: [boundsQuestion(op)],
    touches: [
      { table: theTable(op), how: 'alters' },
      { table: thePart(op), how: 'replaces' },
    ],
  }),

  check: (op, { schema, facts }): readonly BellowsError[] => {
    const [table, part] = [findTable(schema, theTable(op)), findTable(schema, thePart(op))]
    const problems = [
      ...tableProblems(op, table, ['partitioned']),
      ...(part?.kind === 'table' || part?.kind === 'partitioned'
        ? [noPartition(op)]
        : tableProblems({ ...op, table: op.partition }, part, ['partition'])),
    ]
    if (table === undefined || part === undefined || problems.length > 0) return problems
    const found = boundsOf(op, facts)
    return found === undefined || !table.parts.some((one) => isSameName(one, part))
      ? [noPartition(op)]
      : [...rowProblems(op, table, found)]
  },

  apply: (op, schema) => detachedSchema(schema, theTable(op), thePart(op)),

  expand: (op, context) => {
    const { part, proof } = partingOf(op, context)
    return proveSteps(part, proof, {
      does: `have "${op.partition}" say itself what its bounds are`,
      proves: `prove what every row of "${op.partition}" meets as a partition`,
      hazards: [],
    })
  },

  backfill: () => [],

  contract: (op, context) => {
    const parting = partingOf(op, context)
    const { part, proof } = parting
    const called = `the rows of ${shown(op.namespace)}.${shown(op.partition)} in ${shown(op.namespace)}.${shown(op.table)}`
    return [
      ...behindGate(
        ofTable(theTable(op), called),
        detachStep(parting, 'retire', [
          {
            code: 'old_writers_may_fail',
            because: `From then on "${op.table}" shows no row of "${op.partition}" to anybody, and refuses a row that belonged there. Nobody can tell who reads them through "${op.table}".`,
          },
        ]),
      ),
      letGoStep([[part, proof.name]], 'purge', `let "${op.partition}" take any row`),
    ]
  },

  rollback: (op, context) => {
    const parting = partingOf(op, context)
    const { part, proof } = parting
    return [
      finishStep(parting),
      attachStep(parting, {
        phase: 'retire',
        requires: [sameColumns(parting)],
        hazards: [],
        locks: [],
        cost: 'instant',
      }),
      letGoStep([[part, proof.name]], 'expand', `let go of "${op.partition}"`),
    ]
  },
}

function thePart({ namespace, partition }: DetachPartition): QualifiedName {
  return { namespace, name: partition }
}

function partingOf(op: DetachPartition, { schema, facts, seed }: Context): Parting {
  const [table, part] = [findTable(schema, theTable(op)), findTable(schema, thePart(op))]
  const found = boundsOf(op, facts)
  assert(table !== undefined && part !== undefined && found !== undefined, 'steps come after check')
  const proof = { name: namesFor(seed, op.partition, []).proof, condition: found.proof }
  return { table, part, bounds: found.bounds, proof }
}

interface Bounds {
  readonly bounds: string
  readonly proof: string
  /** The default partition of the table, if it has one. */
  readonly fallback: string | null
}

function boundsQuestion(op: DetachPartition): Sql {
  return sql`select pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bounds, pg_catalog.pg_get_partition_constraintdef(c.oid) as proof, (select d.relname from pg_catalog.pg_partitioned_table k join pg_catalog.pg_class d on d.oid = k.partdefid where k.partrelid = h.inhparent) as fallback from pg_catalog.pg_class c join pg_catalog.pg_inherits h on h.inhrelid = c.oid where c.oid = pg_catalog.to_regclass(${lit(qualified(thePart(op)))}) and h.inhparent = pg_catalog.to_regclass(${lit(qualified(theTable(op)))})`
}

function boundsOf(op: DetachPartition, facts: Facts): Bounds | undefined {
  const answer = facts.answers[boundsQuestion(op)]
  const [found] = answer === undefined || 'problem' in answer ? [] : (answer as readonly unknown[])
  return found as Bounds | undefined
}

function rowProblems(op: DetachPartition, table: Table, { fallback }: Bounds): readonly BellowsError[] {
  return [
    ...(fallback === null
      ? []
      : [
          refused(
            `"${op.table}" has the default partition ${shown(fallback)}: rows that belong to "${op.partition}" would go there and stand in the way back, and PostgreSQL detaches beside one only while everybody waits.`,
            `Detach that one first, by hand, when it is empty: alter table ${qualified(theTable(op))} detach partition ${qualified({ namespace: op.namespace, name: fallback })}`,
          ),
        ]),
    ...table.referencedBy.map(({ identity }) =>
      refused(
        `The foreign key ${identity} points at "${op.table}", and may point at rows of "${op.partition}".`,
        'Drop the foreign key first.',
      ),
    ),
  ]
}

function noPartition(op: DetachPartition): BellowsError {
  return refused(`"${op.partition}" is no partition of "${op.table}" itself.`)
}
