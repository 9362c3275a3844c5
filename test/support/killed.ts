import type { Bellows } from '../../src/engine/bellows.ts'
import type { TestDatabase } from './database.ts'
import { Crash, type Faulty } from './faulty-ports.ts'

/** What the sessions of whoever is killed are called. */
export const KILLED = 'the killed one'

/** Does work with an engine that may be killed on its way, and whose sessions end with it. Was it through before that? */
export async function survived(
  { bellows }: Faulty,
  database: TestDatabase,
  work: (bellows: Bellows) => Promise<unknown>,
): Promise<boolean> {
  try {
    await work(bellows)
    return true
  } catch (error) {
    if (!(error instanceof Crash)) throw error
    return false
  } finally {
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${KILLED}' and datname = current_database()`,
    )
    await bellows.close()
  }
}
