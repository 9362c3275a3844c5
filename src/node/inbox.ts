import { createHash } from 'node:crypto'
import { WIRE } from './codes.ts'
import type { Request } from './envelope.ts'
import type { JsonObject } from './framing.ts'
import { jsonText, type Reply } from './reply.ts'

/** How many replies are remembered. */
export const CAPACITY = 1_000
/** So many may pile up behind a long backfill before heartbeats are not read any more; each holds its body in memory. */
export const WAITING_MAX = 10_000

export interface InboxLimits {
  readonly capacity?: number
  readonly waitingMax?: number
}

export interface Inbox {
  /**
   * Answers the requests of one source in the order they were taken, while those of other sources go on. A request
   * that was answered before gets that reply again, byte for byte, and nothing is executed.
   */
  take(request: Request, execute: () => Promise<Reply>): Promise<Reply>
  /** For what is answered in its turn without being a request, such as a refusal. Nothing is remembered. */
  inTurn(src: string, reply: () => Promise<Reply>): Promise<Reply>
  /** To be awaited before more is read: it ends once fewer than `waitingMax` are waiting or running. */
  room(): Promise<void>
  /** Ends once everything that was taken is answered. */
  idle(): Promise<void>
}

/** What may be otherwise next time: a retry has to be able to succeed. */
const NOT_KEPT: readonly unknown[] = [WIRE.timeout, WIRE.temporarilyUnavailable, WIRE.crash, WIRE.txnConflict]

export function createInbox({ capacity = CAPACITY, waitingMax = WAITING_MAX }: InboxLimits = {}): Inbox {
  const kept = createKept(capacity)
  const turns = createTurns(waitingMax)
  /** Taken and not answered yet. */
  const open = new Map<string, Promise<Reply>>()

  async function answerOnce(key: string, execute: () => Promise<Reply>): Promise<Reply> {
    const known = kept.find(key)
    if (known !== undefined) return known
    const reply = await execute()
    if (!NOT_KEPT.includes(reply.code)) kept.keep(key, reply)
    return reply
  }

  function take(request: Request, execute: () => Promise<Reply>): Promise<Reply> {
    const key = keyOf(request)
    const original = open.get(key)
    // It gets what the original gets, even a reply that is not kept, but not before what was asked in between.
    if (original !== undefined) return turns.inTurn(request.src, () => original)
    const reply = turns.inTurn(request.src, () => answerOnce(key, execute))
    open.set(key, reply)
    const close = (): void => {
      open.delete(key)
    }
    reply.then(close, close)
    return reply
  }

  return { take, inTurn: turns.inTurn, room: turns.room, idle: turns.idle }
}

/** An administrator that restarts counts from 1 again: the same id with another body is another request. */
function keyOf({ src, msgId, body }: Request): string {
  const digest = createHash('sha256').update(jsonText(body, sortedKeys)).digest('base64')
  return JSON.stringify([src, msgId, digest])
}

function sortedKeys(value: JsonObject): readonly string[] {
  return Object.keys(value).sort()
}

/** The replies that were used last. A map keeps its keys in the order in which they were set. */
function createKept(capacity: number) {
  const replies = new Map<string, Reply>()
  return {
    find(key: string): Reply | undefined {
      const reply = replies.get(key)
      if (reply !== undefined) {
        replies.delete(key)
        replies.set(key, reply)
      }
      return reply
    },
    keep(key: string, reply: Reply): void {
      replies.set(key, reply)
      const [oldest] = replies.keys()
      if (replies.size > capacity && oldest !== undefined) replies.delete(oldest)
    },
  }
}

function createTurns(waitingMax: number) {
  /** The end of the last turn of each source. One that has nothing open is forgotten, so these are bounded too. */
  const lasts = new Map<string, Promise<void>>()
  const watchers = new Set<() => void>()
  let waiting = 0

  function inTurn(src: string, reply: () => Promise<Reply>): Promise<Reply> {
    waiting += 1
    const turn = (lasts.get(src) ?? Promise.resolve()).then(reply)
    const leave = (): void => {
      waiting -= 1
      if (lasts.get(src) === last) lasts.delete(src)
      for (const watch of watchers) watch()
    }
    const last = turn.then(leave, leave)
    lasts.set(src, last)
    return turn
  }

  async function until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        watchers.add(resolve)
      })
      watchers.clear()
    }
  }

  return {
    inTurn,
    room: () => until(() => waiting < waitingMax),
    idle: () => until(() => waiting === 0),
  }
}
