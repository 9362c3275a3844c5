import type { BellowsError } from '../../errors.ts'
import { refused } from '../../plan/table-checks.ts'
import {
  type Column,
  type Constraint,
  isSameName,
  needsColumn,
  primaryKeyOf,
  type Schema,
  type Table,
} from '../../schema/model.ts'
import { id, qualified, shown } from '../../sql.ts'
import { type ColumnOf, type Follower, followersOf } from '../rules/followers.ts'
import { isKey as canCarryKey } from '../rules/foreign-key-problems.ts'

/** Is it a column that rows are known by, here or elsewhere? */
export function isKey(schema: Schema, table: Table, column: Column): boolean {
  const key = primaryKeyOf(table)
  return (
    column.identity !== 'no' ||
    (key !== undefined && needsColumn(table, key, column.name)) ||
    followersOf(schema, table, column.name).length > 0
  )
}

/** Why a primary key cannot be made of other columns than these. */
export function primaryKeyProblems(
  table: Table,
  columns: readonly ColumnOf[],
  schema: Schema,
): readonly BellowsError[] {
  const key = primaryKeyOf(table)
  const mine = columns.filter((one) => isSameName(one.table, table))
  if (key === undefined || !mine.some(({ column }) => needsColumn(table, key, column))) return []
  // In the words of the server, which may be in any language: the names are what they have in common.
  const followers = mine.flatMap(({ column }) => followersOf(schema, table, column))
  const users = key.dependents.filter((what) => !followers.some((one) => what.includes(` ${one.key.name} `)))
  return [
    ...(key.deferrable
      ? [
          refused(
            `The primary key ${shown(key.name)} is deferrable; a twin would be checked at once while it is built.`,
          ),
        ]
      : []),
    ...(table.published
      ? [
          refused(
            `"${table.name}" is published with its updates and deletes: subscribers know its rows by the primary key, and have only the old column.`,
            'Take it out of the publication for the time of the migration.',
          ),
        ]
      : []),
    ...users.map((what) =>
      refused(
        `The ${what} needs the primary key ${shown(key.name)}, which is made of another column in the contract.`,
        'Drop it for the time of the migration, and make it anew afterwards.',
      ),
    ),
    ...rivalProblems(table, key),
  ]
}

/** A foreign key comes to a partitioned table by its partitions, each of which is proved. */
export function unprovedProblems(
  { kind }: Table,
  { name, validated, definition }: Constraint,
): readonly BellowsError[] {
  if (kind !== 'partitioned' || validated) return []
  const canBe = !definition.endsWith(' NOT ENFORCED')
  return [
    refused(
      `The foreign key ${shown(name)} of a partitioned table is not validated, and its copy would be, partition by partition.`,
      canBe
        ? 'Validate it first.'
        : 'It is not enforced, so it cannot be. Drop it for the time of the migration, and add it again afterwards.',
    ),
  ]
}

/** A foreign key that is put up goes by the first unique index of its columns that PostgreSQL finds fit, which need not be that of the key. */
function rivalProblems(table: Table, key: Constraint): readonly BellowsError[] {
  const own = table.indexes.find(({ constraint }) => constraint === key.name)
  if (table.kind !== 'partitioned' || own === undefined) return []
  const rivals = table.indexes.filter((one) => one !== own && canCarryKey(one, key.columns, table))
  return own.foreignKeys.flatMap((foreign) =>
    rivals.map(({ name }) =>
      refused(
        `The foreign key ${foreign} stands on the primary key ${shown(key.name)} and is put up anew with it; then PostgreSQL might let it stand on ${shown(name)}, which is of the same columns.`,
        `Drop ${shown(name)} for the time of the migration, and make it anew afterwards.`,
      ),
    ),
  )
}

/** A foreign key that a partition has for itself would have to be copied under the eyes of its table. */
export function ofPartitionProblems(followers: readonly Follower[]): readonly BellowsError[] {
  return followers
    .filter(({ table }) => table.kind === 'partition')
    .map(({ table: { namespace, name }, key }) =>
      refused(
        `The partition ${shown(namespace)}.${shown(name)} has the foreign key ${shown(key.name)} of its own, which points at the column.`,
        `Drop it for the time of the migration: alter table ${qualified({ namespace, name })} drop constraint ${id(key.name)}; or put it on its whole table.`,
      ),
    )
}

/**
 * A foreign key goes by a unique index of the columns that it points at, which may include others. With one of those the index
 * would go, and the foreign key knows no twin of it.
 */
export function includedProblems(schema: Schema, table: Table, column: string): readonly BellowsError[] {
  const known = followersOf(schema, table, column).map(({ identity }) => identity)
  const primary = primaryKeyOf(table)?.name
  return table.indexes
    .filter((index) => index.columns.includes(column) && index.constraint !== primary)
    .flatMap(({ name, foreignKeys }) =>
      foreignKeys
        .filter((one) => !known.includes(one))
        .map((one) =>
          refused(
            `The foreign key ${one} stands on ${shown(name)}, which includes "${column}" and is made anew with it.`,
            'Drop it for the time of the migration, and add it again afterwards.',
          ),
        ),
    )
}
