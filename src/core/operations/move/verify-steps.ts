import { clearColumnState, columnIsOffered } from '../../plan/column-state.ts'
import { validateChecksStep } from '../../plan/constraint-steps.ts'
import { same } from '../../plan/dual-write.ts'
import { onTable } from '../../plan/on-table.ts'
import {
  columnIsAsPlanned,
  columnIsNotNull,
  constraintExists,
  constraintIsAsPlanned,
  hasNoChildren,
  indexValid,
} from '../../plan/probes.ts'
import type { Requirement, StepDraft } from '../../plan/step.ts'
import { primaryKey } from '../../schema/model.ts'
import { nameOf } from '../../schema/name-of.ts'
import { id, qualified, sql } from '../../sql.ts'
import { validatedRequirement } from '../copy/work.ts'
import { unfilledOf } from './expand-steps.ts'
import { lookStep } from './look.ts'
import { standing } from './triggers.ts'
import { valueAtTarget, type Work } from './work.ts'

/** From the comparison of all rows to the moment when new instances may use the new column. */
export function verifySteps(work: Work): readonly StepDraft[] {
  const { target, from, names, to } = work
  return [
    lookStep(work, 'verify'),
    verifyStep(work),
    ...(from.nullable
      ? []
      : [
          proofStep(work),
          validateChecksStep(
            target,
            [names.notNullProof],
            `prove that "${to.name}" is there in every row of "${target.name}"`,
            'verify',
          ),
        ]),
    offerStep(work),
  ]
}

function verifyStep(work: Work): StepDraft {
  const { source, target, from, to } = work
  const value = sql`${qualified(target)}.${id(to.name)}`
  return {
    kind: 'verify',
    phase: 'verify',
    does: `compare "${source.name}"."${from.name}" and "${to.name}" in every row of "${target.name}"`,
    hazards: [],
    table: target,
    reads: [nameOf(source)],
    unfilled: unfilledOf(work),
    relation: same(value, valueAtTarget(work)),
    lossy: sql`false`,
    key: primaryKey(target),
    columns: { from: `${source.name}"."${from.name}`, to: to.name },
    until: { table: nameOf(source), column: from.name },
  }
}

/** The trigger gives every row the value of the source, which is NOT NULL. */
function proofStep(work: Work): StepDraft {
  const { target, to, names } = work
  return {
    ...onTable(target),
    kind: 'ddl',
    phase: 'verify',
    does: `have the database keep "${to.name}" of "${target.name}" filled from now on`,
    probe: constraintExists(target, names.notNullProof),
    requires: [...asPlanned(work), ...standing(work, 'source')],
    statements: [
      sql`alter table ${qualified(target)} add constraint ${id(names.notNullProof)} check (${id(to.name)} is not null) not valid`,
    ],
  }
}

/** The triggers were there all the time, or the comparison says nothing of what came behind it. */
function offerStep(work: Work): StepDraft {
  const { target, to } = work
  return {
    kind: 'ddl',
    phase: 'verify',
    does: `offer "${to.name}" of "${target.name}" to new instances`,
    hazards: [],
    probe: columnIsOffered(target, to.name),
    locks: [],
    requires: [...asPlanned(work), ...standing(work, 'source')],
    statements: [clearColumnState(target, to.name)],
    cost: 'instant',
  }
}

/** What the move relies on is still there. */
export function asPlanned({ source, target, from, link }: Work): readonly Requirement[] {
  const of = `"${source.name}"."${from.name}"`
  return [
    drift(
      columnIsAsPlanned(source, from),
      `NOT NULL, the default or a grant of ${of} was changed since the plan was made; change it back, or roll back and begin anew`,
    ),
    drift(
      constraintIsAsPlanned(target, link.name, link.definition),
      `the foreign key "${link.name}" of "${target.name}" is missing or another one since the plan was made`,
    ),
    drift(
      indexValid({ namespace: target.namespace, name: link.unique ?? '' }),
      `the unique index "${link.unique}" on "${target.name}" is missing or invalid`,
    ),
    ...link.pairs.map((pair) =>
      drift(columnIsNotNull(target, pair.target), `"${target.name}"."${pair.target}" is no longer NOT NULL`),
    ),
    ...[source, target].map((table) =>
      drift(
        hasNoChildren(table),
        `"${table.name}" has got an inheritance child since the plan was made, whose rows nobody keeps in step`,
      ),
    ),
  ]
}

function drift(that: Requirement['that'], otherwise: string): Requirement {
  return { that, code: 'drift_found', otherwise }
}

export function proved({ from, target, names }: Work): readonly Requirement[] {
  return from.nullable ? [] : [validatedRequirement(target, names.notNullProof)]
}
