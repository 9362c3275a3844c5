import type { QualifiedName, Table } from '../schema/model.ts'
import { nameOf } from '../schema/name-of.ts'
import type { Thing } from './thing.ts'

/** A column on its way out, or the whole table where none is named; or something else, on that table or on none. */
export interface Leaver {
  readonly table: QualifiedName
  readonly column?: string
  readonly thing?: Thing
}

/** The same with the partitions of its table: what names one uses the column as well. */
export type LeaverInParts = Leaver & { readonly parts?: readonly QualifiedName[] }

/** Of what is on no table. */
export const NO_TABLE: QualifiedName = { namespace: '', name: '' }

/** Something on a table, which matters to whoever uses anything of that. */
export function ofTable(
  table: QualifiedName,
  called: string,
  how: Pick<Thing, 'shows' | 'notInLog'> = {},
): Leaver {
  return { table: nameOf(table), thing: { called, reach: 'table', ...how } }
}

/** The same; whoever works on a partition says the name of its table, as a rule, so that it matters to everybody. */
export function ofItsTable(
  table: QualifiedName & Partial<Pick<Table, 'kind'>>,
  called: string,
  how: Pick<Thing, 'shows' | 'notInLog'> = {},
): Leaver {
  return table.kind === 'partition' ? ofEverybody(called, how) : ofTable(table, called, how)
}

/** Something on no table, which matters to whoever is there. */
export function ofEverybody(called: string, how: Omit<Thing, 'called' | 'reach'> = {}): Leaver {
  return { table: NO_TABLE, thing: { called, reach: 'all', ...how } }
}

/** Without what belongs to its gate, or to the words for it. */
export function leaverOf({ table, column, thing }: Leaver): Leaver {
  return {
    table,
    ...(column === undefined ? {} : { column }),
    ...(thing === undefined ? {} : { thing }),
  }
}

/** For people: `"users"."name"`, `"users"`, or `the index public.users_email`. */
export function called({ table, column, thing }: Leaver): string {
  if (thing !== undefined) return thing.called
  return column === undefined ? `"${table.name}"` : `"${table.name}"."${column}"`
}
