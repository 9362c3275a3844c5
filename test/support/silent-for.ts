import type { TestDatabase } from './database.ts'

/** Lets time pass, such as `1 hour`, since every lease was renewed last. */
export const silentFor = (database: Pick<TestDatabase, 'query'>, time: string): Promise<unknown> =>
  database.query(`update bellows.instance set renewed_at = clock_timestamp() - interval '${time}'`)
