import { assert, type BellowsError } from '../errors.ts'
import { clearColumnState } from '../plan/column-state.ts'
import type { Hazard } from '../plan/hazard.ts'
import { leavingHazards } from '../plan/hazards.ts'
import { namesFor } from '../plan/names.ts'
import { columnAbsent } from '../plan/probes.ts'
import { companionsOf, gateStep, type Leaving, noStrangers, retireStep, undoStep } from '../plan/retire.ts'
import type { Lock, StepDraft } from '../plan/step.ts'
import { columnMissing, keyProblems, refused, tableProblems, theTable } from '../plan/table-checks.ts'
import { findColumn, findTable, needsColumn, type Table, withTable } from '../schema/model.ts'
import { id, qualified, shown, sql } from '../sql.ts'
import type { Context, OperationSpec } from './operation.ts'

/** Drops a column for good. Between retire and purge it is only hidden, and `undo` brings it back with its values. */
export interface DropColumn {
  readonly kind: 'drop_column'
  readonly namespace: string
  readonly table: string
  readonly column: string
}

export const dropColumn: OperationSpec<DropColumn> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [op.column] }],
    touches: [{ table: theTable(op), column: op.column, how: 'replaces' }],
  }),

  check: (op, context) => {
    const table = findTable(context.schema, theTable(op))
    const problems = tableProblems(op, table)
    if (table === undefined || problems.length > 0) return problems
    const column = findColumn(table, op.column)
    if (column === undefined) return columnMissing(op, table, op.column)
    return [
      ...keyProblems(table, column),
      ...exclusionProblems(op, table),
      ...replicaIdentityProblems(op, table),
      ...oldWriterProblems(op, table),
      ...sameDefaultProblems(op, table),
    ]
  },

  apply: (op, schema) => {
    const table = findTable(schema, theTable(op))
    if (table === undefined) return schema
    const without = <T extends { readonly columns: readonly string[] }>(objects: readonly T[]) =>
      objects.filter((object) => !object.columns.includes(op.column))
    return withTable(schema, {
      ...table,
      columns: table.columns.filter((column) => column.name !== op.column),
      constraints: table.constraints.filter((one) => !needsColumn(table, one, op.column)),
      indexes: without(table.indexes),
    })
  },

  expand: () => [],

  backfill: () => [],

  contract: (op, context) => [
    gateStep(leavingColumn(op, context)),
    {
      ...retireStep(leavingColumn(op, context), { requires: [], statements: [] }),
      hazards: dependencies(op, context),
    },
    purgeStep(op, context),
  ],

  rollback: (op, context) => [undoStep(leavingColumn(op, context), [])],
}

function dependencies(op: DropColumn, { schema }: Context): readonly Hazard[] {
  const table = findTable(schema, theTable(op))
  return table === undefined ? [] : leavingHazards(table, op.column)
}

function leavingColumn(op: DropColumn, { schema, seed }: Context): Leaving {
  const table = findTable(schema, theTable(op))
  assert(table !== undefined, 'steps come after check')
  const known = companionsOf(table, op.column)
  return { table: theTable(op), column: op.column, hidden: namesFor(seed, op.column, []).hidden, known }
}

function purgeStep(op: DropColumn, context: Context): StepDraft {
  const leaving = leavingColumn(op, context)
  const { table, hidden } = leaving
  return {
    kind: 'purge',
    phase: 'purge',
    does: `drop the column "${op.column}" of "${op.table}"`,
    hazards: [
      {
        code: 'drops_values',
        because: `The values of "${op.column}" are gone after this step; there is no way back.`,
      },
      ...companions(op, context),
    ],
    probe: columnAbsent(table, hidden),
    changes: { kind: 'removed', column: op.column },
    locks: [{ relation: table, level: 'access_exclusive' }, ...partnerLocks(op, context)],
    requires: [noStrangers(leaving, hidden)],
    statements: [
      sql`alter table ${qualified(table)} drop column ${id(hidden)} restrict`,
      clearColumnState(table, op.column),
    ],
    cost: 'instant',
  }
}

/** What a foreign key of the column points at, and the sequence of a `serial`, are locked as they lose it, or go with it. */
function partnerLocks(op: DropColumn, { schema }: Context): readonly Lock[] {
  const table = findTable(schema, theTable(op))
  const keys = table?.constraints.filter((one) => one.columns.includes(op.column)) ?? []
  const sequences = table === undefined ? [] : (findColumn(table, op.column)?.sequences ?? [])
  return [...keys.flatMap(({ references }) => references ?? []), ...sequences].map((relation) => ({
    relation,
    level: 'access_exclusive',
    implied: true,
  }))
}

/** PostgreSQL drops these with the column and does not say a word; the plan does. */
function companions(op: DropColumn, { schema }: Context): readonly Hazard[] {
  const table = findTable(schema, theTable(op))
  if (table === undefined) return []
  const gone = [
    ...table.indexes
      .filter((one) => one.constraint === null && one.columns.includes(op.column))
      .map(({ name }) => ({ name, what: 'index' })),
    ...table.constraints
      .filter((one) => one.kind !== 'not_null' && needsColumn(table, one, op.column))
      .map(({ name }) => ({ name, what: 'constraint' })),
  ]
  return gone.map(({ what, name }) => ({
    code: 'goes_with_column',
    because: `The ${what} ${shown(name)} needs "${op.column}" and is dropped with it.`,
  }))
}

/** PostgreSQL drops an exclusion constraint with a key column of it, but not with one that only its index names. */
function exclusionProblems(op: DropColumn, table: Table): readonly BellowsError[] {
  return table.constraints
    .filter((one) => one.kind === 'exclusion' && needsColumn(table, one, op.column))
    .filter((one) => !one.columns.includes(op.column))
    .map(({ name }) =>
      refused(
        `The exclusion constraint ${shown(name)} uses "${op.table}"."${op.column}".`,
        'Drop the constraint first.',
      ),
    )
}

/** Without it every UPDATE and DELETE of a published table fails. */
function replicaIdentityProblems(op: DropColumn, table: Table): readonly BellowsError[] {
  return table.indexes
    .filter((one) => one.replicaIdentity && one.columns.includes(op.column))
    .map(({ name }) =>
      refused(
        `The index ${shown(name)} on "${op.column}" is the replica identity of "${op.table}".`,
        `Give the table another one first: alter table ${qualified(theTable(op))} replica identity full`,
      ),
    )
}

/** Writers that no longer know the column all give its default, which a unique index takes only once. */
function sameDefaultProblems(op: DropColumn, table: Table): readonly BellowsError[] {
  const column = findColumn(table, op.column)
  if (column === undefined || column.default === null || column.defaultVolatility === 'volatile') return []
  return table.indexes
    .filter((one) => one.unique && one.columns.length === 1 && one.columns[0] === op.column)
    .map(({ name }) =>
      refused(
        `The unique index ${shown(name)} takes the default of "${op.table}"."${op.column}" only once: writers that no longer know the column would fail before it is dropped.`,
        `Drop the index, or the default, first.`,
      ),
    )
}

function oldWriterProblems(op: DropColumn, table: Table): readonly BellowsError[] {
  const column = findColumn(table, op.column)
  if (column === undefined || column.nullable || column.default !== null) return []
  if (column.generated !== 'no' || column.identity !== 'no') return []
  return [
    refused(
      `"${op.table}"."${op.column}" is NOT NULL without a default: writers that no longer know it would fail before it is dropped.`,
      `Give it a default first: alter table ${qualified(theTable(op))} alter column ${id(op.column)} set default <value>`,
    ),
  ]
}
