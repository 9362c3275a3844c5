import { clearColumnState } from '../../plan/column-state.ts'
import { noIdentityOn } from '../../plan/identity.ts'
import { uninstallCounterSql } from '../../plan/old-writes.ts'
import { onTable } from '../../plan/on-table.ts'
import { all, columnAbsent } from '../../plan/probes.ts'
import { gateStep, noStrangers, retireStep, undoStep } from '../../plan/retire.ts'
import type { Lock, StepDraft } from '../../plan/step.ts'
import { id, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { journalSql } from './bodies.ts'
import { bringBackAheadSql, bringBackSql } from './bring-back.ts'
import { lookStep } from './look.ts'
import { areAbsent, functionsSql, standing, uninstallAllSql } from './triggers.ts'
import { asPlanned, proved } from './verify-steps.ts'
import type { Work } from './work.ts'

export function leaveSteps(work: Work): readonly StepDraft[] {
  return [gateStep(work.leaving), hideStep(work), lookStep(work, 'purge'), purgeStep(work)]
}

/** From one moment to the next the target says what the value is, and what is written there is noted for the way back. */
function hideStep(work: Work): StepDraft {
  const { from } = work
  const byDefault = from.default === null ? [] : [defaultSql(work, sql`set default ${trusted(from.default)}`)]
  return retireStep(work.leaving, {
    also: targetLock(work),
    requires: [...asPlanned(work), ...standing(work, 'source'), ...proved(work)],
    statements: [journalSql(work.ends('target')), ...functionsSql(work, 'target'), ...byDefault],
  })
}

/** A writer of the target that is under way must not find the new function before the column has its new name, nor the old one after. */
function targetLock({ target, from }: Work): readonly Lock[] {
  return [{ relation: target, level: from.default === null ? 'share_row_exclusive' : 'access_exclusive' }]
}

function defaultSql({ target, to }: Work, how: Sql): Sql {
  return sql`alter table ${qualified(target)} alter column ${id(to.name)} ${how}`
}

/** The point of no return. Checks facts of the catalog only. */
function purgeStep(work: Work): StepDraft {
  const { source, target, from, to, names, leaving, counting } = work
  const table = qualified(target)
  return {
    ...onTable(source),
    kind: 'purge',
    phase: 'purge',
    does: `drop the column "${from.name}" of "${source.name}"`,
    hazards: [
      {
        code: 'drops_values',
        because: `There is no way back after this step; "${to.name}" of "${target.name}" holds every value.`,
      },
    ],
    probe: all([columnAbsent(source, leaving.hidden), areAbsent(work)]),
    changes: { kind: 'removed', column: from.name },
    locks: bothLocks(work),
    requires: [
      noStrangers(leaving, leaving.hidden),
      noIdentityOn(source, leaving.hidden, from.name),
      ...standing(work, 'target'),
      ...proved(work),
    ],
    statements: [
      ...uninstallAllSql(work),
      ...uninstallCounterSql(counting),
      sql`drop table ${qualified(work.ends('target').journal)}`,
      ...(from.nullable
        ? []
        : [
            sql`alter table ${table} alter column ${id(to.name)} set not null`,
            sql`alter table ${table} drop constraint ${id(names.notNullProof)}`,
          ]),
      sql`alter table ${qualified(source)} drop column ${id(leaving.hidden)} restrict`,
      clearColumnState(source, from.name),
    ],
  }
}

function bothLocks({ source, target }: Work): readonly Lock[] {
  return [source, target].map((relation) => ({ relation, level: 'access_exclusive' }))
}

export function rollbackSteps(work: Work): readonly StepDraft[] {
  const byDefault = work.from.default === null ? [] : [defaultSql(work, sql`drop default`)]
  return [
    undoStep(
      work.leaving,
      // Nothing alters a table whose rows have been written in the same transaction.
      [...functionsSql(work, 'source'), ...byDefault, ...bringBackSql(work.ends('source'))],
      targetLock(work),
      [bringBackAheadSql(work.ends('target'))],
    ),
    takeBackStep(work),
  ]
}

function takeBackStep(work: Work): StepDraft {
  const { target, to, names, counting } = work
  return {
    ...onTable(target),
    kind: 'ddl',
    phase: 'expand',
    does: `drop the column "${to.name}" of "${target.name}" again`,
    locks: bothLocks(work).toReversed(),
    // It came with the triggers and goes with them: without them, a column of this name is somebody else's.
    probe: areAbsent(work),
    requires: [noIdentityOn(target, to.name, to.name)],
    statements: [
      ...uninstallAllSql(work),
      ...uninstallCounterSql(counting),
      sql`alter table ${qualified(target)} drop constraint if exists ${id(names.notNullProof)}, drop column ${id(to.name)} restrict`,
      clearColumnState(target, to.name),
    ],
    retires: { table: target, column: to.name },
  }
}
