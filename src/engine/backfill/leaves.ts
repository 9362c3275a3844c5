import { BellowsError } from '../../core/errors.ts'
import type { TableStep } from '../../core/plan/step.ts'
import type { Leaf } from '../../core/run/ranges.ts'
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
  let leaf = await leafFrom(engine, step, from?.oid ?? 0)
  while (leaf !== undefined) {
    yield { step: { ...step, table: leaf.table }, leaf }
    leaf = await leafFrom(engine, step, leaf.oid + 1)
  }
}

/** Did a pass stand in this one? */
export function isOf(part: Part<TableStep>, pass: { readonly leaf?: Leaf } | undefined): boolean {
  return pass !== undefined && pass.leaf?.oid === part.leaf?.oid
}

/** @throws BellowsError `drift_found` when it is a foreign table, which has no file to go through */
async function leafFrom(engine: Engine, step: TableStep, oid: number): Promise<Leaf | undefined> {
  const [found] = await engine.database.read<{ leaf: Leaf; foreign: boolean }>(sql`
select pg_catalog.to_json(leaf) as leaf, relkind = 'f' as "foreign" from (
  select c.oid::bigint as oid, pg_catalog.json_build_object('namespace', n.nspname, 'name', c.relname) as "table",
      sum(s.blocks) over (order by c.oid) - s.blocks as "blocksBefore", s.blocks, sum(s.blocks) over () as "blocksOfAll",
      (sum(greatest(c.reltuples, 0)) over ())::bigint as "rowsOfAll", c.relkind
    from pg_catalog.pg_partition_tree(${regclass(step.table)}) t
    join pg_catalog.pg_class c on c.oid = t.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join lateral (select greatest(c.relpages, 1)::bigint as blocks) s
    where c.relkind <> 'p') leaf
  where oid >= ${lit(oid)} order by oid limit 1`)
  if (found?.foreign !== true) return found?.leaf
  throw new BellowsError(
    'drift_found',
    `The partition "${found.leaf.table.name}" of "${step.table.name}" is a foreign table, which came since the plan was made.`,
    { step: step.id, hint: 'Detach it for the time of the migration, and run the same command again.' },
  )
}
