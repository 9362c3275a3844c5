import type { DeclaredClient } from '../core/gate/clients.ts'
import type { GateFacts } from '../core/gate/gate.ts'
import type { Stranger } from '../core/gate/sessions.ts'
import type { OldTransaction } from '../core/gate/transactions.ts'
import { dependentsQuery } from '../core/plan/dependents.ts'
import type { Run } from '../core/run/run.ts'
import { lit, type Sql, sql } from '../core/sql.ts'
import type { Engine } from './context.ts'
import { columnArguments, type Gated } from './gated.ts'
import { watchUse } from './use.ts'

/** Everything that the gate of a column goes by, as it is at this moment. */
export async function gatherEvidence(engine: Engine, run: Run | undefined, of: Gated): Promise<GateFacts> {
  const { database, instances, settings } = engine
  const { table, column } = of
  const needing = await instances.needing(table, column, settings.gate.silentGraceMs)
  const { usage, watch } = await watchUse(engine, run?.id, of)
  return {
    column: `"${table.name}"."${column}"`,
    migration: run?.plan.migration.name ?? '',
    needing,
    everRegistered: await wasAnyRegistered(engine),
    strangers: await database.read<Stranger>(sql`select * from bellows.strangers(${columnArguments(of)})`),
    transactions: await database.read<OldTransaction>(
      sql`select * from bellows.old_transactions(${columnArguments(of)}, ${doorClosedSql(of, settings.gate.transactionsMs)})`,
    ),
    usage,
    watch,
    clients: await declaredClients(engine, run?.id),
    dependents: await database.read(sql`${dependentsQuery(table, column)} order by 1, 2`),
  }
}

/** When the door was closed; where it is open, when it would have been for a contract that has waited for as long as it may. */
function doorClosedSql(of: Gated, waitMs: number): Sql {
  return sql`coalesce((select since from bellows.column_state where (namespace, "table", "column") = (${columnArguments(of)})),
    pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${lit(waitMs / 1000)}))`
}

/** One that is gone counts, too: then the application is one that does tell. */
async function wasAnyRegistered({ database }: Engine): Promise<boolean> {
  const [answer] = await database.read<{ known: boolean }>(
    sql`select exists (select from bellows.instance) as known`,
  )
  return answer?.known === true
}

async function declaredClients(
  { database }: Engine,
  run: number | undefined,
): Promise<readonly DeclaredClient[]> {
  return await database.read<DeclaredClient>(sql`
select c.client, c.role, c.application_name as "applicationName", c.owner, c.declared_at as "declaredAt",
    (select pg_catalog.json_build_object('by', a.by, 'at', a.at) from bellows.acknowledgement a
      where a.client = c.client and (a.run is null or a.run = ${lit(run ?? null)}) order by a.at desc limit 1) as acknowledged
  from bellows.client c order by c.client`)
}
