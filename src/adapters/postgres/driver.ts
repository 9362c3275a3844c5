import { canonical } from '../../core/hash.ts'
import type { Migration } from '../../core/operations/migration.ts'
import { WORKER } from '../../core/run/workers.ts'
import { join, lit, type Sql, sql } from '../../core/sql.ts'
import type { Committed, Driver, Hands, Holder, Lane, Transaction } from '../../engine/ports.ts'
import { answerMsOf, STATEMENT_MS } from './answer-time.ts'
import { type Connection, openConnection, rowsOf, type Target } from './connection.ts'
import type { Sessions } from './sessions.ts'
import { askedAheadText, committed, transactionAnswerMs, transactionText } from './transaction.ts'
import { leftSql, livingSql, type Watch, watching } from './watch.ts'

/** Key of the advisory lock of a database: 'bellows' in two numbers. Source: the first eight bytes of its ASCII form. */
const LOCK_KEY = sql`1650814060, 1870099200`

/** Tries once to become the driver of the database; otherwise tells who is. Opens sessions only when nobody is. */
export async function tryToDrive(target: Target, sessions: Sessions): Promise<Driver | Holder> {
  const holder = await holderOf(sessions)
  if (holder !== undefined) return holder
  const main = await openConnection(target)
  try {
    const [answer] = await rowsOf<{ locked: boolean }>(
      main,
      sql`select pg_catalog.pg_try_advisory_lock(${LOCK_KEY}) as locked`,
    )
    if (answer?.locked !== true) {
      await main.close()
      return (await holderOf(sessions)) ?? { who: 'a driver that just left' }
    }
    const watch = await openConnection(target)
    return await crowned(main, watch, target).catch(async (error: unknown) => {
      await watch.close()
      throw error
    })
  } catch (error) {
    await main.close()
    throw error
  }
}

/**
 * Raises the epoch. That waits for transactions under the earlier one that are still at work, and fences all later ones. Those that begin
 * meanwhile are held back by the lock of the table: a lock of its row alone is had by none as long as several who share it take turns.
 */
async function crowned(main: Connection, first: Connection, target: Target): Promise<Driver> {
  const answer = await main.send(sql`begin;
lock table bellows.driver in exclusive mode;
with raised as (update bellows.driver set epoch = epoch + 1 returning epoch),
  backends as (
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('pid', pid, 'backend_start', backend_start::text)) as known
      from pg_catalog.pg_stat_activity where pid in (${lit(main.pid)}, ${lit(first.pid)}))
insert into bellows.heartbeat (epoch, beat_at, backends, application)
  select epoch, pg_catalog.clock_timestamp(), coalesce(known, '[]'), ${lit(target.application)} from raised, backends
  on conflict (singleton) do update set epoch = excluded.epoch, beat_at = excluded.beat_at, backends = excluded.backends,
    application = excluded.application
  returning epoch;
commit`)
  const epoch = Number(answer[2]?.[0]?.epoch)
  const watch = watching(first, epoch, target)
  return {
    startRun: async (plan) => {
      const started = await main.send(sql`begin;
select bellows.fence(${lit(epoch)});
select bellows.start_run(${lit(plan.migration.name)}, ${namesSql(plan.migration.parts)}, ${lit(canonical(plan))}, ${lit(plan.hash)}) as id;
commit`)
      return Number(started[2]?.[0]?.id)
    },
    setBaseline: async (files) => {
      await main.send(sql`begin;
select bellows.fence(${lit(epoch)});
select bellows.set_baseline(${lit(epoch)}, ${lit(JSON.stringify(files))});
commit`)
    },
    ...handsOn(main, epoch, () => driversLane(watch, target)),
    outside: async (statement, bounds) => {
      await main.send(sql`select bellows.fence(${lit(epoch)})`)
      await main.send(bounded(bounds.lockTimeoutMs, bounds.statementTimeoutMs))
      try {
        await main.send(statement, answerMsOf(1, bounds.lockTimeoutMs + bounds.statementTimeoutMs))
      } finally {
        await main.send(bounded(5000, STATEMENT_MS)).catch(() => undefined)
      }
    },
    beat: () => watch.beat(),
    release: async () => {
      // A session that is lost here may be well there, and would keep everybody else from becoming the driver.
      await main.send(leftSql(epoch)).catch(() => watch.leave())
      await Promise.all([main.close(), watch.close()])
    },
  }
}

