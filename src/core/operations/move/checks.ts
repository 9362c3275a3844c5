import { BellowsError } from '../../errors.ts'
import { columnNameProblem } from '../../identifier.ts'
import {
  columnMissing,
  columnSlotProblems,
  columnTaken,
  keyProblems,
  refused,
  ruledProblems,
  rulesOn,
  tableProblems,
} from '../../plan/table-checks.ts'
import { type Column, findColumn, findTable, type Table } from '../../schema/model.ts'
import { id, qualified, shown } from '../../sql.ts'
import { sourceProblems } from '../copy/checks.ts'
import type { Context } from '../operation.ts'
import { rowSecurityProblems } from '../rules/problems.ts'
import { isUsable, linksOf, type MoveColumn, sourceOf, targetOf } from './move.ts'

export function moveProblems(op: MoveColumn, context: Context): readonly BellowsError[] {
  const { schema } = context
  const [source, target] = [findTable(schema, sourceOf(op)), findTable(schema, targetOf(op))]
  if (source !== undefined && source === target) {
    return [
      refused(`"${op.from.table}" is both the source and the target.`, 'Within a table use rename_column.'),
    ]
  }
  const problems = [...tableProblems(op.from, source), ...tableProblems(op.to, target)]
  if (source === undefined || target === undefined || problems.length > 0) return problems
  const missing = [
    ...[op.from.column, ...op.on.map((pair) => pair.source)].flatMap((name) =>
      columnMissing(op.from, source, name),
    ),
    ...op.on.flatMap((pair) => columnMissing(op.to, target, pair.target)),
  ]
  const column = findColumn(source, op.from.column)
  if (column === undefined || missing.length > 0) return missing
  const inKey = keyProblems(source, column)
  if (inKey.length > 0) return inKey
  return [
    ...newColumnProblems(op, target),
    ...columnSlotProblems(target),
    ...sourceProblems(source, column),
    ...ruledProblems(target),
    ...ownProblems(source, column),
    ...valueProblems(op, source, column),
    ...rowSecurityProblems(target),
    ...linkProblems(op, target, context),
  ]
}

function newColumnProblems({ to }: MoveColumn, target: Table): readonly BellowsError[] {
  const problem = columnNameProblem(to.column)
  if (problem !== undefined)
    return [new BellowsError('name_invalid', `The column name "${to.column}" ${problem}.`)]
  return columnTaken(target, to.column)
}

/** What holds for the column in its table, and cannot go along to another one. */
function ownProblems(source: Table, column: Column): readonly BellowsError[] {
  const of = `"${source.name}"."${column.name}"`
  const found = [
    ...rulesOn(source, column.name).map((rule) => `${rule} holds for ${of}, which leaves its table.`),
    ...(column.grants.length > 0
      ? [`${of} has grants of its own, which mean something else on another table.`]
      : []),
  ]
  return found.map((message) =>
    refused(
      message,
      'Take it away for the time of the migration, and make what you want of the new column afterwards.',
    ),
  )
}

/** New instances write rows of the source without the column, until it is dropped. */
function valueProblems({ from }: MoveColumn, source: Table, column: Column): readonly BellowsError[] {
  const of = `"${source.name}"."${column.name}"`
  if (column.default !== null && column.defaultText === null) {
    return [
      refused(
        `${of} has a default that is no plain value: nobody could tell a row that was given none.`,
        `Take it away first: alter table ${qualified(source)} alter column ${id(from.column)} drop default`,
      ),
    ]
  }
  if (column.nullable || column.default !== null) return []
  return [
    refused(
      `${of} is NOT NULL without a default: writers that no longer know it would fail before it is dropped.`,
      `Give it a default first: alter table ${qualified(source)} alter column ${id(from.column)} set default <value>`,
    ),
  ]
}

/** Each row of the target belongs to just one of the source, and no two to the same. */
function linkProblems(op: MoveColumn, target: Table, { facts }: Context): readonly BellowsError[] {
  const [link] = linksOf(op, facts)
  const on = op.on.map((pair) => `"${pair.target}"`).join(', ')
  if (link === undefined) {
    return [
      refused(
        `"${op.to.table}" has no foreign key on ${on} that points at ${op.on.map((pair) => `"${pair.source}"`).join(', ')} of "${op.from.table}": nobody knows that each of its rows has one there.`,
        'Add it in an earlier migration, with add_constraint.',
      ),
    ]
  }
  const open = op.on.filter((pair) => findColumn(target, pair.target)?.nullable === true)
  const found: readonly (readonly [boolean, string, string])[] = [
    [
      !link.validated,
      `The foreign key ${shown(link.name)} is not validated: rows of "${op.to.table}" may belong to no row of "${op.from.table}".`,
      `Prove it first: alter table ${qualified(target)} validate constraint ${id(link.name)}`,
    ],
    [
      link.deferrable,
      `The foreign key ${shown(link.name)} is deferrable: a row of "${op.to.table}" could come before the one of "${op.from.table}" that it belongs to.`,
      'Make it anew, not deferrable.',
    ],
    [
      link.unique === null,
      `Two rows of "${op.to.table}" may belong to the same row of "${op.from.table}": no unique index, without a condition and not deferrable, is on just ${on}. What one of them is given the other would have to have, too.`,
      'Add a unique constraint in an earlier migration. Where there are several rows, this is no move: add the column with add_column, and fill it as the application wants it.',
    ],
  ]
  return [
    ...(isUsable(link)
      ? []
      : found.filter(([isSo]) => isSo).map(([, message, hint]) => refused(message, hint))),
    ...open.map((pair) =>
      refused(
        `"${op.to.table}"."${pair.target}" may be NULL, and such a row belongs to no row of "${op.from.table}".`,
        'Set it NOT NULL in an earlier migration, with alter_column.',
      ),
    ),
  ]
}
