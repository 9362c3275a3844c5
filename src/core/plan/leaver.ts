import type { QualifiedName } from '../schema/model.ts'
import type { Thing } from './thing.ts'

/** A column on its way out, or the whole table where none is named; or something else, on that table or on none. */
export interface Leaver {
  readonly table: QualifiedName
  readonly column?: string
  readonly thing?: Thing
}

/** For people: `"users"."name"`, `"users"`, or `the index public.users_email`. */
export function called({ table, column, thing }: Leaver): string {
  if (thing !== undefined) return thing.called
  return column === undefined ? `"${table.name}"` : `"${table.name}"."${column}"`
}
