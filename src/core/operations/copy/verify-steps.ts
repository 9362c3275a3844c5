import { carrySteps, checkAdditions } from '../../plan/carry.ts'
import { clearColumnState, columnIsOffered } from '../../plan/column-state.ts'
import { validateChecksStep } from '../../plan/constraint-steps.ts'
import { lossy, relation, unfilled } from '../../plan/dual-write.ts'
import { onTable } from '../../plan/on-table.ts'
import { constraintExists } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import { primaryKey } from '../../schema/model.ts'
import { id, qualified, sql, trusted } from '../../sql.ts'
import { asPlannedRequirements, lastRequirement, proofNames, standsRequirement, type Work } from './work.ts'

/** From the comparison of all rows to the moment when new instances may use the new column. */
export function verifySteps(work: Work): readonly StepDraft[] {
  return [
    verifyStep(work),
    proofStep(work),
    validateStep(work),
    ...carrySteps(work.table, work.things, work),
    // Without a way back the new column stays closed to writers until the old one is retired; a name that is no column's own is never theirs.
    ...(work.mapping.down === undefined || work.to !== work.finalName ? [] : [offerStep(work)]),
  ]
}

function verifyStep({ table, mapping, ...work }: Work): StepDraft {
  const [from, to] = [id(work.from), id(work.to)]
  const agrees = relation(mapping, from, to)
  // A value that becomes NULL on its way agrees, and breaks the NOT NULL that is put up next.
  const canBecomeNull = work.notNull && work.changesValues
  return {
    kind: 'verify',
    shares: { table, at: 'compare' },
    phase: 'verify',
    does: `compare "${work.from}" and "${work.to}" in every row of "${table.name}"`,
    hazards: [],
    table,
    unfilled: unfilled(mapping, from, to),
    relation: canBecomeNull ? sql`(${agrees} and ${to} is not null)` : agrees,
    lossy: lossy(mapping, from, to),
    key: primaryKey(table),
    columns: { from: work.from, to: work.to },
  }
}

/** After the verification, never before: a row that breaks the relation would make every update of it fail. */
function proofStep(work: Work): StepDraft {
  const { from, to, table, mapping, names, things, notNull } = work
  const additions = [
    sql`add constraint ${id(names.proof)} check (${relation(mapping, id(from), id(to))}) not valid`,
    ...(notNull
      ? [sql`add constraint ${id(names.notNullProof)} check (${id(to)} is not null) not valid`]
      : []),
    ...checkAdditions(things.checks, work),
  ]
  return {
    ...onTable(table),
    kind: 'ddl',
    shares: { table, at: 'prove' },
    phase: 'verify',
    does: `have the database keep "${from}" and "${to}" equal from now on`,
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
  return {
    ...validateChecksStep(
      table,
      proofNames(work),
      `prove that every row of "${table.name}" keeps to it`,
      'verify',
    ),
    shares: { table, at: 'validate', constraints: proofNames(work) },
  }
}

function offerStep({ to, table }: Work): StepDraft {
  return {
    kind: 'ddl',
    shares: { table, at: 'offer' },
    phase: 'verify',
    does: `offer "${to}" to new instances`,
    hazards: [],
    probe: columnIsOffered(table, to),
    locks: [],
    requires: [],
    statements: [clearColumnState(table, to)],
    cost: 'instant',
  }
}
