import { BellowsError } from '../errors.ts'
import { clearColumnState, columnIsOffered, setColumnState } from '../plan/column-state.ts'
import { aloneLock } from '../plan/locks.ts'
import { newNameProblems } from '../plan/new-names.ts'
import { all, relationAbsent, relationIs } from '../plan/probes.ts'
import { tableLeavingRequirements } from '../plan/retire-table.ts'
import type { StepDraft } from '../plan/step.ts'
import { refused, tableProblems, theTable } from '../plan/table-checks.ts'
import { tableHasNoDependents } from '../plan/table-dependents.ts'
import type { Facts } from '../schema/facts.ts'
import { findTable, type QualifiedName, type Table } from '../schema/model.ts'
import { id, qualified, sql } from '../sql.ts'
import type { Context, OperationSpec } from './operation.ts'
import { followerHazards, textHazards, viewHazard } from './rename-table/hazards.ts'
import { renamedSchema } from './rename-table/renamed-schema.ts'
import { asksForUser, grantsAreOfTable, SECURITY_INVOKER_SINCE, viewSql } from './rename-table/view.ts'

/**
 * Renames a table. Until the contract the new name is a view of the table, so whatever runs under the old name goes on as it was;
 * then the table takes the place of the view. See decision 0027.
 */
export interface RenameTable {
  readonly kind: 'rename_table'
  readonly namespace: string
  readonly table: string
  /** Its new name, in the same namespace. */
  readonly to: string
}

export const renameTable: OperationSpec<RenameTable> = {
  needs: (op) => ({
    tables: [
      { ...theTable(op), columns: [], leaves: true },
      { ...newName(op), columns: [] },
    ],
    names: [newName(op)],
    touches: [
      { table: theTable(op), how: 'replaces' },
      { table: newName(op), how: 'replaces' },
    ],
  }),

  check: (op, { schema, facts }) => {
    const table = findTable(schema, theTable(op))
    const problems = tableProblems(op, table, ['table', 'partitioned'])
    if (table === undefined || problems.length > 0) return problems
    if (op.table === op.to)
      return [
        new BellowsError('migration_invalid', `"${op.table}" has that name already.`, {
          hint: 'Say another one.',
        }),
      ]
    return [
      ...newNameProblems('table', newName(op), facts),
      ...(findTable(schema, newName(op)) === undefined ? [] : [taken(op)]),
      ...(table.rowSecurity && !asksForUser(table, facts) ? [rowSecurityProblem(op, facts)] : []),
    ]
  },

  apply: (op, schema) => renamedSchema(schema, theTable(op), newName(op)),

  expand: (op, context) => [
    {
      kind: 'ddl',
      phase: 'expand',
      does: `let "${op.table}" be used as "${op.to}" as well, by a view`,
      hazards: [viewHazard(op, context.facts)],
      probe: relationIs(newName(op), 'view'),
      changes: { kind: 'renamed', from: op.table, to: op.to },
      locks: [
        { relation: newName(op), level: 'access_exclusive', implied: true },
        { relation: theTable(op), level: 'access_share', implied: true },
      ],
      requires: [],
      statements: viewSql(newName(op), tableOf(op, context), context.facts),
      cost: 'instant',
    },
  ],

  backfill: () => [],

  contract: (op, context) => [
    {
      kind: 'gate',
      phase: 'rollout',
      does: `wait until nobody needs "${op.table}" under this name`,
      hazards: textHazards(tableOf(op, context), op.to),
      probe: relationAbsent(theTable(op)),
      table: theTable(op),
      follows: true,
    },
    swapStep(op, context),
    {
      kind: 'purge',
      phase: 'purge',
      does: `forget the name "${op.table}"`,
      hazards: [],
      probe: columnIsOffered(theTable(op), undefined),
      locks: [],
      requires: [],
      statements: [clearColumnState(theTable(op), undefined)],
      cost: 'instant',
    },
  ],

  rollback: (op, context) => [swapBackStep(op, context), dropViewStep(op)],
}

