import { columnKey } from '../core/plan/column-state.ts'
import type { GateStep, Leaver } from '../core/plan/step.ts'
import type { Sql } from '../core/sql.ts'

/** A column or a table that is to disappear, and where writes of it are counted. */
export type Gated = Pick<GateStep, 'table' | 'column' | 'counter' | 'along' | 'follows'>

/** As arguments of a function of `bellows`, or as the key of one of its tables. */
export function columnArguments({ table, column }: Leaver): Sql {
  return columnKey(table, column)
}
