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
import type { References, RuleTime } from '../rules/rule.ts'

/** Changes one column, or several things of it at once, without touching its values. */
export interface AlterColumn {
  readonly kind: 'alter_column'
  readonly namespace: string
  readonly table: string
  readonly column: string
  /** Of what old instances may write against; `after_rollout` when absent. */
  readonly when?: RuleTime
  readonly nullable?: boolean
  /** An SQL expression; null for none. */
  readonly default?: string | null
  readonly comment?: string | null
  /** Of the planner; -1 is the default of the server. */
  readonly statistics?: number
  readonly storage?: Storage
  /** Null for the default of the server. */
  readonly compression?: 'pglz' | 'lz4' | null
  readonly check?: { readonly name?: string; readonly constraint: string }
  readonly unique?: { readonly name?: string }
  readonly references?: References & { readonly name?: string; readonly column: string }
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

export function timeOf({ when }: AlterColumn): RuleTime {
  return when ?? 'after_rollout'
}
