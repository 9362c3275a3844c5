import { WORKER } from '../../core/run/workers.ts'
import { lit, sql } from '../../core/sql.ts'
import type { Engine } from '../context.ts'

/** Who works through a table of this database at the moment: there is one at a time that somebody does so with. */
export interface AtWork {
  /** Sessions, here or elsewhere. */
  readonly workers: number
  /** Is there a driver? */
  readonly isDriven: boolean
}

export async function readAtWork(engine: Engine): Promise<AtWork> {
  const [counted] = await engine.database.read<{ workers: number }>(sql`
select (select count(*) from pg_catalog.pg_stat_activity
      where datname = pg_catalog.current_database() and application_name like ${lit(`bellows%${WORKER}`)}) as workers`)
  const isDriven = (await engine.database.holder()) !== undefined
  // The driver's own connection is one of its workers.
  return { workers: (counted?.workers ?? 0) + (isDriven ? 1 : 0), isDriven }
}

/**
 * Looks how many are at it, for those who share that. What was seen last stays where it cannot be told: it is only shown. At the first
 * look those are only coming who are asked for.
 */
export function lookingAtWork(engine: Engine, shared: { workers?: number | undefined }): () => Promise<void> {
  let isFirst = true
  return async () => {
    if (!isFirst)
      shared.workers = await readAtWork(engine)
        .then(({ workers }) => workers)
        .catch(() => shared.workers)
    isFirst = false
  }
}
