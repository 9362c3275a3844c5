import type { BellowsError } from '../../errors.ts'
import { canonical, hash } from '../../hash.ts'
import { keyPartLocks, looseKeyLocks, looseKeysSql, manyTriggers } from '../../plan/foreign-key-parts.ts'
import { buildLocks, loosePartsSql } from '../../plan/index-parts.ts'
import { aloneLock } from '../../plan/locks.ts'
import type { PartConstraint } from '../../plan/parts.ts'
import { all, indexValid, relationAbsent } from '../../plan/probes.ts'
import type { ForeignKeyPartsStep, IndexPartsStep, StepDraft, TransactionStep } from '../../plan/step.ts'
import { refused } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import type { QualifiedName, Table } from '../../schema/model.ts'
import { OWN } from '../../schema/own.ts'
import { id, qualified, regclass, type Sql, shown, sql } from '../../sql.ts'
import type { ForeignKeyRule, KeyRule, NewRule, Rule } from './rule.ts'
import { madeConstraint, ruleStands } from './stands.ts'
import { deferrableSql, definitionSql, ids, RULE_WORDS } from './words.ts'

/** How constraints come to a partitioned table, to which PostgreSQL adds them only while it reads all partitions. */

interface KeyWork extends NewRule<KeyRule> {
  readonly table: Table
  readonly seed: string
}

/** A key is first of the table alone, and not valid: it becomes so with the key of the last partition. */
export function keyPartsSteps(
  work: KeyWork,
  more: Pick<TransactionStep, 'phase' | 'hazards' | 'probe' | 'makes' | 'requires'>,
): readonly StepDraft[] {
  const { table, name, rule } = work
  const { hazards, ...made } = more
  const index = { namespace: table.namespace, name }
  const { definition } = constraintOf(rule)
  return [
    {
      kind: 'ddl',
      ...made,
      does: `make the ${RULE_WORDS[rule.kind]} "${name}" of "${table.name}", without its partitions yet`,
      hazards: [],
      locks: [aloneLock(table, 'access_exclusive')],
      requires: [
        ...made.requires,
        { that: relationAbsent(index), code: 'drift_found', otherwise: `there is a "${name}" already` },
      ],
      statements: [sql`alter table only ${qualified(table)} add constraint ${id(name)} ${definition}`],
      cost: 'instant',
    },
    {
      ...partsOf(work, more.phase),
      how: 'build',
      does: `build the ${RULE_WORDS[rule.kind]} "${name}" for each partition of "${table.name}"`,
      hazards,
      probe: all([ruleStands(work), indexValid(index)]),
      locks: buildLocks(table, 'constraint'),
    },
  ]
}

/** What is attached goes with the constraint; what is not yet would stay. */
export function dropLooseKeysStep(work: KeyWork, phase: IndexPartsStep['phase']): StepDraft {
  const parts = partsOf(work, phase)
  return {
    ...parts,
    how: 'drop',
    does: `drop what the build of "${work.name}" left unattached`,
    hazards: [],
    unmakes: madeConstraint(work),
    probe: sql`not exists (${loosePartsSql(parts)})`,
    locks: [],
  }
}

function partsOf({ table, name, rule, seed }: KeyWork, phase: IndexPartsStep['phase']) {
  return {
    kind: 'index_parts',
    phase,
    table,
    index: { namespace: table.namespace, name },
    using: null,
    tablespace: null,
    nameParts: rule.kind === 'primary_key' ? [] : [...rule.columns, ...rule.include],
    prefix: `bellows_part_${hash(canonical([seed, name])).slice(0, 8)}_`,
    constraint: constraintOf(rule),
  } as const
}

function constraintOf({ kind, columns, include, nullsNotDistinct, deferrable }: KeyRule): PartConstraint {
  const words = kind === 'unique' ? sql`unique` : sql`primary key`
  const nulls = nullsNotDistinct ? sql` nulls not distinct` : sql``
  const more = include.length === 0 ? sql`` : sql` include (${ids(include)})`
  const late = deferrableSql(deferrable)
  return {
    kind,
    definition: sql`${words}${nulls} (${ids(columns)})${more}${late}`,
    usingIndex: { before: words, after: late },
  }
}

interface ForeignKeyWork extends NewRule<ForeignKeyRule> {
  readonly table: Table
  readonly other?: Table | undefined
}

