import { clearColumnState, columnIsOffered } from '../../plan/column-state.ts'
import { validateChecksStep } from '../../plan/constraint-steps.ts'
import { lossyOf, relationOf, unfilledOf } from '../../plan/dual-write.ts'
import { onTable } from '../../plan/on-table.ts'
import { all, constraintExists } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import { primaryKey } from '../../schema/model.ts'
import { id, join, qualified, sql } from '../../sql.ts'
import { asPlanned, listed, proofs, required, said, sides, standing } from './parts.ts'
import type { Work } from './work.ts'

/** From the comparison of all rows to the moment when new instances may use the new columns. */
export function verifySteps(work: Work): readonly StepDraft[] {
  return [verifyStep(work), proofStep(work), validateStep(work), offerStep(work)]
}

function verifyStep(work: Work): StepDraft {
  const { table, mapping, news, olds } = work
  const [from, to] = sides(work)
  const filled = required(work).map(({ name }) => sql`${id(name)} is not null`)
  return {
    kind: 'verify',
    shares: { table, at: 'compare' },
    phase: 'verify',
    does: `compare ${said(olds)} and ${said(news)} in every row of "${table.name}"`,
    hazards: [],
    table,
    unfilled: unfilledOf(mapping, from, to),
    // A value that becomes NULL on its way agrees, and breaks the NOT NULL that is put up next.
    relation: sql`(${join([relationOf(mapping, from, to), ...filled], ' and ')})`,
    lossy: lossyOf(mapping, from, to),
    key: primaryKey(table),
    columns: { from: listed(olds), to: listed(news) },
  }
}

function proofStep(work: Work): StepDraft {
  const { table, names, mapping } = work
  const [from, to] = sides(work)
  const additions = [
    sql`add constraint ${id(names.proof)} check (${relationOf(mapping, from, to)}) not valid`,
    ...required(work).map(
      ({ name, notNullProof }) =>
        sql`add constraint ${id(notNullProof)} check (${id(name)} is not null) not valid`,
    ),
  ]
  return {
    ...onTable(table),
    kind: 'ddl',
    shares: { table, at: 'prove' },
    phase: 'verify',
    does: `have the database keep ${said(work.olds)} and ${said(work.news)} in step from now on`,
    probe: constraintExists(table, names.proof),
    requires: [...asPlanned(work), ...standing(work)],
    statements: [sql`alter table ${qualified(table)} ${join(additions)}`],
  }
}

function validateStep(work: Work): StepDraft {
  const { table } = work
  return {
    ...validateChecksStep(
      table,
      proofs(work),
      `prove that every row of "${table.name}" keeps to it`,
      'verify',
    ),
    shares: { table, at: 'validate', constraints: proofs(work) },
  }
}

function offerStep({ table, news }: Work): StepDraft {
  return {
    kind: 'ddl',
    shares: { table, at: 'offer' },
    phase: 'verify',
    does: `offer ${said(news)} to new instances`,
    hazards: [],
    probe: all(news.map(({ name }) => columnIsOffered(table, name))),
    locks: [],
    requires: [],
    statements: news.map(({ name }) => clearColumnState(table, name)),
    cost: 'instant',
  }
}
