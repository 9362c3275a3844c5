import { BellowsError } from '../core/errors.ts'
import { isOver } from '../core/run/run.ts'
import { lit, type Sql, sql } from '../core/sql.ts'
import { requestProblem, type ThrottleRequest } from '../core/throttle/request.ts'
import type { Engine } from './context.ts'
import { readRun } from './drive.ts'

/**
 * Slows a run, pauses it or lets it go on, whoever works on it. Kept with who asked, and needs no driver.
 * @throws BellowsError `config_invalid` for what cannot be meant, `run_conflict` for a run that is over
 */
export async function throttle(engine: Engine, id: number, request: ThrottleRequest): Promise<void> {
  const problem = requestProblem(request)
  if (problem !== undefined)
    throw new BellowsError('config_invalid', problem, { hint: 'Such as a share of 0.3 for an hour.' })
  const run = await readRun(engine, id)
  if (isOver(run))
    throw new BellowsError('run_conflict', `The migration "${run.plan.migration.name}" is over.`, {
      hint: 'There is nothing left to slow. "bellows status" shows what is under way.',
    })
  await engine.journal.install()
  await engine.database.write(requestSql(engine, id, request))
}

function requestSql(
  { actor }: Engine,
  run: number,
  { share = 1, workers, forMs, reason }: ThrottleRequest,
): Sql {
  const until =
    forMs === undefined
      ? sql`null`
      : sql`pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => ${lit(forMs / 1_000)})`
  return sql`insert into bellows.throttle (run, actor, share, workers, until, reason)
  values (${lit(run)}, ${lit(JSON.stringify(actor))}, ${lit(share)}, ${lit(workers ?? null)}, ${until}, ${lit(reason ?? null)})`
}
