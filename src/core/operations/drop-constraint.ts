import { assert, BellowsError } from '../errors.ts'
import { gateOf } from '../plan/behind-gate.ts'
import { onBoth } from '../plan/constraint-steps.ts'
import type { Hazard } from '../plan/hazard.ts'
import { noIdentity, noIdentityByKey } from '../plan/identity.ts'
import { markedPartProblems } from '../plan/index-leaving.ts'
import { andAlso } from '../plan/joining.ts'
import { type Leaver, ofTable } from '../plan/leaver.ts'
import { constraintAbsent, constraintIsAsPlanned } from '../plan/probes.ts'
import type { Lock } from '../plan/step.ts'
import { refused, tableProblems, theTable } from '../plan/table-checks.ts'
import { NOT_IN_LOG, type Thing } from '../plan/thing.ts'
import { type Constraint, findTable, isSameName, type Table, withTable } from '../schema/model.ts'
import { id, qualified, shown, sql } from '../sql.ts'
import { type Leaving, returnSteps } from './drop-constraint/back-steps.ts'
import { isReliedOn } from './drop-constraint/relied-on.ts'
import type { Context, OperationSpec } from './operation.ts'
import type { Reasoned } from './reasoned.ts'
import { keyActions } from './rules/key-action.ts'
import { constraintMissing, findConstraint } from './rules/known.ts'
import { leavingConstraint } from './rules/leaving.ts'

/** Drops a constraint: what only ever refuses goes for the new version, what statements rely on goes with the old one. */
export interface DropConstraint extends Reasoned {
  readonly kind: 'drop_constraint'
  readonly namespace: string
  readonly table: string
  readonly name: string
}

export const dropConstraint: OperationSpec<DropConstraint> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [] }],
    touches: [{ table: theTable(op), constraint: op.name, how: 'replaces' }],
  }),

  check: (op, context) => {
    const table = findTable(context.schema, theTable(op))
    const problems = tableProblems(op, table, ['table', 'partitioned'])
    if (table === undefined || problems.length > 0) return problems
    const constraint = findConstraint(table, op.name)
    if (constraint === undefined) return [constraintMissing(table, op.name)]
    return [
      ...notNullProblems(table, constraint),
      ...dependentProblems(table, constraint),
      ...identityProblems(table, constraint),
      ...table.indexes.filter((index) => index.constraint === op.name).flatMap(markedPartProblems),
    ]
  },

  apply: (op, schema) => {
    const table = findTable(schema, theTable(op))
    if (table === undefined) return schema
    return withTable(schema, {
      ...table,
      constraints: table.constraints.filter(({ name }) => name !== op.name),
      indexes: table.indexes.filter(({ constraint }) => constraint !== op.name),
    })
  },

  expand: (op, context) => {
    const found = leaving(op, context)
    return isReliedOn(found.constraint) ? [] : [dropStep(found, 'ddl', 'expand')]
  },

  backfill: () => [],

  contract: (op, context) => {
    const found = leaving(op, context)
    if (!isReliedOn(found.constraint)) return []
    const step = dropStep(found, 'purge', 'purge')
    const leavers = leaversOf(found)
    return [
      ...leavers.map((leaver) => gateOf(leaver, step.probe)),
      { ...step, ...andAlso('retires', leavers) },
    ]
  },

  rollback: (op, context) => {
    const found = leaving(op, context)
    return isReliedOn(found.constraint) ? [] : returnSteps(found)
  },
}

function leaving(op: DropConstraint, { schema, renamedBehind = [] }: Context): Leaving {
  const table = findTable(schema, theTable(op))
  const constraint = table === undefined ? undefined : findConstraint(table, op.name)
  assert(table !== undefined && constraint !== undefined, 'steps come after check')
  return { table, constraint, hidden: renamedBehind.filter((one) => isSameName(one.table, table)) }
}

