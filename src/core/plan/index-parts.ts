import { canonical, hash } from '../hash.ts'
import { cutToBytes, IDENTIFIER_BYTES_MAX } from '../identifier.ts'
import type { Part, QualifiedName, Table } from '../schema/model.ts'
import { join, lit, qualified, regclass, type Sql, sql } from '../sql.ts'
import type { Hazard } from './hazard.ts'
import { noIdentity } from './identity.ts'
import type { SoundIndex } from './index-checks.ts'
import { dropOutside } from './index-steps.ts'
import { createIndexSql } from './index-text.ts'
import { wholeTree } from './locks.ts'
import type { IndexParts } from './parts.ts'
import { indexHas, indexStands, relationAbsent, USING } from './probes.ts'
import type { IndexPartsStep, Lock, LockLevel, StepDraft } from './step.ts'
import { isPartOf, treeSql } from './tree.ts'

/** A partition that lacks its part of an index. */
export interface LackingPart extends QualifiedName {
  readonly leaf: boolean
  /** The index that its part is to be attached to. */
  readonly parent: QualifiedName
}

/** An index of a partitioned table: first of the table alone, not valid yet, and then partition by partition. */
export function partsSteps(
  index: SoundIndex,
  name: string,
  { seed, hazards }: { readonly seed: string; readonly hazards: readonly Hazard[] },
): readonly StepDraft[] {
  const { table, tried } = index
  const of = { namespace: table.namespace, name }
  const parts = partsOf(index, of, seed)
  return [
    {
      kind: 'ddl',
      phase: 'expand',
      does: `make the index "${name}" of "${table.name}", without its partitions yet`,
      hazards: [],
      probe: indexHas(of, table, lit(tried.using)),
      makes: of,
      // An explicit lock would take the partitions as well.
      locks: [{ relation: table, level: 'share', implied: true }],
      requires: [
        { that: relationAbsent(of), code: 'drift_found', otherwise: `there is a "${name}" already` },
      ],
      statements: [createIndexSql({ ...tried.index, name }, table, tried.using, 'only')],
      cost: 'instant',
    },
    {
      ...parts,
      phase: 'expand',
      how: 'build',
      does: `build the index "${name}" for each partition of "${table.name}"`,
      hazards,
      probe: indexStands(of, table, lit(tried.using)),
      locks: buildLocks(table),
    },
  ]
}

/** What is built is locked for the moment in which it is attached, which counts for its partition. */
export function buildLocks(
  table: Pick<Table, 'namespace' | 'name' | 'parts'>,
  of: 'index' | 'constraint' = 'index',
): readonly Lock[] {
  const levels = (kind: Part['kind'] | 'root'): readonly LockLevel[] => {
    if (kind === 'table' || (kind === 'partitioned' && of === 'constraint')) return ['access_exclusive']
    return kind === 'root' ? ['share_update_exclusive'] : ['share_update_exclusive', 'share']
  }
  return [{ kind: 'root' as const, namespace: table.namespace, name: table.name }, ...table.parts].flatMap(
    ({ kind, namespace, name }) =>
      levels(kind).map((level) => ({ relation: { namespace, name }, level, implied: true as const })),
  )
}

/** Drops the index with all its parts; PostgreSQL does that only under a lock on each of them. */
export function dropPartsSteps(index: SoundIndex, name: string, seed: string): readonly StepDraft[] {
  const { table, tried } = index
  const of = { namespace: table.namespace, name }
  const parts = partsOf(index, of, seed)
  return [
    dropLoosePartsStep(parts, {
      phase: 'expand',
      does: `drop what the build of "${name}" left unattached`,
      unmakes: of,
    }),
    {
      kind: 'ddl',
      phase: 'expand',
      does: `drop the index "${name}" again`,
      hazards: [],
      unmakes: of,
      probe: sql`not ${indexHas(of, table, lit(tried.using))}`,
      locks: wholeTree(table),
      requires: [noIdentity(table, of)],
      statements: [sql`drop index ${qualified(of)} restrict`],
      cost: 'instant',
    },
  ]
}

