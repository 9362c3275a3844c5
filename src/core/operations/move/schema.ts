import type { Facts } from '../../schema/facts.ts'
import { findColumn, findTable, type Schema, type Table, withTable } from '../../schema/model.ts'
import { notNullConstraint } from '../rules/schema.ts'
import { type MoveColumn, sourceOf, targetOf } from './move.ts'
import { movedColumn } from './work.ts'

/** The column is gone from one table with what hung on it there, and is the last of the other. */
export function movedSchema(op: MoveColumn, schema: Schema, facts: Facts): Schema {
  const [source, target] = [findTable(schema, sourceOf(op)), findTable(schema, targetOf(op))]
  const from = source === undefined ? undefined : findColumn(source, op.from.column)
  if (source === undefined || target === undefined || from === undefined) return schema
  const { nullable, default: byDefault, defaultVolatility, defaultText } = from
  const to = {
    ...movedColumn(from, op.to.column).to,
    nullable,
    default: byDefault,
    defaultVolatility,
    defaultText,
  }
  const notNull = nullable ? [] : notNullConstraint(target.name, to.name, facts.serverVersion)
  return withTable(withTable(schema, without(source, from.name)), {
    ...target,
    columns: [...target.columns, to],
    columnSlots: target.columnSlots + 1,
    constraints: [...target.constraints, ...notNull],
  })
}

function without(table: Table, column: string): Table {
  const kept = <T extends { readonly columns: readonly string[] }>(objects: readonly T[]) =>
    objects.filter(({ columns }) => !columns.includes(column))
  return {
    ...table,
    columns: table.columns.filter(({ name }) => name !== column),
    constraints: kept(table.constraints),
    indexes: kept(table.indexes),
  }
}
