import { sameRights } from '../../plan/same-rights.ts'
import { theTable } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import type { Column, QualifiedName } from '../../schema/model.ts'
import { id, lit, qualified, regclass, type Sql, sql, trusted } from '../../sql.ts'

/** A column of a table. */
interface Named {
  readonly namespace: string
  readonly table: string
  readonly column: string
}

/** Which sequence an identity has: it may be called anything. */
export function identityQuestion(op: Named): Sql {
  return sql`
select n.nspname as namespace, s.relname as name from pg_catalog.pg_depend d
  join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S' join pg_catalog.pg_namespace n on n.oid = s.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
  where d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype = 'i'
    and d.refobjid = pg_catalog.to_regclass(${lit(qualified(theTable(op)))}) and a.attname = ${lit(op.column)}`
}

export function identityOf(op: Named, { answers }: Pick<Facts, 'answers'>): QualifiedName | undefined {
  const answer = answers[identityQuestion(op)]
  return Array.isArray(answer) ? (answer[0] as QualifiedName | undefined) : undefined
}

export interface HandOver {
  readonly table: QualifiedName
  /** The column that is an identity, and the one that becomes one. */
  readonly from: string
  readonly to: string
  readonly identity: Column['identity']
  readonly sequence: QualifiedName
  /** What the new sequence is called. */
  readonly becomes: QualifiedName
  /** A name that the old sequence has for a moment. */
  readonly aside: string
}

/**
 * An identity cannot be moved: the other column gets one with a sequence that goes on where the old one is. The rename waits for
 * whoever has taken a number and keeps others from taking one, so that none is given twice.
 */
export function handOverSql({
  table,
  from,
  to,
  identity,
  sequence,
  becomes,
  aside,
}: HandOver): readonly Sql[] {
  const old = { namespace: sequence.namespace, name: aside }
  return [
    sql`alter sequence ${qualified(sequence)} rename to ${id(aside)}`,
    sql`do ${lit(likeBody({ table, to, identity, becomes }, old))}`,
    sql`select pg_catalog.setval(${lit(qualified(becomes))}, last_value, is_called) from ${qualified(old)}`,
    sql`alter table ${qualified(table)} alter column ${id(from)} drop identity`,
  ]
}

/** Of the same kind, bounds, rights and comment as the old one; read as it runs, because nothing of that changes what the plan is. */
function likeBody(
  { table, to, identity, becomes }: Pick<HandOver, 'table' | 'to' | 'identity' | 'becomes'>,
  old: QualifiedName,
): Sql {
  const words = trusted(identity === 'always' ? 'always' : 'by default')
  const made = lit(qualified(becomes))
  return sql`
declare
  was record;
  one record;
begin
  select s.*, pg_catalog.format_type(s.seqtypid, null) as type, c.relacl, c.relowner, pg_catalog.obj_description(c.oid, 'pg_class') as comment
    into strict was from pg_catalog.pg_sequence s join pg_catalog.pg_class c on c.oid = s.seqrelid
    where s.seqrelid = ${regclass(old)};
  execute pg_catalog.format(${lit(
    sql`alter table ${escaped(qualified(table))} alter column ${escaped(id(to))} add generated ${words} as identity (sequence name ${escaped(qualified(becomes))} start with %s increment by %s minvalue %s maxvalue %s cache %s %s)`,
  )},
    was.seqstart, was.seqincrement, was.seqmin, was.seqmax, was.seqcache, case when was.seqcycle then 'cycle' else 'no cycle' end);
  -- As wide as it was, so that no number is given that the old column does not take.
  execute pg_catalog.format('alter sequence %s as %s', ${made}, was.type);
  execute pg_catalog.format('comment on sequence %s is %L', ${made}, was.comment);
${sameRights('sequence', made, {
  has: sql`from pg_catalog.pg_class c cross join lateral pg_catalog.aclexplode(c.relacl) a
      where c.oid = pg_catalog.to_regclass(${made}) and a.grantee <> c.relowner`,
  had: sql`was.relacl`,
})}
end`
}

/** Within a text of format(). */
function escaped(text: Sql): Sql {
  return trusted(text.replaceAll('%', '%%'))
}
