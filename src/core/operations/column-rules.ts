import type { AddConstraint } from './add-constraint.ts'
import { type References, type RuleTime, timeOf } from './rules/rule.ts'

/** What an operation on one column may say about its values. */
export interface ColumnRules {
  /** Of what old instances may write against; `after_rollout` when absent. */
  readonly when?: RuleTime
  readonly check?: { readonly name?: string; readonly constraint: string }
  readonly unique?: { readonly name?: string }
  readonly references?: References & { readonly name?: string; readonly column: string }
}

interface OnColumn extends ColumnRules {
  readonly namespace: string
  readonly table: string
  readonly column: string
}

/** A constraint on one column is a constraint like any other. */
export function constraintsOf(op: OnColumn): readonly AddConstraint[] {
  const { namespace, table, column, check, unique, references } = op
  const on = (name: string | undefined) =>
    ({
      kind: 'add_constraint',
      namespace,
      table,
      when: timeOf(op),
      ...(name === undefined ? {} : { name }),
    }) as const
  return [
    ...(check === undefined ? [] : [{ ...on(check.name), check: check.constraint }]),
    ...(unique === undefined ? [] : [{ ...on(unique.name), unique: [column] }]),
    ...(references === undefined
      ? []
      : [
          {
            ...on(references.name),
            foreign_key: { columns: [column], references: { ...references, columns: [references.column] } },
          },
        ]),
  ]
}
