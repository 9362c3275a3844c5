import { assert, BellowsError } from '../errors.ts'
import { behindGate } from '../plan/behind-gate.ts'
import { onBoth, validateChecksStep, validateForeignKeyStep } from '../plan/constraint-steps.ts'
import type { Hazard } from '../plan/hazard.ts'
import { markedPartProblems, noIdentityOfPart } from '../plan/index-leaving.ts'
import { foreignKeyPartsStep } from '../plan/parts-steps.ts'
import { constraintAbsent, constraintIs, constraintIsAsPlanned, type Hidden } from '../plan/probes.ts'
import type { Lock, StepDraft } from '../plan/step.ts'
import { refused, tableProblems, theTable } from '../plan/table-checks.ts'
import {
  type Constraint,
  findTable,
  isSameName,
  pointsAtParts,
  type Table,
  withTable,
} from '../schema/model.ts'
import { id, lit, qualified, type Sql, shown, sql, trusted } from '../sql.ts'
import type { Context, OperationSpec } from './operation.ts'
import { inspectBackSteps } from './rules/inspect.ts'
import { constraintMissing, findConstraint, ruleOf } from './rules/known.ts'
import { leavingConstraint } from './rules/leaving.ts'

/** Drops a constraint: what only ever refuses goes for the new version, what statements rely on goes with the old one. */
export interface DropConstraint {
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
    return isReliedOn(found.constraint)
      ? behindGate(leavingConstraint(found.table, found.constraint), dropStep(found, 'purge', 'purge'))
      : []
  },

  rollback: (op, context) => {
    const found = leaving(op, context)
    return isReliedOn(found.constraint) ? [] : returnSteps(found)
  },
}

interface Leaving {
  readonly table: Table
  readonly constraint: Constraint
  /** Columns that operations behind this one hide before the purge. */
  readonly hidden: readonly Hidden[]
}

function leaving(op: DropConstraint, { schema, renamedBehind = [] }: Context): Leaving {
  const table = findTable(schema, theTable(op))
  const constraint = table === undefined ? undefined : findConstraint(table, op.name)
  assert(table !== undefined && constraint !== undefined, 'steps come after check')
  return { table, constraint, hidden: renamedBehind.filter((one) => isSameName(one.table, table)) }
}

/** Statements name what has an index in ON CONFLICT; nobody can name a check or a foreign key but by being refused. */
function isReliedOn({ kind }: Constraint): boolean {
  return kind === 'unique' || kind === 'primary_key' || kind === 'exclusion'
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
      ...(table.kind !== 'partitioned' || constraint.index === null
        ? []
        : [noIdentityOfPart(table, { namespace: table.namespace, name: constraint.index })]),
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
  return {
    code: 'name_may_be_used',
    because: `Until this step "${name}" refuses what it always did, also from new instances. From it on a statement fails that relies on it in ON CONFLICT, and its index is gone for those that read by it.`,
  }
}

/** Puts it back as it was: comment, validity and all. A row against it would be refused every update, so it is looked for before. */
function returnSteps({ table, constraint, hidden }: Leaving): readonly StepDraft[] {
  const { name, definition, validated, references, comment, kind, columns } = constraint
  const rule = ruleOf(constraint)
  const notValid = validated ? sql` not valid` : sql``
  const commented: readonly Sql[] =
    comment === null ? [] : [sql`comment on constraint ${id(name)} on ${qualified(table)} is ${lit(comment)}`]
  const does = `prove "${name}" again for every row of "${table.name}"`
  const other = references ?? table
  const looks = validated && rule !== undefined ? inspectBackSteps(table, rule, name, hidden) : []
  const hazards = [refusesAgain(table, name)]
  if (kind === 'foreign_key' && table.kind === 'partitioned' && validated)
    return [
      ...looks,
      foreignKeyPartsStep(
        {
          table,
          other,
          name,
          definition: trusted(definition),
          ...(pointsAtParts(constraint) ? { columns } : {}),
        },
        { phase: 'expand', hazards, probe: constraintIs(table, name, kind), comment },
      ),
    ]
  const proof =
    kind === 'check'
      ? validateChecksStep(table, [name], does, 'expand')
      : validateForeignKeyStep({ table, other, name, phase: 'expand', does })
  return [
    ...looks,
    {
      kind: 'ddl',
      phase: 'expand',
      does: `put the constraint "${name}" back on "${table.name}"`,
      hazards,
      probe: constraintIs(table, name, kind),
      locks:
        kind === 'check'
          ? [{ relation: table, level: 'access_exclusive' }]
          : onBoth(table, other, ['share_row_exclusive', 'share_row_exclusive']),
      requires: [
        {
          that: constraintAbsent(table, name),
          code: 'drift_found',
          otherwise: `"${table.name}" has got another constraint "${name}" since that one was dropped`,
        },
      ],
      statements: [
        sql`alter table ${qualified(table)} add constraint ${id(name)} ${trusted(definition)}${notValid}`,
        ...commented,
      ],
      cost: 'instant',
    },
    ...(validated ? [proof] : []),
  ]
}

function refusesAgain({ name: table }: Table, name: string): Hazard {
  return {
    code: 'old_writers_may_fail',
    because: `From this step on "${table}" refuses again what breaks "${name}": no instance of the new version may run any more that writes such rows.`,
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
