import type { QualifiedName } from '../schema/model.ts'
import { lit, qualified, type Sql, sql } from '../sql.ts'

const oid = (type: QualifiedName): Sql => sql`pg_catalog.to_regtype(${lit(qualified(type))})`

/** The values of an enum, in their order: one row each; of an enum without any one row with null, of another type none. */
export function labelsQuestion(type: QualifiedName): Sql {
  return sql`select e.enumlabel as label from pg_catalog.pg_type t left join pg_catalog.pg_enum e on e.enumtypid = t.oid where t.oid = ${oid(type)} and t.typtype = 'e' order by e.enumsortorder`
}

export function hasLabel(type: QualifiedName, label: string): Sql {
  return sql`exists (select from pg_catalog.pg_enum e where e.enumtypid = ${oid(type)} and e.enumlabel = ${lit(label)})`
}
