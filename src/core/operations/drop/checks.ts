import type { BellowsError } from '../../errors.ts'
import { columnsNamed } from '../../parse.ts'
import { rowValueProblems } from '../../plan/row-value.ts'
import {
  columnMissing,
  keyProblems,
  ownPartProblems,
  refused,
  tableProblems,
  theTable,
} from '../../plan/table-checks.ts'
import { type Column, findColumn, findTable, needsColumn, type Table } from '../../schema/model.ts'
import { id, qualified, shown, trusted } from '../../sql.ts'
import type { Context } from '../operation.ts'
import { type DropColumn, downOf } from './drop.ts'
import { sameValueProblems } from './same-value.ts'

export function dropProblems(op: DropColumn, context: Context): readonly BellowsError[] {
  const table = findTable(context.schema, theTable(op))
  const problems = tableProblems(op, table, ['table', 'partitioned'])
  if (table === undefined || problems.length > 0) return problems
  const column = findColumn(table, op.column)
  if (column === undefined) return columnMissing(op, table, op.column)
  return [
    ...keyProblems(table, column),
    ...ownPartProblems(table, [op.column]),
    ...exclusionProblems(op, table),
    ...replicaIdentityProblems(op, table),
    ...(op.down === undefined ? oldWriterProblems(op, column) : downProblems(op, table, column, context)),
    ...sameValueProblems(op, table, column),
  ]
}

/** PostgreSQL drops an exclusion constraint with a key column of it, but not with one that only its index names. */
function exclusionProblems(op: DropColumn, table: Table): readonly BellowsError[] {
  return table.constraints
    .filter((one) => one.kind === 'exclusion' && needsColumn(table, one, op.column))
    .filter((one) => !one.columns.includes(op.column))
    .map(({ name }) =>
      refused(
        `The exclusion constraint ${shown(name)} uses "${op.table}"."${op.column}".`,
        'Drop the constraint first.',
      ),
    )
}

/** Without it every UPDATE and DELETE of a published table fails. */
function replicaIdentityProblems(op: DropColumn, table: Table): readonly BellowsError[] {
  return table.indexes
    .filter((one) => one.replicaIdentity && one.columns.includes(op.column))
    .map(({ name }) =>
      refused(
        `The index ${shown(name)} on "${op.column}" is the replica identity of "${op.table}".`,
        `Give the table another one first: alter table ${qualified(theTable(op))} replica identity full`,
      ),
    )
}

function oldWriterProblems(op: DropColumn, column: Column): readonly BellowsError[] {
  if (column.nullable || hasValue(column)) return []
  return [
    refused(
      `"${op.table}"."${op.column}" is NOT NULL without a default: writers that no longer know it would fail before it is dropped.`,
      `Say what they write into it ("down", an expression over the other columns), or give it a default first: alter table ${qualified(theTable(op))} alter column ${id(op.column)} set default <value>`,
    ),
  ]
}

function hasValue({ default: text, generated, identity }: Column): boolean {
  return text !== null || generated !== 'no' || identity !== 'no'
}

function downProblems(
  op: DropColumn,
  table: Table,
  column: Column,
  { facts }: Context,
): readonly BellowsError[] {
  const down = downOf(op)
  if (down === undefined) return []
  if (hasValue(column)) {
    return [
      refused(
        `"${op.table}"."${op.column}" has a value for writers that do not know it already, so "down" would never be asked.`,
        'Leave "down" out.',
      ),
    ]
  }
  const problems = rowValueProblems({ what: 'down', column: op.column, value: down }, table, facts)
  if (problems.length > 0 || !columnsNamed(trusted(down.expression)).includes(op.column)) return problems
  return [refused(`"down" of "${op.column}" names the column itself, which it is to replace.`)]
}
