import type { Facts } from '../../../schema/facts.ts'
import { findColumn, findTable, type Schema, withTable } from '../../../schema/model.ts'
import type { Change, ChangeType } from '../change.ts'
import { changedTable } from '../schema.ts'
import { changing, followingMapping, followingTarget } from './keys.ts'

/** The schema in which every column has the new type that is to have it. */
export function changedKeys(
  op: ChangeType,
  schema: Schema,
  change: Extract<Change, { by: 'copy' }>,
  facts: Facts,
): Schema {
  return changing(op, schema, change.target).reduce((before, { table: name, column }, at) => {
    const table = findTable(before, name)
    const from = table === undefined ? undefined : findColumn(table, column)
    if (table === undefined || from === undefined) return before
    const target = at === 0 ? change.target : followingTarget(from, change.target)
    const mapping = at === 0 ? change.mapping : followingMapping(from, target, facts)
    if ('problem' in mapping) return before
    return withTable(before, changedTable(table, from, { by: 'copy', target, mapping }, { op, facts }))
  }, schema)
}
