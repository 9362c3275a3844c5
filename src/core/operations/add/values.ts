import { isConstant, readExpression } from '../../parse.ts'
import { printed } from '../../plan/row-value.ts'
import { theTable } from '../../plan/table-checks.ts'
import { type ExpressionFacts, expressionKey, type Facts, type RowValue } from '../../schema/facts.ts'
import { type Sql, sql } from '../../sql.ts'
import type { AddColumn } from './add.ts'

/** What gives the new column its value, each as the server is to judge it. */
export function valuesOf(op: AddColumn): {
  readonly [K in 'default' | 'up' | 'virtual' | 'stored']?: RowValue
} {
  const value = (expression: string, as: RowValue['as']): RowValue => ({
    table: theTable(op),
    expression,
    fits: { type: op.type },
    as,
  })
  return {
    ...(op.default === undefined || isPlainDefault(op) ? {} : { default: value(op.default, 'default') }),
    ...(op.up === undefined ? {} : { up: value(op.up, 'row') }),
    ...(op.generated === undefined ? {} : { stored: value(op.generated, 'row') }),
    ...(op.generated === undefined || op.stored === true ? {} : { virtual: value(op.generated, 'virtual') }),
  }
}

const VIRTUAL_SINCE = 180_000

export function generatedAs(op: AddColumn, { serverVersion }: Facts): 'no' | 'virtual' | 'stored' {
  if (op.generated === undefined) return 'no'
  return op.stored === true || serverVersion < VIRTUAL_SINCE ? 'stored' : 'virtual'
}

/** Does PostgreSQL write the whole table anew to add it? */
export function isWrittenAnew(op: AddColumn, facts: Facts): boolean {
  return generatedAs(op, facts) === 'stored' || facts.types[op.type]?.typeConstrained === true
}

/** A literal is the same for everybody: nothing about it has to be asked. */
function isPlainDefault({ default: text = '', up }: AddColumn): boolean {
  const read = readExpression(text)
  return up === undefined && (typeof read !== 'string' || isConstant(read))
}

/** Whether rows must be touched, one by one, for them to have their value. */
export function isFilled(op: AddColumn, facts: Facts): boolean {
  return (
    op.up !== undefined || op.identity !== undefined || knownDefault(op, facts)?.volatility === 'volatile'
  )
}

export function knownDefault(op: AddColumn, facts: Facts): ExpressionFacts | undefined {
  const known = op.default === undefined ? undefined : facts.expressions[expressionKey(op.default, op.type)]
  return known === undefined || 'problem' in known ? undefined : known
}

/** Every row has a number, so an identity column is NOT NULL, whatever is said. */
export function isNullable(op: AddColumn): boolean {
  return op.nullable && op.identity === undefined
}

/** Condition of the rows that still wait for their value. */
export function unfilledOf(column: Sql, op: AddColumn, facts: Facts): Sql {
  const up = printed(valuesOf(op).up, facts)
  // Only `up` may give NULL for good, and then the row waits for nothing.
  return up === undefined || op.default !== undefined
    ? sql`${column} is null`
    : sql`(${column} is null and (${up}) is not null)`
}
