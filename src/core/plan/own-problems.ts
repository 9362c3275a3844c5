import type { BellowsError } from '../errors.ts'
import type { Operation } from '../operations/migration.ts'
import { findTable, primaryKeyOf, type QualifiedName } from '../schema/model.ts'
import { copiedBy } from './late.ts'
import { called } from './leaver.ts'
import { type Before, findOwn, type Own } from './own-work.ts'
import { refused, theTable } from './table-checks.ts'

const ONE_BY_ONE =
  'Where they are of two migrations, have the run of the first completed before the second begins, without --all.'

/** What cannot be done with what operations in front of one make. The schema is the one before it. */
export function ownProblems(op: Operation, own: readonly Own[], before: Before): readonly BellowsError[] {
  if (own.length === 0) return []
  return [
    ...droppedAgain(op, own),
    ...nullAgain(op, own),
    ...defaultAgain(op, own),
    ...changedOfOwnTable(op, own, before),
    ...identityBefore(op, own, before),
  ]
}

/** A constraint that is dropped in front of its coming would stand in the end. */
function droppedAgain(op: Operation, own: readonly Own[]): readonly BellowsError[] {
  if (op.kind !== 'drop_constraint') return []
  const made = findOwn(own, theTable(op), 'constraint', op.name)
  if (made === undefined) return []
  return [
    refused(
      `The migration makes the constraint "${op.name}" of ${called({ table: made.table })} itself, and drops it.`,
      `Leave both out. ${ONE_BY_ONE}`,
    ),
  ]
}

/** NULL is let in for the new version, and NOT NULL comes later; one that stands before would be proved again by a rollback that drops the column. */
function nullAgain(op: Operation, own: readonly Own[]): readonly BellowsError[] {
  if (op.kind !== 'alter_column' || op.nullable !== true) return []
  const made = findOwn(own, theTable(op), 'not_null', op.column)
  if (made === undefined) return []
  return [
    refused(
      `The migration itself makes ${called({ table: made.table, column: op.column })} NOT NULL, and lets it be NULL.`,
      `Say only what it is to be in the end. ${ONE_BY_ONE}`,
    ),
  ]
}

function defaultAgain(op: Operation, own: readonly Own[]): readonly BellowsError[] {
  if (op.kind !== 'alter_column' || op.default === undefined) return []
  const made = findOwn(own, theTable(op), 'default', op.column)
  if (made === undefined) return []
  return [
    refused(
      `The migration itself fills ${called({ table: made.table, column: op.column })}, gives it a default when that is over, and another one before.`,
      `Give the default of the end to add_column. ${ONE_BY_ONE}`,
    ),
  ]
}

/** Of a table that is not there nobody knows what a copy has to take over, such as the sequence of an identity. */
function changedOfOwnTable(op: Operation, own: readonly Own[], before: Before): readonly BellowsError[] {
  return changedTablesOf(op, before)
    .filter((table) => findOwn(own, table, 'table') !== undefined)
    .map((table) =>
      refused(
        `The migration makes the table ${called({ table })} itself, and ${op.kind} changes a column of it.`,
        `Write it in the create_table at once. ${ONE_BY_ONE}`,
      ),
    )
}

function changedTablesOf(op: Operation, before: Before): readonly QualifiedName[] {
  switch (op.kind) {
    case 'rename_column':
    case 'split_column':
    case 'merge_columns':
    case 'drop_column':
      return [theTable(op)]
    case 'change_type':
      return copiedBy(op, before).some(({ since }) => since !== 'expand') ? [theTable(op)] : []
    case 'move_column':
      return [op.from, op.to].map(theTable)
    default:
      return []
  }
}

/** A replica identity is set in expand, for rows that are changed from then on. */
function identityBefore(op: Operation, own: readonly Own[], { schema }: Before): readonly BellowsError[] {
  if (op.kind !== 'set_table' || op.replicaIdentity === undefined) return []
  const table = findTable(schema, theTable(op))
  const { replicaIdentity: wanted } = op
  const index = table?.indexes.find((one) =>
    typeof wanted === 'string'
      ? wanted === 'default' && one.constraint !== null && one.constraint === primaryKeyOf(table)?.name
      : one.name === wanted.index,
  )
  if (table === undefined || index === undefined) return []
  const isLate = (what: Own['what'], name: string) =>
    (findOwn(own, table, what, name)?.since ?? 'expand') !== 'expand'
  const isReady =
    (index.constraint === null || !isLate('constraint', index.constraint)) &&
    !index.nameParts.some((column) => isLate('not_null', column))
  if (isReady) return []
  return [
    refused(
      `${called({ table })} gets its replica identity before the migration has the index "${index.name}" and its NOT NULL.`,
      'Set it in the next migration, which begins when this one is completed.',
    ),
  ]
}
