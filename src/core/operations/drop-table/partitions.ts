import type { BellowsError } from '../../errors.ts'
import { clearColumnState } from '../../plan/column-state.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { leavingHazards } from '../../plan/hazards.ts'
import { aloneLock, wholeTree } from '../../plan/locks.ts'
import { namesFor } from '../../plan/names.ts'
import { relationAbsent } from '../../plan/probes.ts'
import {
  hideTableSql,
  type LeavingTable,
  nameIsFree,
  showTableSql,
  tableLeavingRequirements,
} from '../../plan/retire-table.ts'
import type { Lock, Requirement, StepDraft, TransactionStep } from '../../plan/step.ts'
import { refused } from '../../plan/table-checks.ts'
import { findTable, isSameName, type QualifiedName, type Table } from '../../schema/model.ts'
import { constraintOn } from '../../schema/references.ts'
import { id, join, lit, qualified, regclass, type Sql, shown, sql } from '../../sql.ts'
import type { Context } from '../operation.ts'

/** A partition goes as its table does: it has a name of its own, by which others may use it. */
interface LeavingPart extends LeavingTable {
  /** What it is a part of, under its hidden name. */
  readonly under: QualifiedName
}

/** So many gates are looked at within the time for which a gate that was passed holds, and hidden in a moment. */
const MOST_PARTS = 100

export function tooManyParts({ name, parts }: Table): readonly BellowsError[] {
  if (parts.length <= MOST_PARTS) return []
  return [
    refused(
      `"${name}" has ${parts.length} partitions, each with a gate; at most ${MOST_PARTS} can be passed and hidden at once.`,
      `Detach or drop partitions first, in portions, until ${MOST_PARTS} or fewer are left: see detach_partition.`,
    ),
  ]
}

/** Foreign keys that a partition has and its table has not. */
export function partKeysQuestion(table: QualifiedName): Sql {
  const tree = sql`pg_catalog.pg_partition_tree(pg_catalog.to_regclass(${lit(qualified(table))}))`
  return sql`select n.nspname as namespace, p.relname as name, k.conname as key from ${tree} t join pg_catalog.pg_class p on p.oid = t.relid join pg_catalog.pg_namespace n on n.oid = p.relnamespace join pg_catalog.pg_constraint k on k.conrelid = p.oid and k.contype = 'f' and k.conparentid = 0 where t.level > 0 order by 1, 2, 3`
}

/** Foreign keys of one partition alone, and those that point at one alone: the contract would stop there. */
export function partKeyProblems(table: Table, context: Context): readonly BellowsError[] {
  const answer = context.facts.answers[partKeysQuestion(table)] ?? []
  const own =
    'problem' in answer ? [] : (answer as unknown as readonly (QualifiedName & { readonly key: string })[])
  return [
    ...own.map(({ key, ...part }) =>
      refused(
        `The partition ${shown(part.name)} of "${table.name}" has the foreign key ${shown(key)} of its own.`,
        `Drop it first: alter table ${qualified(part)} drop constraint ${id(key)}`,
      ),
    ),
    ...table.parts.flatMap((part) =>
      (part.hanging?.dependents ?? [])
        .filter(({ kind, name }) => kind === 'foreign key' && !isDroppedBefore(name, context))
        .map(({ name }) =>
          refused(
            `The foreign key ${name} points at the partition ${shown(part.name)} of "${table.name}".`,
            'Drop it first.',
          ),
        ),
    ),
  ]
}

/** By `drop_constraint` in front of it. One that only gets another name there is told by what it says. */
function isDroppedBefore(key: string, { given, schema }: Context): boolean {
  return given.tables.some((table) => {
    const one = table.constraints.find(({ name }) => constraintOn(table, name) === key)
    const now = findTable(schema, table)?.constraints
    return one !== undefined && now?.every(({ definition }) => definition !== one.definition) === true
  })
}

/** What uses a partition by its own name. */
export function partHazards({ parts }: Table): readonly Hazard[] {
  return parts.flatMap(({ name, hanging }) =>
    hanging === undefined ? [] : leavingHazards({ name, ...hanging }),
  )
}

