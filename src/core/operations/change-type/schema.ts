import type { Facts } from '../../schema/facts.ts'
import type { Column, Table } from '../../schema/model.ts'
import { twinTable } from '../copy/twin-schema.ts'
import { carriedDefault } from '../copy/work.ts'
import { withNotNull } from '../rules/schema.ts'
import type { Change, ChangeType } from './change.ts'

/** The table after the change: a copied column is the last one, and one that was only widened stays where it is. */
export function changedTable(
  table: Table,
  from: Column,
  change: Change,
  { op, facts }: { readonly op: ChangeType; readonly facts: Facts },
): Table {
  const { notNull, typeConstrained: _, ...type } = change.target
  const isSameType = type.baseType === from.baseType
  const made = {
    ...type,
    storage: isSameType ? from.storage : type.typeStorage,
    compression: isSameType ? from.compression : null,
  }
  if (change.by === 'catalog') {
    const widened = { ...from, ...made, compression: from.compression }
    return { ...table, columns: table.columns.map((one) => (one.name === from.name ? widened : one)) }
  }
  const changesValues = op.up !== undefined && from.default !== null
  const twin = twinTable(
    table,
    { from: from.name, to: from.name },
    {
      ...made,
      nullable: !notNull || from.nullable,
      ...(changesValues
        ? { default: carriedDefault(from, change.mapping, true) ?? null, defaultText: null }
        : {}),
    },
  )
  return notNull ? withNotNull(twin, from.name, facts) : twin
}
