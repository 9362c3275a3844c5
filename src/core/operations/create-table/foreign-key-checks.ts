import { BellowsError } from '../../errors.ts'
import { refused, theTable } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import { findColumn, findTable, isSameName, primaryKey, type Table } from '../../schema/model.ts'
import type { Context } from '../operation.ts'
import { actionProblems, areComparable, isKey } from '../rules/foreign-key-problems.ts'
import type { CreateTable, NewForeignKey } from './create-table.ts'
import { madeTable } from './made-schema.ts'

/** Why PostgreSQL would not take a foreign key of the new table. */
export function foreignKeyProblems(
  op: CreateTable,
  key: NewForeignKey,
  { schema, facts }: Pick<Context, 'schema' | 'facts'>,
): readonly BellowsError[] {
  const { references } = key
  const made = madeTable(op, facts)
  const other = isSameName(theTable(op), references) ? made : findTable(schema, references)
  const called = `"${references.namespace}"."${references.name}"`
  if (other === undefined)
    return [
      new BellowsError('table_not_found', `There is no table ${called} for a foreign key of "${op.table}".`, {
        hint: 'Check the spelling and the namespace: names are taken literally, capitals included.',
      }),
    ]
  if (other.kind !== 'table' && other.kind !== 'partitioned')
    return [refused(`${called} is no table that a foreign key could point at.`)]
  if (!other.mayReference)
    return [
      refused(
        `The connected role may not make foreign keys that point at ${called}.`,
        `Let it, as the owner: grant references on ${called} to <role>`,
      ),
    ]
  const columns = references.columns ?? primaryKey(other)
  return [
    ...targetProblems(key, other, columns),
    ...typeProblems({ key, columns }, { made, other }, facts),
    ...actionProblems(key, made),
  ]
}

function targetProblems(
  { columns, references }: NewForeignKey,
  other: Table,
  targets: readonly string[],
): readonly BellowsError[] {
  const called = `"${references.namespace}"."${references.name}"`
  if (targets.length === 0)
    return [
      refused(
        `${called} has no primary key that a foreign key could point at.`,
        'Name the columns that it points at.',
      ),
    ]
  if (targets.length !== columns.length)
    return [
      refused(
        `A foreign key of ${columns.length} columns cannot point at ${targets.length} of ${called}.`,
        'Name as many columns on both sides.',
      ),
    ]
  if (other.indexes.some((index) => isKey(index, targets, other))) return []
  return [
    refused(
      `No primary key, unique constraint or unique index of ${called} is on exactly (${targets.join(', ')}).`,
      'A foreign key points at a key. Make one first, or name other columns.',
    ),
  ]
}

function typeProblems(
  { key, columns }: { readonly key: NewForeignKey; readonly columns: readonly string[] },
  { made, other }: { readonly made: Table; readonly other: Table },
  { casts }: Facts,
): readonly BellowsError[] {
  return key.columns.flatMap((name, at) => {
    const [from, to] = [findColumn(made, name), findColumn(other, columns[at] ?? '')]
    if (from === undefined || to === undefined || areComparable(from, to, casts)) return []
    return [
      refused(
        `"${name}" is of the type ${from.type}, and "${other.name}"."${to.name}", which it is to point at, of the type ${to.type}.`,
        'Give it the same type.',
      ),
    ]
  })
}
