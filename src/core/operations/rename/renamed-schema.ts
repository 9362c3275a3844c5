import { theTable } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import { findColumn, findTable, type Schema, withTable } from '../../schema/model.ts'
import { retypedTable } from '../retype/schema.ts'
import { relinked } from './key.ts'
import type { RenameColumn } from './rename.ts'
import { renamingOf } from './renaming.ts'

/** The schema after the contract: the new column is the last one and has everything that the old one had. */
export function renamedSchema(op: RenameColumn, schema: Schema, facts: Facts): Schema {
  const table = findTable(schema, theTable(op))
  const from = table === undefined ? undefined : findColumn(table, op.from)
  if (table === undefined || from === undefined) return schema
  const renaming = renamingOf(op, table, from, facts)
  if ('problem' in renaming) return schema
  const { from: old, to } = op
  const after = withTable(schema, retypedTable(table, { from: old, to, ...renaming }, facts))
  return relinked(schema, after, { table, from: old, to })
}