/** An action is missed by who works on the table that the key points at. */
function leaversOf({ table, constraint }: Leaving): readonly Leaver[] {
  const { kind, name, references } = constraint
  if (kind !== 'foreign_key') return [leavingConstraint(table, { ...constraint, ...logOf(constraint) })]
  const called = `the constraint ${shown(name)} of ${shown(table.namespace)}.${shown(table.name)}`
  const tables = references === null || isSameName(table, references) ? [table] : [table, references]
  return tables.map((of) => ofTable(of, called, NOT_IN_LOG))
}

/** By a primary key rows are told apart in the log; what is the replica identity in its place does not go: see `identityProblems`. */
function logOf({ kind }: Constraint): Pick<Thing, 'notInLog'> {
  return kind === 'primary_key' ? {} : NOT_IN_LOG
}

function dropStep({ table, constraint, hidden }: Leaving, kind: 'ddl' | 'purge', phase: 'expand' | 'purge') {
  const { name, definition } = constraint
  return {
    kind,
    phase,
    does: `drop the constraint "${name}" of "${table.name}"`,
    hazards: [dropHazard(table, constraint)],
    probe: constraintAbsent(table, name),
    locks: droppingLocks(table, constraint),
    requires: [
      {
        that: constraintIsAsPlanned(table, name, definition, hidden),
        code: 'drift_found',
        otherwise: `the constraint "${name}" of "${table.name}" is not the one that the plan was made for`,
      },
      ...(constraint.index === null
        ? []
        : [noIdentity(table, { namespace: table.namespace, name: constraint.index })]),
      ...(constraint.kind === 'primary_key' ? [noIdentityByKey(table)] : []),
    ],
    statements: [sql`alter table ${qualified(table)} drop constraint ${id(name)} restrict`],
    cost: 'instant',
  } as const
}

function droppingLocks(table: Table, { references }: Constraint): readonly Lock[] {
  return onBoth(table, references ?? table, ['access_exclusive', 'access_exclusive'])
}

function dropHazard({ name: table }: Table, constraint: Constraint): Hazard {
  const { name } = constraint
  if (!isReliedOn(constraint))
    return {
      code: 'not_refused_any_more',
      because: `From this step on "${table}" takes rows that "${name}" refused; an instance of the old version may not expect to read such rows.`,
    }
  const actions = keyActions(constraint)
  if (actions.length > 0)
    return {
      code: 'not_refused_any_more',
      because: `Until this step "${name}" refuses what it always did, and does what it says (${actions.join(', ')}), also for new instances. From it on "${table}" keeps rows whose other end is gone, unless the new version sees to them itself.`,
    }
  return {
    code: 'name_may_be_used',
    because: `Until this step "${name}" refuses what it always did, also from new instances. From it on a statement fails that relies on it in ON CONFLICT, and its index is gone for those that read by it.`,
  }
}

function notNullProblems(table: Table, { kind, name, columns }: Constraint): readonly BellowsError[] {
  if (kind !== 'not_null') return []
  return [
    refused(
      `The constraint "${name}" of "${table.name}" is the NOT NULL of "${columns[0]}".`,
      'Take it away with alter_column and "nullable: true".',
    ),
  ]
}

function dependentProblems(table: Table, { name, dependents }: Constraint): readonly BellowsError[] {
  if (dependents.length === 0) return []
  return [
    new BellowsError(
      'dependents_found',
      `The constraint "${name}" of "${table.name}" cannot be dropped: ${dependents.join(', ')} ${dependents.length === 1 ? 'needs' : 'need'} it.`,
      { hint: 'Drop that before it: nothing is ever dropped along.' },
    ),
  ]
}

/** Without its identity every UPDATE and DELETE of a published table fails. */
function identityProblems(table: Table, { name, kind }: Constraint): readonly BellowsError[] {
  const isIdentity =
    (kind === 'primary_key' && table.published && table.replicaIdentity === 'default') ||
    table.indexes.some((index) => index.constraint === name && index.replicaIdentity)
  if (!isIdentity) return []
  return [
    refused(
      `The constraint "${name}" is the replica identity of "${table.name}": without it updates and deletes would fail.`,
      `Give the table another one first: alter table ${shown(table.namespace)}.${shown(table.name)} replica identity full`,
    ),
  ]
}
