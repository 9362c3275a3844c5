import { onBoth } from '../../plan/constraint-steps.ts'
import { noIdentity, noIdentityByKey } from '../../plan/identity.ts'
import { dropLooseForeignKeysStep } from '../../plan/parts-steps.ts'
import { indexHas, relationExists } from '../../plan/probes.ts'
import type { Requirement, StepDraft } from '../../plan/step.ts'
import { findColumn } from '../../schema/model.ts'
import { id, qualified, sql } from '../../sql.ts'
import { dropLooseKeysStep, keyOf } from './by-parts.ts'
import { nullableAgainSteps } from './not-null.ts'
import { phaseOf, type Work } from './put-up.ts'
import type { ForeignKeyRule, KeyRule } from './rule.ts'
import { keyUsing, madeConstraint, ruleStands } from './stands.ts'
import { RULE_WORDS } from './words.ts'

/** Takes a rule away again, from whatever point of its coming up; what somebody else made meanwhile stays. */
export function takeDownSteps(work: Work): readonly StepDraft[] {
  const { rule } = work
  switch (rule.kind) {
    case 'unique':
    case 'primary_key':
      return [
        ...(work.table.kind === 'partitioned'
          ? [dropLooseKeysStep(work as Work<KeyRule>, phaseBack(work))]
          : []),
        dropStep(work),
        ...(work.table.kind === 'partitioned' ? [] : [dropIndexStep(work as Work<KeyRule>)]),
        ...nullableAgainSteps({ ...work, phase: phaseBack(work), columns: filledForKey(work) }),
      ]
    case 'foreign_key':
      return [
        dropStep(work),
        ...(work.table.kind === 'partitioned'
          ? [
              dropLooseForeignKeysStep(keyOf(work as Work<ForeignKeyRule>), {
                phase: phaseBack(work),
                unmakes: madeConstraint(work),
              }),
            ]
          : []),
      ]
    default:
      return [dropStep(work)]
  }
}

function phaseBack(work: Work): 'expand' | 'retire' {
  return phaseOf(work) === 'retire' ? 'retire' : 'expand'
}

function dropStep(work: Work): StepDraft {
  const { table, name, rule } = work
  return {
    kind: 'ddl',
    phase: phaseBack(work),
    does: `take the ${RULE_WORDS[rule.kind]} "${name}" of "${table.name}" away again`,
    hazards: [],
    unmakes: madeConstraint(work),
    probe: sql`(${relationExists(table)} and not (${ruleStands(work)}))`,
    locks:
      rule.kind === 'foreign_key'
        ? onBoth(table, rule.other, ['access_exclusive', 'access_exclusive'])
        : [{ relation: table, level: 'access_exclusive' }],
    requires: isKey(work) ? noIdentities(work) : [],
    statements: [sql`alter table ${qualified(table)} drop constraint ${id(name)} restrict`],
    cost: 'instant',
  }
}

function isKey({ rule }: Work): boolean {
  return rule.kind === 'unique' || rule.kind === 'primary_key'
}

function noIdentities({ table, name, rule }: Work): readonly Requirement[] {
  return [
    noIdentity(table, { namespace: table.namespace, name }),
    // One that was published without a key before is so again.
    ...(rule.kind === 'primary_key' && !table.published ? [noIdentityByKey(table)] : []),
  ]
}

/** It goes with its constraint, if it has become one. */
function dropIndexStep(work: Work<KeyRule>): StepDraft {
  const { table, name, rule } = work
  const index = { namespace: table.namespace, name }
  return {
    kind: 'ddl',
    phase: phaseBack(work),
    does: `drop the unique index of "${name}" on "${table.name}" again`,
    hazards: [],
    unmakes: index,
    probe: sql`(${relationExists(table)} and not ${indexHas(index, table, keyUsing(rule))})`,
    locks: [{ relation: table, level: 'access_exclusive' }],
    requires: [noIdentity(table, index)],
    statements: [sql`drop index ${qualified(index)} restrict`],
    cost: 'instant',
  }
}

/** The columns that a primary key has made NOT NULL. */
function filledForKey({ table, rule }: Work): readonly string[] {
  if (rule.kind !== 'primary_key') return []
  return rule.columns.filter((column) => findColumn(table, column)?.nullable === true)
}
