import { BellowsError, isServerLost } from '../../core/errors.ts'
import { lit, type Sql, sql } from '../../core/sql.ts'
import { type Connection, openConnection, type Row, type Target } from './connection.ts'

/** The session beside the one that a driver works on: it says that the driver is alive, whatever that one waits for. */
export interface Watch {
  readonly epoch: number
  /** @throws BellowsError `driver_lost` when another driver has taken over */
  beat(): Promise<void>
  /** Of the sessions of a driver that is replaced this one is ended, too. */
  add(connection: Pick<Connection, 'pid'>): Promise<void>
  /** In place of a driver whose own session is lost: ends that, and those beside it, and says that nobody drives. */
  leave(): Promise<void>
  close(): Promise<void>
}

/** How long an answer may take: behind a heartbeat that is missed there is time for another one before the driver counts as silent. */
const ANSWER_MS = 6_000

/** When the session is lost the next call opens another one: a driver that is well must not be taken for a silent one. */
export function watching(first: Connection, epoch: number, target: Target): Watch {
  let session: Promise<Connection> = Promise.resolve(first)
  let isClosed = false

  /** Says the same again, which changes nothing, where nobody knows whether it was said. */
  const say = async (text: Sql): Promise<readonly (readonly Row[])[]> => {
    const mine = session
    try {
      return await (await mine).send(text, ANSWER_MS)
    } catch (error) {
      const isGone = isServerLost(error) || (await wasRefused(mine))
      if (!isGone || isClosed) throw error
      // Another call that lost the same session may have opened one already.
      if (session === mine) session = again(mine)
      return await (await session).send(text, ANSWER_MS)
    }
  }

  const again = async (lost: Promise<Connection>): Promise<Connection> => {
    await lost.then((one) => one.close()).catch(() => undefined)
    const opened = await openConnection(target)
    try {
      await opened.send(addedSql(opened, epoch), ANSWER_MS)
    } catch (error) {
      await opened.close()
      throw error
    }
    if (isClosed) await opened.close()
    return opened
  }

  return {
    epoch,
    beat: async () => {
      const answer = await say(
        sql`update bellows.heartbeat set beat_at = pg_catalog.clock_timestamp() where epoch = ${lit(epoch)} returning epoch`,
      )
      if (answer[0]?.length === 0)
        throw new BellowsError('driver_lost', 'Another driver took over this database.')
    },
    add: async (connection) => {
      await say(addedSql(connection, epoch))
    },
    leave: async () => {
      await say(sql`
with gone as (${leftSql(epoch)} returning backends)
select pg_catalog.pg_terminate_backend(living.pid) from gone cross join lateral ${livingSql(sql`gone.backends`)} living
  where living.pid <> pg_catalog.pg_backend_pid()`).catch(() => undefined)
    },
    close: async () => {
      isClosed = true
      await session.then((one) => one.close()).catch(() => undefined)
    },
  }
}

/** Another one could not be opened, for whatever reason: the next call tries once more. */
function wasRefused(session: Promise<Connection>): Promise<boolean> {
  return session.then(
    () => false,
    () => true,
  )
}

/** Nobody drives under the epoch any more. */
export function leftSql(epoch: number): Sql {
  return sql`delete from bellows.heartbeat where epoch = ${lit(epoch)}`
}

/** Of sessions that a heartbeat names those that are still there: another one may have the number by now. */
export function livingSql(backends: Sql): Sql {
  return sql`(select a.pid from pg_catalog.jsonb_to_recordset(${backends}) as known (pid integer, backend_start text)
    join pg_catalog.pg_stat_activity a on a.pid = known.pid and a.backend_start::text = known.backend_start)`
}

function addedSql({ pid }: Pick<Connection, 'pid'>, epoch: number): Sql {
  return sql`
update bellows.heartbeat set backends = backends || pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('pid', a.pid, 'backend_start', a.backend_start::text))
  from pg_catalog.pg_stat_activity a where a.pid = ${lit(pid)} and epoch = ${lit(epoch)}`
}
