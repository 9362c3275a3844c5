import { assert } from '../../errors.ts'
import type { Mapping } from '../../plan/mapping.ts'
import type { Facts } from '../../schema/facts.ts'
import { findColumn, type Table } from '../../schema/model.ts'
import { twinTable } from '../copy/twin-schema.ts'
import { carriedDefault } from '../copy/work.ts'
import { withNotNull } from '../rules/schema.ts'
import type { Target } from './target.ts'

/** How one column takes the place of another. */
export interface Replacement {
  readonly from: string
  readonly to: string
  readonly target: Target
  readonly mapping: Mapping
  readonly changesValues: boolean
}

/** The table after the copy: the new column has everything that the old one had, and is what it is to be. */
export function retypedTable(table: Table, of: Replacement, facts: Facts): Table {
  const { from: name, to, target, mapping, changesValues } = of
  const from = findColumn(table, name)
  assert(from !== undefined, 'a column is there before it changes')
  const adopted = to === name ? undefined : findColumn(table, to)
  const { notNull, ...type } = target
  const isSameType = type.baseType === from.baseType
  const twin = twinTable(
    table,
    { from: name, to },
    {
      ...type,
      storage: isSameType ? from.storage : type.typeStorage,
      compression: isSameType ? from.compression : (adopted?.compression ?? null),
      nullable: !notNull || from.nullable,
      ...(changesValues && from.default !== null
        ? { default: carriedDefault(from, mapping, true) ?? null, defaultText: null }
        : {}),
    },
  )
  return notNull ? withNotNull(twin, to, facts) : twin
}
