import {
  findTable,
  isSameName,
  type Part,
  primaryKey,
  type QualifiedName,
  type Schema,
  type Table,
  withTable,
} from '../../schema/model.ts'
import { OWN } from '../../schema/own.ts'
import { behindTable } from './likeness.ts'

/** A table that becomes a partition stays what it is; its table knows it. */
export function attachedSchema(schema: Schema, of: QualifiedName, name: QualifiedName): Schema {
  const [table, part] = [findTable(schema, of), findTable(schema, name)]
  if (table === undefined || part === undefined || part.kind === 'partition') return schema
  const attached: Part = {
    namespace: part.namespace,
    name: part.name,
    kind: part.kind === 'partitioned' ? 'partitioned' : 'table',
    under: { namespace: table.namespace, name: table.name },
    owned: part.owned,
    own: ownOf(table, part),
  }
  return withTable(
    withTable(schema, {
      ...table,
      parts: [...table.parts, attached, ...part.parts],
      keyedBy: [...new Set([...table.keyedBy, ...part.keyedBy])],
    }),
    { ...part, kind: 'partition' },
  )
}

/** The other way round. */
export function detachedSchema(schema: Schema, of: QualifiedName, name: QualifiedName): Schema {
  const [table, part] = [findTable(schema, of), findTable(schema, name)]
  if (table === undefined || part === undefined) return schema
  const parts = table.parts.filter((one) => !isSameName(one, name))
  return withTable(withTable(schema, { ...table, parts }), { ...part, kind: 'table' })
}

/** Keys, indexes and checks that its table does not have. */
function ownOf(table: Table, part: Table): Part['own'] {
  const indexes = part.indexes.filter(
    (mine) => !table.indexes.some((one) => behindTable(one) === behindTable(mine)),
  )
  const checks = part.constraints.filter(
    (mine) => mine.kind === 'check' && !table.constraints.some(({ name }) => name === mine.name),
  )
  const hasKey = table.constraints.some(({ kind }) => kind === 'primary_key')
  const key = hasKey ? [] : primaryKey(part)
  return [
    ...(key.length === 0 ? [] : [{ what: OWN.primaryKey, columns: key.toSorted() }]),
    ...indexes.map(({ name, columns }) => ({ what: `the index ${name} of its own`, columns })),
    ...checks.map(({ name, columns }) => ({ what: `the constraint ${name} of its own`, columns })),
  ]
}
