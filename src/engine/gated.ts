import {
  clearColumnState,
  closeDoorSql,
  columnKey,
  doorIsClosed,
  openDoorSql,
} from '../core/plan/column-state.ts'
import { type Leaver, NO_TABLE } from '../core/plan/leaver.ts'
import type { GateStep } from '../core/plan/step.ts'
import { lit, type Sql, sql } from '../core/sql.ts'

/** What is to disappear, and where writes of it are counted. */
export type Gated = Pick<GateStep, 'table' | 'column' | 'thing' | 'counter' | 'counts' | 'along' | 'follows'>

/** The key under which its door is kept, and how long it has been watched. */
function doorOf({ table, column, thing }: Leaver): Pick<Leaver, 'table' | 'column'> {
  if (thing !== undefined) return { table: { ...NO_TABLE, name: thing.called } }
  return { table, ...(column === undefined ? {} : { column }) }
}

export function closeDoorOf(of: Leaver, doorMs: number): Sql {
  const { table, column } = doorOf(of)
  return closeDoorSql(table, column, doorMs)
}

/** Is it closed, and for some time longer? */
export function doorStaysOf(of: Leaver, forMs: number): Sql {
  const { table, column } = doorOf(of)
  return doorIsClosed(table, column, forMs)
}

export function openDoorOf(of: Leaver): Sql {
  const { table, column } = doorOf(of)
  return openDoorSql(table, column)
}

/** What is gone has no door. */
export function forgetDoorOf(of: Leaver): Sql {
  const { table, column } = doorOf(of)
  return clearColumnState(table, column)
}

export function doorKey(of: Leaver): Sql {
  const { table, column } = doorOf(of)
  return columnKey(table, column)
}

/** As arguments of a function of `bellows` that tells who may use it. */
export function columnArguments(of: Leaver & Pick<Gated, 'follows'>): Sql {
  return columnKey(of.table, scopeOf(of))
}

/** What is on a table matters to whoever uses anything of that; its name alone to nobody who names a partition. */
export function scopeOf({ column, thing, follows }: Leaver & Pick<Gated, 'follows'>): string | undefined {
  if (follows === true) return '.'
  return thing?.reach === 'table' ? '*' : column
}

/** The last argument: the version beside which everybody counts. There is none for what instances declare. */
export function besideArgument(of: Leaver, staying: string | undefined): Sql {
  const beside = besideOf(of, staying)
  return beside === undefined ? sql`` : sql`, beside => ${lit(beside)}`
}

/** Beside a version that nobody has everybody counts. */
export function besideOf({ thing }: Leaver, staying: string | undefined): string | undefined {
  return thing === undefined ? undefined : (staying ?? '')
}
