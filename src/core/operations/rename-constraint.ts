import { assert, BellowsError } from '../errors.ts'
import { identifierProblem } from '../identifier.ts'
import { behindGate } from '../plan/behind-gate.ts'
import { aloneLock } from '../plan/locks.ts'
import { all, constraintAbsent, constraintExists, constraintIs, relationAbsent } from '../plan/probes.ts'
import type { Lock, Made, Requirement } from '../plan/step.ts'
import { tableProblems, theTable } from '../plan/table-checks.ts'
import { NOT_IN_LOG } from '../plan/thing.ts'
import { nameKey } from '../schema/facts.ts'
import { constraintNames, findTable, type Schema, type Table, withTable } from '../schema/model.ts'
import { id, qualified, sql } from '../sql.ts'
import type { Context, OperationSpec } from './operation.ts'
import type { Reasoned } from './reasoned.ts'
import { ownConstraintProblems } from './rules/by-parts.ts'
import { constraintMissing, findConstraint } from './rules/known.ts'
import { leavingConstraint } from './rules/leaving.ts'
import { nameTaken } from './rules/name.ts'
import { madeConstraint } from './rules/stands.ts'

/** Renames a constraint, with its index, where nobody uses the old name any more. */
export interface RenameConstraint extends Reasoned {
  readonly kind: 'rename_constraint'
  readonly namespace: string
  readonly table: string
  readonly from: string
  readonly to: string
}

export const renameConstraint: OperationSpec<RenameConstraint> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [] }],
    names: [{ namespace: op.namespace, name: op.to }],
    touches: [op.from, op.to].map((constraint) => ({ table: theTable(op), constraint, how: 'replaces' })),
  }),

  check: (op, context) => {
    const table = findTable(context.schema, theTable(op))
    const problems = tableProblems(op, table, ['table', 'partitioned'])
    if (table === undefined || problems.length > 0) return problems
    if (findConstraint(table, op.from) === undefined) return [constraintMissing(table, op.from)]
    return nameProblems(op, table, context)
  },

  apply: (op, schema) => {
    const table = findTable(schema, theTable(op))
    if (table === undefined) return schema
    const renamed = (name: string | null) => (name === op.from ? op.to : name)
    return withTable(schema, {
      ...table,
      constraints: table.constraints.map((one) =>
        one.name === op.from ? { ...one, name: op.to, index: one.index === null ? null : op.to } : one,
      ),
      indexes: table.indexes.map((one) =>
        one.constraint === op.from ? { ...one, name: op.to, constraint: renamed(one.constraint) } : one,
      ),
    })
  },

  expand: () => [],

  backfill: () => [],

  contract: (op, { schema }) =>
    behindGate(leavingConstraint(theTable(op), { name: op.from, ...NOT_IN_LOG }), {
      ...renameStep(op, schema, [op.from, op.to]),
      makes: madeName(op),
      requires: asPlanned(op, schema),
      hazards: [
        {
          code: 'name_may_be_used',
          because: `A statement with ON CONFLICT ON CONSTRAINT or SET CONSTRAINTS fails from this step on with the name "${op.from}", and until it with the name "${op.to}". An application may also look for one of them in an error.`,
        },
      ],
    }),

  rollback: (op, { schema }) => [
    {
      ...renameStep(op, schema, [op.to, op.from]),
      unmakes: madeName(op),
      requires: nameIsFree(op, schema),
    },
  ],
}

function madeName({ to, ...op }: RenameConstraint): Made {
  return `the name "${to}" of a constraint of ${qualified(theTable(op))}`
}

/** The constraint is still of its kind, whatever the migration does to its columns, and nobody else has taken its new name. */
function asPlanned(op: RenameConstraint, schema: Schema): readonly Requirement[] {
  const table = findTable(schema, theTable(op))
  const constraint = table === undefined ? undefined : findConstraint(table, op.from)
  assert(constraint !== undefined, 'steps come after check')
  return [
    {
      that: constraintIs(theTable(op), op.from, constraint.kind),
      code: 'drift_found',
      otherwise: `the constraint "${op.from}" of "${op.table}" is not the one that the plan was made for`,
    },
    {
      that: constraintAbsent(theTable(op), op.to),
      code: 'drift_found',
      otherwise: `"${op.table}" has got another constraint "${op.to}" since the plan was made`,
    },
  ]
}

/** Somebody may have taken the old name meanwhile, or the migration itself, which gives it up before. */
function nameIsFree(op: RenameConstraint, schema: Schema): readonly Requirement[] {
  const { namespace, table: name, from } = op
  const free = {
    that: sql`not ${constraintExists(theTable(op), from)}`,
    code: 'drift_found',
    otherwise: `there is another constraint "${from}" of "${name}" by now; rename or drop that one first`,
    early: true,
    freedBy: madeConstraint({ table: theTable(op), name: from }),
  } as const
  if (!sharesNames(op, schema)) return [free]
  // Without `freedBy`: no other operation of the migration may take the name of a relation that was there when it was planned.
  const relation = {
    that: relationAbsent({ namespace, name: from }),
    code: 'drift_found',
    otherwise: `there is another "${from}" in "${namespace}" by now, and the index of the constraint is to have that name again; rename or drop that one first`,
    early: true,
  } as const
  return [free, relation]
}

/** The index of a key goes by the name of the key, which no other relation of the namespace has. */
function sharesNames(op: RenameConstraint, schema: Schema): boolean {
  const table = findTable(schema, theTable(op))
  const constraint = table === undefined ? undefined : findConstraint(table, op.from)
  return constraint !== undefined && constraint.index !== null
}

/** A check or a NOT NULL of a partitioned table is one of each partition; what else there is has a name of its own there. */
function renameStep(op: RenameConstraint, schema: Schema, [from, to]: readonly [string, string]) {
  const table = theTable(op)
  const of = findTable(schema, table)
  assert(of !== undefined, 'steps come after check')
  const kind = findConstraint(of, op.from)?.kind
  const lock: Lock =
    kind === 'check' || kind === 'not_null'
      ? { relation: table, level: 'access_exclusive' }
      : aloneLock(of, 'access_exclusive')
  return {
    kind: 'ddl',
    phase: 'retire',
    does: `rename the constraint "${from}" of "${op.table}" to "${to}"`,
    hazards: [],
    probe: all([constraintAbsent(table, from), constraintExists(table, to)]),
    locks: [lock],
    requires: [],
    statements: [sql`alter table ${qualified(table)} rename constraint ${id(from)} to ${id(to)}`],
    cost: 'instant',
  } as const
}

function nameProblems(
  { from, to }: RenameConstraint,
  table: Table,
  { facts }: Context,
): readonly BellowsError[] {
  const problem = identifierProblem(to)
  if (problem !== undefined)
    return [new BellowsError('name_invalid', `The constraint name "${to}" ${problem}.`)]
  // The index of a key goes along, and shares its name with all relations.
  const hasIndex = findConstraint(table, from)?.index !== null
  const isTaken =
    constraintNames(table).includes(to) ||
    (hasIndex && facts.names[nameKey({ namespace: table.namespace, name: to })] === 'taken')
  return isTaken ? [nameTaken(to, table)] : ownConstraintProblems(table, to)
}
