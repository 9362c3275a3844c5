import { BellowsError } from '../errors.ts'
import { columnMissing, tableProblems, theTable } from '../plan/table-checks.ts'
import { findTable } from '../schema/model.ts'
import { addConstraint } from './add-constraint.ts'
import type { AlterColumn } from './alter/alter.ts'
import { attributesPart } from './alter/attributes.ts'
import { defaultPart } from './alter/default.ts'
import { nullablePart } from './alter/nullable.ts'
import { appliedParts, inContext, type Part, partOf, partProblems } from './alter/part.ts'
import { constraintsOf } from './column-rules.ts'
import type { OperationSpec } from './operation.ts'

export const alterColumn: OperationSpec<AlterColumn> = {
  needs: (op) => {
    const table = theTable(op)
    const rules = constraintsOf(op).map(addConstraint.needs)
    return {
      tables: [{ ...table, columns: [] }, ...rules.flatMap(({ tables }) => tables)],
      defaults: typeof op.default === 'string' ? [{ table, column: op.column, expression: op.default }] : [],
      conditions: rules.flatMap(({ conditions = [] }) => conditions),
      names: rules.flatMap(({ names = [] }) => names),
      questions: rules.flatMap(({ questions = [] }) => questions),
      touches: [
        { table, column: op.column, how: isDescription(op) ? 'describes' : 'uses' },
        ...rules.flatMap(({ touches }) => touches),
      ],
    }
  },

  check: (op, context) => {
    const table = findTable(context.schema, theTable(op))
    const problems = tableProblems(op, table, ['table', 'partitioned'])
    if (table === undefined || problems.length > 0) return problems
    const missing = columnMissing(op, table, op.column)
    if (missing.length > 0) return missing
    return partsOf(op).length === 0 ? [nothingToDo(op)] : partProblems(partsOf(op), context)
  },

  apply: (op, schema, facts) =>
    findTable(schema, theTable(op)) === undefined ? schema : appliedParts(partsOf(op), schema, facts),

  expand: (op, context) => inContext(partsOf(op), context).flatMap(([part, own]) => part.expand(own)),

  backfill: () => [],

  contract: (op, context) => inContext(partsOf(op), context).flatMap(([part, own]) => part.contract(own)),

  rollback: (op, context) =>
    inContext(partsOf(op), context)
      .toReversed()
      .flatMap(([part, own]) => part.rollback(own)),
}

/** Does nothing of it matter to what is written? */
function isDescription(op: AlterColumn): boolean {
  return partsOf(op).length === attributesPart(op).length
}

function partsOf(op: AlterColumn): readonly Part[] {
  return [
    ...attributesPart(op),
    ...defaultPart(op),
    ...nullablePart(op),
    ...constraintsOf(op).map((one) => partOf(addConstraint, one)),
  ]
}

function nothingToDo(op: AlterColumn): BellowsError {
  return new BellowsError('migration_invalid', `Nothing of "${op.table}"."${op.column}" is to change.`, {
    hint: 'Give at least one of nullable, default, comment, check, unique, references, statistics, storage and compression.',
  })
}
