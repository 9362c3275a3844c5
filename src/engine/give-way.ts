import { assert, BellowsError } from '../core/errors.ts'
import type { Plan } from '../core/plan/plan.ts'
import { DEADLOCK_TIMEOUT_MIN_MS, givingWay } from '../core/run/give-way.ts'
import { type Sql, sql } from '../core/sql.ts'
import type { Engine } from './context.ts'

/** An expression, in milliseconds. */
export const DEADLOCK_TIMEOUT: Sql = sql`(extract(epoch from pg_catalog.current_setting('deadlock_timeout')::interval) * 1000)::integer`

/**
 * With bounds for batches that end before the server looks for a deadlock.
 * @throws BellowsError `plan_refused` where that leaves them no time
 */
export async function withinDeadlocks<E extends Engine>(engine: E): Promise<E> {
  const ms = await deadlockTimeoutMs(engine)
  if (ms < DEADLOCK_TIMEOUT_MIN_MS) throw tooSoon(ms)
  const { settings } = engine
  return { ...engine, settings: { ...settings, batch: givingWay(settings.batch, ms) } }
}

async function deadlockTimeoutMs({ database }: Engine): Promise<number> {
  const [server] = await database.read<{ ms: number }>(sql`select ${DEADLOCK_TIMEOUT} as ms`)
  assert(server !== undefined, 'a query without a table has one row')
  return server.ms
}

/** Before anything is changed. */
export async function refuseTooSoon(engine: Engine, { steps }: Plan): Promise<void> {
  if (steps.some(({ kind }) => kind === 'backfill')) await withinDeadlocks(engine)
}

function tooSoon(ms: number): BellowsError {
  return new BellowsError(
    'plan_refused',
    `The server looks for deadlocks after ${ms} ms, so a write of an application could fail that waits for a batch.`,
    {
      hint: `Batches end before that where it is ${DEADLOCK_TIMEOUT_MIN_MS} ms or more: raise deadlock_timeout for the time of the backfill, such as alter system set deadlock_timeout = '1s'; select pg_reload_conf()`,
      facts: { deadlock_timeout_ms: ms },
    },
  )
}
