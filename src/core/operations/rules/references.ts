import { findTable, isSameName, type QualifiedName, type Schema, withTable } from '../../schema/model.ts'
import { shown } from '../../sql.ts'

/** The schema in which a foreign key is known to the other table that it points at, too. */
export function withReference(
  schema: Schema,
  from: QualifiedName,
  name: string,
  other: QualifiedName,
): Schema {
  const target = findTable(schema, other)
  if (target === undefined || isSameName(from, other)) return schema
  const { namespace, name: table } = from
  const identity = `${shown(name)} on ${shown(namespace)}.${shown(table)}`
  const reference = { constraint: name, identity, table: { namespace, name: table } }
  return withTable(schema, { ...target, referencedBy: [...target.referencedBy, reference] })
}

export function withoutReference(
  schema: Schema,
  from: QualifiedName,
  name: string,
  other: QualifiedName,
): Schema {
  const target = findTable(schema, other)
  if (target === undefined) return schema
  const referencedBy = target.referencedBy.filter(
    ({ constraint, table }) => constraint !== name || !isSameName(table, from),
  )
  return withTable(schema, { ...target, referencedBy })
}
