import type { QualifiedName } from '../schema/model.ts'
import { lit, qualified, regclass, type Sql, sql } from '../sql.ts'
import { type DatabaseObject, signatureOf } from './database-object.ts'
import { formsOf } from './type-columns.ts'

/** Where an object stands in the catalog, and what would make it again as it is. */
interface Place {
  readonly catalog: 'pg_class' | 'pg_proc' | 'pg_trigger' | 'pg_policy' | 'pg_type'
  readonly oid: Sql
  readonly definition: Sql
  readonly owned: Sql
}

function placeOf(object: DatabaseObject): Place {
  const { kind, name, on } = object
  const table = regclass(on ?? name)
  switch (kind) {
    case 'view':
      return {
        catalog: 'pg_class',
        oid: sql`(select o.oid from pg_catalog.pg_class o where o.oid = ${table} and o.relkind = 'v')`,
        definition: sql`(select pg_catalog.format('create or replace view %s%s as %s', o.oid::pg_catalog.regclass, ' with (' || pg_catalog.array_to_string(o.reloptions, ', ') || ')', pg_catalog.rtrim(pg_catalog.pg_get_viewdef(o.oid), ';')) from pg_catalog.pg_class o where o.oid = ${table} and o.relkind = 'v')`,
        owned: ownedBy(sql`(select o.relowner from pg_catalog.pg_class o where o.oid = ${table})`),
      }
    case 'function':
    case 'procedure': {
      const oid = sql`(select o.oid from pg_catalog.pg_proc o where o.oid = pg_catalog.to_regprocedure(${lit(signatureOf(object))}) and o.prokind = ${lit(kind === 'function' ? 'f' : 'p')})`
      return {
        catalog: 'pg_proc',
        oid,
        definition: sql`pg_catalog.pg_get_functiondef(${oid})`,
        owned: ownedBy(sql`(select o.proowner from pg_catalog.pg_proc o where o.oid = ${oid})`),
      }
    }
    case 'trigger': {
      const found = sql`from pg_catalog.pg_trigger o where o.tgrelid = ${table} and o.tgname = ${lit(name.name)} and not o.tgisinternal`
      return {
        catalog: 'pg_trigger',
        oid: sql`(select o.oid ${found})`,
        definition: sql`(select pg_catalog.pg_get_triggerdef(o.oid) || case o.tgenabled when 'O' then '' else pg_catalog.format('; alter table %s %s trigger %I', o.tgrelid::pg_catalog.regclass, case o.tgenabled when 'D' then 'disable' when 'A' then 'enable always' else 'enable replica' end, o.tgname) end || ${commentOf(sql`pg_trigger`, sql`'trigger'`, sql`o.tgname`, sql`o.tgrelid`)} ${found})`,
        owned: ownedBy(sql`(select o.relowner from pg_catalog.pg_class o where o.oid = ${table})`),
      }
    }
    case 'policy': {
      const found = sql`from pg_catalog.pg_policy o where o.polrelid = ${table} and o.polname = ${lit(name.name)}`
      return {
        catalog: 'pg_policy',
        oid: sql`(select o.oid ${found})`,
        definition: sql`(select pg_catalog.format('create policy %I on %s as %s for %s to %s%s%s', o.polname, o.polrelid::pg_catalog.regclass, case when o.polpermissive then 'permissive' else 'restrictive' end, case o.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end, (select pg_catalog.string_agg(case when role = 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(role)) end, ', ' order by role) from pg_catalog.unnest(o.polroles) role), ' using (' || pg_catalog.pg_get_expr(o.polqual, o.polrelid) || ')', ' with check (' || pg_catalog.pg_get_expr(o.polwithcheck, o.polrelid) || ')') || ${commentOf(sql`pg_policy`, sql`'policy'`, sql`o.polname`, sql`o.polrelid`)} ${found})`,
        owned: ownedBy(sql`(select o.relowner from pg_catalog.pg_class o where o.oid = ${table})`),
      }
    }
    case 'type':
    case 'domain': {
      const oid = sql`(select o.oid from pg_catalog.pg_type o where o.oid = pg_catalog.to_regtype(${lit(qualified(name))}) and (o.typtype = 'd') = ${lit(kind === 'domain')})`
      return {
        catalog: 'pg_type',
        oid,
        definition: sql`''`,
        owned: ownedBy(sql`(select o.typowner from pg_catalog.pg_type o where o.oid = ${oid})`),
      }
    }
  }
}

function ownedBy(role: Sql): Sql {
  return sql`pg_catalog.pg_has_role(${role}, 'USAGE')`
}

