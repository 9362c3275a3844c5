import { id } from '../../../src/core/sql.ts'
import type { Client } from '../../support/workload.ts'
import type { Draw } from './draw.ts'
import { namedPart } from './parts.ts'
import {
  forgetSql,
  insertSql,
  isWritten,
  KEPT,
  type RandomColumn,
  type RandomTable,
  ROWS,
  valueSql,
} from './schema.ts'

type Version = 'old' | 'new'

/** From here on are rows of the one version alone: PostgreSQL lets nobody else change one that goes to another partition at that moment. */
const OWN: Readonly<Record<Version, number>> = { old: 3_000_000, new: 4_000_000 }
const OWN_ROWS = 1_000_000

const N = '(1000 + $1::bigint)'
const ROW = `where id = ${KEPT + 1} + $1::bigint % ${ROWS - KEPT}`

/** Writes as an application of one version does, beside the first rows; of a table with partitions also to one of these. */
export function client(draw: Draw, version: Version, table: RandomTable): Client {
  const { name, was = name, columns, divided } = table
  const written = divided === undefined ? [name] : [name, namedPart(was, divided)]
  const writable = columns.filter(isWritten)
  const listed = writable.map((column) => `${id(column.name)} = ${id(column.name)}`)
  const all = [
    insertSql({ name, columns }, N),
    leavingOutSql(table, version),
    ...writable.flatMap((column) =>
      written.map((one) => `update ${id(one)} set ${id(column.name)} = ${valueSql(column, N)} ${ROW}`),
    ),
    ...(listed.length === 0 ? [] : [`update ${id(name)} set ${listed.join(', ')} ${ROW}`]),
    ...(writable.length === 0 ? [] : togetherSql(table, writable, OWN[version])),
    ...numbersSql(table, OWN[version]),
    `select ${columns.map((column) => id(column.name)).join(', ')} from ${id(name)} ${ROW}`,
    forgetSql(id(name), 'id', OWN.old),
  ]
  // No phase is long enough for all of them where there are many.
  const first = draw.number(0, all.length - 1)
  return {
    name: `${version} ${name}`,
    statements: [...all.slice(first), ...all.slice(0, first)],
    prepares: draw.chance(0.5),
  }
}

/** A row that has of its columns only what it must say. */
function leavingOutSql({ name, columns }: RandomTable, version: Version): string {
  return insertSql({ name, columns: columns.filter((column) => !mayLeaveOut(column, version)) }, N)
}

/** A new column has the default of its own only in the end, and what is never NULL for an application is to be NOT NULL perhaps. */
function mayLeaveOut(column: RandomColumn, version: Version): boolean {
  const { nullable, values, byDefault, was } = column
  return (nullable && values.nulls) || (byDefault !== undefined && !(version === 'new' && was !== undefined))
}

/** All columns at once, of a row that is there, and of one that is there or not. */
function togetherSql(
  { name, numbers }: RandomTable,
  columns: readonly RandomColumn[],
  own: number,
): readonly [string, string] {
  const names = columns.map((column) => id(column.name))
  const values = columns.map((column) => valueSql(column, N))
  return [
    `update ${id(name)} set (${names.join(', ')}) = row(${values.join(', ')}) ${ROW}`,
    `insert into ${id(name)} (id, ${names.join(', ')})${numbers.overriding} values (${own} + $1::bigint % 3, ${values.join(', ')})
      on conflict (id) do update set ${names.map((one) => `${one} = excluded.${one}`).join(', ')}`,
  ]
}

/** Another number of a row, by which it may go to another partition. */
function numbersSql({ name, numbers }: RandomTable, own: number): readonly string[] {
  if (!numbers.isWritable) return []
  const [table, are] = [id(name), `id >= ${own} and id < ${own + OWN_ROWS}`]
  return [
    `update ${table} set id = ${own} + $1::bigint where id = (select min(id) from ${table} where ${are})`,
    `delete from ${table} where id = (select max(id) from ${table} where ${are})`,
  ]
}
