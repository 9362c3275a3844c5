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
  return [
    sql`create view ${selecting(view, table, facts)} from ${qualified(table)}`,
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

function selecting(view: QualifiedName, table: Table, facts: Facts): Sql {
  const invoker = asksForUser(table, facts) ? sql` with (security_invoker = true)` : sql``
  return sql`${qualified(view)}${invoker} as select ${join(table.columns.map(({ name }) => id(name)))}`
}

/** Columns that came to the table under its new name are shown as well: who says them says that name. */
export function wholeViewSql(view: QualifiedName, table: Table, facts: Facts): Sql {
  const known = join(table.columns.map(({ name }) => lit(name)))
  const replacing = sql`create or replace view ${selecting(view, table, facts)}, `
  return sql`do ${lit(sql`
declare
  later pg_catalog.text := (select pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ' order by attnum) from pg_catalog.pg_attribute
    where attrelid = ${regclass(table)} and attnum > 0 and not attisdropped and attname not in (${known}));
begin
  if later is not null then
    execute pg_catalog.concat(${lit(replacing)}, later, ${lit(sql` from ${qualified(table)}`)});
  end if;
end`)}`
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
