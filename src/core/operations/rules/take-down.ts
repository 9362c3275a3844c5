import { onBoth } from '../../plan/constraint-steps.ts'
import { all, constraintAbsent, relationAbsent } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import { findColumn } from '../../schema/model.ts'
import { id, qualified, type Sql, sql } from '../../sql.ts'
import { nullableAgain } from './not-null.ts'
import { phaseOf, type Work } from './put-up.ts'
import { RULE_WORDS } from './words.ts'

/** Takes a rule away again, from whatever point of its coming up. */
export function takeDownStep(work: Work): StepDraft {
  const { table, name, rule } = work
  const isKey = rule.kind === 'unique' || rule.kind === 'primary_key'
  const index = { namespace: table.namespace, name }
  const again = nullableAgain({ ...work, columns: filledForKey(work) })
  const dropIndex: readonly Sql[] = isKey ? [sql`drop index if exists ${qualified(index)}`] : []
  return {
    kind: 'ddl',
    phase: phaseOf(work) === 'retire' ? 'retire' : 'expand',
    does: `take the ${RULE_WORDS[rule.kind]} "${name}" of "${table.name}" away again`,
    hazards: [],
    probe: all([constraintAbsent(table, name), ...(isKey ? [relationAbsent(index)] : []), ...again.probes]),
    locks:
      rule.kind === 'foreign_key'
        ? onBoth(table, rule.other, ['access_exclusive', 'access_exclusive'])
        : [{ relation: table, level: 'access_exclusive' }],
    requires: [],
    statements: [
      sql`alter table ${qualified(table)} drop constraint if exists ${id(name)} restrict`,
      ...dropIndex,
      ...again.statements,
    ],
    cost: 'instant',
  }
}

/** The columns that a primary key has made NOT NULL. */
function filledForKey({ table, rule }: Work): readonly string[] {
  if (rule.kind !== 'primary_key') return []
  return rule.columns.filter((column) => findColumn(table, column)?.nullable === true)
}
