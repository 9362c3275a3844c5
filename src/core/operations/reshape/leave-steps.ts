import { clearColumnState } from '../../plan/column-state.ts'
import { noIdentityOn } from '../../plan/identity.ts'
import { uninstallCounterSql } from '../../plan/old-writes.ts'
import { onTable } from '../../plan/on-table.ts'
import { all, columnAbsent, constraintAbsent, dualWriteAbsent } from '../../plan/probes.ts'
import { gateStep, type Leaving, noStrangers, retireStep, undoStep } from '../../plan/retire.ts'
import { functionSql, uninstallSql } from '../../plan/row-trigger.ts'
import type { StepDraft } from '../../plan/step.ts'
import { id, join, qualified, sql } from '../../sql.ts'
import { standsRequirement, validatedRequirement } from '../copy/work.ts'
import { asPlanned, proofs, said, standing } from './parts.ts'
import type { Work } from './work.ts'

/** All gates stand before the first column that is hidden. */
export function leaveSteps(work: Work): readonly StepDraft[] {
  return [...work.leaving.map(gateStep), ...work.leaving.map((one) => hideStep(work, one)), purgeStep(work)]
}

/** The old columns disappear at once, and the trigger goes on with their hidden names. */
function hideStep(work: Work, leaving: Leaving): StepDraft {
  const { table, hidden } = work
  return retireStep(leaving, {
    requires: [
      ...asPlanned(work),
      ...standing(work),
      ...proofs(work).map((name) => validatedRequirement(table, name)),
    ],
    statements: [functionSql(hidden)],
  })
}

/** The point of no return. Checks facts of the catalog only. */
function purgeStep(work: Work): StepDraft {
  const { table, olds, news, leaving, names, hidden, counting } = work
  const rules = news.flatMap((column) => [
    ...(column.nullable ? [] : [sql`alter column ${id(column.name)} set not null`]),
    ...(column.default === undefined
      ? []
      : [sql`alter column ${id(column.name)} set default ${column.default}`]),
  ])
  const gone = [
    ...proofs(work).map((name) => sql`drop constraint ${id(name)}`),
    ...leaving.map((one) => sql`drop column ${id(one.hidden)} restrict`),
  ]
  return {
    ...onTable(table),
    kind: 'purge',
    shares: { table, at: 'drop' },
    phase: 'purge',
    does: `drop ${said(olds)} of "${table.name}"`,
    hazards: [
      {
        code: 'drops_values',
        because: `There is no way back after this step; what ${said(news)} do not hold of ${said(olds)} is gone.`,
      },
    ],
    changes: {
      kind: 'reshaped',
      from: olds.map(({ name }) => name),
      to: news.map(({ name }) => name),
    },
    probe: all([
      ...leaving.map((one) => columnAbsent(table, one.hidden)),
      constraintAbsent(table, names.proof),
    ]),
    requires: [
      ...leaving.flatMap((one) => [
        noStrangers(one, one.hidden),
        noIdentityOn(table, one.hidden, one.column),
      ]),
      standsRequirement(hidden),
      ...proofs(work).map((name) => validatedRequirement(table, name)),
    ],
    statements: [
      ...uninstallSql(hidden),
      ...uninstallCounterSql(counting),
      ...(rules.length === 0 ? [] : [sql`alter table ${qualified(table)} ${join(rules)}`]),
      sql`alter table ${qualified(table)} ${join(gone)}`,
      ...olds.map(({ name }) => clearColumnState(table, name)),
    ],
  }
}

/** The old columns come back; then everything of ours goes. */
export function rollbackSteps(work: Work): readonly StepDraft[] {
  const { leaving, installed } = work
  return [...leaving.map((one) => undoStep(one, [functionSql(installed)])), takeBackStep(work)]
}

function takeBackStep(work: Work): StepDraft {
  const { table, news, installed, counting } = work
  const [first, ...others] = news.map(({ name }) => ({
    table: { namespace: table.namespace, name: table.name },
    column: name,
  }))
  const gone = [
    ...proofs(work).map((name) => sql`drop constraint if exists ${id(name)}`),
    ...news.map(({ name }) => sql`drop column ${id(name)} restrict`),
  ]
  return {
    ...onTable(table),
    kind: 'ddl',
    shares: { table, at: 'take back' },
    phase: 'expand',
    does: `drop ${said(news)} of "${table.name}" again`,
    // They came with the trigger and go with it: without it, columns of these names are somebody else's.
    probe: dualWriteAbsent(installed),
    requires: news.map(({ name }) => noIdentityOn(table, name, name)),
    statements: [
      ...uninstallSql(installed),
      ...uninstallCounterSql(counting),
      sql`alter table ${qualified(table)} ${join(gone)}`,
      ...news.map(({ name }) => clearColumnState(table, name)),
    ],
    ...(first === undefined ? {} : { retires: first, retiresAlso: others }),
  }
}