/** Each behind the one that it is a part of. */
export function leavingParts(
  { parts }: Table,
  { table, hidden }: LeavingTable,
  seed: string,
): readonly LeavingPart[] {
  const hiddenOf = ({ namespace, name }: QualifiedName): QualifiedName =>
    isSameName({ namespace, name }, table)
      ? hidden
      : // Names of partitions are long, and differ at their ends.
        { namespace, name: namesFor(`${seed} ${namespace}.${name}`, name, []).hidden }
  return parts.map((part) => ({
    table: { namespace: part.namespace, name: part.name },
    hidden: hiddenOf(part),
    kind: part.kind === 'partitioned' ? 'partitioned' : 'partition',
    along: [],
    under: hiddenOf(part.under),
  }))
}

/** All of it disappears at once: nobody ever sees a part of it. */
export function withPartsHidden(
  hide: Omit<TransactionStep, 'id'>,
  table: Table,
  parts: readonly LeavingPart[],
): Omit<TransactionStep, 'id'> {
  if (table.kind !== 'partitioned') return hide
  return {
    ...hide,
    does: `hide the table "${table.name}" and its partitions`,
    locks: [{ relation: table, level: 'access_exclusive' }],
    requires: [
      ...hide.requires,
      partsAsPlanned(table),
      ...parts.flatMap((part) => [...tableLeavingRequirements(part), hasNoKey(part.table)]),
    ],
    statements: [...hide.statements, ...parts.flatMap(hideTableSql)],
    retiresAlso: parts.map((part) => ({ table: part.table })),
  }
}

export function withPartsShown(
  show: Omit<TransactionStep, 'id'>,
  leaving: LeavingTable,
  parts: readonly LeavingPart[],
): Omit<TransactionStep, 'id'> {
  if (leaving.kind !== 'partitioned') return show
  return {
    ...show,
    locks: hiddenTree(leaving, parts),
    requires: [...show.requires, ...parts.map(nameIsFree)],
    statements: [...show.statements, ...parts.flatMap(showTableSql)],
  }
}

/** One by one, those first that are parts of others: of thousands the server could not lock all at once. */
export function dropPartSteps(parts: readonly LeavingPart[]): readonly StepDraft[] {
  return parts.toReversed().map(({ table, hidden, under, kind }) => ({
    kind: 'purge',
    phase: 'purge',
    does: `drop the partition "${table.name}"`,
    hazards: [],
    probe: relationAbsent(hidden),
    // PostgreSQL takes them in this order.
    locks: [
      aloneLock({ ...under, kind: 'partitioned' }, 'access_exclusive'),
      aloneLock({ ...hidden, kind }, 'access_exclusive'),
    ],
    requires: [
      hasNoParts(hidden),
      {
        that: sql`exists (select from pg_catalog.pg_inherits where inhrelid = ${regclass(hidden)} and inhparent = ${regclass(under)})`,
        code: 'drift_found',
        otherwise: `"${table.name}" is no longer a partition of what is to go; rename "${hidden.name}" to keep it, or drop it yourself`,
      },
    ],
    statements: [sql`drop table ${qualified(hidden)} restrict`, clearColumnState(table, undefined)],
    cost: 'instant',
  }))
}

export function hiddenTree({ hidden }: LeavingTable, parts: readonly LeavingPart[]): readonly Lock[] {
  return wholeTree({ ...hidden, parts: parts.map((part) => part.hidden) })
}

/** Nothing goes along with a table that nobody has asked for. */
export function hasNoParts(table: QualifiedName): Requirement {
  return {
    that: sql`not exists (select from pg_catalog.pg_inherits where inhparent = ${regclass(table)})`,
    code: 'drift_found',
    otherwise: `"${table.name}" has got a partition since it was hidden; detach it, or drop it yourself`,
  }
}

/** One that was detached is to be kept, and of one that came nobody has asked who uses it. */
function partsAsPlanned({ namespace, name, parts }: Table): Requirement {
  const root = regclass({ namespace, name })
  const known = join([root, ...parts.map(regclass)])
  const tree = sql`pg_catalog.pg_partition_tree(${root})`
  return {
    that: sql`((select count(*) from ${tree}) = ${lit(parts.length + 1)} and not exists (select from ${tree} where relid not in (${known})))`,
    code: 'drift_found',
    otherwise: `partitions of "${name}" came or went since the plan was made; roll back, and plan again`,
  }
}

/** It would stop the clients of the other table when the partition goes. */
function hasNoKey(part: QualifiedName): Requirement {
  return {
    that: sql`not exists (select from pg_catalog.pg_constraint where contype = 'f' and conrelid = ${regclass(part)} and conparentid = 0)`,
    code: 'dependents_found',
    otherwise: `the partition ${shown(part.name)} has a foreign key of its own; drop that first`,
  }
}
