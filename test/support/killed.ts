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

/** Which effect of a life, of any kind, is its last: not begun any more, or done and unanswered. */
export interface Moment {
  readonly moment: number
  readonly when: 'before' | 'after'
}

/** A process that dies at a moment. From then on it does nothing, and calls nobody. */
export function mortal({ moment, when }: Moment, die: () => void) {
  let effects = 0
  let isDead = false
  const at = (side: Moment['when']): void => {
    if (isDead) throw new Crash('after the crash')
    if (side === 'before') effects += 1
    if (effects !== moment || side !== when) return
    isDead = true
    die()
    throw new Crash(`effect ${moment}`)
  }
  const around = { before: () => at('before'), after: () => at('after') }
  const effect = async <R>(work: () => Promise<R>): Promise<R> => {
    around.before()
    const result = await work()
    around.after()
    return result
  }
  return { around, effect }
}
