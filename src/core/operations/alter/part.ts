import type { BellowsError } from '../../errors.ts'
import type { Schema } from '../../schema/model.ts'
import type { Context, OperationSpec } from '../operation.ts'

/** One change of a column: an operation of its own, but for what must be asked before and has no backfill. */
export type Part = {
  readonly [F in Exclude<keyof OperationSpec<never>, 'needs' | 'backfill'>]: OmitOp<OperationSpec<never>[F]>
}

type OmitOp<F> = F extends (op: never, ...rest: infer R) => infer T ? (...rest: R) => T : never

/** A change in the form of another operation. */
export function partOf<Op>(spec: OperationSpec<Op>, op: Op): Part {
  return {
    check: (context) => spec.check(op, context),
    apply: (schema, facts) => spec.apply(op, schema, facts),
    expand: (context) => spec.expand(op, context),
    contract: (context) => spec.contract(op, context),
    rollback: (context) => spec.rollback(op, context),
  }
}

/** Each part with what it looks at: the schema that the parts before it leave. */
export function inContext(parts: readonly Part[], context: Context): readonly (readonly [Part, Context])[] {
  let { schema } = context
  return parts.map((part) => {
    const own = { ...context, schema }
    schema = part.apply(schema, context.facts)
    return [part, own]
  })
}

/** Every problem; a part that has some changes nothing for those behind it. */
export function partProblems(parts: readonly Part[], context: Context): readonly BellowsError[] {
  let { schema } = context
  return parts.flatMap((part) => {
    const found = part.check({ ...context, schema })
    if (found.length === 0) schema = part.apply(schema, context.facts)
    return found
  })
}

export function appliedParts(parts: readonly Part[], schema: Schema, facts: Context['facts']): Schema {
  return parts.reduce((before, part) => part.apply(before, facts), schema)
}
