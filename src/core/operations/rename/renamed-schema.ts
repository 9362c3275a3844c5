import { theTable } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import { findColumn, findTable, type Schema, withTable } from '../../schema/model.ts'
import { twinTable } from '../copy/twin-schema.ts'
import { keptCollation } from '../copy/work.ts'
import type { RenameColumn } from './rename.ts'

/** The schema after the contract: the new column is the last one and has everything that the old one had. */
export function renamedSchema(op: RenameColumn, schema: Schema, facts: Facts): Schema {
  const table = findTable(schema, theTable(op))
  const from = table === undefined ? undefined : findColumn(table, op.from)
  if (table === undefined || from === undefined) return schema
  const adopted = findColumn(table, op.to)
  const { type, baseType, typeKind, collatable, typeStorage } =
    adopted ?? (op.type === undefined ? from : facts.types[op.type]) ?? from
  const isSameType = baseType === from.baseType
  return withTable(
    schema,
    twinTable(table, op, {
      type,
      baseType,
      typeKind,
      collatable,
      typeStorage,
      collation: adopted === undefined ? keptCollation(from, { collatable }) : adopted.collation,
      storage: isSameType ? from.storage : typeStorage,
      compression: isSameType ? from.compression : (adopted?.compression ?? null),
    }),
  )
}
