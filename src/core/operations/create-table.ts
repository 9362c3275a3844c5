import { constraintExists, relationAbsent, relationExists } from '../plan/probes.ts'
import { shadowHazards, shadowQuestion } from '../plan/shadowed.ts'
import type { Lock, LockLevel, Requirement, StepDraft } from '../plan/step.ts'
import { theTable } from '../plan/table-checks.ts'
import { tableHasNoDependents } from '../plan/table-dependents.ts'
import type { Facts } from '../schema/facts.ts'
import { id, join, qualified, regclass, sql } from '../sql.ts'
import { checkNeed, createTableProblems, indexNames, rowOf } from './create-table/checks.ts'
import { type CreateTable, foreignKeysOf, type NewForeignKey } from './create-table/create-table.ts'
import { withMadeTable } from './create-table/made-schema.ts'
import { type Named, namedConstraints } from './create-table/names.ts'
import { comparisons, partitionBySql } from './create-table/partition-key.ts'
import { isPartitionOf, newPartitionNeeds, newPartitionProblems } from './create-table/partition-of.ts'
import { withNewPartition } from './create-table/partition-schema.ts'
import { makePartitionSteps, takePartitionBackSteps } from './create-table/partition-steps.ts'
import { addForeignKeySql, createTableSql } from './create-table/statements.ts'
import type { OperationNeeds } from './needs.ts'
import type { OperationSpec } from './operation.ts'

export const createTable: OperationSpec<CreateTable> = {
  needs: (op) => (isPartitionOf(op) ? newPartitionNeeds(op) : tableNeeds(op)),

  check: (op, context) =>
    isPartitionOf(op) ? newPartitionProblems(op, context) : createTableProblems(op, context),

  apply: (op, schema, facts) =>
    isPartitionOf(op) ? withNewPartition(op, schema, facts) : withMadeTable(op, schema, facts),

  expand: (op, context) =>
    isPartitionOf(op) ? makePartitionSteps(op, context) : makeTableSteps(op, context.facts),

  backfill: () => [],

  contract: () => [],

  rollback: (op, context) =>
    isPartitionOf(op)
      ? takePartitionBackSteps(op, context)
      : [
          ...foreignKeys(op)
            .toReversed()
            .map((key) => dropForeignKey(op, key)),
          dropTable(op),
        ],
}

function tableNeeds(op: CreateTable): OperationNeeds {
  return {
    tables: [theTable(op), ...foreignKeysOf(op).map(({ references }) => references)].map(
      ({ namespace, name }) => ({ namespace, name, columns: [] }),
    ),
    types: op.columns.map(({ type }) => type),
    expressions: [
      ...op.columns.flatMap(({ name, type, default: value, generated }) => [
        ...(value === undefined ? [] : [{ expression: value, type }]),
        ...(generated === undefined ? [] : [{ expression: generated, type, row: rowOf(op, name) }]),
      ]),
      ...op.constraints.flatMap((one) => (one.kind === 'check' ? [checkNeed(op, one.expression)] : [])),
      ...comparisons(op).map((one) => checkNeed(op, one)),
    ],
    names: [op.table, ...indexNames(op), ...(op.partitions ?? []).map(({ name }) => name)].map((name) => ({
      namespace: op.namespace,
      name,
    })),
    questions: [shadowQuestion(theTable(op))],
    touches: [
      { table: theTable(op), how: 'adds' },
      ...foreignKeysOf(op).flatMap(({ references: { namespace, name, columns = [] } }) => [
        { table: { namespace, name }, how: 'uses' as const },
        ...columns.map((column) => ({ table: { namespace, name }, column, how: 'uses' as const })),
      ]),
    ],
    adds: op.columns.map(({ name, type }) => ({ table: theTable(op), column: name, type })),
    ...(op.partitionBy === undefined ? {} : { divides: { table: theTable(op), by: partitionBySql(op) } }),
  }
}

