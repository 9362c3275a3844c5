import { attributesSql } from '../../plan/attributes.ts'
import { setColumnState } from '../../plan/column-state.ts'
import { installCounterSql } from '../../plan/old-writes.ts'
import { onTable } from '../../plan/on-table.ts'
import { all, columnExists } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import { primaryKey } from '../../schema/model.ts'
import { nameOf } from '../../schema/name-of.ts'
import { id, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { moveHazards } from './hazards.ts'
import { lookStep } from './look.ts'
import { areInstalled, installSql } from './triggers.ts'
import { valueAtTarget, type Work } from './work.ts'

/** The new column, and the triggers on both tables that keep it in step, at once. */
export function expandSteps(work: Work): readonly StepDraft[] {
  const { source, target, from, plain, to, counting } = work
  const collation = plain.collation === null ? sql`` : sql` collate ${qualified(plain.collation)}`
  return [
    lookStep(work, 'expand'),
    {
      ...onTable(target),
      locks: [
        { relation: target, level: 'access_exclusive' },
        { relation: source, level: 'share_row_exclusive' },
      ],
      kind: 'install_dual_write',
      phase: 'expand',
      does: `add "${to.name}" to "${target.name}", and keep it and "${source.name}"."${from.name}" in step`,
      hazards: moveHazards(work),
      probe: all([columnExists(target, to.name), areInstalled(work)]),
      changes: { kind: 'added', column: to.name },
      statements: [
        sql`alter table ${qualified(target)} add column ${id(to.name)} ${trusted(plain.type)}${collation}`,
        ...attributesSql(target, to.name, plain, to),
        ...installSql(work),
        ...installCounterSql(counting),
        setColumnState(target, to.name, 'not_ready'),
      ],
    },
  ]
}

/** The trigger finds the value as the row is written: nothing that was read before can end up in it. */
export function fillSteps(work: Work): readonly StepDraft[] {
  const { source, target, from, to } = work
  return [
    {
      kind: 'backfill',
      phase: 'backfill',
      does: `fill "${to.name}" of "${target.name}" from "${source.name}"."${from.name}" where it is lacking`,
      hazards: [],
      table: target,
      reads: [nameOf(source)],
      set: sql`${id(to.name)} = ${id(to.name)}`,
      unfilled: unfilledOf(work),
      key: primaryKey(target),
    },
  ]
}

export function unfilledOf(work: Work): Sql {
  const { target, to } = work
  return sql`(${qualified(target)}.${id(to.name)} is null and ${valueAtTarget(work)} is not null)`
}
