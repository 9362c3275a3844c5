import { assert } from '../../errors.ts'
import {
  clearColumnState,
  columnIsOffered,
  columnIsRetired,
  setColumnState,
} from '../../plan/column-state.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { aloneLock } from '../../plan/locks.ts'
import { all, relationAbsent, relationIs } from '../../plan/probes.ts'
import { tableDoorIsClosed } from '../../plan/retire-table.ts'
import type { Requirement, StepDraft } from '../../plan/step.ts'
import { theTable } from '../../plan/table-checks.ts'
import { id, qualified, type Sql, sql } from '../../sql.ts'
import type { Context } from '../operation.ts'
import { followerHazards, textHazards } from './hazards.ts'
import { newName, type RenameTable, tableOf } from './renaming.ts'
import { grantsAreOfTable, viewSql, wholeViewSql } from './view.ts'
import { nothingOnView } from './view-steps.ts'

export function gateOf(op: RenameTable, context: Context): StepDraft {
  return {
    kind: 'gate',
    phase: 'rollout',
    does: `wait until nobody needs "${op.table}" under this name`,
    hazards: textHazards(tableOf(op, context), op.to),
    probe: relationAbsent(theTable(op)),
    table: theTable(op),
    follows: true,
  }
}

function swapRequirements(op: RenameTable): readonly Requirement[] {
  return [tableDoorIsClosed(theTable(op)), ...viewMayGo(op)]
}

/** With the view goes what was made of it alone. So this is asked while there is a way back, and in front of all that is dropped. */
export function viewMayGo(op: RenameTable): readonly Requirement[] {
  const [table, view] = [theTable(op), newName(op)]
  return [
    nothingOnView(op),
    {
      that: grantsAreOfTable(view, table),
      code: 'drift_found',
      otherwise: `rights were given on "${op.to}" that nobody has on "${op.table}"; they would be lost with the view. Give them on "${op.table}", too`,
    },
  ]
}

/** Clients of the view lock it first and then the table, so this does, too: LOCK TABLE on a view goes on to its table. */
export function swapStep(op: RenameTable, context: Context): StepDraft {
  const [table, view] = [theTable(op), newName(op)]
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
    requires: swapRequirements(op),
    statements: [...swapSql(op), setColumnState(table, undefined, 'retired')],
    cost: 'instant',
    retires: { table },
  }
}

export function forgetStep(op: RenameTable): StepDraft {
  return {
    kind: 'purge',
    phase: 'purge',
    does: `forget the name "${op.table}"`,
    hazards: [],
    probe: columnIsOffered(theTable(op), undefined),
    locks: [],
    requires: [],
    statements: [clearColumnState(theTable(op), undefined)],
    cost: 'instant',
  }
}

/** Where the table keeps its old name until all is dropped, no instance begins that says it. Whoever is connected finds it still. */
export function closeStep(op: RenameTable): StepDraft {
  const table = theTable(op)
  return {
    kind: 'retire',
    phase: 'retire',
    does: `let no instance begin that says "${op.table}"`,
    hazards: [],
    probe: columnIsRetired(table, undefined),
    locks: [],
    requires: swapRequirements(op),
    statements: [setColumnState(table, undefined, 'retired')],
    cost: 'instant',
    retires: { table },
  }
}

/** Undoes `closeStep`. */
export function openStep(op: RenameTable): StepDraft {
  const table = theTable(op)
  return {
    kind: 'ddl',
    phase: 'retire',
    does: `let instances say "${op.table}" again`,
    hazards: [],
    probe: columnIsOffered(table, undefined),
    locks: [],
    requires: [],
    statements: [clearColumnState(table, undefined)],
    cost: 'instant',
  }
}

/** Behind all that is dropped. The gate looks once more right before it. */
export function lastSwapStep(op: RenameTable, context: Context): StepDraft {
  const step = swapStep(op, context)
  assert(step.kind === 'retire', 'a swap takes the old name away')
  const hazards: readonly Hazard[] = [
    {
      code: 'may_break',
      because: `Until here both names work. From here on "${op.table}" is gone, and no undo brings it back.`,
    },
    ...step.hazards,
  ]
  return { ...step, kind: 'purge', phase: 'purge', hazards, statements: swapSql(op) }
}

function swapSql(op: RenameTable): readonly Sql[] {
  return [
    sql`drop view ${qualified(newName(op))} restrict`,
    sql`alter table ${qualified(theTable(op))} rename to ${id(op.to)}`,
  ]
}

export function swapBackStep(op: RenameTable, context: Context): StepDraft {
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
        early: true,
      },
    ],
    statements: [
      sql`alter table ${qualified(view)} rename to ${id(op.table)}`,
      ...viewSql(view, tableOf(op, context), context.facts),
      wholeViewSql(view, tableOf(op, context), context.facts),
      clearColumnState(table, undefined),
    ],
    cost: 'instant',
  }
}
