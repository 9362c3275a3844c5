import type { GateStep } from '../core/plan/step.ts'
import { lit, type Sql, sql } from '../core/sql.ts'

/** A column that is to disappear, and where writes of it are counted. */
export type Gated = Pick<GateStep, 'table' | 'column' | 'counter'>

/** The column as arguments of a function of `bellows`, or as the key of one of its tables. */
export function columnArguments({ table, column }: Pick<Gated, 'table' | 'column'>): Sql {
  return sql`${lit(table.namespace)}, ${lit(table.name)}, ${lit(column)}`
}
