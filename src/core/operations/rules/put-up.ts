import { allBehindGate } from '../../plan/behind-gate.ts'
import { foreignKeySteps, indexToConstraintStep, validateChecksStep } from '../../plan/constraint-steps.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { freeToBuild } from '../../plan/index-steps.ts'
import { foreignKeyPartsStep } from '../../plan/parts-steps.ts'
import { constraintAbsent, indexStands } from '../../plan/probes.ts'
import type { Made, StepDraft, TransactionStep } from '../../plan/step.ts'
import { tellingOf } from '../../plan/telling.ts'
import { findColumn, type Table } from '../../schema/model.ts'
import { id, qualified, shown, sql } from '../../sql.ts'
import { keyOf, keyPartsSteps } from './by-parts.ts'
import { longWaitHazards, staysFew } from './exclusion.ts'
import { lateLook, lateNulls } from './inspect.ts'
import { leavingFreedom } from './leaving.ts'
import { notNullSteps } from './not-null.ts'
import type { CheckRule, ExclusionRule, ForeignKeyRule, KeyRule, NewRule, Rule, RuleTime } from './rule.ts'
import { keyUsing, madeConstraint, ruleStands } from './stands.ts'
import { breaks, deferrableSql, definitionSql, keyIndexSql, RULE_WORDS } from './words.ts'

/** A rule with the table that it comes to, as far as the plan knows it. */
export interface Work<R extends Rule = Rule> extends NewRule<R> {
  readonly table: Table
  /** What a foreign key points at. */
  readonly other?: Table | undefined
  readonly seed: string
}

export function phaseOf({ time }: Pick<NewRule, 'time'>): 'verify' | 'retire' {
  return time === 'before_rollout' ? 'verify' : 'retire'
}

/**
 * A rule comes up without a copy, and without anybody waiting for longer than some milliseconds: before the rollout for the reason
 * that the migration gives, else when no old instance is left to break it.
 */
export function putUpSteps(work: Work): readonly StepDraft[] {
  const { table, name, rule, time } = work
  const leaver = leavingFreedom(table, `the ${RULE_WORDS[rule.kind]} ${shown(name)}`)
  return time === 'before_rollout' ? stepsOf(work) : allBehindGate(leaver, stepsOf(work))
}

function stepsOf(work: Work): readonly StepDraft[] {
  const { table, rule, name } = work
  switch (rule.kind) {
    case 'check':
      return tellingOf(checkSteps(work as Work<CheckRule>), lateLook(table, rule, name))
    case 'foreign_key':
      return tellingOf(keyToOther(work as Work<ForeignKeyRule>), lateLook(table, rule, name))
    case 'unique':
    case 'primary_key':
      return [
        ...keyNotNullSteps(work as Work<KeyRule>),
        ...tellingOf(keySteps(work as Work<KeyRule>), lateLook(table, rule, name)),
      ]
    case 'exclusion':
      return [exclusionStep(work as Work<ExclusionRule>)]
  }
}

/** Of the step that puts a rule up: what is there before is of somebody else, whatever it is. */
function newRule(work: Work): Pick<TransactionStep, 'probe' | 'requires'> & { readonly makes: Made } {
  const { table, name } = work
  return {
    probe: ruleStands(work),
    makes: madeConstraint(work),
    requires: [
      {
        that: constraintAbsent(table, name),
        code: 'drift_found',
        otherwise: `"${table.name}" has got another constraint "${name}" since the plan was made`,
      },
    ],
  }
}

function oldWriters({ table, rule, time }: Work): Hazard {
  return oldWritersHazard(breaks(rule, table.name), time)
}

/** Who fails from now on, and when. */
export function oldWritersHazard(what: string, time: RuleTime): Hazard {
  const who = `From this step on a statement that ${what} fails.`
  const when =
    time === 'before_rollout'
      ? 'The migration says that every running instance keeps to that already; one that does not has its statement refused.'
      : 'The gate before it waits until no instance of the old version is left.'
  return { code: 'old_writers_may_fail', because: `${who} ${when}` }
}

