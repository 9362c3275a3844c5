import { BellowsError, UNDEFINED_TABLE } from '../../core/errors.ts'
import type { TableStep } from '../../core/plan/step.ts'
import { treeOf } from '../../core/plan/tree.ts'
import { type Extent, joined, type Leaf, NO_EXTENT, type Pass } from '../../core/run/ranges.ts'
import { lit, regclass, type Sql, sql, trusted } from '../../core/sql.ts'
import type { Engine } from '../context.ts'
import { holds } from '../holds.ts'
import { resumed } from './checkpoint.ts'
import { blocksOf } from './size.ts'

/** A step as it is for one table that has a file: its own, or a partition of it. */
export interface Part<S extends TableStep> {
  readonly step: S
  readonly leaf?: Leaf
}

/**
 * Everything to go through, partitions in the order of their oids: what is before one of them is done. Each is asked for anew, as
 * partitions come and go. One that came with a smaller oid is missed; the verification has its own way through all, and the
 * database itself has the last word when it proves the relation.
 * @param from where it was left
 */
async function* partsOf<S extends TableStep>(
  engine: Engine,
  step: S,
  from: Leaf | undefined,
): AsyncGenerator<Part<S>> {
  if (step.byPartition !== true) {
    yield { step }
    return
  }
  let behindEach: ReadonlyMap<number, Extent> = new Map()
  let [oid, before] = [from?.oid ?? 0, from?.before ?? NO_EXTENT]
  for (;;) {
    const next = await leafFrom(engine, step, oid)
    if (next === undefined) return
    // Once for all: thousands of them take a tenth of a second. Again only where one has come.
    if (!behindEach.has(next.oid)) behindEach = await measured(engine, step, next.oid)
    const own = from?.oid === next.oid ? from.own : next.own
    const leaf = { ...next, before, own, behind: behindEach.get(next.oid) ?? NO_EXTENT }
    yield { step: { ...step, table: leaf.table }, leaf }
    ;[oid, before] = [leaf.oid + 1, joined(before, own)]
  }
}

/** Did a pass stand in this one? */
export function isOf(part: Part<TableStep>, pass: Pass | undefined): boolean {
  return pass !== undefined && pass.leaf?.oid === part.leaf?.oid
}

/**
 * Works at one part after the other, from where the checkpoint stands; what stood in it then is told with each. What has become of a partition
 * that a statement does not find, because it was dropped or has another name by now, is asked anew.
 */
export async function eachPart<S extends TableStep>(
  engine: Engine,
  step: S,
  work: (part: Part<S>, before: Pass | undefined) => Promise<void>,
): Promise<void> {
  const areAllFound = async (before: Pass | undefined): Promise<boolean> => {
    for await (const part of partsOf(engine, step, before?.leaf)) {
      try {
        await work(part, before)
      } catch (error) {
        if (await isOfGone(engine, part, error)) return false
        throw error
      }
    }
    return true
  }
  for (;;) {
    const before = resumed(await engine.journal.checkpoint(step.id)) as Pass | undefined
    if (await areAllFound(before)) return
  }
}

/** A part, by its name as it was. */
interface Place {
  readonly step: Pick<TableStep, 'table'>
  readonly leaf?: Pick<Leaf, 'oid'>
}

/** An error of another table, such as of one that a trigger needs, is what it is. */
export async function isOfGone(engine: Engine, part: Place, error: unknown): Promise<boolean> {
  return error instanceof BellowsError && error.sqlstate === UNDEFINED_TABLE && (await hasGone(engine, part))
}

/** Was the partition dropped, or has it another name by now? */
export async function hasGone(engine: Engine, { step, leaf }: Place): Promise<boolean> {
  if (leaf === undefined) return false
  return await holds(
    engine,
    sql`${regclass(step.table)}::pg_catalog.oid is distinct from ${oidSql(leaf.oid)}`,
  )
}

/**
 * The first partition from an oid on, by the index of the catalog: what it takes does not depend on how many there are.
 * @throws BellowsError `drift_found` when it is a foreign table, which has no file to go through
 */
async function leafFrom(
  engine: Engine,
  step: TableStep,
  oid: number,
): Promise<Pick<Leaf, 'oid' | 'table' | 'own'> | undefined> {
  const [found] = await engine.database.read<Pick<Leaf, 'oid' | 'table' | 'own'> & { foreign: boolean }>(sql`
select c.oid::bigint as oid, pg_catalog.json_build_object('namespace', n.nspname, 'name', c.relname) as "table", c.relkind = 'f' as "foreign",
    pg_catalog.json_build_object('blocks', s.blocks, 'rows', s.rows, 'uncounted', s.uncounted) as own
  from (
    select p.oid from pg_catalog.pg_class p
      where p.oid >= ${oidSql(oid)} and p.relispartition and p.relkind in ('r', 'f')
        and exists (select from pg_catalog.pg_partition_ancestors(p.oid) above where above.relid = ${regclass(step.table)})
      order by p.oid limit 1) t
  join pg_catalog.pg_class c on c.oid = t.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  ${SIZES}`)
  if (found === undefined) return undefined
  const { foreign, ...leaf } = found
  if (!foreign) return leaf
  throw new BellowsError(
    'drift_found',
    `The partition "${leaf.table.name}" of "${step.table.name}" is a foreign table, which came since the plan was made.`,
    { step: step.id, hint: 'Detach it for the time of the migration, and run the same command again.' },
  )
}

/** What is behind each partition from an oid on. */
async function measured(engine: Engine, step: TableStep, oid: number): Promise<ReadonlyMap<number, Extent>> {
  const found = await engine.database.read<{ oid: number; behind: Extent }>(sql`
select c.oid::bigint as oid, pg_catalog.json_build_object('blocks', coalesce(sum(s.blocks) over behind, 0), 'rows', coalesce(sum(s.rows) over behind, 0),
      'uncounted', coalesce(sum(s.uncounted) over behind, 0)) as behind
  from ${treeOf(regclass(step.table))} t join pg_catalog.pg_class c on c.oid = t.relid
  ${SIZES}
  where c.relkind <> 'p' and c.oid >= ${oidSql(oid)}
  window behind as (order by c.oid rows between 1 following and unbounded following)`)
  return new Map(found.map((one) => [one.oid, one.behind]))
}

function oidSql(oid: number): Sql {
  return sql`${lit(oid)}::${trusted('pg_catalog.oid')}`
}

/** Of the relation `c`, as `s`: by the size of its file, as a table that was just loaded was not analysed; one without any block counts as one of them. */
const SIZES = sql`cross join lateral (select ${blocksOf(sql`c`)} as blocks) f
  cross join lateral (select greatest(f.blocks, 1) as blocks, case when analysed then (c.reltuples / c.relpages * f.blocks)::bigint else 0 end as rows, case when analysed then 0 else f.blocks end as uncounted
    from (select c.reltuples > 0 and c.relpages > 0 as analysed) a) s`
