import { id } from '../../../src/core/sql.ts'
import { type Form, notesSql } from './forms.ts'
import { divisionSql } from './parts.ts'
import type { RandomColumn, RandomTable } from './schema.ts'

/** As plain DDL makes them: each with all that is its own, and then what points from one to another. */
export function tablesSql(tables: readonly RandomTable[]): readonly string[] {
  return [...tables.map(tableSql), ...tables.flatMap(pointingSql)]
}

function tableSql(table: RandomTable): string {
  const { name, was = name, columns, divided, numbers, beside = [], isKeyed } = table
  const { by, parts } = divisionSql(was, divided)
  const indexes = columns.flatMap(({ indexed, form, ...column }) =>
    indexed === undefined
      ? []
      : [`create index ${indexed === '' ? '' : id(indexed)} on ${id(was)} ${overSql(column.name, form)};`],
  )
  return [
    `create table ${id(was)} (id ${numbers.sql}${columns.map((column) => `, ${columnSql(column)}`).join('')})${by};`,
    ...parts,
    ...indexes,
    ...columns.flatMap((column) => notesSql(was, column.name, column.notes)),
    ...beside.map(({ sql }) => sql(id(was))),
    ...(isKeyed === true ? [`alter table ${id(was)} add primary key (id);`] : []),
  ].join('\n')
}

function overSql(column: string, form?: Form): string {
  return form === undefined ? `(${id(column)})` : form.sql(id(column))
}

/** Another value than the check refuses, whatever the type. */
export function checkSql(column: string): string {
  return `${id(column)}::text <> 'never'`
}

/** Behind its partitions: what of it is for them is called as if it came later, as it does when an operation makes it. */
function pointingSql({ name: table, was = table, columns }: RandomTable): readonly string[] {
  return columns.flatMap(({ name, references, pointing = '', action = '' }) =>
    references === undefined
      ? []
      : [
          `alter table ${id(was)} add ${named(pointing)}foreign key (${id(name)}) references ${id(references)} (id) ${action};`,
        ],
  )
}

function named(constraint: string): string {
  return constraint === '' ? '' : `constraint ${id(constraint)} `
}

function columnSql(column: RandomColumn): string {
  const { name, type, collation, nullable, byDefault, generated, unique, checked } = column
  return [
    `${id(name)} ${type}`,
    collation === undefined ? '' : `collate ${id(collation)}`,
    nullable ? '' : 'not null',
    byDefault === undefined ? '' : `default ${byDefault}`,
    generated ?? '',
    unique === undefined ? '' : `${named(unique)}unique`,
    checked === undefined ? '' : `${named(checked)}check (${checkSql(name)})`,
  ].join(' ')
}
