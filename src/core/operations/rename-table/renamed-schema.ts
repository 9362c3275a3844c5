import { isSameName, type QualifiedName, type ReferencingKey, type Schema } from '../../schema/model.ts'
import { constraintOn } from '../../schema/references.ts'

/** The schema with a table under another name: its indexes, constraints and sequences keep theirs, as PostgreSQL leaves them. */
export function renamedSchema(schema: Schema, from: QualifiedName, to: QualifiedName): Schema {
  if (!schema.tables.some((table) => isSameName(table, from))) return schema
  const renamed = <N extends QualifiedName>(name: N): N =>
    isSameName(name, from) ? { ...name, namespace: to.namespace, name: to.name } : name
  return {
    ...schema,
    tables: schema.tables.map((table) => ({
      ...renamed(table),
      parts: table.parts.map((part) => ({ ...part, under: renamed(part.under) })),
      constraints: table.constraints.map((one) =>
        one.references === null ? one : { ...one, references: renamed(one.references) },
      ),
      referencedBy: table.referencedBy.map((key) =>
        isSameName(key.table, from) ? pointing({ ...key, table: to }) : key,
      ),
    })),
  }
}

function pointing(key: ReferencingKey): ReferencingKey {
  return { ...key, identity: constraintOn(key.table, key.constraint) }
}
