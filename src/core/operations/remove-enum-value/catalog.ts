import { hasLabels } from '../../objects/enum-catalog.ts'
import { type ColumnPlace, columnsOf, formsOf, regtype, tableColumnsOf } from '../../objects/type-columns.ts'
import { sameRights } from '../../plan/same-rights.ts'
import type { Requirement } from '../../plan/step.ts'
import type { QualifiedName } from '../../schema/model.ts'
import { lit, qualified, type Sql, shown, sql } from '../../sql.ts'

/**
 * What else PostgreSQL knows to need the type: one `name` a row. What needs a column that has it as well is told of that column.
 * @param besides a type that casts of ours go to and come from
 */
function usersOf(type: QualifiedName, known?: readonly ColumnPlace[], besides?: QualifiedName): Sql {
  const cast =
    besides === undefined
      ? sql``
      : sql`
  and not exists (select from pg_catalog.pg_cast k where d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass and k.oid = d.objid and ${regtype(besides)} in (k.castsource, k.casttarget))`
  return sql`with members as (${columnsOf(type, known)})
select distinct coalesce(case v.relkind when 'm' then 'materialized view ' else 'view ' end || v.oid::pg_catalog.regclass, i.type || ' ' || i.identity) as name
  from pg_catalog.pg_depend d cross join lateral pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) i
  left join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and r.oid = d.objid
  left join pg_catalog.pg_class v on v.relkind in ('v', 'm') and v.oid = case d.classid when 'pg_catalog.pg_class'::pg_catalog.regclass then d.objid else r.ev_class end
  where d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.refobjid in ${formsOf(type)} and d.deptype <> 'i'
  and not exists (select from members m where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and (m.relid, m.attnum) = (d.objid, d.objsubid))
  and not exists (select from members m join pg_catalog.pg_depend e on e.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and (e.refobjid, e.refobjsubid) = (m.relid, m.attnum)
    where (e.classid, e.objid, e.objsubid) = (d.classid, d.objid, d.objsubid)
      or e.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and e.objid in (select w.oid from pg_catalog.pg_rewrite w where w.ev_class = v.oid))${cast}`
}

/** One row where there is such an enum. */
export function typeQuestion(type: QualifiedName, value: string): Sql {
  const mayBecome = sql`pg_catalog.pg_has_role(t.typowner, 'MEMBER') and pg_catalog.has_schema_privilege(t.typowner, t.typnamespace, 'CREATE')`
  return sql`select pg_catalog.has_schema_privilege(t.typnamespace, 'CREATE') and (${mayBecome} or pg_catalog.pg_get_userbyid(t.typowner) = current_user) as makes,
  exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid and d.deptype = 'e') as extension,
  (select coalesce(pg_catalog.json_agg(c), '[]') from (${tableColumnsOf(type)}) c) as columns,
  (select coalesce(pg_catalog.json_agg(name order by name), '[]') from (${usersOf(type)}) u) as users,
  (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('namespace', n.nspname, 'name', o.typname)), '[]') from pg_catalog.pg_enum e
    join pg_catalog.pg_type o on o.oid = e.enumtypid join pg_catalog.pg_namespace n on n.oid = o.typnamespace where e.enumlabel = ${lit(value)} and o.oid <> t.oid) as others
  from pg_catalog.pg_type t where t.oid = ${regtype(type)} and t.typtype = 'e'`
}

export function typeExists(type: QualifiedName): Sql {
  return sql`${regtype(type)} is not null`
}

export function typeAbsent(type: QualifiedName): Sql {
  return sql`${regtype(type)} is null`
}

function noUserOf(...of: Parameters<typeof usersOf>): Pick<Requirement, 'that' | 'code'> {
  return { that: sql`not exists (${usersOf(...of)})`, code: 'dependents_found' }
}

/** @param other the type that casts of ours go to and come from */
export function nothingElseUses(
  type: QualifiedName,
  columns: readonly ColumnPlace[],
  other: QualifiedName,
): Requirement {
  return {
    ...noUserOf(type, columns, other),
    otherwise: `something else is made with the type "${type.name}" than the columns that the plan names; drop it, contract, and make it anew`,
  }
}

/** Of a type that is about to be hidden, or dropped: nothing but these columns would go with it. */
export function nothingElseGoes(
  type: QualifiedName,
  columns: readonly ColumnPlace[],
  other: QualifiedName,
): Requirement {
  return {
    ...noUserOf(type, columns, other),
    otherwise: `the type "${type.name}" is to go, and something else has it; drop that and run the same command again: of a table that is no partition any more the column (alter table … drop column …), of whatever else the thing itself, which you make anew afterwards`,
    which: sql`(select pg_catalog.string_agg(name, ', ' order by name) from (${usersOf(type, columns, other)}) found)`,
  }
}

export function labelsAreAsPlanned(type: QualifiedName, labels: readonly string[]): Requirement {
  return {
    that: hasLabels(type, labels),
    code: 'drift_found',
    otherwise: `the values of ${shown(type.namespace)}.${shown(type.name)} are others than when the plan was made; roll back and begin anew`,
  }
}

/** What is made for a type: its comment, its rights and its owner are those of another one, whatever they are by then. */
export function alikeSql(old: QualifiedName, made: QualifiedName): Sql {
  const name = lit(qualified(made))
  const rights = sameRights('type', name, {
    has: sql`from pg_catalog.pg_type t cross join lateral pg_catalog.aclexplode(coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))) a
      where t.oid = ${regtype(made)} and a.grantee <> t.typowner`,
    had: sql`was.acl`,
  })
  return sql`do ${lit(sql`
declare
  was record;
  one record;
begin
  select t.typowner, coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner)) as acl, pg_catalog.obj_description(t.oid, 'pg_type') as comment
    into strict was from pg_catalog.pg_type t where t.oid = ${regtype(old)};
  execute pg_catalog.format('comment on type %s is %L', ${name}, was.comment);
${rights}
  if was.typowner <> (select t.typowner from pg_catalog.pg_type t where t.oid = ${regtype(made)}) then
    execute pg_catalog.format('alter type %s owner to %s', ${name}, pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(was.typowner)));
  end if;
end`)}`
}