function newName({ namespace, to }: RenameTable): QualifiedName {
  return { namespace, name: to }
}

function tableOf(op: RenameTable, { schema }: Context): Table {
  return findTable(schema, theTable(op)) as Table
}

function taken({ to }: RenameTable): BellowsError {
  return refused(`There is already a table "${to}".`, 'Choose another name.')
}

function rowSecurityProblem({ table }: RenameTable, { serverVersion }: Facts): BellowsError {
  const why =
    serverVersion < SECURITY_INVOKER_SINCE
      ? 'before PostgreSQL 15 a view goes round it'
      : 'some roles have rights on single columns, which a view that keeps to it does not know'
  return refused(
    `"${table}" has row security, and ${why}.`,
    'Until the contract the new name is a view. Take one of the two away for that time, or rename the table in a pause.',
  )
}

/** Clients of the view lock it first and then the table, so this does, too: LOCK TABLE on a view goes on to its table. */
function swapStep(op: RenameTable, context: Context): StepDraft {
  const [table, view] = [theTable(op), newName(op)]
  const [door] = tableLeavingRequirements({ table, along: [] })
  return {
    kind: 'retire',
    phase: 'retire',
    does: `give "${op.table}" the name "${op.to}" itself`,
    hazards: followerHazards(tableOf(op, context), op.to),
    probe: all([relationAbsent(table), relationIs(view, 'table')]),
    locks: [
      { relation: view, level: 'access_exclusive' },
      { relation: table, level: 'access_exclusive' },
    ],
    requires: [
      ...(door === undefined ? [] : [door]),
      nothingOnView(op),
      {
        that: grantsAreOfTable(view, table),
        code: 'drift_found',
        otherwise: `rights were given on "${op.to}" that nobody has on "${op.table}"; they would be lost with the view. Give them on "${op.table}", too`,
      },
    ],
    statements: [
      sql`drop view ${qualified(view)} restrict`,
      sql`alter table ${qualified(table)} rename to ${id(op.to)}`,
      setColumnState(table, undefined, 'retired'),
    ],
    cost: 'instant',
    retires: { table },
  }
}

function swapBackStep(op: RenameTable, context: Context): StepDraft {
  const [table, view] = [theTable(op), newName(op)]
  return {
    kind: 'ddl',
    phase: 'retire',
    does: `give "${op.to}" the name "${op.table}" again, and let the new one be a view`,
    hazards: [],
    // Where the view was never made, or is gone, there is nothing to swap.
    probe: all([relationIs(table, 'table'), sql`not ${relationIs(view, 'table')}`]),
    // The table, under its new name.
    locks: [aloneLock({ ...tableOf(op, context), name: op.to }, 'access_exclusive')],
    requires: [
      {
        that: relationAbsent(table),
        code: 'drift_found',
        otherwise: `there is another "${op.table}" by now; rename that one first`,
      },
    ],
    statements: [
      sql`alter table ${qualified(view)} rename to ${id(op.table)}`,
      ...viewSql(view, tableOf(op, context), context.facts),
      clearColumnState(table, undefined),
    ],
    cost: 'instant',
  }
}

function dropViewStep(op: RenameTable): StepDraft {
  const view = newName(op)
  return {
    kind: 'ddl',
    phase: 'expand',
    does: `drop the view "${op.to}" again`,
    hazards: [],
    probe: sql`not ${relationIs(view, 'view')}`,
    locks: [{ relation: view, level: 'access_exclusive', implied: true }],
    requires: [nothingOnView(op)],
    statements: [sql`drop view ${qualified(view)} restrict`],
    cost: 'instant',
    retires: { table: view },
  }
}

function nothingOnView(op: RenameTable) {
  return {
    that: tableHasNoDependents(newName(op), []),
    code: 'dependents_found',
    otherwise: `something was built on the view "${op.to}", which stands in for the table until the contract; build it on "${op.table}"`,
  } as const
}
