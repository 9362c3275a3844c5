import type { BellowsError } from '../../errors.ts'
import { canonical, hash } from '../../hash.ts'
import { dropLoosePartsStep } from '../../plan/index-parts.ts'
import type { PartConstraint } from '../../plan/parts.ts'
import { constraintPartsSteps, type PartedKey } from '../../plan/parts-steps.ts'
import { relationAbsent } from '../../plan/probes.ts'
import type { IndexPartsStep, StepDraft, TransactionStep } from '../../plan/step.ts'
import { refused } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import type { QualifiedName, Table } from '../../schema/model.ts'
import { OWN } from '../../schema/own.ts'
import { regclass, type Sql, shown, sql } from '../../sql.ts'
import { readExclusion } from './read.ts'
import type { ExclusionRule, ForeignKeyRule, KeyRule, NewRule, Rule } from './rule.ts'
import { madeConstraint, ruleStands } from './stands.ts'
import { deferrableSql, definitionSql, ids, RULE_WORDS } from './words.ts'

/** How constraints come to a partitioned table, to which PostgreSQL adds them only while it reads all partitions. */

interface KeyWork extends NewRule<KeyRule> {
  readonly table: Table
  readonly seed: string
}

export function keyPartsSteps(
  work: KeyWork,
  more: Pick<TransactionStep, 'phase' | 'hazards' | 'probe' | 'makes' | 'requires'>,
): readonly StepDraft[] {
  const { table, name, rule } = work
  const parts = partsOf(work)
  const shown = `the ${RULE_WORDS[rule.kind]} "${name}"`
  return constraintPartsSteps(
    parts,
    {
      make: `make ${shown} of "${table.name}", without its partitions yet`,
      build: `build ${shown} for each partition of "${table.name}"`,
    },
    {
      ...more,
      stands: ruleStands(work),
      requires: [
        ...more.requires,
        { that: relationAbsent(parts.index), code: 'drift_found', otherwise: `there is a "${name}" already` },
      ],
    },
  )
}

export function dropLooseKeysStep(work: KeyWork, phase: IndexPartsStep['phase']): StepDraft {
  return dropLoosePartsStep(partsOf(work), {
    phase,
    does: `drop what the build of "${work.name}" left unattached`,
    unmakes: madeConstraint(work),
  })
}

function partsOf({ table, name, rule, seed }: KeyWork) {
  return {
    kind: 'index_parts',
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

export function keyOf({ table, other, name, rule }: ForeignKeyWork): PartedKey {
  const toParts = other?.kind === 'partitioned' ? { columns: rule.columns } : {}
  return { table, other: rule.other, name, definition: definitionSql(rule), ...toParts }
}

/** No row where the table, or a partition of it, is partitioned by columns alone. */
export function expressionKeyQuestion(table: QualifiedName): Sql {
  return sql`select p.partrelid::regclass::text as table from pg_catalog.pg_partition_tree(${regclass(table)}) t join pg_catalog.pg_partitioned_table p on p.partrelid = t.relid where 0 = any (p.partattrs::smallint[])`
}

const PARTED_EXCLUSION_SINCE = 170_000

/** The columns of which rows must be the same for them to meet. */
function comparedBy(rule: KeyRule | ExclusionRule): readonly string[] {
  if (rule.kind !== 'exclusion') return rule.columns
  const read = readExclusion(rule.elements)
  return 'problem' in read ? [] : read.equal
}

/** What PostgreSQL itself does not take, or what a partition has in the way. */
export function partRuleProblems(rule: Rule, table: Table, facts: Facts): readonly BellowsError[] {
  if (table.kind !== 'partitioned') return []
  if (rule.kind === 'exclusion' && facts.serverVersion < PARTED_EXCLUSION_SINCE)
    return [
      refused(
        `"${table.name}" is a partitioned table: before PostgreSQL 17 such a table has no exclusion constraint.`,
        'Put it on each partition that is small, if rows of two cannot exclude one another.',
      ),
    ]
  if (rule.kind === 'check' || rule.kind === 'foreign_key') return []
  const compared = comparedBy(rule)
  const lacking = table.keyedBy.filter((column) => !compared.includes(column))
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
            `${rule.kind === 'exclusion' ? 'An' : 'A'} ${RULE_WORDS[rule.kind]} of "${table.name}" must have ${lacking.map((column) => `"${column}"`).join(' and ')}, by which it, or a partition of it, is partitioned: PostgreSQL looks ${rule.kind === 'exclusion' ? 'for rows that exclude one another' : 'for the same value'} in one partition only.`,
            rule.kind === 'exclusion' ? 'Compare these columns too, with =.' : 'Name these columns too.',
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