/** Somebody beside the driver: of the fence it knows the epoch, and that is all it needs. */
export async function mateOf(target: Target, epoch: number): Promise<Hands & Pick<Lane, 'close'>> {
  const worker = asWorker(target)
  const main = await openConnection(worker)
  const lane = async (): Promise<Lane> => laneOn(await openConnection(worker), epoch)
  return { ...handsOn(main, epoch, lane), close: () => main.close() }
}

function handsOn(main: Connection, epoch: number, lane: () => Promise<Lane>): Hands {
  return {
    epoch,
    transact: (transaction) => transactOn(main, epoch, transaction),
    lane,
    rehearse: async (statements, bounds) => {
      const text = sql`begin;
set local lock_timeout = ${lit(`${bounds.lockTimeoutMs}ms`)};
set local statement_timeout = ${lit(`${bounds.statementTimeoutMs}ms`)};
select bellows.fence(${lit(epoch)});
${join(statements, ';\n')};
rollback`
      await main.send(text, transactionAnswerMs(bounds))
    },
  }
}

/** Of the sessions of a driver that is replaced these are ended, too. */
async function driversLane(watch: Watch, target: Target): Promise<Lane> {
  const connection = await openConnection(asWorker(target))
  try {
    await watch.add(connection)
    return laneOn(connection, watch.epoch)
  } catch (error) {
    await connection.close()
    throw error
  }
}

function laneOn(connection: Connection, epoch: number): Lane {
  return {
    transact: (transaction) => transactOn(connection, epoch, transaction),
    close: () => connection.close(),
  }
}

/** So that the server can tell how many are at work; a row of a table would outlive one that died. */
function asWorker(target: Target): Target {
  return { ...target, application: `${target.application}${WORKER}` }
}

async function transactOn(
  connection: Connection,
  epoch: number,
  transaction: Transaction,
): Promise<Committed> {
  const ahead = askedAheadText(transaction)
  // Of what is wrong the transaction itself tells.
  if (ahead !== undefined) await connection.send(ahead.text, ahead.answerMs).catch(() => undefined)
  const text = transactionText(transaction, epoch)
  return committed(await connection.send(text, transactionAnswerMs(transaction)))
}

function namesSql(parts: Migration['parts'] = []): Sql {
  return sql`array[${join(parts.map(({ name }) => lit(name)))}]::text[]`
}

function bounded(lockTimeoutMs: number, statementTimeoutMs: number): Sql {
  return sql`select pg_catalog.set_config('lock_timeout', ${lit(String(lockTimeoutMs))}, false),
 pg_catalog.set_config('statement_timeout', ${lit(String(statementTimeoutMs))}, false)`
}

/** Sessions that hold the driver's lock. There is one at most. */
const HOLDING = sql`
select a.pid, a.application_name, a.usename, a.client_addr, a.state, a.state_change, a.backend_start
  from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    and (l.classid, l.objid, l.objsubid) = (1650814060, 1870099200, 2)`

export async function holderOf(sessions: Sessions): Promise<Holder | undefined> {
  const [holder] = await sessions.read<{ who: string; silent_ms: number | null }>(
    sql`select pg_catalog.format('%s (pid %s, user %s%s)', h.application_name, h.pid, h.usename, ', from ' || pg_catalog.host(h.client_addr)) as who,
      (extract(epoch from pg_catalog.clock_timestamp() - coalesce(b.beat_at, h.state_change)) * 1000)::bigint as silent_ms
    from (${HOLDING}) h
    left join bellows.heartbeat b on b.backends @> pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('pid', h.pid))`,
  )
  if (holder === undefined) return undefined
  return { who: holder.who, ...(holder.silent_ms === null ? {} : { silentForMs: holder.silent_ms }) }
}

/** Ends the sessions of a silent driver. A pid is not enough: the session must be the one that the heartbeat recorded. */
export async function endSilentDriver(target: Target, staleMs: number): Promise<void> {
  const connection = await openConnection(target)
  try {
    await connection.send(sql`
with silent as (
  select living.pid from bellows.heartbeat b cross join lateral ${livingSql(sql`b.backends`)} living
    where b.beat_at < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${lit(staleMs / 1000)})
  union
  -- A driver that was stopped between taking the lock and its first heartbeat.
  select h.pid from (${HOLDING}) h
    where h.state = 'idle' and h.state_change < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${lit(staleMs / 1000)})
      and not exists (select from bellows.heartbeat b where b.beat_at > h.backend_start)
)
select pg_catalog.pg_terminate_backend(pid) from silent`)
  } finally {
    await connection.close()
  }
}
