import type { Facts } from '../../schema/facts.ts'
import { findTable, type Schema, withTable } from '../../schema/model.ts'
import { twinColumn } from '../copy/work.ts'
import { notNullConstraint } from '../rules/schema.ts'
import { resolved } from './mapping.ts'
import type { Reshape } from './reshape.ts'
import { defaultsOf } from './work.ts'

/** The old columns are gone with what hung on them, and the new ones are the last. */
export function reshapedSchema(shape: Reshape, schema: Schema, facts: Facts): Schema {
  const table = findTable(schema, shape.table)
  const found = table === undefined ? undefined : resolved(shape, table, facts)
  if (table === undefined || found === undefined || 'problems' in found) return schema
  const [old] = found.olds
  if (old === undefined) return schema
  const defaults = defaultsOf(found)
  const isOld = (name: string) => shape.olds.some((one) => one.name === name)
  const kept = <T extends { readonly columns: readonly string[] }>(objects: readonly T[]) =>
    objects.filter(({ columns }) => !columns.some(isOld))
  return withTable(schema, {
    ...table,
    columns: [
      ...table.columns.filter(({ name }) => !isOld(name)),
      ...shape.news.map(({ name, nullable }, at) => ({
        ...twinColumn(old, found.types[at] ?? old, { name, collation: null }),
        nullable,
        default: defaults[at] ?? null,
        defaultVolatility: defaults[at] === undefined ? null : ('stable' as const),
      })),
    ],
    columnSlots: table.columnSlots + shape.news.length,
    indexes: kept(table.indexes),
    constraints: [
      ...kept(table.constraints),
      ...shape.news
        .filter(({ nullable }) => !nullable)
        .flatMap(({ name }) => notNullConstraint(table.name, name, facts.serverVersion)),
    ],
  })
}
