import { formsOf } from '../objects/type-columns.ts'
import type { Facts } from '../schema/facts.ts'
import type { QualifiedName } from '../schema/model.ts'
import { type Sql, sql } from '../sql.ts'

/**
 * Columns that hold rows of a table, or arrays of such: PostgreSQL gives the table no column with a value, and none of its columns
 * another type, because it would have to change them as well. Of a table they depend on that type.
 */
export function rowHoldersQuestion(table: QualifiedName): Sql {
  return sql`select c.oid::pg_catalog.regclass || '.' || pg_catalog.quote_ident(a.attname) as name from pg_catalog.pg_depend d
  join pg_catalog.pg_class c on c.oid = d.objid and c.relkind in ('r', 'm', 'p')
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid and a.atttypid = d.refobjid
  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
    and d.refobjid in ${formsOf(table)} order by 1`
}

export function rowHolders(table: QualifiedName, { answers }: Pick<Facts, 'answers'>): readonly string[] {
  const answer = answers[rowHoldersQuestion(table)]
  return answer === undefined || 'problem' in answer ? [] : answer.map(({ name }) => String(name))
}
