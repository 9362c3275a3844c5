import type { Facts } from '../../schema/facts.ts'
import type { Column, Table } from '../../schema/model.ts'
import { retypedTable } from '../retype/schema.ts'
import type { Change, ChangeType } from './change.ts'

/** The table after the change: a copied column is the last one, and one that was only widened stays where it is. */
export function changedTable(
  table: Table,
  from: Column,
  change: Change,
  { op, facts }: { readonly op: ChangeType; readonly facts: Facts },
): Table {
  const { name } = from
  if (change.by === 'copy') {
    const { target, mapping } = change
    const changesValues = op.up !== undefined
    return retypedTable(table, { from: name, to: name, target, mapping, changesValues }, facts)
  }
  const { notNull: _, typeConstrained: __, ...type } = change.target
  const storage = type.baseType === from.baseType ? from.storage : type.typeStorage
  const widened = { ...from, ...type, storage }
  return { ...table, columns: table.columns.map((one) => (one.name === name ? widened : one)) }
}
