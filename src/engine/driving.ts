import { BellowsError, isServerLost } from '../core/errors.ts'
import { awaitServer } from './await-server.ts'
import type { Driving, Engine } from './context.ts'
import type { Driver, Holder } from './ports.ts'
import { stopIfAsked } from './stop.ts'

/**
 * Does work as the one driver of the database. When the connection is lost within, the work is done again from what the
 * journal says: it must look before it acts, as every step does.
 * @throws BellowsError `driver_busy` when another driver stays at work for longer than the settings allow
 */
export async function asDriver<R>(engine: Engine, work: (driving: Driving) => Promise<R>): Promise<R> {
  let [isBegun, hasMoved, away] = [false, false, 0]
  for (let attempt = 0; ; attempt += 1) {
    const heart = { beats: 0, hasMoved: false }
    try {
      await engine.journal.install()
      return await drivenOnce(engine, heart, (driving) => {
        isBegun = true
        return work(driving)
      })
    } catch (error) {
      if (!isServerLost(error)) throw error
      if (heart.beats >= FORGETS_BEATS && heart.hasMoved) attempt = 0
      // A server that was never reached is told at once; one that was may be on its way up again.
      if (attempt === 0 && !isBegun && error.code !== 'connection_lost') throw error
      if (attempt >= engine.settings.driver.reconnectsMax) throw doubtful(error)
      hasMoved ||= heart.hasMoved
      // The server was there a moment ago; the loss is one of the attempts that make up the minute.
      if (error.code === 'connection_lost') away = 1
      // What takes hours is worth a minute; whoever waits for a moment's work is told soon.
      if (hasMoved && error.code !== 'connection_lost') {
        await awaitServer(engine, away, error)
        away += 1
      } else await engine.clock.sleep(engine.settings.driver.pollMs * 2 ** attempt)
      stopIfAsked(engine)
    }
  }
}

/**
 * Connections that were lost before so many heartbeats, some ten minutes, are forgotten: a backfill may take days. Not where no rows were
 * done meanwhile: a statement that takes the server down each time is not tried for ever.
 */
const FORGETS_BEATS = 120

/** After a loss a server that does not answer leaves open what became of the last transaction. */
function doubtful(error: BellowsError): BellowsError {
  if (error.code === 'connection_lost') return error
  return new BellowsError(
    'connection_lost',
    `The connection was lost and could not be made again: ${error.message}`,
    {
      cause: error,
      hint: 'Nobody knows yet whether the last step was done. Run the same command again when the database answers: it looks first.',
    },
  )
}

async function drivenOnce<R>(
  engine: Engine,
  heart: Heart,
  work: (driving: Driving) => Promise<R>,
): Promise<R> {
  const driver = await becomeDriver(engine)
  const stopped = new AbortController()
  void beating(engine, driver, heart, stopped.signal)
  try {
    return await work({ ...engine, driver, notify: heard(engine, heart) })
  } finally {
    stopped.abort()
    await driver.release()
  }
}

/** Waits for another driver in small steps. A blocking wait for the lock would hold up concurrent index builds. */
async function becomeDriver(engine: Engine): Promise<Driver> {
  const { waitMs, pollMs, staleMs } = engine.settings.driver
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    stopIfAsked(engine)
    const answer = await engine.database.tryToDrive()
    if ('epoch' in answer) return answer
    if (answer.silentForMs !== undefined && answer.silentForMs > staleMs)
      await replace(engine, answer, staleMs)
    if (waitedMs >= waitMs) throw driverBusy(answer, waitMs)
    engine.notify({ type: 'waiting_for_driver', holder: answer.who })
    await engine.clock.sleep(pollMs * (0.75 + engine.clock.random() / 2))
  }
}

async function replace(engine: Engine, holder: Holder, staleMs: number): Promise<void> {
  try {
    await engine.database.takeOver(staleMs)
  } catch (error) {
    throw new BellowsError(
      'driver_busy',
      `${holder.who} is the driver of this database, is silent, and could not be ended.`,
      {
        cause: error,
        hint: 'Bellows lacks the right to end that session (pg_signal_backend). End it yourself, then run the same command again.',
      },
    )
  }
}

function driverBusy(holder: Holder, waitMs: number): BellowsError {
  return new BellowsError(
    'driver_busy',
    `${holder.who} is changing this database; waited ${waitMs / 1000} s for it.`,
    {
      hint: 'Run the same command again later. "bellows status" shows what is going on.',
    },
  )
}

interface Heart {
  /** Those that came through. */
  beats: number
  /** Were any rows done? */
  hasMoved: boolean
}

function heard({ notify }: Engine, heart: Heart): Engine['notify'] {
  return (notice) => {
    if (notice.type === 'progress') heart.hasMoved = true
    notify(notice)
  }
}

/** Says regularly that the driver is alive. A heartbeat that fails is no reason to stop: the fence decides, in each transaction. */
async function beating(engine: Engine, driver: Driver, heart: Heart, stopped: AbortSignal): Promise<void> {
  for (;;) {
    await engine.clock.sleep(engine.settings.driver.heartbeatMs, stopped)
    if (stopped.aborted) return
    try {
      await driver.beat()
      heart.beats += 1
    } catch {
      // The next one may come through.
    }
  }
}
