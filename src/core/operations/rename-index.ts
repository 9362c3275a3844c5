import { BellowsError } from '../errors.ts'
import { identifierProblem } from '../identifier.ts'
import { constraintProblems, findIndex, indexMissing } from '../plan/index-leaving.ts'
import { all, indexHas, relationAbsent } from '../plan/probes.ts'
import type { Made, Requirement, StepDraft } from '../plan/step.ts'
import { refused, tableProblems, theTable } from '../plan/table-checks.ts'
import { nameKey } from '../schema/facts.ts'
import { findTable, type QualifiedName, type Table, withTable } from '../schema/model.ts'
import { id, qualified, shown, sql } from '../sql.ts'
import type { Context, OperationSpec } from './operation.ts'

/** Gives an index another name. No statement of an application names an index, so it is done at once. */
export interface RenameIndex {
  readonly kind: 'rename_index'
  readonly namespace: string
  readonly table: string
  readonly from: string
  readonly to: string
}

export const renameIndex: OperationSpec<RenameIndex> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [] }],
    names: [inNamespace(op, op.to)],
    touches: [...new Set([op.from, op.to])].map((name) => ({
      table: { namespace: op.namespace, name },
      how: 'replaces',
    })),
  }),

  check: (op, context) => {
    const table = findTable(context.schema, theTable(op))
    const problems = tableProblems(op, table, ['table', 'partitioned', 'partition'])
    if (table === undefined || problems.length > 0) return problems
    const index = findIndex(table, op.from)
    if (index === undefined) return [indexMissing(table, op.from)]
    return [...constraintProblems(index, 'rename_constraint'), ...nameProblems(op, table, context)]
  },

  apply: (op, schema) => {
    const table = findTable(schema, theTable(op))
    if (table === undefined) return schema
    const indexes = table.indexes.map((one) => (one.name === op.from ? { ...one, name: op.to } : one))
    return withTable(schema, { ...table, indexes })
  },

  expand: (op) => [
    {
      ...renameStep(op, op.from, op.to, `rename the index "${op.from}" of "${op.table}"`),
      makes: madeName(op),
      requires: [isThere(op, op.from), isFree(op, op.to)],
    },
  ],

  backfill: () => [],

  contract: () => [],

  rollback: (op) => [
    {
      // The old name is asked for without `freedBy`: no other operation of the migration may take it.
      ...renameStep(op, op.to, op.from, `give the index "${op.from}" of "${op.table}" its name back`),
      unmakes: madeName(op),
      requires: [isThere(op, op.to), { ...isFree(op, op.from), early: true }],
    },
  ],
}

function madeName({ to, ...op }: RenameIndex): Made {
  return `the name "${to}" of an index of ${qualified(theTable(op))}`
}

function isThere(op: RenameIndex, name: string): Requirement {
  return {
    that: indexHas(inNamespace(op, name), theTable(op), null),
    code: 'drift_found',
    otherwise: `"${op.table}" has no index "${name}" any more`,
  }
}

function isFree(op: RenameIndex, name: string): Requirement {
  return {
    that: relationAbsent(inNamespace(op, name)),
    code: 'drift_found',
    otherwise: `there is a "${name}" already`,
  }
}

function renameStep(op: RenameIndex, from: string, to: string, does: string): StepDraft {
  const table = theTable(op)
  const [before, after] = [inNamespace(op, from), inNamespace(op, to)]
  return {
    kind: 'ddl',
    phase: 'expand',
    does,
    hazards: [],
    probe: all([indexHas(after, table, null), relationAbsent(before)]),
    // On the index alone, which counts for its table.
    locks: [{ relation: table, level: 'share_update_exclusive', implied: true }],
    requires: [],
    statements: [sql`alter index ${qualified(before)} rename to ${id(to)}`],
    cost: 'instant',
  }
}

function inNamespace({ namespace }: RenameIndex, name: string): QualifiedName {
  return { namespace, name }
}

function nameProblems(op: RenameIndex, table: Table, context: Context): readonly BellowsError[] {
  const problem = identifierProblem(op.to)
  if (problem !== undefined)
    return [new BellowsError('name_invalid', `The name of the index, "${op.to}", ${problem}.`)]
  const known = [table.name, ...table.neighbours, ...table.indexes.map(({ name }) => name)]
  return known.includes(op.to) || isTaken(op, context)
    ? [refused(`There is a ${shown(op.to)} already.`, 'Choose another name.')]
    : []
}

/** By anything in the namespace, but for an index that has given the name up by then. */
function isTaken(op: RenameIndex, { given, facts }: Context): boolean {
  const before = findTable(given, theTable(op))
  const wasIndex = before?.indexes.some(({ name }) => name === op.to) === true
  return !wasIndex && facts.names[nameKey(inNamespace(op, op.to))] === 'taken'
}
