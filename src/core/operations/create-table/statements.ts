import { theTable } from '../../plan/table-checks.ts'
import { id, join, lit, qualified, type Sql, sql, trusted } from '../../sql.ts'
import type { CreateTable, NewColumn, NewForeignKey } from './create-table.ts'
import { type Named, namedConstraints, primaryKeyName } from './names.ts'
import { partitionBySql } from './partition-key.ts'

/** The table with everything but its foreign keys, and what is said of it. */
export function createTableSql(op: CreateTable): readonly Sql[] {
  const table = qualified(theTable(op))
  const key = op.primaryKey === undefined ? [] : [keySql(primaryKeyName(op), 'primary key', op.primaryKey)]
  const constraints = namedConstraints(op).flatMap(({ constraint, name }) => {
    if (constraint.kind === 'unique') return [keySql(name, 'unique', constraint.columns)]
    if (constraint.kind === 'foreign_key') return []
    return [sql`constraint ${id(name)} check (${trusted(constraint.expression)})`]
  })
  return [
    sql`create table ${table} (${join([...op.columns.map(columnSql), ...key, ...constraints])})${partitionBySql(op)}`,
    ...(op.partitions ?? []).map(
      ({ name, bounds }) =>
        sql`create table ${qualified({ namespace: op.namespace, name })} partition of ${table} ${trusted(bounds)}`,
    ),
    ...(op.comment === undefined ? [] : [sql`comment on table ${table} is ${lit(op.comment)}`]),
    ...op.columns.flatMap(({ name, comment }) =>
      comment === undefined ? [] : [sql`comment on column ${table}.${id(name)} is ${lit(comment)}`],
    ),
  ]
}

function columnSql({ name, type, nullable, identity, generated, ...column }: NewColumn): Sql {
  const made =
    identity !== undefined
      ? sql` generated ${trusted(identity.replace('_', ' '))} as identity`
      : generated !== undefined
        ? sql` generated always as (${trusted(generated)}) stored`
        : column.default !== undefined
          ? sql` default (${trusted(column.default)})`
          : sql``
  return sql`${id(name)} ${trusted(type)}${made}${nullable ? sql`` : sql` not null`}`
}

function keySql(name: string, kind: 'primary key' | 'unique', columns: readonly string[]): Sql {
  return sql`constraint ${id(name)} ${trusted(kind)} (${names(columns)})`
}

export function addForeignKeySql(op: CreateTable, { constraint, name }: Named<NewForeignKey>): Sql {
  return sql`alter table ${qualified(theTable(op))} add constraint ${id(name)} ${foreignKeySql(constraint)}`
}

/** As `pg_get_constraintdef` prints it, but for its capitals and quotes. */
export function foreignKeySql({ columns, references, onDelete, onUpdate, deferrable }: NewForeignKey): Sql {
  const action = (event: string, taken: string) =>
    taken === 'no_action' ? sql`` : sql` on ${trusted(event)} ${trusted(taken.replace('_', ' '))}`
  const others = references.columns === undefined ? sql`` : sql` (${names(references.columns)})`
  const checked = deferrable === undefined ? sql`` : sql` deferrable initially ${trusted(deferrable)}`
  return sql`foreign key (${names(columns)}) references ${qualified(references)}${others}${action('update', onUpdate)}${action('delete', onDelete)}${checked}`
}

function names(columns: readonly string[]): Sql {
  return join(columns.map(id))
}
