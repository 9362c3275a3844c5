import { BellowsError } from '../../errors.ts'
import type { Facts } from '../../schema/facts.ts'
import type { Schema } from '../../schema/model.ts'
import { addConstraint } from '../add-constraint.ts'
import { appliedParts, inContext, type Part, partOf, partProblems } from '../alter/part.ts'
import { constraintsOf } from '../column-rules.ts'
import type { OperationNeeds } from '../needs.ts'
import type { Context } from '../operation.ts'
import type { AddColumn } from './add.ts'
import { addedSchema } from './added-schema.ts'
import { knownDefault } from './values.ts'

/** The rules of a new column are constraints like any other, on the table with the column. */
function partsOf(op: AddColumn): readonly Part[] {
  return constraintsOf(op).map((one) => partOf(addConstraint, one))
}

export function columnRuleNeeds(op: AddColumn): readonly OperationNeeds[] {
  return constraintsOf(op).map(addConstraint.needs)
}

/** The schema with the column and its rules. */
export function ruledSchema(op: AddColumn, schema: Schema, facts: Facts): Schema {
  return appliedParts(partsOf(op), addedSchema(op, schema, facts), facts)
}

/** The rules of a column that has no problem itself, each with what it looks at. */
export function columnRules(op: AddColumn, context: Context): readonly (readonly [Part, Context])[] {
  const parts = partsOf(op)
  return parts.length === 0 ? [] : inContext(parts, withColumn(op, context))
}

export function columnRuleProblems(op: AddColumn, context: Context): readonly BellowsError[] {
  const parts = partsOf(op)
  if (op.when !== undefined && parts.length === 0)
    return [
      new BellowsError('migration_invalid', `"when" is said of "${op.column}", and no rule.`, {
        hint: 'Leave it out, or give check, unique or references.',
      }),
    ]
  // A schema of ten thousand tables with one more column takes as much memory as all their names: only where there is a rule to look at it.
  const problems = parts.length === 0 ? [] : partProblems(parts, withColumn(op, context))
  return [...sameValueProblems(op, context.facts), ...problems]
}

function withColumn(op: AddColumn, context: Context): Context {
  return { ...context, schema: addedSchema(op, context.schema, context.facts) }
}

/** The second row with the default would be refused. */
function sameValueProblems(op: AddColumn, facts: Facts): readonly BellowsError[] {
  const known = knownDefault(op, facts)
  if (op.unique === undefined || op.up !== undefined || known === undefined) return []
  if (known.volatility === 'volatile') return []
  return [
    new BellowsError(
      'plan_refused',
      `"${op.column}" is unique and has the default ${op.default}, which is one value for all rows.`,
      {
        hint: 'Give a default that differs from row to row, or "up", or add it as nullable and without one.',
      },
    ),
  ]
}
