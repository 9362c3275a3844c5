import { assert, BellowsError } from '../errors.ts'
import { tableProblems, theTable } from '../plan/table-checks.ts'
import { findTable, withTable } from '../schema/model.ts'
import type { Context, OperationSpec } from './operation.ts'
import type { Reasoned } from './reasoned.ts'
import { asTried } from './rules/exclusion.ts'
import { inspectSteps } from './rules/inspect.ts'
import { ruleName } from './rules/name.ts'
import { ruleNeeds } from './rules/needs.ts'
import { ruleProblems } from './rules/problems.ts'
import { putUpSteps, type Work } from './rules/put-up.ts'
import {
  type Deferrable,
  type ExclusionRule,
  foreignKeyRule,
  type References,
  type Rule,
  type RuleTime,
  timeOf,
} from './rules/rule.ts'
import { withRule } from './rules/schema.ts'
import { takeDownSteps } from './rules/take-down.ts'

/** Adds a constraint to rows that keep to it, without a copy: exactly one of the five kinds is given. */
export interface AddConstraint extends Reasoned {
  readonly kind: 'add_constraint'
  readonly namespace: string
  readonly table: string
  /** PostgreSQL's own name when absent. */
  readonly name?: string
  /** `after_rollout` when absent: old instances may still write against it. */
  readonly when?: RuleTime
  /** A condition on the columns of a row. */
  readonly check?: string
  readonly unique?: readonly string[]
  readonly primary_key?: readonly string[]
  readonly foreign_key?: {
    readonly columns: readonly string[]
    readonly references: References & { readonly columns: readonly string[] }
  }
  /** What stands behind EXCLUDE. */
  readonly exclude?: string
  /** Columns that the index of a key carries along. */
  readonly include?: readonly string[]
  readonly nulls_not_distinct?: boolean
  readonly deferrable?: Deferrable
}

export const addConstraint: OperationSpec<AddConstraint> = {
  needs: (op) => ruleNeeds(theTable(op), rulesOf(op)[0], op.name),

  check: (op, context) => {
    const table = findTable(context.schema, theTable(op))
    const problems = tableProblems(op, table, ['table', 'partitioned'])
    if (table === undefined || problems.length > 0) return problems
    const shape = shapeProblems(op)
    const [rule] = rulesOf(op)
    return shape.length > 0 || rule === undefined ? shape : ruleProblems(rule, table, op.name, context)
  },

  apply: (op, schema, facts) => {
    const table = findTable(schema, theTable(op))
    if (table === undefined) return schema
    const [rule] = rulesOf(op)
    const name = rule === undefined ? undefined : ruleName(rule, table, op.name, { facts })
    assert(rule !== undefined && name !== undefined, 'apply comes after check')
    return withTable(schema, withRule(table, asTried(rule, table, facts), name, facts))
  },

  expand: (op, context) => {
    const { table, rule, name } = workFor(op, context)
    return inspectSteps(table, rule, name, ['expand'])
  },

  backfill: () => [],

  contract: (op, context) => {
    const work = workFor(op, context)
    const again = work.time === 'after_rollout' ? (['retire'] as const) : []
    return [...inspectSteps(work.table, work.rule, work.name, again), ...putUpSteps(work)]
  },

  rollback: (op, context) => takeDownSteps(workFor(op, context)),
}

function workFor(op: AddConstraint, context: Context): Work {
  const table = findTable(context.schema, theTable(op))
  const [rule] = rulesOf(op)
  const name = table === undefined || rule === undefined ? undefined : ruleName(rule, table, op.name, context)
  assert(table !== undefined && rule !== undefined && name !== undefined, 'steps come after check')
  const other = rule.kind === 'foreign_key' ? findTable(context.schema, rule.other) : undefined
  const tried = asTried(rule, table, context.facts)
  return { table, rule: tried, name, other, time: timeOf(op), seed: context.seed }
}

/** The rules that an operation states; it must be one. */
function rulesOf(op: AddConstraint): readonly Rule[] {
  const { check, unique, primary_key: key, foreign_key: foreign, exclude, deferrable, unsafe } = op
  const more = { include: op.include ?? [], nullsNotDistinct: op.nulls_not_distinct === true, deferrable }
  return [
    ...(check === undefined ? [] : [{ kind: 'check', expression: check } as const]),
    ...(unique === undefined ? [] : [{ kind: 'unique', columns: unique, ...more } as const]),
    ...(key === undefined ? [] : [{ kind: 'primary_key', columns: key, ...more } as const]),
    ...(foreign === undefined
      ? []
      : [foreignKeyRule(foreign.columns, foreign.references.columns, foreign.references, deferrable)]),
    ...(exclude === undefined ? [] : [exclusionOf(exclude, deferrable, unsafe)]),
  ]
}

function exclusionOf(
  elements: string,
  deferrable: Deferrable | undefined,
  reason: string | undefined,
): ExclusionRule {
  return { kind: 'exclusion', elements, deferrable, ...(reason === undefined ? {} : { reason }) }
}

/** Fields that are missing, or that the kind does not have. */
function shapeProblems(op: AddConstraint): readonly BellowsError[] {
  const rules = rulesOf(op)
  const [rule] = rules
  if (rule === undefined || rules.length > 1)
    return [
      new BellowsError(
        'migration_invalid',
        `The constraint of "${op.table}" is ${rules.length} kinds at once.`,
        {
          hint: 'Give exactly one of check, unique, primary_key, foreign_key and exclude.',
        },
      ),
    ]
  const isKey = rule.kind === 'unique' || rule.kind === 'primary_key'
  const strange = [
    ...(op.include !== undefined && !isKey ? ['include'] : []),
    ...(op.nulls_not_distinct !== undefined && rule.kind !== 'unique' ? ['nulls_not_distinct'] : []),
    ...(op.deferrable !== undefined && rule.kind === 'check' ? ['deferrable'] : []),
  ]
  return strange.map(
    (field) =>
      new BellowsError('migration_invalid', `A constraint of the kind ${rule.kind} has no "${field}".`, {
        hint: 'See docs/operations/add-constraint.md for the fields of each kind.',
      }),
  )
}
