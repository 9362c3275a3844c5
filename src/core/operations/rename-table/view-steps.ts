import { relationIs } from '../../plan/probes.ts'
import { shadowHazards } from '../../plan/shadowed.ts'
import type { StepDraft } from '../../plan/step.ts'
import { theTable } from '../../plan/table-checks.ts'
import { tableHasNoDependents } from '../../plan/table-dependents.ts'
import { qualified, sql } from '../../sql.ts'
import type { Context } from '../operation.ts'
import { viewHazard } from './hazards.ts'
import { newName, type RenameTable, tableOf } from './renaming.ts'
import { viewSql } from './view.ts'

export function viewStep(op: RenameTable, context: Context, phase: 'expand' | 'verify'): StepDraft {
  return {
    kind: 'ddl',
    phase,
    does: `let "${op.table}" be used as "${op.to}" as well, by a view`,
    hazards: [viewHazard(op, context.facts), ...shadowHazards(newName(op), context.facts)],
    probe: relationIs(newName(op), 'view'),
    changes: { kind: 'renamed', from: op.table, to: op.to },
    locks: [
      { relation: newName(op), level: 'access_exclusive', implied: true },
      { relation: theTable(op), level: 'access_share', implied: true },
    ],
    requires: [],
    statements: viewSql(newName(op), tableOf(op, context), context.facts),
    cost: 'instant',
  }
}

export function dropViewStep(op: RenameTable): StepDraft {
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

export function nothingOnView(op: RenameTable) {
  return {
    that: tableHasNoDependents(newName(op), []),
    code: 'dependents_found',
    otherwise: `something was built on the view "${op.to}", which stands in for the table until the contract; build it on "${op.table}"`,
  } as const
}
