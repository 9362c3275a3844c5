import { BellowsError } from '../../core/errors.ts'
import type { TableStep } from '../../core/plan/step.ts'
import { type Extent, joined, type Leaf, NO_EXTENT } from '../../core/run/ranges.ts'
import { lit, regclass, sql } from '../../core/sql.ts'
import type { Engine } from '../context.ts'

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
export async function* partsOf<S extends TableStep>(
  engine: Engine,
  step: S,
  from: Leaf | undefined,
): AsyncGenerator<Part<S>> {
  if (step.byPartition !== true) {
    yield { step }
    return
  }
  let leaf = await leafFrom(engine, step, from?.oid ?? 0, from?.before ?? NO_EXTENT)
  if (from !== undefined && leaf?.oid === from.oid) leaf = { ...leaf, own: from.own }
  while (leaf !== undefined) {
    yield { step: { ...step, table: leaf.table }, leaf }
    leaf = await leafFrom(engine, step, leaf.oid + 1, joined(leaf.before, leaf.own))
  }
}

/** Did a pass stand in this one? */
export function isOf(part: Part<TableStep>, pass: { readonly leaf?: Leaf } | undefined): boolean {
  return pass !== undefined && pass.leaf?.oid === part.leaf?.oid
}

/**
 * By the sizes of the files, as a table that was just loaded was not analysed; one without any block counts as one of them.
 * @throws BellowsError `drift_found` when it is a foreign table, which has no file to go through
 */
async function leafFrom(
  engine: Engine,
  step: TableStep,
  oid: number,
  before: Extent,
): Promise<Leaf | undefined> {
  const [found] = await engine.database.read<{ leaf: Omit<Leaf, 'before'>; foreign: boolean }>(sql`
select pg_catalog.to_json(leaf) as leaf, relkind = 'f' as "foreign" from (
  select c.oid::bigint as oid, pg_catalog.json_build_object('namespace', n.nspname, 'name', c.relname) as "table",
      pg_catalog.json_build_object('blocks', greatest(s.blocks, 1), 'rows', s.rows, 'uncounted', s.uncounted) as own,
      pg_catalog.json_build_object('blocks', coalesce(sum(greatest(s.blocks, 1)) over behind, 0), 'rows', coalesce(sum(s.rows) over behind, 0), 'uncounted', coalesce(sum(s.uncounted) over behind, 0)) as behind,
      c.relkind
    from pg_catalog.pg_partition_tree(${regclass(step.table)}) t
    join pg_catalog.pg_class c on c.oid = t.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join lateral (select coalesce(pg_catalog.pg_relation_size(c.oid), 0) / pg_catalog.current_setting('block_size')::bigint as blocks) f
    cross join lateral (select blocks, case when analysed then (c.reltuples / c.relpages * blocks)::bigint else 0 end as rows, case when analysed then 0 else blocks end as uncounted
      from (select c.reltuples > 0 and c.relpages > 0 as analysed) a) s
    where c.relkind <> 'p' and c.oid >= ${lit(oid)}
    window behind as (order by c.oid rows between 1 following and unbounded following)) leaf
  order by oid limit 1`)
  if (found === undefined) return undefined
  if (!found.foreign) return { ...found.leaf, before }
  throw new BellowsError(
    'drift_found',
    `The partition "${found.leaf.table.name}" of "${step.table.name}" is a foreign table, which came since the plan was made.`,
    { step: step.id, hint: 'Detach it for the time of the migration, and run the same command again.' },
  )
}
