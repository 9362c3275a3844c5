import { attributesSql } from '../../plan/attributes.ts'
import { dropCopiesSql } from '../../plan/carry.ts'
import { dropLooseKeyStep, dropLooseStep } from '../../plan/carry-parts.ts'
import { clearColumnState } from '../../plan/column-state.ts'
import { noIdentity, noIdentityOn } from '../../plan/identity.ts'
import { uninstallCounterSql } from '../../plan/old-writes.ts'
import { onTable } from '../../plan/on-table.ts'
import { all, columnAbsent, dualWriteAbsent } from '../../plan/probes.ts'
import { undoStep } from '../../plan/retire.ts'
import { functionSql, uninstallSql } from '../../plan/row-trigger.ts'
import type { StepDraft } from '../../plan/step.ts'
import { id, qualified, sql, trusted } from '../../sql.ts'
import { partnerLocks } from './leave-steps.ts'
import { dropPartKeyStep, partKeysOf } from './part-keys.ts'
import { carriedAttributes, type Work } from './work.ts'

/** Undoes `hideStep`: instant and lossless, because the hidden column was kept in step. */
export function returnStep({ leaving, installed }: Work): StepDraft {
  return undoStep(leaving, [functionSql(installed)])
}

/** Takes everything away that expand and verify put on the table, and what a build of the parts of an index left unattached. */
export function takeBackSteps(work: Work): readonly StepDraft[] {
  const { table, things } = work
  const loose =
    table.kind === 'partitioned'
      ? [
          ...[...things.indexes, ...things.uniques, ...things.keys].map((copy) =>
            dropLooseStep(table, copy, work),
          ),
          ...partKeysOf(work).map(dropPartKeyStep),
          ...things.foreignKeys.map((copy) => dropLooseKeyStep(table, copy, work)),
        ]
      : []
  return [...loose, takeBackStep(work)]
}

export function takeBackStep(work: Work): StepDraft {
  const { table, to, finalName, installed, counting, names, things, adopted, toColumn, fromColumn } = work
  const dropProofs = [names.proof, names.notNullProof].map(
    (name) => sql`drop constraint if exists ${id(name)}`,
  )
  return {
    ...onTable(table),
    kind: 'ddl',
    shares: { table, at: 'take back' },
    phase: 'expand',
    does: adopted
      ? `let go of "${to}" of "${table.name}"`
      : `drop the column "${to}" of "${table.name}" again`,
    locks: [{ relation: table, level: 'access_exclusive' }, ...partnerLocks(work)],
    probe: all([dualWriteAbsent(installed), ...(adopted ? [] : [columnAbsent(table, to)])]),
    requires: adopted
      ? [...things.indexes, ...things.uniques, ...things.keys].map(({ copyName }) =>
          noIdentity(table, { namespace: table.namespace, name: copyName }),
        )
      : [noIdentityOn(table, to, to)],
    statements: [
      ...uninstallSql(installed),
      ...(counting === undefined ? [] : uninstallCounterSql(counting)),
      sql`alter table ${qualified(table)} ${trusted(dropProofs.join(', '))}`,
      ...dropCopiesSql(table, things),
      ...(adopted
        ? attributesSql(table, to, carriedAttributes(fromColumn, toColumn), toColumn)
        : [sql`alter table ${qualified(table)} drop column if exists ${id(to)} restrict`]),
      clearColumnState(table, to),
    ],
    // Also one that stays: whoever writes it would no longer be followed.
    ...(to === finalName ? { retires: { table, column: to } } : {}),
  }
}