/** A comment goes with what is dropped, and must come again with it. */
function commentOf(catalog: Sql, kind: Sql, name: Sql, table: Sql): Sql {
  return sql`coalesce(pg_catalog.format('; comment on %s %I on %s is %L', ${kind}, ${name}, ${table}::pg_catalog.regclass, pg_catalog.obj_description(o.oid, '${catalog}')), '')`
}

export function objectExists(object: DatabaseObject): Sql {
  return sql`${placeOf(object).oid} is not null`
}

export function objectAbsent(object: DatabaseObject): Sql {
  return sql`${placeOf(object).oid} is null`
}

/** What would make it again as it is, as `objectQuestion` gives it. */
export function definitionSql(object: DatabaseObject): Sql {
  return placeOf(object).definition
}

/** Is it defined as a text of `objectQuestion` says? */
export function isDefinedAs(object: DatabaseObject, definition: string): Sql {
  return sql`${definitionSql(object)} is not distinct from ${lit(definition)}`
}

export function isDefinedElse(object: DatabaseObject, definition: string): Sql {
  return sql`${definitionSql(object)} <> ${lit(definition)}`
}

/**
 * What depends on an object, as a person would look for it; what belongs to it does not count. Before PostgreSQL 15 a generated column
 * goes with what it is computed by, without a word.
 */
export function dependentsOf(object: DatabaseObject): Sql {
  const isComputed = sql`d.deptype = 'a' and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid <> 0`
  return sql`select distinct coalesce('view ' || v.oid::pg_catalog.regclass, i.type || ' ' || i.identity) as name
 from pg_catalog.pg_depend d cross join lateral pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) i
 left join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and r.oid = d.objid
 left join pg_catalog.pg_class v on v.oid = r.ev_class
 where (${formsSql(object)}) and (d.deptype = 'n' or ${isComputed})${object.kind === 'view' ? sql` and v.oid is distinct from ${placeOf(object).oid}` : sql``}`
}

/** What is on the object itself, or on a type that comes with it: arrays of it, multiranges, the rows of a view or of a composite type. */
function formsSql(object: DatabaseObject): Sql {
  const { catalog, oid } = placeOf(object)
  const refers = (to: string, which: Sql) =>
    sql`d.refclassid = ${lit(`pg_catalog.${to}`)}::pg_catalog.regclass and d.refobjid ${which}`
  const itself = refers(catalog, sql`= ${oid}`)
  const rows = sql`in (select o.typrelid from pg_catalog.pg_type o where o.oid = ${oid} and o.typtype = 'c')`
  switch (object.kind) {
    case 'view':
      return sql`${itself} or ${refers('pg_type', sql`in ${formsOf(object.name)}`)}`
    case 'type':
    case 'domain':
      return sql`${refers('pg_type', sql`in ${formsOf(object.name)}`)} or ${refers('pg_class', rows)}`
    case 'function':
    case 'procedure':
    case 'trigger':
    case 'policy':
      return itself
  }
}

export function hasNoObjectDependents(object: DatabaseObject): Sql {
  return sql`not exists (${dependentsOf(object)})`
}

/** One row where the object is there: its definition, whether the role may change it, and what depends on it. */
export function objectQuestion(object: DatabaseObject): Sql {
  const { oid, definition, owned } = placeOf(object)
  return sql`select ${definition} as definition, ${owned} as owned, (select coalesce(pg_catalog.json_agg(name order by name), '[]') from (${dependentsOf(object)}) d) as dependents where ${oid} is not null`
}

/** One row for each permissive policy of a table whose row security is on. */
export function permissivePoliciesQuestion(table: QualifiedName): Sql {
  return sql`select p.polname as name from pg_catalog.pg_policy p join pg_catalog.pg_class c on c.oid = p.polrelid where c.oid = ${regclass(table)} and c.relrowsecurity and p.polpermissive order by p.polname`
}

/** Is a policy not the last one by which somebody sees rows of its table? */
export function isNotLastPolicy(table: QualifiedName, name: string): Sql {
  const permissive = permissivePoliciesQuestion(table)
  return sql`not exists (select from (${permissive}) p having pg_catalog.bool_and(p.name = ${lit(name)}))`
}

/** One row for each of its argument types that is not found without a search_path. */
export function unknownTypesQuestion({ argumentTypes = [] }: DatabaseObject): Sql | undefined {
  const [first, ...more] = argumentTypes.map(
    (type) => sql`select ${lit(type)} as name where pg_catalog.to_regtype(${lit(type)}) is null`,
  )
  if (first === undefined) return undefined
  return [first, ...more].join(' union all ') as Sql
}
