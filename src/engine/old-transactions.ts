import type { OldTransaction } from '../core/gate/transactions.ts'
import { lit, sql } from '../core/sql.ts'
import { columnArguments, doorKey, type Gated } from './gated.ts'
import type { Standby } from './ports.ts'
import type { Settings } from './settings.ts'

/**
 * Whoever may use what leaves, from before its door was closed; where that is open, from before it would have been for a contract that
 * has waited for as long as it may.
 */
export async function readOldTransactions(
  server: Pick<Standby, 'read'>,
  of: Gated,
  { transactionsMs }: Pick<Settings['gate'], 'transactionsMs'>,
): Promise<readonly OldTransaction[]> {
  const closed = sql`coalesce((select since from bellows.column_state where (namespace, "table", "column") = (${doorKey(of)})),
    pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${lit(transactionsMs / 1000)}))`
  return await server.read<OldTransaction>(
    sql`select * from bellows.old_transactions(${columnArguments(of)}, ${closed})`,
  )
}
