import { join, lit, type Sql, sql } from '../../sql.ts'
import type { Item, Right } from './privileges.ts'
import { nameSql, type Target } from './target.ts'

/** One row where the target is there: its oid, its owner, and who may do what, which is nowhere written as long as it is as usual. */
function placeOf(target: Target): Sql {
  const name = lit(nameSql(target))
  switch (target.kind) {
    case 'table':
      return sql`select t.oid, t.relowner as owner, coalesce(t.relacl, pg_catalog.acldefault('r', t.relowner)) as acl from pg_catalog.pg_class t where t.oid = pg_catalog.to_regclass(${name}) and t.relkind in ('r', 'p', 'v', 'm', 'f')`
    case 'sequence':
      return sql`select t.oid, t.relowner as owner, coalesce(t.relacl, pg_catalog.acldefault('s', t.relowner)) as acl from pg_catalog.pg_class t where t.oid = pg_catalog.to_regclass(${name}) and t.relkind = 'S'`
    case 'function':
    case 'procedure':
      return sql`select t.oid, t.proowner as owner, coalesce(t.proacl, pg_catalog.acldefault('f', t.proowner)) as acl from pg_catalog.pg_proc t where t.oid = pg_catalog.to_regprocedure(${name}) and (t.prokind = 'p') = ${lit(target.kind === 'procedure')}`
    case 'schema':
      return sql`select t.oid, t.nspowner as owner, coalesce(t.nspacl, pg_catalog.acldefault('n', t.nspowner)) as acl from pg_catalog.pg_namespace t where t.nspname = ${lit(target.name.name)}`
    case 'type':
    case 'domain':
      return sql`select t.oid, t.typowner as owner, coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner)) as acl from pg_catalog.pg_type t where t.oid = pg_catalog.to_regtype(${name}) and (t.typtype = 'd') = ${lit(target.kind === 'domain')}`
  }
}

const nameOfRole = (role: Sql): Sql =>
  sql`case when ${role} = 0 then 'public' else pg_catalog.pg_get_userbyid(${role})::pg_catalog.text end`

/** Who may do what with the target as a whole, and with each of its columns. */
function itemsSql(target: Target): Sql {
  const item = sql`${nameOfRole(sql`g.grantee`)} as grantee, pg_catalog.lower(g.privilege_type) as privilege, g.is_grantable as grantable, case when g.grantor = o.owner then null else pg_catalog.pg_get_userbyid(g.grantor)::pg_catalog.text end as grantor`
  const whole = sql`select null::pg_catalog.text as ${COLUMN}, ${item} from (${placeOf(target)}) o cross join lateral pg_catalog.aclexplode(o.acl) g`
  if (target.kind !== 'table') return whole
  return sql`${whole} union all select a.attname::pg_catalog.text, ${item} from (${placeOf(target)}) o join pg_catalog.pg_attribute a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped cross join lateral pg_catalog.aclexplode(a.attacl) g`
}

const COLUMN = sql`"column"`

/** One row where the target is there: may the role change it, and who may do what; `grantor` is null for its owner. */
export function targetQuestion(target: Target): Sql {
  return sql`select pg_catalog.pg_has_role(o.owner, 'USAGE') as owned, (select coalesce(pg_catalog.json_agg(i order by i.${COLUMN} nulls first, i.grantee, i.privilege), '[]') from (${itemsSql(target)}) i) as items from (${placeOf(target)}) o`
}

/** One row for each role that is not there. */
export function strangersQuestion(roles: readonly string[]): Sql {
  const names = join(roles.map((role) => sql`(${lit(role)})`))
  return sql`select r.name from (values ${names}) r (name) where r.name <> 'public' and not exists (select from pg_catalog.pg_roles p where p.rolname = r.name)`
}

/** Has the owner given that: at all, and so that it can be given on, where that matters? */
export function isGiven(target: Target, { column, grantee, privilege }: Right, grantable?: boolean): Sql {
  const option = grantable === undefined ? sql`` : sql` and i.grantable = ${lit(grantable)}`
  return sql`exists (select from (${itemsSql(target)}) i where i.grantor is null and i.${COLUMN} is not distinct from ${lit(column)} and i.grantee = ${lit(grantee)} and i.privilege = ${lit(privilege)}${option})`
}

/** Of these privileges the owner has given nothing on a column but that. */
export function isNothingElse(target: Target, wholes: readonly Right[], known: readonly Right[]): Sql {
  const of = wholes.map(
    ({ grantee, privilege }) => sql`i.grantee = ${lit(grantee)} and i.privilege = ${lit(privilege)}`,
  )
  const here = known.flatMap(({ column, grantee, privilege }) =>
    column === null ? [] : [sql`(${lit(column)}, ${lit(grantee)}, ${lit(privilege)})`],
  )
  const others =
    here.length === 0 ? sql`` : sql` and (i.${COLUMN}, i.grantee, i.privilege) not in (${join(here)})`
  return sql`not exists (select from (${itemsSql(target)}) i where i.grantor is null and i.${COLUMN} is not null and (${join(of, ' or ')})${others})`
}

/** Nobody has given on what a role may give on: PostgreSQL would not take it back then. */
export function isNotGivenOn(target: Target, items: readonly Item[]): Sql {
  const given = items.map(
    ({ grantee, privilege }) => sql`i.grantor = ${lit(grantee)} and i.privilege = ${lit(privilege)}`,
  )
  return sql`not exists (select from (${itemsSql(target)}) i where ${join(given, ' or ')})`
}
