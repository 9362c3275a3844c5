import { assert } from '../errors.ts'
import { columnsNamed } from '../parse.ts'
import { clearColumnState } from '../plan/column-state.ts'
import { fillingFor } from '../plan/filling.ts'
import type { Hazard } from '../plan/hazard.ts'
import { leavingHazards } from '../plan/hazards.ts'
import { noIdentityOn } from '../plan/identity.ts'
import { namesFor } from '../plan/names.ts'
import { isNeverNull } from '../plan/never-null.ts'
import { uninstallCounterSql } from '../plan/old-writes.ts'
import { columnAbsent, dualWriteAbsent, dualWriteStands } from '../plan/probes.ts'
import { companionsOf, gateStep, type Leaving, noStrangers, retireStep, undoStep } from '../plan/retire.ts'
import {
  type Duty,
  functionSql,
  type Installed,
  installSql,
  triggerFor,
  uninstallSql,
} from '../plan/row-trigger.ts'
import { printed } from '../plan/row-value.ts'
import type { Lock, StepDraft } from '../plan/step.ts'
import { theTable } from '../plan/table-checks.ts'
import { findColumn, findTable, needsColumn, withTable } from '../schema/model.ts'
import { id, qualified, shown, sql, trusted } from '../sql.ts'
import { dropProblems } from './drop/checks.ts'
import { companions } from './drop/companions.ts'
import { countedBy, countingOf, countSteps, stopCountingSteps } from './drop/counting.ts'
import { type DropColumn, downOf } from './drop/drop.ts'
import type { Context, OperationSpec } from './operation.ts'

export type { DropColumn } from './drop/drop.ts'

export const dropColumn: OperationSpec<DropColumn> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [op.column] }],
    values: [downOf(op)].filter((value) => value !== undefined),
    touches: [
      { table: theTable(op), column: op.column, how: 'replaces' },
      ...columnsNamed(trusted(op.down ?? 'null'))
        .filter((column) => column !== op.column)
        .map((column) => ({ table: theTable(op), column, how: 'uses' as const })),
    ],
  }),

  check: dropProblems,

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

  expand: (op, context) => {
    const down = fillingOf(op, context)
    const filling = down === undefined ? [] : [fillingStep(op, down, context)]
    return [...filling, ...countSteps(op, countingOf(op, context))]
  },

  backfill: () => [],

  contract: (op, context) => {
    const [leaving, down] = [leavingColumn(op, context), fillingOf(op, context)]
    const more =
      down === undefined
        ? { requires: [], statements: [] }
        : { requires: [stands(down.visible)], statements: [functionSql(down.hidden)] }
    return [
      gateStep(leaving),
      { ...retireStep(leaving, more), hazards: dependencies(op, context) },
      purgeStep(op, context),
    ]
  },

  rollback: (op, context) => {
    const [leaving, down] = [leavingColumn(op, context), fillingOf(op, context)]
    const stopped = stopCountingSteps(op, countingOf(op, context))
    return down === undefined
      ? [undoStep(leaving, []), ...stopped]
      : [undoStep(leaving, [functionSql(down.visible)]), ...stopped, takeBackStep(op, down.visible)]
  },
}

/** What fills the column for writers that do not know it any more, while it is visible and while it is hidden. */
interface Down {
  readonly duty: Duty
  readonly visible: Installed
  readonly hidden: Installed
}

function fillingOf(op: DropColumn, { schema, facts, seed, shared }: Context): Down | undefined {
  const table = findTable(schema, theTable(op))
  const value = printed(downOf(op), facts)
  if (op.down === undefined) return undefined
  assert(table !== undefined && value !== undefined, 'steps come after check')
  const names = namesFor(
    seed,
    op.column,
    table.triggers.map((trigger) => trigger.name),
  )
  const duty = fillingFor(
    {
      table,
      column: op.column,
      hidden: names.hidden,
      events: 'insert',
      ...(table.kind === 'partitioned' && findColumn(table, op.column)?.nullable === true
        ? { moves: { keys: table.keyedBy, moving: `bellows.${names.counter}_moving` } }
        : {}),
      until: 'purge',
      values: [value],
      needsRights: false,
    },
    names,
  )
  return { duty, ...triggerFor(duty, shared) }
}

function fillingStep(op: DropColumn, { duty, visible: filling }: Down, context: Context): StepDraft {
  return {
    kind: 'install_dual_write',
    shares: { table: theTable(op), at: 'install', duty },
    phase: 'expand',
    does: `fill "${op.column}" of "${op.table}" for writers that do not know it any more`,
    hazards: rulesOn(op, context),
    probe: dualWriteStands(filling),
    locks: [{ relation: theTable(op), level: 'share_row_exclusive' }],
    requires: [],
    statements: installSql(filling),
    cost: 'instant',
  }
}

/** What "down" gives has to meet the rules of the column, or those writers fail. */
function rulesOn(op: DropColumn, { schema }: Context): readonly Hazard[] {
  const table = findTable(schema, theTable(op))
  const rules = table?.constraints.filter(
    (one) => one.kind !== 'not_null' && needsColumn(table, one, op.column),
  )
  const isRequired = table !== undefined && findColumn(table, op.column)?.nullable === false
  const met = [
    ...(isRequired && !isNeverNull(op.down ?? '') ? ['NOT NULL'] : []),
    ...(rules ?? []).map(({ name }) => shown(name)),
  ]
  return met.map((rule) => ({
    code: 'may_break',
    because: `What "down" gives has to meet ${rule}; otherwise writers that no longer know "${op.column}" fail.`,
  }))
}

function takeBackStep(op: DropColumn, filling: Installed): StepDraft {
  return {
    kind: 'ddl',
    shares: { table: theTable(op), at: 'take back' },
    phase: 'expand',
    does: `no longer fill "${op.column}" of "${op.table}"`,
    hazards: [],
    probe: dualWriteAbsent(filling),
    locks: [{ relation: theTable(op), level: 'access_exclusive' }],
    requires: [],
    statements: uninstallSql(filling),
    cost: 'instant',
  }
}

function stands(filling: Installed) {
  return {
    that: dualWriteStands(filling),
    code: 'drift_found' as const,
    otherwise: `the trigger "${filling.trigger}" on "${filling.table.name}" is missing, disabled or not as it was installed`,
  }
}

function dependencies(op: DropColumn, { schema }: Context): readonly Hazard[] {
  const table = findTable(schema, theTable(op))
  return table === undefined ? [] : leavingHazards(table, op.column)
}

function leavingColumn(op: DropColumn, context: Context): Leaving {
  const { schema, seed } = context
  const table = findTable(schema, theTable(op))
  const counting = countingOf(op, context)
  assert(table !== undefined, 'steps come after check')
  const known = companionsOf(table, op.column)
  return {
    table: theTable(op),
    column: op.column,
    hidden: namesFor(seed, op.column, []).hidden,
    known,
    ...(counting === undefined ? {} : countedBy(counting)),
  }
}

function purgeStep(op: DropColumn, context: Context): StepDraft {
  const leaving = leavingColumn(op, context)
  const { table, hidden } = leaving
  const [down, counting] = [fillingOf(op, context), countingOf(op, context)]
  return {
    kind: 'purge',
    shares: { table, at: 'drop' },
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
    requires: [noStrangers(leaving, hidden), noIdentityOn(table, hidden, op.column)],
    statements: [
      ...(down === undefined ? [] : uninstallSql(down.hidden)),
      ...(counting === undefined ? [] : uninstallCounterSql(counting)),
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
