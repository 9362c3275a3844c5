import type { Facts } from '../schema/facts.ts'
import type { QualifiedName } from '../schema/model.ts'
import { regclass, type Sql, sql } from '../sql.ts'
import { treeOf } from './tree.ts'

/**
 * Columns that hold rows of a table or of one of its partitions, or arrays of such: PostgreSQL gives the table no column with a value,
 * and none of its columns another type, because it would have to change them as well. Of a table they depend on that type.
 */
export function rowHoldersQuestion(table: QualifiedName): Sql {
  const types = sql`select o.oid from ${treeOf(regclass(table))} tree join pg_catalog.pg_class of on of.oid = tree.relid
  join pg_catalog.pg_type t on t.oid = of.reltype cross join lateral (values (t.oid), (t.typarray)) o (oid)`
  return sql`select c.oid::pg_catalog.regclass || '.' || pg_catalog.quote_ident(a.attname) as name from pg_catalog.pg_depend d
  join pg_catalog.pg_class c on c.oid = d.objid and c.relkind in ('r', 'm', 'p')
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid and a.atttypid = d.refobjid
  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
    and d.refobjid in (${types}) order by 1`
}

export function rowHolders(table: QualifiedName, { answers }: Pick<Facts, 'answers'>): readonly string[] {
  const answer = answers[rowHoldersQuestion(table)]
  return answer === undefined || 'problem' in answer ? [] : answer.map(({ name }) => String(name))
}
