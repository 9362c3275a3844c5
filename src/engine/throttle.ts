import { BellowsError } from '../core/errors.ts'
import { relationExists } from '../core/plan/probes.ts'
import { isOver } from '../core/run/run.ts'
import { lit, type Sql, sql, trusted } from '../core/sql.ts'
import type { Decision } from '../core/throttle/decide.ts'
import { requestProblem, type ThrottleRequest } from '../core/throttle/request.ts'
import type { Engine } from './context.ts'
import { readRun } from './drive.ts'
import { holds } from './holds.ts'

/** What holds a run back, as whoever works on it has told a moment ago. */
export type BrakeState = Pick<Decision, 'pace' | 'because'>

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

/** An older journal that is only read knows of no brake. */
export async function hasThrottle(engine: Engine): Promise<boolean> {
  return await holds(engine, relationExists({ namespace: 'bellows', name: 'throttle' }))
}

/** What was told longer ago is void: whoever told it is gone. */
export const VOID_SECONDS = 15

export async function readBrake(engine: Engine, run: number): Promise<BrakeState | undefined> {
  if (!(await hasThrottle(engine))) return undefined
  const [found] = await engine.database.read<BrakeState>(sql`
select pace, because from bellows.brake
  where run = ${lit(run)} and at > pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${lit(VOID_SECONDS)})`)
  // Where nobody is at work whoever begins will stand still.
  return found ?? (await readAskedPause(engine, run))
}

/** The pause that somebody has asked for, which is not over. */
export async function readAskedPause(engine: Engine, run: number): Promise<BrakeState | undefined> {
  const [asked] = await engine.database.read<{ by: string; reason: string | null }>(sql`
select coalesce(actor ->> 'user', by_role) as ${trusted('"by"')}, reason from bellows.throttle t
  where run = ${lit(run)} and share = 0 and (until is null or until > pg_catalog.clock_timestamp())
    and not exists (select from bellows.throttle later where later.run = t.run and later.seq > t.seq)`)
  if (asked === undefined) return undefined
  return {
    pace: 'pause',
    because: [`paused by ${asked.by}${asked.reason === null ? '' : `: ${asked.reason}`}`],
  }
}
