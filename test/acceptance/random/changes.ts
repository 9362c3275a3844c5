import { id } from '../../../src/core/sql.ts'
import type { RandomColumn } from './schema.ts'

/** From a type to another one that has all its values, and back. Without a mapping PostgreSQL may widen it, and it may stay wide. */
interface Change {
  readonly from: string
  readonly to: string
  readonly mapping?: { readonly up: (old: string) => string; readonly down: (renewed: string) => string }
}

/** Such that what is written into the one can be written into the other as well. */
export const CHANGES: readonly Change[] = [
  { from: 'integer', to: 'bigint' },
  {
    from: 'integer',
    to: 'text',
    mapping: { up: (old) => `${old}::text`, down: (renewed) => `${renewed}::integer` },
  },
  {
    from: 'jsonb',
    to: 'text',
    mapping: { up: (old) => `${old}::text`, down: (renewed) => `${renewed}::jsonb` },
  },
  {
    from: 'integer',
    to: 'bigint',
    mapping: {
      up: (old) => `${old}::bigint + 1000000`,
      down: (renewed) => `(${renewed} - 1000000)::integer`,
    },
  },
  {
    from: 'text',
    to: 'character varying(60)',
    mapping: { up: (old) => `reverse(${old})`, down: (renewed) => `reverse(${renewed})` },
  },
]

/** Whether a rule holds for values that are made by hand nobody knows. */
export function mayChange(
  { type, references, byDefault, checked, unique, form }: RandomColumn,
  { from, mapping }: Change,
): boolean {
  return (
    type === from &&
    references === undefined &&
    byDefault === undefined &&
    form?.isFree !== false &&
    !(mapping !== undefined && (checked ?? unique) !== undefined)
  )
}

/** What an operation says of it, and what the column is then, which it may call otherwise. */
export function changed(column: RandomColumn, { to: type, mapping }: Change, to = column.name) {
  if (mapping === undefined) return { fields: { type }, column: { ...column, type } }
  const [up, down] = [mapping.up(id(column.name)), mapping.down(id(to))]
  return { fields: { type, up, down }, column: { ...column, type, mapped: up } }
}