/** Drops an index that clients had: beside all work, or with its parts, which PostgreSQL does only under a lock on each partition. */
export function dropWhole(table: Table, index: QualifiedName, does: string) {
  const requires = [noIdentity(table, index)]
  if (table.kind !== 'partitioned') return { ...dropOutside(table, index, does), requires }
  return {
    kind: 'purge',
    does: `${does} and of each of its partitions`,
    hazards: [],
    locks: wholeTree(table),
    requires,
    statements: [sql`drop index ${qualified(index)} restrict`],
    cost: 'instant',
  } as const
}

/** The parts of an index, for whatever is to be done to them. */
export type IndexPartsOf = Omit<IndexParts, 'how'> & { readonly kind: 'index_parts' }

/** What is attached goes with the index or the constraint; what is not yet would stay. */
export function dropLoosePartsStep(
  parts: IndexPartsOf,
  more: Pick<IndexPartsStep, 'phase' | 'does' | 'unmakes'> & Partial<Pick<IndexPartsStep, 'locks'>>,
): StepDraft {
  return {
    locks: [],
    ...parts,
    ...more,
    how: 'drop',
    hazards: [],
    probe: sql`not exists (${loosePartsSql(parts)})`,
  }
}

function partsOf({ table, tried }: SoundIndex, index: QualifiedName, seed: string): IndexPartsOf {
  return {
    kind: 'index_parts',
    table,
    index,
    using: tried.using,
    tablespace: tried.index.tablespace,
    nameParts: tried.index.nameParts,
    prefix: `bellows_part_${hash(seed).slice(0, 8)}_`,
  }
}

/** What a part is called until it is attached: by this it is known if nobody lives to do that. */
export function loosePartName(
  { prefix }: Pick<IndexPartsStep, 'prefix'>,
  { namespace, name }: QualifiedName,
): string {
  const tag = hash(canonical([namespace, name])).slice(0, 8)
  return cutToBytes(`${prefix}${tag}_${name}`, IDENTIFIER_BYTES_MAX)
}

/** Partitions that lack their part and whose table has its own to attach it to, or of these the one. */
export function lackingPartsSql(
  { table, index }: Pick<IndexPartsStep, 'table' | 'index'>,
  one?: QualifiedName,
): Sql {
  return sql`
select n.nspname as namespace, c.relname as name, t.isleaf as leaf,
    pg_catalog.json_build_object('namespace', xn.nspname, 'name', x.relname) as parent
  from ${treeSql(table, one)} t join pg_catalog.pg_index up on up.indrelid = t.parentrelid and ${isPartOf(sql`up.indexrelid`, index)}
  join pg_catalog.pg_class x on x.oid = up.indexrelid join pg_catalog.pg_namespace xn on xn.oid = x.relnamespace
  join pg_catalog.pg_class c on c.oid = t.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where not exists (select from pg_catalog.pg_index mine where mine.indrelid = t.relid and ${isPartOf(sql`mine.indexrelid`, index)})
  order by t.level, n.nspname, c.relname`
}

/** How an index is defined, from `USING` on. */
export function usingSql(index: QualifiedName): Sql {
  return sql`select ${USING} as using from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid join pg_catalog.pg_class t on t.oid = i.indrelid where i.indexrelid = ${regclass(index)}`
}

/** Indexes of partitions that are built, or half built, and not attached. */
export function loosePartsSql({ table, prefix }: Pick<IndexPartsStep, 'table' | 'prefix'>): Sql {
  return sql`select n.nspname as namespace, x.relname as name
  from pg_catalog.pg_partition_tree(${regclass(table)}) t join pg_catalog.pg_index i on i.indrelid = t.relid
  join pg_catalog.pg_class x on x.oid = i.indexrelid join pg_catalog.pg_namespace n on n.oid = x.relnamespace
  where pg_catalog.starts_with(x.relname, ${lit(prefix)})`
}

/** Which of some names relations of a namespace have. */
export function takenSql(namespace: string, names: readonly string[]): Sql {
  return sql`select x.relname as name from pg_catalog.pg_class x join pg_catalog.pg_namespace n on n.oid = x.relnamespace
  where n.nspname = ${lit(namespace)} and x.relname in (${join(names.map((name) => lit(name)))})`
}
