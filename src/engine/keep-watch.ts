import { type Seen, type Watch, watched } from '../core/gate/watch.ts'
import { lit, sql } from '../core/sql.ts'
import type { Engine } from './context.ts'
import { doorKey, type Gated } from './gated.ts'

/** Compares a look at who uses a column with the one before, and keeps the result for the next one, whoever makes it. */
export async function keepWatch(
  engine: Engine,
  run: number | undefined,
  of: Gated,
  seen: Seen,
): Promise<Watch> {
  if (run === undefined) return watched(undefined, seen)
  const before = await keptWatch(engine, run, of)
  const watch = watched(before, seen)
  // What somebody else has seen since this one read it stays: nothing would tell of it once more, as counters do.
  await engine.database.write(
    sql`insert into bellows.watch values (${lit(run)}, ${doorKey(of)}, ${lit(JSON.stringify(watch))})
 on conflict (run, namespace, "table", "column") do update set state = excluded.state || pg_catalog.jsonb_build_object('stood',
   (excluded.state -> 'stood') || coalesce((select pg_catalog.jsonb_agg(one) from pg_catalog.jsonb_array_elements(watch.state -> 'stood') one
     where not ${lit(JSON.stringify(before?.stood ?? []))}::jsonb @> pg_catalog.jsonb_build_array(one)), '[]'))`,
  )
  return watch
}

async function keptWatch({ database }: Engine, run: number, of: Gated): Promise<Watch | undefined> {
  const [kept] = await database.read<{ state: Watch }>(
    sql`select state from bellows.watch where (run, namespace, "table", "column") = (${lit(run)}, ${doorKey(of)})`,
  )
  return kept?.state
}
