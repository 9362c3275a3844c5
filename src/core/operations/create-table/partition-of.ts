import type { BellowsError } from '../../errors.ts'
import { shadowQuestion } from '../../plan/shadowed.ts'
import { refused, tableProblems, theTable } from '../../plan/table-checks.ts'
import { findTable, type QualifiedName } from '../../schema/model.ts'
import type { OperationNeeds } from '../needs.ts'
import type { Context } from '../operation.ts'
import type { AttachPartition } from '../partition/attach.ts'
import { boundsProblems } from '../partition/bound-problems.ts'
import { defaultOf, defaultProblems, defaultQuestion, type Fallback } from '../partition/fallback.ts'
import { pointedAtProblems } from '../partition/pointed-at.ts'
import { toldQuestion } from '../partition/told.ts'
import { nameProblems } from './checks.ts'
import type { CreateTable, PartitionOf } from './create-table.ts'
import { isDefault } from './partition-key.ts'

/** A partition of a table that is there: made by itself, and attached while it is empty. */
export interface NewPartitionOf extends CreateTable {
  readonly partitionOf: PartitionOf
}

export function isPartitionOf(op: CreateTable): op is NewPartitionOf {
  return op.partitionOf !== undefined
}

export function itsTable({ namespace, partitionOf }: NewPartitionOf): QualifiedName {
  return { namespace, name: partitionOf.table }
}

/** What it comes to when it is made. */
export function asAttached({ namespace, table: partition, partitionOf }: NewPartitionOf): AttachPartition {
  return { kind: 'attach_partition', namespace, partition, ...partitionOf }
}

/** Takes it what no other partition does? */
export function takesTheRest({ partitionOf }: NewPartitionOf): boolean {
  return isDefault(partitionOf.bounds)
}

export function newPartitionNeeds(op: NewPartitionOf): OperationNeeds {
  const table = itsTable(op)
  return {
    tables: [theTable(op), table].map((one) => ({ ...one, columns: [] })),
    bounds: takesTheRest(op) ? [] : [{ table, bounds: op.partitionOf.bounds }],
    questions: [
      defaultQuestion(asAttached(op)),
      toldQuestion(table, theTable(op)),
      shadowQuestion(theTable(op)),
    ],
    names: [theTable(op)],
    touches: [
      { table: theTable(op), how: 'adds' },
      { table, how: 'alters' },
    ],
  }
}

export function newPartitionProblems(op: NewPartitionOf, context: Context): readonly BellowsError[] {
  const { schema, facts } = context
  const attached = asAttached(op)
  const table = findTable(schema, itsTable(op))
  const problems = [...nameProblems(op, context), ...tableProblems(attached, table, ['partitioned'])]
  if (table === undefined || problems.length > 0) return problems
  const fallback = defaultOf(attached, facts)
  return [
    ...pointedAtProblems(table, 'Make the partition with sql, CREATE TABLE … PARTITION OF, and a reason.'),
    ...(takesTheRest(op)
      ? secondDefault(attached, fallback)
      : [...boundsProblems(attached, facts), ...defaultProblems(attached, facts)]),
  ]
}

function secondDefault({ table }: AttachPartition, fallback: Fallback | undefined): readonly BellowsError[] {
  if (fallback === undefined) return []
  return [
    refused(
      `"${table}" has a default partition already, "${fallback.name}".`,
      'A table has one at most: give this one bounds.',
    ),
  ]
}
