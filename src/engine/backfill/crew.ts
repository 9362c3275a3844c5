import { isServerLost } from '../../core/errors.ts'
import type { Engine, Working } from '../context.ts'
import type { Lane } from '../ports.ts'

/** Those who work side by side, each on a connection of its own. */
export interface Crew {
  /** How many there should be at this moment; asked again and again. Without any it is over. */
  readonly wanted: () => Promise<number>
  /** A connection that is there already and is not closed. Nobody stands in for it when it is lost. */
  readonly own: Lane
  /**
   * Works until nothing is left, or until it may not stay. What it throws ends the work of all.
   * @returns whether that was the end for all
   */
  readonly work: (engine: Working, lane: Lane, mayStay: () => boolean) => Promise<boolean>
}

/** The connection of whoever is at work anyhow. */
export function ownLane({ driver }: Working): Lane {
  return { transact: (transaction) => driver.transact(transaction), close: async () => undefined }
}

/** As many as somebody has asked for while it runs, else as the settings say. */
export function askedWorkers({ brake, settings }: Engine): number {
  return brake?.workers() ?? settings.batch.workers
}

interface Member {
  mayStay: boolean
  done: Promise<void>
  /** Ends whatever it waits for. */
  readonly stop: AbortController
}

/** How often it is looked whether there are as many as there should be. */
const LOOK_MS = 1_000
/** After so many looks, some ten minutes, connections that were lost before are forgotten: a backfill may take days. */
const FORGETS_LOOKS = 600

/**
 * Keeps as many at work as there should be, until the first one has found the end, or failed: the others end behind the batch that they are at.
 * One whose connection is lost is replaced.
 */
export async function workTogether(engine: Working, crew: Crew): Promise<void> {
  const over = new AbortController()
  const members: Member[] = []
  let failure: unknown
  let [missed, unasked] = [0, 0]
  const isOver = (): boolean => over.signal.aborted
  const end = (): void => {
    over.abort()
    for (const { stop } of members) stop.abort()
  }
  const fail = (error: unknown): void => {
    if (!isOver()) failure = error
    end()
  }
  const mayBeMissed = (error: unknown): boolean => {
    if (isServerLost(error)) missed += 1
    return isServerLost(error) && missed <= engine.settings.driver.reconnectsMax
  }
  const join = (lane: Lane): void => {
    const stop = new AbortController()
    const member: Member = { mayStay: true, done: Promise.resolve(), stop }
    members.push(member)
    const working: Working = {
      ...engine,
      isStopping: () => isOver() || engine.isStopping(),
      clock: { ...engine.clock, sleep: (ms) => engine.clock.sleep(ms, stop.signal) },
    }
    member.done = ended(
      crew.work(working, lane, () => member.mayStay),
      lane,
    ).finally(() => members.splice(members.indexOf(member), 1))
  }
  const ended = async (work: Promise<boolean>, lane: Lane): Promise<void> => {
    try {
      if (await work) end()
    } catch (error) {
      if (lane === crew.own || !mayBeMissed(error)) fail(error)
    } finally {
      await lane.close()
    }
  }
  /** As many connections as are missing; one that is not had, as on a server that is full, is tried again with the next look. */
  const fillUp = async (wanted: number): Promise<void> => {
    if (members.length === 0 && wanted > 0) join(crew.own)
    while (members.length < wanted && !isOver()) {
      const lane = await engine.driver.lane().catch((error: unknown) => {
        if (!isServerLost(error)) throw error
      })
      if (lane === undefined) return
      join(lane)
    }
  }
  for (let looks = 1; !isOver(); looks += 1) {
    if (looks % FORGETS_LOOKS === 0) missed = 0
    try {
      const wanted = await crew.wanted()
      unasked = 0
      for (const [at, member] of members.entries()) member.mayStay = at < wanted
      if (wanted === 0) end()
      await fillUp(wanted)
    } catch (error) {
      // Those who are at work find out for themselves whether they can go on.
      unasked += 1
      if (!isServerLost(error) || unasked > engine.settings.driver.reconnectsMax) fail(error)
    }
    await engine.clock.sleep(LOOK_MS, over.signal)
  }
  await Promise.all(members.map(({ done }) => done))
  if (failure !== undefined) throw failure
}