function checkSteps(work: Work<CheckRule>): readonly StepDraft[] {
  const { table, name, rule } = work
  return [
    {
      kind: 'ddl',
      phase: phaseOf(work),
      does: `put the check "${name}" on "${table.name}" for new rows`,
      hazards: [oldWriters(work)],
      ...newRule(work),
      locks: [{ relation: table, level: 'access_exclusive' }],
      statements: [
        sql`alter table ${qualified(table)} add constraint ${id(name)} ${definitionSql(rule)} not valid`,
      ],
      cost: 'instant',
    },
    validateChecksStep(table, [name], `prove the check "${name}" for the rows that are there`, phaseOf(work)),
  ]
}

function keyToOther(work: Work<ForeignKeyRule>): readonly StepDraft[] {
  const { table, name, rule } = work
  const hazards = [oldWriters(work), ...slowDeletes(table, rule)]
  const { probe, makes } = newRule(work)
  const keyParts = { probe, makes, phase: phaseOf(work), hazards }
  if (table.kind === 'partitioned') return [foreignKeyPartsStep(keyOf(work), keyParts)]
  return foreignKeySteps({
    ...newRule(work),
    table,
    other: rule.other,
    name,
    definition: sql`${definitionSql(rule)} not valid`,
    shown: `"${name}" on "${table.name}"`,
    phase: phaseOf(work),
    hazards,
  })
}

/** PostgreSQL makes no index for a foreign key, and looks for the referring rows at every delete of the other table. */
function slowDeletes(table: Table, { columns, other }: ForeignKeyRule): readonly Hazard[] {
  const isIndexed = table.indexes.some(({ nameParts }) =>
    columns.every((column) => nameParts.slice(0, columns.length).includes(column)),
  )
  if (isIndexed) return []
  return [
    {
      code: 'not_indexed',
      because: `No index of "${table.name}" begins with ${columns.map((one) => `"${one}"`).join(', ')}: each delete in "${other.name}" reads the whole of "${table.name}". Create one before.`,
    },
  ]
}

/** What a primary key makes of its columns. */
function keyNotNullSteps(work: Work<KeyRule>): readonly StepDraft[] {
  const { table, rule, seed } = work
  const nullable = rule.columns.filter((column) => findColumn(table, column)?.nullable === true)
  if (rule.kind !== 'primary_key') return []
  const steps = notNullSteps({ table, columns: nullable, seed, phase: phaseOf(work) }, [oldWriters(work)])
  return tellingOf(steps, lateNulls(table, nullable))
}

function keySteps(work: Work<KeyRule>): readonly StepDraft[] {
  const { table, name, rule } = work
  const phase = phaseOf(work)
  if (table.kind === 'partitioned')
    return keyPartsSteps(work, { ...newRule(work), phase, hazards: [oldWriters(work)] })
  const index = { namespace: table.namespace, name }
  return [
    {
      kind: 'concurrent_index',
      phase,
      does: `build the unique index of "${name}" on "${table.name}"`,
      hazards: [oldWriters(work)],
      probe: indexStands(index, table, keyUsing(rule)),
      makes: index,
      locks: [{ relation: table, level: 'share_update_exclusive' }],
      index,
      requires: [freeToBuild(index, table, keyUsing(rule))],
      statement: sql`create unique index concurrently ${id(name)} on ${qualified(table)} ${keyIndexSql(rule)}`,
    },
    indexToConstraintStep(table, name, {
      ...newRule(work),
      kind: rule.kind,
      phase,
      does: `make the unique index "${name}" of "${table.name}" a ${RULE_WORDS[rule.kind]}`,
      deferrable: deferrableSql(rule.deferrable),
    }),
  ]
}

function exclusionStep(work: Work<ExclusionRule>): StepDraft {
  const { table, name, rule } = work
  return {
    kind: 'ddl',
    phase: phaseOf(work),
    does: `put the ${RULE_WORDS.exclusion} "${name}" on "${table.name}"`,
    hazards: [oldWriters(work), ...longWaitHazards(rule, table)],
    ...newRule(work),
    locks: [{ relation: table, level: 'access_exclusive' }],
    requires: [...newRule(work).requires, staysFew(table)],
    statements: [sql`alter table ${qualified(table)} add constraint ${id(name)} ${definitionSql(rule)}`],
    refusedBy: lateLook(table, rule, name),
    cost: 'small',
  }
}
