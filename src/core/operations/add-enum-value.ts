import { BellowsError } from '../errors.ts'
import { hasLabel } from '../objects/enum-catalog.ts'
import { lit, qualified, sql } from '../sql.ts'
import { enumNeeds, enumProblems, missingValue, type OfType, theType } from './enum/enum.ts'
import type { OperationSpec } from './operation.ts'

/** Adds a value to an enum: at the end, or beside another one. */
export interface AddEnumValue extends OfType {
  readonly kind: 'add_enum_value'
  readonly value: string
  readonly before?: string
  readonly after?: string
}

export const addEnumValue: OperationSpec<AddEnumValue> = {
  needs: (op) =>
    enumNeeds(op, [
      { value: op.value, how: 'adds' },
      { value: op.before, how: 'uses' },
      { value: op.after, how: 'uses' },
    ]),

  /** A value that is there already, as a rollback leaves it, is no problem: the step is found done. */
  check: (op, { facts }) => {
    if (op.before !== undefined && op.after !== undefined)
      return [new BellowsError('migration_invalid', 'add_enum_value says both "before" and "after".')]
    const problems = enumProblems(op, op.value, facts)
    return problems.length > 0 ? problems : missingValue(op, op.before ?? op.after, facts)
  },

  apply: (_op, schema) => schema,

  expand: (op) => [
    {
      kind: 'ddl',
      phase: 'expand',
      does: `add the value '${op.value}' to "${op.type}"`,
      hazards: [
        {
          code: 'may_break',
          because: `An instance that does not know '${op.value}' may fail when it reads it: write it only when none of the old version runs.`,
        },
        {
          code: 'stays',
          because: `PostgreSQL cannot take a value out of an enum: a rollback leaves '${op.value}', which nobody uses.`,
        },
      ],
      probe: hasLabel(theType(op), op.value),
      locks: [],
      requires: [],
      statements: [sql`alter type ${qualified(theType(op))} add value ${lit(op.value)}${besides(op)}`],
      cost: 'instant',
    },
  ],

  backfill: () => [],

  contract: () => [],

  rollback: () => [],
}

function besides({ before, after }: AddEnumValue) {
  if (before !== undefined) return sql` before ${lit(before)}`
  return after === undefined ? sql`` : sql` after ${lit(after)}`
}
