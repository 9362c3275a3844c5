import type { Column, Grant, QualifiedName } from '../schema/model.ts'
import { id, lit, qualified, type Sql, sql, trusted } from '../sql.ts'

type Attributes = Pick<
  Column,
  'statisticsTarget' | 'options' | 'storage' | 'compression' | 'comment' | 'grants'
>

/** Statements that give a column the attributes of another one: only what differs from what it has. */
export function attributesSql(
  table: QualifiedName,
  column: string,
  has: Attributes,
  wants: Attributes,
): readonly Sql[] {
  const alterations = [
    ...(has.statisticsTarget === wants.statisticsTarget
      ? []
      : [sql`set statistics ${lit(wants.statisticsTarget)}`]),
    ...(has.storage === wants.storage ? [] : [sql`set storage ${trusted(wants.storage)}`]),
    ...(has.compression === wants.compression
      ? []
      : [sql`set compression ${trusted(wants.compression ?? 'default')}`]),
    ...optionsSql(has.options, wants.options),
  ].map((alteration) => sql`alter column ${id(column)} ${alteration}`)
  return [
    ...(alterations.length === 0
      ? []
      : [sql`alter table ${qualified(table)} ${trusted(alterations.join(', '))}`]),
    ...(has.comment === wants.comment
      ? []
      : [sql`comment on column ${qualified(table)}.${id(column)} is ${lit(wants.comment)}`]),
    ...grantsSql(table, column, has.grants, wants.grants),
  ]
}

/** Options are `name=value`, such as `n_distinct=-0.5`. */
function optionsSql(has: readonly string[], wants: readonly string[]): readonly Sql[] {
  const nameOf = (option: string) => option.slice(0, option.indexOf('='))
  const gone = has.map(nameOf).filter((name) => !wants.map(nameOf).includes(name))
  return [
    ...(wants.length === 0 || wants.join() === has.join() ? [] : [sql`set (${trusted(wants.join(', '))})`]),
    ...(gone.length === 0 ? [] : [sql`reset (${trusted(gone.join(', '))})`]),
  ]
}

function grantsSql(
  table: QualifiedName,
  column: string,
  has: readonly Grant[],
  wants: readonly Grant[],
): readonly Sql[] {
  const written = (grant: Grant) => JSON.stringify(grant)
  const missing = wants.filter((grant) => !has.map(written).includes(written(grant)))
  const surplus = has.filter((grant) => !wants.map(written).includes(written(grant)))
  const what = ({ privilege }: Grant) =>
    sql`${trusted(privilege.toLowerCase())} (${id(column)}) on ${qualified(table)}`
  const whom = (grant: Grant) => (grant.toPublic ? trusted('public') : id(grant.grantee))
  return [
    ...surplus.map((grant) => sql`revoke ${what(grant)} from ${whom(grant)}`),
    ...missing.map(
      (grant) =>
        sql`grant ${what(grant)} to ${whom(grant)}${grant.grantable ? sql` with grant option` : sql``}`,
    ),
  ]
}