function makeTableSteps(op: CreateTable, facts: Facts): readonly StepDraft[] {
  return [
    {
      kind: 'ddl',
      phase: 'expand',
      does: `create the table "${op.table}"`,
      hazards: shadowHazards(theTable(op), facts),
      probe: relationExists(theTable(op)),
      changes: { kind: 'created', table: op.table },
      locks: [{ relation: theTable(op), level: 'access_exclusive', implied: true }],
      requires: [],
      statements: createTableSql(op),
      cost: 'instant',
    },
    ...foreignKeys(op).map((key) => addForeignKey(op, key)),
  ]
}

function foreignKeys(op: CreateTable): readonly Named<NewForeignKey>[] {
  return namedConstraints(op).filter(
    (named): named is Named<NewForeignKey> => named.constraint.kind === 'foreign_key',
  )
}

/** Of an empty table there is nothing to validate; the lock on the other table keeps its writers waiting, not its readers. */
function addForeignKey(op: CreateTable, key: Named<NewForeignKey>): StepDraft {
  return {
    kind: 'ddl',
    phase: 'expand',
    does: `add the foreign key "${key.name}" to "${op.table}"`,
    hazards: [],
    probe: constraintExists(theTable(op), key.name),
    locks: [
      { relation: theTable(op), level: 'share_row_exclusive' },
      ...partLocks(op, 'share_row_exclusive'),
      { relation: key.constraint.references, level: 'share_row_exclusive', implied: true },
    ],
    requires: [],
    statements: [addForeignKeySql(op, key)],
    cost: 'instant',
  }
}

/** One by one, so that no lock on another table is held while the next one is waited for. */
function dropForeignKey(op: CreateTable, { name, constraint }: Named<NewForeignKey>): StepDraft {
  const table = theTable(op)
  return {
    kind: 'ddl',
    phase: 'expand',
    does: `drop the foreign key "${name}" of "${op.table}" again`,
    hazards: [],
    // Also of a table that is gone already: the rollback may have been interrupted behind that.
    probe: sql`not ${constraintExists(table, name)}`,
    locks: [
      { relation: table, level: 'access_exclusive' },
      ...partLocks(op, 'access_exclusive'),
      { relation: constraint.references, level: 'access_exclusive', implied: true },
    ],
    requires: [],
    statements: [sql`alter table ${qualified(table)} drop constraint ${id(name)}`],
    cost: 'instant',
    retires: { table },
  }
}

/** What is done to the table is done to each of them. */
function partLocks({ namespace, partitions = [] }: CreateTable, level: LockLevel): readonly Lock[] {
  return partitions.map(({ name }) => ({ relation: { namespace, name }, level }))
}

/** One that came later would go with the table. */
function onlyOurPartitions(op: CreateTable): Requirement {
  const ours = (op.partitions ?? []).map(({ name }) => regclass({ namespace: op.namespace, name }))
  return {
    that: sql`not exists (select from pg_catalog.pg_partition_tree(${regclass(theTable(op))}) t where (t.relid = any (array[${join([regclass(theTable(op)), ...ours])}])) is not true)`,
    code: 'dependents_found',
    otherwise: `"${op.table}" has got further partitions by now; detach or drop these first`,
  }
}

function dropTable(op: CreateTable): StepDraft {
  const table = theTable(op)
  return {
    kind: 'ddl',
    phase: 'expand',
    does: `drop the table "${op.table}" again`,
    hazards: [
      { code: 'drops_values', because: `The rows written to "${op.table}" so far are dropped with it.` },
    ],
    probe: relationAbsent(table),
    locks: [{ relation: table, level: 'access_exclusive' }, ...partLocks(op, 'access_exclusive')],
    requires: [
      {
        that: tableHasNoDependents(table, []),
        code: 'dependents_found',
        otherwise: `something depends on "${op.table}" by now; drop that first`,
      },
      ...(op.partitionBy === undefined ? [] : [onlyOurPartitions(op)]),
    ],
    statements: [sql`drop table ${qualified(table)} restrict`],
    cost: 'instant',
    retires: { table },
  }
}
