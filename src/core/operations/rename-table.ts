import { BellowsError } from '../errors.ts'
import { newNameProblems } from '../plan/new-names.ts'
import { shadowQuestion } from '../plan/shadowed.ts'
import { refused, tableProblems, theTable } from '../plan/table-checks.ts'
import type { Facts } from '../schema/facts.ts'
import { findTable } from '../schema/model.ts'
import type { Context, OperationSpec } from './operation.ts'
import { renamedSchema } from './rename-table/renamed-schema.ts'
import { newName, type RenameTable } from './rename-table/renaming.ts'
import {
  closeStep,
  forgetStep,
  gateOf,
  lastSwapStep,
  openStep,
  swapBackStep,
  swapStep,
} from './rename-table/swap-steps.ts'
import { asksForUser, SECURITY_INVOKER_SINCE } from './rename-table/view.ts'
import { dropViewStep, viewStep } from './rename-table/view-steps.ts'

export type { RenameTable } from './rename-table/renaming.ts'

export const renameTable: OperationSpec<RenameTable> = {
  needs: (op) => ({
    tables: [
      { ...theTable(op), columns: [], leaves: true },
      { ...newName(op), columns: [] },
    ],
    names: [newName(op)],
    questions: [shadowQuestion(newName(op))],
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

  expand: (op, context) => [viewStep(op, context, isFilled(context) ? 'verify' : 'expand')],

  backfill: () => [],

  contract: (op, context) =>
    isPurged(context)
      ? [gateOf(op, context), closeStep(op), gateOf(op, context), lastSwapStep(op, context)]
      : [gateOf(op, context), swapStep(op, context), forgetStep(op)],

  rollback: (op, context) => [isPurged(context) ? openStep(op) : swapBackStep(op, context), dropViewStep(op)],
}

/** The view shows columns that other operations make, and those have their values by then. */
function isFilled({ worked = [] }: Context): boolean {
  return worked.includes('backfill') || worked.includes('verify')
}

/** What other operations drop in the purge they find under the old name, so the table keeps it until then. */
function isPurged({ worked = [] }: Context): boolean {
  return worked.includes('purge')
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
