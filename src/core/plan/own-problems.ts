import type { BellowsError } from '../errors.ts'
import type { AddColumn } from '../operations/add/add.ts'
import { sourcesOf } from '../operations/add/sources.ts'
import type { Operation } from '../operations/migration.ts'
import { columnsNamed } from '../parse.ts'
import { findTable, primaryKeyOf, type QualifiedName } from '../schema/model.ts'
import { readIndex } from './index-text.ts'
import { copiedBy } from './late.ts'
import { called } from './leaver.ts'
import { isNeverNull } from './never-null.ts'
import { type Before, findOwn, type Own } from './own-work.ts'
import { refused, theTable } from './table-checks.ts'

const ONE_BY_ONE =
  'Where they are of two migrations, have the run of the first completed before the second begins, without --all.'

/** What cannot be done with what operations in front of one make. The schema is the one before it. */
export function ownProblems(op: Operation, own: readonly Own[], before: Before): readonly BellowsError[] {
  if (own.length === 0) return []
  return [
    ...droppedAgain(op, own),
    ...indexAgain(op, own),
    ...nullAgain(op, own),
    ...nullOfSource(op, own),
    ...defaultAgain(op, own),
    ...(op.kind === 'add_column' ? [...nullUntilLater(op, own, before), ...filledFromFilled(op, own)] : []),
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

/** Where it has another name, another definition, or is to be gone, it would not be there yet. */
function indexAgain(op: Operation, own: readonly Own[]): readonly BellowsError[] {
  const index = namedIndex(op)
  const made = index === undefined ? undefined : findOwn(own, index.table, 'index', index.name)
  if (index === undefined || made === undefined || made.since === 'expand') return []
  return [
    refused(
      `The migration itself makes the index "${index.name}" of ${called({ table: index.table })} in the contract, and ${op.kind} is done to it.`,
      `Say only what it is to be in the end. ${ONE_BY_ONE}`,
    ),
  ]
}

function namedIndex(op: Operation): { readonly table: QualifiedName; readonly name: string } | undefined {
  if (op.kind === 'rename_index') return { table: theTable(op), name: op.from }
  if (op.kind === 'drop_index') return { table: theTable(op), name: op.index }
  const text = op.kind === 'replace_index' ? readIndex(op.definition) : undefined
  if (text === undefined || 'problem' in text || text.name === undefined) return undefined
  return { table: text.table, name: text.name }
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

/** Until the purge another column has its value by it, also in rows of those that leave that out. */
function nullOfSource(op: Operation, own: readonly Own[]): readonly BellowsError[] {
  if (op.kind !== 'alter_column' || op.nullable !== true) return []
  const source = findOwn(own, theTable(op), 'source', op.column)
  if (source === undefined) return []
  return [
    refused(
      `The migration lets ${called({ table: source.table, column: op.column })} be NULL, and fills a column from it that is NOT NULL.`,
      'Let it be NULL in the next migration, or give that column a default.',
    ),
  ]
}

/** A NOT NULL that comes later binds nobody yet: an old instance would fail at the one that is filled by it. */
function nullUntilLater(op: AddColumn, own: readonly Own[], { schema }: Before): readonly BellowsError[] {
  const late = sourcesOf(op).filter((column) => isLate(own, theTable(op), 'not_null', column))
  const columns = findTable(schema, theTable(op))?.columns ?? []
  const filled = columns.filter(({ nullable, name }) => !nullable && !late.includes(name))
  const names = filled.map(({ name }) => name)
  if (late.length === 0 || isNeverNull(op.up ?? '', names)) return []
  return [
    refused(
      `"${op.column}" is NOT NULL and filled from ${late.map((one) => `"${one}"`).join(' and ')}, which the migration makes NOT NULL later: until then an old writer would fail that leaves it NULL.`,
      'Write coalesce(<what it says>, <a value>), give a default, or add it in the next migration.',
    ),
  ]
}

/** Which of two triggers fires first nobody has said. Of a table that is there the server knows no new column. */
function filledFromFilled(op: AddColumn, own: readonly Own[]): readonly BellowsError[] {
  const { up } = op
  if (up === undefined || findOwn(own, theTable(op), 'table') === undefined) return []
  return columnsNamed(up)
    .filter((column) => findOwn(own, theTable(op), 'filled', column) !== undefined)
    .map((column) =>
      refused(
        `"up" of "${op.column}" names "${column}", which the migration itself fills row by row.`,
        'Write what that is filled from.',
      ),
    )
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
  const isReady =
    !isLate(own, table, 'index', index.name) &&
    (index.constraint === null || !isLate(own, table, 'constraint', index.constraint)) &&
    !index.nameParts.some((column) => isLate(own, table, 'not_null', column))
  if (isReady) return []
  return [
    refused(
      `${called({ table })} gets its replica identity before the migration has the index "${index.name}" and its NOT NULL.`,
      'Set it in the next migration, which begins when this one is completed.',
    ),
  ]
}

function isLate(own: readonly Own[], table: QualifiedName, what: Own['what'], name: string): boolean {
  return (findOwn(own, table, what, name)?.since ?? 'expand') !== 'expand'
}
