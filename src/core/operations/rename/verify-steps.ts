import { carrySteps, checkAdditions } from '../../plan/carry.ts'
import { clearColumnState, columnIsOffered } from '../../plan/column-state.ts'
import { validateChecksStep } from '../../plan/constraint-steps.ts'
import { lossy, relation, unfilled } from '../../plan/dual-write.ts'
import { constraintExists } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import { primaryKey } from '../../schema/model.ts'
import { id, qualified, sql, trusted } from '../../sql.ts'
import {
  asPlannedRequirements,
  lastRequirement,
  onTable,
  proofNames,
  standsRequirement,
  type Work,
} from './work.ts'

/** From the comparison of all rows to the moment when new instances may use the new column. */
export function verifySteps(work: Work): readonly StepDraft[] {
  return [
    verifyStep(work),
    proofStep(work),
    validateStep(work),
    ...carrySteps(work.table, work.things, work.op),
    // Without a way back the new column stays closed to writers until the old one is retired.
    ...(work.mapping.down === undefined ? [] : [offerStep(work)]),
  ]
}

function verifyStep({ op, table, mapping }: Work): StepDraft {
  const [from, to] = [id(op.from), id(op.to)]
  return {
    kind: 'verify',
    phase: 'verify',
    does: `compare "${op.from}" and "${op.to}" in every row of "${table.name}"`,
    hazards: [],
    table,
    unfilled: unfilled(mapping, from, to),
    relation: relation(mapping, from, to),
    lossy: lossy(mapping, from, to),
    key: primaryKey(table),
    columns: { from: op.from, to: op.to },
  }
}

/** After the verification, never before: a row that breaks the relation would make every update of it fail. */
function proofStep(work: Work): StepDraft {
  const { op, table, mapping, names, things, fromColumn } = work
  const additions = [
    sql`add constraint ${id(names.proof)} check (${relation(mapping, id(op.from), id(op.to))}) not valid`,
    ...(fromColumn.nullable
      ? []
      : [sql`add constraint ${id(names.notNullProof)} check (${id(op.to)} is not null) not valid`]),
    ...checkAdditions(things.checks, op),
  ]
  return {
    ...onTable(table),
    kind: 'ddl',
    phase: 'verify',
    does: `have the database keep "${op.from}" and "${op.to}" equal from now on`,
    probe: constraintExists(table, names.proof),
    requires: [
      ...asPlannedRequirements(work),
      standsRequirement(work.installed),
      lastRequirement(work.installed),
    ],
    statements: [sql`alter table ${qualified(table)} ${trusted(additions.join(', '))}`],
  }
}

function validateStep(work: Work): StepDraft {
  const { table } = work
  return validateChecksStep(
    table,
    proofNames(work),
    `prove that every row of "${table.name}" keeps to it`,
    'verify',
  )
}

function offerStep({ op, table }: Work): StepDraft {
  return {
    kind: 'ddl',
    phase: 'verify',
    does: `offer "${op.to}" to new instances`,
    hazards: [],
    probe: columnIsOffered(table, op.to),
    locks: [],
    requires: [],
    statements: [clearColumnState(table, op.to)],
    cost: 'instant',
  }
}
