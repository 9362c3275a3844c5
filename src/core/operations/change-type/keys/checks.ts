import type { BellowsError } from '../../../errors.ts'
import { keepsApart } from '../../../plan/mapping.ts'
import { refused, tableProblems } from '../../../plan/table-checks.ts'
import {
  type Column,
  findColumn,
  findTable,
  isSameName,
  needsColumn,
  primaryKeyOf,
  type Table,
} from '../../../schema/model.ts'
import { carryProblems, sourceProblems } from '../../copy/checks.ts'
import { linkedBy } from '../../keys/links.ts'
import { crowdedProblems } from '../../keys/links-again.ts'
import { ofPartitionProblems, primaryKeyProblems, unprovedProblems } from '../../keys/primary-key.ts'
import type { Context } from '../../operation.ts'
import type { Target } from '../../retype/target.ts'
import { type ColumnOf, followersOf } from '../../rules/followers.ts'
import type { Change, ChangeType } from '../change.ts'
import { changing, followingMapping } from './keys.ts'

/** What is in the way of a change of a column that rows are known by, besides what is in the way of any. */
export function keyChangeProblems(
  op: ChangeType,
  context: Context,
  { target }: Extract<Change, { by: 'copy' }>,
): readonly BellowsError[] {
  const columns = changing(op, context.schema, target)
  const tables = [...new Set(columns.flatMap(({ table }) => findTable(context.schema, table) ?? []))]
  const followers = tables.flatMap((table) =>
    columns.flatMap((one) =>
      isSameName(one.table, table) ? followersOf(context.schema, table, one.column) : [],
    ),
  )
  const staying = followers.filter(
    ({ table, key }) =>
      !columns.some((one) => isSameName(one.table, table) && key.columns.includes(one.column)),
  )
  // Also one whose column stays as it is: its foreign key is made anew.
  const all = new Set([...tables, ...followers.map(({ table }) => table)])
  const unfit = [
    ...ofPartitionProblems(followers),
    ...[...all]
      .filter(({ kind }) => kind !== 'partition')
      .flatMap((table) =>
        tableProblems({ namespace: table.namespace, table: table.name }, table, ['table', 'partitioned']),
      ),
  ]
  if (unfit.length > 0) return unfit
  return [
    ...ownProblems(op, context, target),
    ...linkedBy(context.schema, columns).flatMap((one) => crowdedProblems(one, context.facts.serverVersion)),
    ...staying.flatMap(({ table, key }) => unprovedProblems(table, key)),
    ...columns.slice(1).flatMap((one) => followingProblems(op, one, context, target)),
    ...tables.flatMap((table) => primaryKeyProblems(table, columns, context.schema)),
  ]
}

function ownProblems(op: ChangeType, { schema }: Context, target: Target): readonly BellowsError[] {
  const table = findTable(schema, { namespace: op.namespace, name: op.table })
  const from = table === undefined ? undefined : findColumn(table, op.column)
  if (table === undefined || from === undefined) return []
  const [follower] = followersOf(schema, table, from.name)
  return [
    ...partedProblems(op, table, from, target),
    ...(op.up === undefined || from.identity === 'no'
      ? []
      : [
          refused(
            `"${op.table}"."${op.column}" is an identity: its values come from a sequence, and not from "up".`,
            'Leave up and down away, with a type that takes every value as it is.',
          ),
        ]),
    ...(op.collation === undefined || follower === undefined
      ? []
      : [
          refused(
            `The foreign key ${follower.identity} points at "${op.column}", and its columns keep their collation.`,
            'Drop it for the time of the migration, and add it again afterwards.',
          ),
        ]),
  ]
}

/** Nothing keeps the old values apart in a partition that is made between the contract and the purge, but that the new ones are. */
function partedProblems(op: ChangeType, table: Table, from: Column, to: Target): readonly BellowsError[] {
  const key = primaryKeyOf(table)
  const isParted = table.kind === 'partitioned' && key !== undefined && needsColumn(table, key, from.name)
  if (!isParted || (keepsApart(from, to) && op.collation === undefined)) return []
  return [
    refused(
      `"${table.name}"."${from.name}" is of the primary key of a partitioned table: two values of ${to.type} might be one of ${from.type}, and then the contract could not be undone.`,
      'Between whole numbers, and between texts of one collation, that cannot be. Otherwise drop the key for the time of the migration, and add it again afterwards.',
    ),
  ]
}

/** A column of a foreign key that points at the one that is changed changes with it. */
function followingProblems(
  op: ChangeType,
  { table: name, column }: ColumnOf,
  { schema, facts }: Context,
  target: Target,
): readonly BellowsError[] {
  const table = findTable(schema, name)
  const from = table === undefined ? undefined : findColumn(table, column)
  if (table === undefined || from === undefined) return []
  const mapping = followingMapping(from, target, facts)
  return [
    ...partedProblems(op, table, from, target),
    ...sourceProblems(table, from),
    ...carryProblems(table, from),
    ...('problem' in mapping
      ? [
          refused(
            `"${table.name}"."${column}" points at the column and would have to follow it: ${mapping.problem}.`,
            'Drop its foreign key for the time of the migration, and add it again afterwards.',
          ),
        ]
      : []),
  ]
}
