import { defaultName } from '../../../plan/names.ts'
import { id, qualified, type Sql, sql } from '../../../sql.ts'
import type { Member } from './keys.ts'

/**
 * Since PostgreSQL 18 a NOT NULL has a name, and the new column is to have the one that PostgreSQL gives, which the old one may have:
 * then that is put aside. In a partition it may be called otherwise, and cannot be renamed; so there the new one has a name of ours at
 * first. The validated CHECK proves it.
 */
export function setNotNullSql(member: Member): readonly Sql[] {
  const { table, from } = member
  const names = namesOf(member)
  const set = sql`alter table ${qualified(table)} alter column ${id(from)} set not null`
  if (names === undefined) return [set]
  return table.kind === 'partitioned'
    ? [sql`alter table ${qualified(table)} add constraint ${id(names.copy)} not null ${id(from)}`]
    : [renameSql(member, names.given, names.copy), set]
}

export function dropNotNullSql(member: Member): readonly Sql[] {
  const { table, to } = member
  const names = namesOf(member)
  const drop = sql`alter table ${qualified(table)} alter column ${id(to)} drop not null`
  return names === undefined || table.kind === 'partitioned'
    ? [drop]
    : [drop, renameSql(member, names.copy, names.given)]
}

/** When the old column is gone. */
export function nameNotNullSql(member: Member): readonly Sql[] {
  const names = namesOf(member)
  if (!member.isFilled || names === undefined || member.table.kind !== 'partitioned') return []
  return [renameSql(member, names.copy, names.given)]
}

function namesOf({
  table,
  from,
  names,
}: Member): { readonly given: string; readonly copy: string } | undefined {
  const given = defaultName(table.name, [from], 'not_null')
  const isGiven = table.constraints.some(
    (one) => one.kind === 'not_null' && one.columns.includes(from) && one.name === given,
  )
  return isGiven ? { given, copy: names.copy(given) } : undefined
}

function renameSql({ table }: Member, from: string, to: string): Sql {
  return sql`alter table ${qualified(table)} rename constraint ${id(from)} to ${id(to)}`
}
