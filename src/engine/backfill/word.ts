import type { Progress } from '../../core/run/event.ts'
import { lit, type Sql, sql } from '../../core/sql.ts'
import type { Driving } from '../context.ts'

/** What is said of the pace of a step, as its driver told it last: it alone knows of pauses, and since when so many are at it. */
export interface Word extends Required<Pick<Progress, 'rowsPerSecond' | 'secondsLeft'>> {
  /** Of the driver. What an earlier one said is void. */
  readonly epoch: number
}

const LEFT_EVERY_MS = 1_000

/** Leaves word of the progress in the journal, for those who look from elsewhere: they say the same as is said here. */
export function leavingWord(engine: Driving, step: string): (progress: Progress) => void {
  let leftAt = Number.NEGATIVE_INFINITY
  let isOnItsWay = false
  return ({ rowsPerSecond, secondsLeft }) => {
    const now = engine.clock.passed()
    if (secondsLeft === undefined || isOnItsWay || now - leftAt < LEFT_EVERY_MS) return
    leftAt = now
    isOnItsWay = true
    const { epoch } = engine.driver
    // Whoever only looks on must not hold up or end the work.
    void engine.database
      .write(wordSql(step, { epoch, rowsPerSecond, secondsLeft }))
      .catch(() => undefined)
      .finally(() => {
        isOnItsWay = false
      })
  }
}

/** It does not wait for the disk: reads of the work come behind it on the same session. */
function wordSql(step: string, word: Word): Sql {
  return sql`update bellows.checkpoint set word = ${lit(JSON.stringify(word))}
  where step = ${lit(step)} and exists (select from bellows.driver where epoch = ${lit(word.epoch)})
    and pg_catalog.set_config('synchronous_commit', 'off', true) = 'off'`
}
