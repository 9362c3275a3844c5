import { columnsNamed } from '../parse.ts'
import { noIdentityOn } from '../plan/identity.ts'
import { wholeTree } from '../plan/locks.ts'
import { onTable } from '../plan/on-table.ts'
import { columnAbsent, columnExists } from '../plan/probes.ts'
import { rowHoldersQuestion } from '../plan/row-types.ts'
import type { Lock, StepDraft } from '../plan/step.ts'
import { theTable } from '../plan/table-checks.ts'
import { findTable } from '../schema/model.ts'
import { id, qualified, type Sql, sql, trusted } from '../sql.ts'
import type { AddColumn } from './add/add.ts'
import { ambiguousHazards, ambiguousQuestion } from './add/ambiguous.ts'
import { addProblems } from './add/checks.ts'
import { collateSql, collationNeeds } from './add/collation.ts'
import { fillingStep, fillStep, takeBackStep } from './add/fill-steps.ts'
import { columnRuleNeeds, columnRuleProblems, columnRules, ruledSchema } from './add/rules.ts'
import { settleSteps } from './add/settle-steps.ts'
import { generatedAs, isFilled, valuesOf } from './add/values.ts'
import { commentSql, workFor } from './add/work.ts'
import { boundOf } from './add/written-anew.ts'
import type { Context, OperationSpec } from './operation.ts'

export type { AddColumn } from './add/add.ts'

export const addColumn: OperationSpec<AddColumn> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [] }, ...columnRuleNeeds(op).flatMap(({ tables }) => tables)],
    types: [op.type],
    expressions: op.default === undefined ? [] : [{ expression: op.default, type: op.type }],
    values: Object.values(valuesOf(op)),
    collations: collationNeeds(op),
    conditions: columnRuleNeeds(op).flatMap(({ conditions = [] }) => conditions),
    names: columnRuleNeeds(op).flatMap(({ names = [] }) => names),
    touches: [
      { table: theTable(op), column: op.column, how: 'adds' },
      ...[op.up, op.generated]
        .flatMap((expression) => (expression === undefined ? [] : columnsNamed(trusted(expression))))
        .map((column) => ({ table: theTable(op), column, how: 'uses' as const })),
      ...columnRuleNeeds(op).flatMap(({ touches }) => touches),
    ],
    questions: [ambiguousQuestion(op), rowHoldersQuestion(theTable(op))],
    adds: [{ table: theTable(op), column: op.column, type: op.type }],
  }),

  check: (op, context) => {
    const problems = addProblems(op, context)
    return problems.length > 0 ? problems : columnRuleProblems(op, context)
  },

  apply: ruledSchema,

  expand: (op, context) => [
    withHazards(
      isFilled(op, context.facts) ? fillingStep(workFor(op, context)) : plainStep(op, context),
      ambiguousHazards(op, context.facts),
    ),
    ...columnRules(op, context).flatMap(([part, own]) => part.expand(own)),
  ],

  backfill: (op, context) => (isFilled(op, context.facts) ? [fillStep(workFor(op, context))] : []),

  /** What the column must keep to is up before it is offered, where it comes up before the rollout. */
  contract: (op, context) => [
    ...columnRules(op, context).flatMap(([part, own]) => part.contract(own)),
    ...(isFilled(op, context.facts) ? settleSteps(workFor(op, context)) : []),
  ],

  rollback: (op, context) => [
    ...columnRules(op, context)
      .toReversed()
      .flatMap(([part, own]) => part.rollback(own)),
    isFilled(op, context.facts) ? takeBackStep(workFor(op, context)) : plainReturnStep(op, context),
  ],
}

function withHazards(step: StepDraft, more: StepDraft['hazards']): StepDraft {
  return { ...step, hazards: [...step.hazards, ...more] }
}

/** PostgreSQL knows the value of every row without touching one. */
function plainStep(op: AddColumn, context: Context): StepDraft {
  const table = theTable(op)
  return {
    ...boundOf(op, context),
    locks: locksFor(op, context),
    kind: 'ddl',
    phase: 'expand',
    does: `add the column "${op.column}" to "${op.table}"`,
    probe: columnExists(table, op.column),
    changes: { kind: 'added', column: op.column },
    statements: [addColumnSql(op, context), ...commentSql(op)],
  }
}

function plainReturnStep(op: AddColumn, context: Context): StepDraft {
  const table = theTable(op)
  return {
    ...onTable(table),
    locks: locksFor(op, context),
    kind: 'ddl',
    phase: 'expand',
    does: `drop the column "${op.column}" of "${op.table}" again`,
    hazards: [
      { code: 'drops_values', because: `The values written to "${op.column}" so far are dropped with it.` },
    ],
    probe: columnAbsent(table, op.column),
    requires: [noIdentityOn(table, op.column, op.column)],
    statements: [sql`alter table ${qualified(table)} drop column ${id(op.column)} restrict`],
    retires: { table, column: op.column },
  }
}

/** PostgreSQL changes the partitions along with their table. */
function locksFor(op: AddColumn, { schema }: Context): readonly Lock[] {
  return wholeTree(findTable(schema, theTable(op)) ?? { ...theTable(op), parts: [] })
}

function addColumnSql(op: AddColumn, { facts }: Context): Sql {
  const notNull = op.nullable ? sql`` : sql` not null`
  const byDefault = op.default === undefined ? sql`` : sql` default (${trusted(op.default)})`
  const generated =
    op.generated === undefined
      ? sql``
      : sql` generated always as (${trusted(op.generated)}) ${trusted(generatedAs(op, facts))}`
  return sql`alter table ${qualified(theTable(op))} add column ${id(op.column)} ${trusted(op.type)}${collateSql(op, facts)}${notNull}${byDefault}${generated}`
}
