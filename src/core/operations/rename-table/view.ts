import type { Facts } from '../../schema/facts.ts'
import type { QualifiedName, Table, TableGrant } from '../../schema/model.ts'
import { id, join, lit, qualified, regclass, type Sql, sql, trusted } from '../../sql.ts'

/** What can be done through a view that is no more than its table. */
const THROUGH_VIEW = ['SELECT', 'INSERT', 'UPDATE', 'DELETE']
export const SECURITY_INVOKER_SINCE = 150_000

/**
 * Does the view ask its table for the rights of whoever uses it, row security included, and not for those of its owner? That is to
 * be had since PostgreSQL 15, and would shut out whoever has rights on single columns: the view reads them all.
 */
export function asksForUser({ columns }: Table, { serverVersion }: Facts): boolean {
  const hasColumnRights = columns.some(({ grants }) =>
    grants.some(({ privilege }) => THROUGH_VIEW.includes(privilege)),
  )
  return serverVersion >= SECURITY_INVOKER_SINCE && !hasColumnRights
}

/** A view of a whole table that can be written through, with the rights that everybody has on the table. */
export function viewSql(view: QualifiedName, table: Table, facts: Facts): readonly Sql[] {
  const invoker = asksForUser(table, facts) ? sql` with (security_invoker = true)` : sql``
  const columns = join(table.columns.map(({ name }) => id(name)))
  return [
    sql`create view ${qualified(view)}${invoker} as select ${columns} from ${qualified(table)}`,
    ...(table.comment === null ? [] : [sql`comment on view ${qualified(view)} is ${lit(table.comment)}`]),
    ...table.grants
      .filter(({ privilege }) => THROUGH_VIEW.includes(privilege))
      .map((grant) => grantSql(trusted(grant.privilege.toLowerCase()), view, grant)),
    ...table.columns.flatMap(({ name, grants }) =>
      grants
        .filter(({ privilege }) => THROUGH_VIEW.includes(privilege))
        .map((grant) => grantSql(sql`${trusted(grant.privilege.toLowerCase())} (${id(name)})`, view, grant)),
    ),
  ]
}

function grantSql(
  what: Sql,
  view: QualifiedName,
  { grantee, toPublic, grantable }: Omit<TableGrant, 'privilege'>,
): Sql {
  const whom = toPublic ? trusted('public') : id(grantee)
  return sql`grant ${what} on ${qualified(view)} to ${whom}${grantable ? sql` with grant option` : sql``}`
}

/** Has nobody a right on the view, or on a column of it, that he has not on the table? The owner of the view aside, who made it. */
export function grantsAreOfTable(view: QualifiedName, table: QualifiedName): Sql {
  const rights = (of: QualifiedName) => sql`
select c.relowner, x.grantee, x.privilege_type as privilege, '' as "column"
  from pg_catalog.pg_class c cross join pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) x
  where c.oid = ${regclass(of)}
union all select c.relowner, x.grantee, x.privilege_type, a.attname
  from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid cross join pg_catalog.aclexplode(a.attacl) x
  where c.oid = ${regclass(of)}`
  return sql`not exists (select from (${rights(view)}) mine where mine.grantee <> mine.relowner
  and not exists (select from (${rights(table)}) theirs where (theirs.grantee, theirs.privilege) = (mine.grantee, mine.privilege) and theirs."column" in ('', mine."column")))`
}