type Key = Pick<ForeignKeyPartsStep, 'other' | 'name' | 'definition' | 'columns'> & { readonly table: Table }

/** Each partition gets the key and is proved by itself; the table takes these over. */
export function foreignKeyPartsStep(
  key: Key,
  more: Pick<ForeignKeyPartsStep, 'phase' | 'hazards' | 'probe' | 'makes'> & {
    readonly comment?: string | null
  },
): StepDraft {
  return {
    ...key,
    ...more,
    hazards: [...more.hazards, ...manyTriggers(key.table, key.other)],
    kind: 'foreign_key_parts',
    how: 'add',
    does: `give each partition of "${key.table.name}" the foreign key "${key.name}", and then the table`,
    comment: more.comment ?? null,
    locks: keyPartLocks(key.table, key),
  }
}

export function keyOf({ table, other, name, rule }: ForeignKeyWork): Key {
  const toParts = other?.kind === 'partitioned' ? { columns: rule.columns } : {}
  return { table, other: rule.other, name, definition: definitionSql(rule), ...toParts }
}

/** What partitions have got before their table has it. */
export function dropLooseForeignKeysStep(
  key: Key,
  more: Pick<ForeignKeyPartsStep, 'phase' | 'unmakes'>,
): StepDraft {
  return {
    ...key,
    ...more,
    kind: 'foreign_key_parts',
    how: 'drop',
    comment: null,
    does: `take the foreign key "${key.name}" from the partitions that have it before "${key.table.name}"`,
    hazards: [],
    probe: sql`not exists (${looseKeysSql(key)})`,
    locks: looseKeyLocks(key.table, key),
  }
}

/** No row where the table, or a partition of it, is partitioned by columns alone. */
export function expressionKeyQuestion(table: QualifiedName): Sql {
  return sql`select p.partrelid::regclass::text as table from pg_catalog.pg_partition_tree(${regclass(table)}) t join pg_catalog.pg_partitioned_table p on p.partrelid = t.relid where 0 = any (p.partattrs::smallint[])`
}

/** What PostgreSQL itself does not take, or what a partition has in the way. */
export function partRuleProblems(rule: Rule, table: Table, facts: Facts): readonly BellowsError[] {
  if (table.kind !== 'partitioned') return []
  if (rule.kind === 'exclusion')
    return [
      refused(
        `An exclusion constraint cannot be built while writers go on, and "${table.name}" is a partitioned table, all partitions of which would wait.`,
        'Keep the rule with a trigger, or put it on each partition that is small.',
      ),
    ]
  if (rule.kind !== 'unique' && rule.kind !== 'primary_key') return []
  const lacking = table.keyedBy.filter((column) => !rule.columns.includes(column))
  const answer = facts.answers[expressionKeyQuestion({ namespace: table.namespace, name: table.name })]
  const isByExpression = Array.isArray(answer) && answer.length > 0
  const own =
    rule.kind === 'primary_key'
      ? table.parts.filter(({ own }) => own.some(({ what }) => what === OWN.primaryKey))
      : []
  return [
    ...(lacking.length === 0
      ? []
      : [
          refused(
            `A ${RULE_WORDS[rule.kind]} of "${table.name}" must have ${lacking.map((column) => `"${column}"`).join(' and ')}, by which it, or a partition of it, is partitioned: PostgreSQL looks for the same value in one partition only.`,
            'Name these columns too.',
          ),
        ]),
    ...(isByExpression
      ? [
          refused(
            `"${table.name}", or a partition of it, is partitioned by an expression: PostgreSQL has no ${RULE_WORDS[rule.kind]} for such a table.`,
            'Put it on each partition, if the same value cannot be in two.',
          ),
        ]
      : []),
    ...own.map((part) =>
      refused(
        `The partition ${shown(part.namespace)}.${shown(part.name)} has a primary key of its own.`,
        'Drop that first: it has room for one.',
      ),
    ),
  ]
}

/** One that a partition has for itself would become that of the table, and go with it. */
export function ownConstraintProblems(table: Table, name: string): readonly BellowsError[] {
  const own = `the constraint ${name} of its own`
  return table.parts
    .filter((part) => part.own.some(({ what }) => what === own))
    .map((part) =>
      refused(
        `The partition ${shown(part.namespace)}.${shown(part.name)} has a constraint ${shown(name)} of its own.`,
        'Give one of the two another name.',
      ),
    )
}
