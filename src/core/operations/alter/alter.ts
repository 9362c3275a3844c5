import { assert } from '../../errors.ts'
import { theTable } from '../../plan/table-checks.ts'
import {
  type Column,
  findColumn,
  findTable,
  type Schema,
  type Storage,
  type Table,
  withTable,
} from '../../schema/model.ts'
import type { ColumnRules } from '../column-rules.ts'
import type { Reasoned } from '../reasoned.ts'

/** Changes one column, or several things of it at once, without touching its values. */
export interface AlterColumn extends ColumnRules, Reasoned {
  readonly kind: 'alter_column'
  readonly namespace: string
  readonly table: string
  readonly column: string
  readonly nullable?: boolean
  /** An SQL expression; null for none. */
  readonly default?: string | null
  readonly comment?: string | null
  /** Of the planner; -1 is the default of the server. */
  readonly statistics?: number
  readonly storage?: Storage
  /** Null for the default of the server. */
  readonly compression?: 'pglz' | 'lz4' | null
}

export interface Altered {
  readonly table: Table
  readonly column: Column
}

export function altered(op: AlterColumn, schema: Schema): Altered {
  const table = findTable(schema, theTable(op))
  const column = table === undefined ? undefined : findColumn(table, op.column)
  assert(table !== undefined && column !== undefined, 'parts come after check')
  return { table, column }
}

export function withColumn(op: AlterColumn, schema: Schema, change: (column: Column) => Column): Schema {
  const { table, column } = altered(op, schema)
  return withTable(schema, {
    ...table,
    columns: table.columns.map((one) => (one === column ? change(one) : one)),
  })
}
