import { assert, type BellowsError } from '../errors.ts'
import { clearColumnState } from '../plan/column-state.ts'
import { leavingHazards } from '../plan/hazards.ts'
import { aloneLock } from '../plan/locks.ts'
import { constraintExists, relationAbsent } from '../plan/probes.ts'
import { hideTableStep, type LeavingTable, showTableStep, tableGateStep } from '../plan/retire-table.ts'
import type { Lock, StepDraft } from '../plan/step.ts'
import { refused, tableProblems, theTable } from '../plan/table-checks.ts'
import {
  type Constraint,
  findTable,
  isSameName,
  type ReferencingKey,
  type Schema,
  type Table,
  withoutTable,
} from '../schema/model.ts'
import { id, qualified, regclass, type Sql, shown, sql } from '../sql.ts'
import { leavingTable } from './drop-table/leaving.ts'
import {
  dropPartSteps,
  hasNoParts,
  hiddenTree,
  leavingParts,
  partHazards,
  partKeyProblems,
  partKeysQuestion,
  tooManyParts,
  withPartsHidden,
  withPartsShown,
} from './drop-table/partitions.ts'
import type { Context, OperationSpec } from './operation.ts'
import type { Reasoned } from './reasoned.ts'

/** Drops a table for good. Between retire and purge it is only hidden, and `undo` brings it back with its rows. */
export interface DropTable extends Reasoned {
  readonly kind: 'drop_table'
  readonly namespace: string
  readonly table: string
}

export const dropTable: OperationSpec<DropTable> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [], leaves: true, partsLeave: true }],
    questions: [partKeysQuestion(theTable(op))],
    touches: [{ table: theTable(op), how: 'replaces' }],
  }),

  check: (op, context) => {
    const { schema } = context
    const table = findTable(schema, theTable(op))
    const problems = tableProblems(op, table, ['table', 'partitioned'])
    if (table === undefined || problems.length > 0) return problems
    return [
      ...pointingKeys(table, schema).map((key) => pointedAt(table, key)),
      ...extensionProblems(table),
      ...tooManyParts(table),
      ...partKeyProblems(table, context),
    ]
  },

  apply: (op, schema) => {
    const table = theTable(op)
    const others = withoutTable(schema, table).tables
    if (others.length === schema.tables.length) return schema
    return {
      ...schema,
      tables: others.map((other) => ({
        ...other,
        referencedBy: other.referencedBy.filter((key) => !isSameName(key.table, table)),
      })),
    }
  },

  expand: () => [],

  backfill: () => [],

  contract: (op, context) => {
    const table = theTableOf(op, context)
    const leaving = leavingTable(table, context)
    const parts = leavingParts(table, leaving, context.seed)
    return [
      tableGateStep(leaving),
      ...parts.map(tableGateStep),
      {
        ...withPartsHidden(hideTableStep(leaving), table, parts),
        hazards: [...dependencies(op, context), ...partHazards(table), ...stillHolding(op, context)],
      },
      ...foreignKeys(op, context).map((key) => dropForeignKey(leaving, hiddenTree(leaving, parts), key)),
      ...dropPartSteps(parts),
      purgeStep(leaving, table),
    ]
  },

  rollback: (op, context) => {
    const table = theTableOf(op, context)
    const leaving = leavingTable(table, context)
    const parts = leavingParts(table, leaving, context.seed)
    return [withPartsShown(showTableStep(leaving), leaving, parts)]
  },
}

function theTableOf(op: DropTable, { schema }: Context): Table {
  const table = findTable(schema, theTable(op))
  assert(table !== undefined, 'steps come after check')
  return table
}

/** Foreign keys of other tables that would be left; those that an operation before this one takes away are not. */
function pointingKeys({ referencedBy }: Table, schema: Schema): readonly ReferencingKey[] {
  return referencedBy.filter(({ table, constraint }) => {
    const known = findTable(schema, table)
    return known === undefined || known.constraints.some(({ name }) => name === constraint)
  })
}

function pointedAt({ name }: Table, { table, constraint }: ReferencingKey): BellowsError {
  return refused(
    `The foreign key ${shown(constraint)} of "${table.name}" points at "${name}".`,
    `Drop it first, or by an operation in front of this one: alter table ${qualified(table)} drop constraint ${id(constraint)}`,
  )
}

