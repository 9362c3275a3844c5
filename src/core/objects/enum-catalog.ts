import type { QualifiedName } from '../schema/model.ts'
import { join, lit, type Sql, sql } from '../sql.ts'
import { regtype } from './type-columns.ts'

/** The values of an enum, in their order: one row each; of an enum without any one row with null, of another type none. */
export function labelsQuestion(type: QualifiedName): Sql {
  return sql`select e.enumlabel as label from pg_catalog.pg_type t left join pg_catalog.pg_enum e on e.enumtypid = t.oid where t.oid = ${regtype(type)} and t.typtype = 'e' order by e.enumsortorder`
}

/** Has it these values and no others, in this order? */
export function hasLabels(type: QualifiedName, labels: readonly string[]): Sql {
  const found = sql`select e.enumlabel::pg_catalog.text from pg_catalog.pg_enum e where e.enumtypid = ${regtype(type)} order by e.enumsortorder`
  return sql`(${regtype(type)} is not null and array(${found}) = array[${join(labels.map((label) => lit(label)))}]::pg_catalog.text[])`
}

export function hasLabel(type: QualifiedName, label: string): Sql {
  return sql`exists (select from pg_catalog.pg_enum e where e.enumtypid = ${regtype(type)} and e.enumlabel = ${lit(label)})`
}
