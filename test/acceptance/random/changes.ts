import type { RandomColumn } from './schema.ts'

/** Each from a type to another one that has all its values, and back. What PostgreSQL widens without a copy may stay wide. */
export const CHANGES = [
  { from: 'integer', to: 'bigint', up: '', down: '' },
  { from: 'integer', to: 'text', up: '::text', down: '::integer' },
  { from: 'jsonb', to: 'text', up: '::text', down: '::jsonb' },
] as const

/** Whether a rule holds for values that are made by hand nobody knows. */
export function mayChange(
  { type, references, byDefault, checked, unique }: RandomColumn,
  { from, up }: (typeof CHANGES)[number],
): boolean {
  const isByHand = up !== ''
  return (
    type === from &&
    references === undefined &&
    byDefault === undefined &&
    !(isByHand && (checked ?? unique) !== undefined)
  )
}
