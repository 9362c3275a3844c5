import { clearColumnState, columnIsOffered } from '../../plan/column-state.ts'
import { lossyOf, relationOf, unfilledOf } from '../../plan/dual-write.ts'
import { onTable } from '../../plan/on-table.ts'
import { all, constraintExists, constraintValidated } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import { validateChecksSql } from '../../plan/validate.ts'
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
    phase: 'verify',
    does: `have the database keep ${said(work.olds)} and ${said(work.news)} in step from now on`,
    probe: constraintExists(table, names.proof),
    requires: [...asPlanned(work), ...standing(work, 0)],
    statements: [sql`alter table ${qualified(table)} ${join(additions)}`],
  }
}

function validateStep(work: Work): StepDraft {
  const { table } = work
  return {
    kind: 'validate',
    phase: 'verify',
    does: `prove that every row of "${table.name}" keeps to it`,
    hazards: [
      {
        code: 'stops_clients',
        because: `At its end writers of "${table.name}" wait: for the lock timeout at most, and then for some milliseconds.`,
      },
    ],
    probe: all(proofs(work).map((name) => constraintValidated(table, name))),
    locks: [
      { relation: table, level: 'share_update_exclusive' },
      { relation: table, level: 'share_row_exclusive', implied: true },
    ],
    requires: [],
    statements: validateChecksSql(table, proofs(work)),
    cost: 'scan',
  }
}

function offerStep({ table, news }: Work): StepDraft {
  return {
    kind: 'ddl',
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
