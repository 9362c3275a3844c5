import { onBoth, validateChecksStep, validateForeignKeyStep } from '../../plan/constraint-steps.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { keyStands } from '../../plan/meant-key.ts'
import { foreignKeyPartsStep } from '../../plan/parts-steps.ts'
import { constraintAbsent, constraintIs, constraintIsAsPlanned, type Hidden } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import { type Constraint, pointsAtParts, type Table } from '../../schema/model.ts'
import { id, lit, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { inspectBackSteps } from '../rules/inspect.ts'
import { ruleOf } from '../rules/known.ts'

/** A constraint on its way out. */
export interface Leaving {
  readonly table: Table
  readonly constraint: Constraint
  /** Columns that operations behind this one hide before the purge. */
  readonly hidden: readonly Hidden[]
}

/** Puts it back as it was: comment, validity and all. A row against it would be refused every update, so it is looked for before. */
export function returnSteps({ table, constraint, hidden }: Leaving): readonly StepDraft[] {
  const { name, definition, validated, references, comment, kind, columns } = constraint
  const rule = ruleOf(constraint)
  const notValid = validated ? sql` not valid` : sql``
  const commented: readonly Sql[] =
    comment === null ? [] : [sql`comment on constraint ${id(name)} on ${qualified(table)} is ${lit(comment)}`]
  const does = `prove "${name}" again for every row of "${table.name}"`
  const other = references ?? table
  const looks = validated && rule !== undefined ? inspectBackSteps(table, rule, name, hidden) : []
  const hazards = [refusesAgain(table, name)]
  const toParts = pointsAtParts(constraint) ? { columns } : {}
  const key = { table, other, name, definition: trusted(definition), ...toParts }
  if (kind === 'foreign_key' && table.kind === 'partitioned' && validated)
    return [...looks, foreignKeyPartsStep(key, { phase: 'expand', hazards, probe: keyStands(key), comment })]
  const proof =
    kind === 'check'
      ? validateChecksStep(table, [name], does, 'expand')
      : validateForeignKeyStep({ table, other, name, phase: 'expand', does })
  return [
    ...looks,
    {
      kind: 'ddl',
      phase: 'expand',
      does: `put the constraint "${name}" back on "${table.name}"`,
      hazards,
      // Another one of this name is not taken for it. How the server prints it anew nobody knows, so that is not asked of our own.
      probe: sql`(${constraintIsAsPlanned(table, name, definition)} or ${constraintIsAsPlanned(table, name, `${definition} NOT VALID`)})`,
      after: constraintIs(table, name, kind),
      locks:
        kind === 'check'
          ? [{ relation: table, level: 'access_exclusive' }]
          : onBoth(table, other, ['share_row_exclusive', 'share_row_exclusive']),
      requires: [
        {
          that: constraintAbsent(table, name),
          code: 'drift_found',
          otherwise: `"${table.name}" has got another constraint "${name}" since that one was dropped`,
        },
      ],
      statements: [
        sql`alter table ${qualified(table)} add constraint ${id(name)} ${trusted(definition)}${notValid}`,
        ...commented,
      ],
      cost: 'instant',
    },
    ...(validated ? [proof] : []),
  ]
}

function refusesAgain({ name: table }: Table, name: string): Hazard {
  return {
    code: 'old_writers_may_fail',
    because: `From this step on "${table}" refuses again what breaks "${name}": no instance of the new version may run any more that writes such rows.`,
  }
}