function extensionProblems({ name, dependents }: Table): readonly BellowsError[] {
  return dependents
    .filter(({ kind }) => kind === 'extension')
    .map((one) =>
      refused(
        `"${name}" belongs to the extension ${one.name}.`,
        'Drop the extension, or take the table out of it.',
      ),
    )
}

function dependencies(op: DropTable, context: Context): StepDraft['hazards'] {
  const table = theTableOf(op, context)
  const { along } = leavingTable(table, context)
  return leavingHazards({
    ...table,
    dependents: table.dependents.filter(({ name }) => !along.includes(name)),
  })
}

function foreignKeys(op: DropTable, context: Context): readonly Constraint[] {
  const { constraints, kind: of } = theTableOf(op, context)
  return constraints.filter(
    ({ kind, references }) =>
      kind === 'foreign_key' &&
      references !== null &&
      // One to the table itself goes with it, unless that goes partition by partition.
      (of === 'partitioned' || !isSameName(references, theTable(op))),
  )
}

/** The table comes back with its rows until the purge, and so with what they point at. */
function stillHolding(op: DropTable, context: Context): StepDraft['hazards'] {
  return foreignKeys(op, context).flatMap(({ name, references }) =>
    references === null || isSameName(references, theTable(op))
      ? []
      : [
          {
            code: 'may_break',
            because: `Until the purge the foreign key ${shown(name)} of "${op.table}" holds: a row of "${references.name}" that a hidden row points at is not deleted, or takes that along. Delete such rows before, or keep the grace short.`,
          },
        ],
  )
}

/** One by one: each stops the clients of one other table, for milliseconds, and none while the table itself is dropped. */
function dropForeignKey(
  { table, hidden }: LeavingTable,
  tree: readonly Lock[],
  { name, references }: Constraint,
): StepDraft {
  return {
    kind: 'purge',
    phase: 'purge',
    does: `drop the foreign key ${shown(name)} of "${table.name}"`,
    hazards: [],
    probe: sql`not ${constraintExists(hidden, name)}`,
    locks: [
      ...tree,
      ...(references === null || isSameName(references, table)
        ? []
        : [{ relation: references, level: 'access_exclusive' as const, implied: true as const }]),
    ],
    requires: [],
    statements: [sql`alter table ${qualified(hidden)} drop constraint ${id(name)}`],
    cost: 'instant',
  }
}

function purgeStep({ table, hidden, kind }: LeavingTable, { columns }: Table): StepDraft {
  const sequences = columns.flatMap((column) => column.sequences)
  return {
    kind: 'purge',
    phase: 'purge',
    does: `drop the table "${table.name}"`,
    hazards: [
      {
        code: 'drops_values',
        because: `The rows of "${table.name}" are gone after this step; there is no way back.`,
      },
      ...sequences.map(({ name }) => ({
        code: 'goes_with_table' as const,
        because: `The sequence ${shown(name)} is owned by "${table.name}" and is dropped with it.`,
      })),
    ],
    probe: relationAbsent(hidden),
    changes: { kind: 'dropped', table: table.name },
    locks: [
      aloneLock({ ...hidden, kind }, 'access_exclusive'),
      ...sequences.map((relation) => ({
        relation,
        level: 'access_exclusive' as const,
        implied: true as const,
      })),
    ],
    requires: [
      ...(kind === 'partitioned' ? [hasNoParts(hidden)] : []),
      {
        that: sharesNoKey(hidden),
        code: 'drift_found',
        otherwise: `a foreign key was put on "${table.name}" since the plan was made; dropping it would stop the clients of the other table`,
      },
    ],
    statements: [sql`drop table ${qualified(hidden)} restrict`, clearColumnState(table, undefined)],
    cost: 'instant',
  }
}

function sharesNoKey(table: LeavingTable['hidden']): Sql {
  const oid = regclass(table)
  return sql`not exists (select from pg_catalog.pg_constraint where contype = 'f' and ${oid} in (conrelid, confrelid) and conrelid <> confrelid)`
}
