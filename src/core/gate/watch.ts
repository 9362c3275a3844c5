import type { Sql } from '../sql.ts'
import { COUNTED, type Counted } from './counted.ts'
import { lastOfEach, type Stood } from './window.ts'

/** What is seen of the use of a column at one moment. All times are milliseconds of the database's clock. */
export interface UsageFacts {
  readonly nowMs: number
  /** The same as the server prints it. */
  readonly now: string
  /** Absent of a column. */
  readonly counted?: Counted
  /** Writes through the old shape, where a trigger counts them; of a view its use. */
  readonly writes?: {
    readonly count: number
    /** Since when they are counted. */
    readonly countedSinceMs: number
    /** The last ones of each client, the latest first. */
    readonly last: readonly OldWrite[]
  }
  /** Why writes are not counted although they should be. */
  readonly uncounted?: string
  /** The primary and every listed standby. */
  readonly servers: readonly ServerUse[]
  /** When the last instance that had declared the column said that it was gone, or its lease ended; absent when there was none. */
  readonly lastThereMs?: number
}

export interface OldWrite {
  readonly role: string
  readonly application: string
  readonly address: string | null
  readonly pid: number
  readonly firstSeen: string
  readonly lastSeen: string
  readonly lastSeenMs: number
}

export interface ServerUse {
  /** `primary`, or how the standby is listed. */
  readonly server: string
  /** Which server it is, and how often it was restored. */
  readonly identity: string
  /**
   * What `pg_stat_statements` holds that may use the column; absent where it is not installed.
   * `epoch` changes when it was reset or has forgotten statements.
   */
  readonly statements?: { readonly epoch: string; readonly used: readonly StatementUse[] }
  /** Why its statements cannot be told, although it holds some. */
  readonly unseen?: string
  /** What holds there, in SQL, as long as its counters say the same. Cheap enough to be asked while everybody waits. */
  readonly still?: readonly Sql[]
  /** Why the server cannot be asked at all. */
  readonly unreadable?: string
}

export interface StatementUse {
  readonly id: string
  readonly role: string
  readonly calls: number
  readonly text: string
  /** By which a session says that it ran it last; absent of what is no statement. */
  readonly queryId?: string
  /** `definite` names the column; `possible` takes all columns of the table. */
  readonly certainty: 'definite' | 'possible'
}

/** What one look has seen: of the use, and what else was not green. */
export interface Seen extends UsageFacts {
  readonly stood?: readonly Stood[]
}

/** How long the use has been watched, as it is kept from one look to the next. */
export interface Watch {
  /** Nothing was used from here on. */
  readonly sinceMs: number
  /** What was used last, or why watching began anew. */
  readonly because: string
  readonly writes: number
  /** When there were so many for the first time: nothing was written through the old shape from then on. */
  readonly writesMs?: number
  readonly servers: Readonly<Record<string, WatchedServer>>
  /** What else was not green at some look since then. */
  readonly stood?: readonly Stood[]
}

interface WatchedServer {
  readonly identity: string
  readonly epoch: string
  readonly statements: Readonly<Record<string, WatchedStatement>>
}

interface WatchedStatement {
  readonly calls: number
  /** When it was seen to have run; absent of one that has not since it is watched. */
  readonly ran?: Ran
}

interface Ran {
  readonly ms: number
  /** The first look and the last one at which it had, as the server prints times. */
  readonly firstSeen: string
  readonly lastSeen: string
}

/** A row of who wrote stands for all that the session wrote within the minute. */
const WRITE_ROW_MS = 60_000

/** What is known after one more look. Whatever cannot be compared with the look before begins the watch anew. */
export function watched(before: Watch | undefined, facts: Seen): Watch {
  const writes = facts.writes?.count ?? 0
  const writesMs = before?.writes === writes ? (before.writesMs ?? facts.nowMs) : facts.nowMs
  const events = [
    ...(before === undefined ? firstLook(facts) : changes(before, facts)),
    ...lastWrite(facts, writesMs),
    ...lastThere(facts),
  ]
  const latest = events.reduce<Moment>(
    (a, b) => (b.ms > a.ms ? b : a),
    before === undefined
      ? { ms: 0, because: 'it has never been used since it is watched' }
      : { ms: before.sinceMs, because: before.because },
  )
  const sinceMs = Math.min(latest.ms, facts.nowMs)
  const seen = facts.servers.filter(isSeen)
  return {
    sinceMs,
    because: latest.because,
    writes,
    writesMs,
    // Whoever looks without a standby does not make the next one, who lists it, begin anew: its counters go on.
    servers: {
      ...before?.servers,
      ...Object.fromEntries(
        seen.map((one) => [one.server, remembered(one, before?.servers[one.server], facts)]),
      ),
    },
    stood: lastOfEach([...(before?.stood ?? []), ...(facts.stood ?? [])]).filter(({ ms }) => ms > sinceMs),
  }
}

/** Of one that could not be asked nothing is new: its counters are compared when it can be. */
function isSeen({ unreadable, unseen }: ServerUse): boolean {
  return unreadable === undefined && unseen === undefined
}

interface Moment {
  readonly ms: number
  readonly because: string
}

function remembered(
  { identity, statements }: ServerUse,
  before: WatchedServer | undefined,
  { nowMs, now }: UsageFacts,
): WatchedServer {
  const entries = (statements?.used ?? []).map(({ id, calls }): [string, WatchedStatement] => {
    if (before === undefined) return [id, { calls }]
    const then = before.statements[id]
    if (then?.calls === calls) return [id, then]
    return [id, { calls, ran: { ms: nowMs, firstSeen: then?.ran?.firstSeen ?? now, lastSeen: now } }]
  })
  return { identity, epoch: statements?.epoch ?? '', statements: Object.fromEntries(entries) }
}

/** The statements that were seen to run, the latest first. */
export function ranLately(
  facts: UsageFacts,
  watch: Watch,
): readonly (StatementUse & { server: string; ran: Ran })[] {
  return facts.servers
    .flatMap(({ server, statements }) =>
      (statements?.used ?? []).flatMap((one) => {
        const ran = watch.servers[server]?.statements[one.id]?.ran
        return ran === undefined ? [] : [{ ...one, server, ran }]
      }),
    )
    .toSorted((a, b) => b.ran.ms - a.ran.ms)
}

/** A statement in one line of a report. */
export function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > TEXT_SHOWN ? `${line.slice(0, TEXT_SHOWN)}…` : line
}

const TEXT_SHOWN = 120

/** Counted, but without a row of who it was: its transaction was taken back, or is not over. */
const written = ({ counted = 'writes' }: UsageFacts) => `it ${COUNTED[counted].happened}`

/** What counts has done so since it was made; what was read before the first look nobody knows. */
function firstLook(facts: UsageFacts): readonly Moment[] {
  const { nowMs, counted = 'writes', writes, servers } = facts
  const isReadSeen = servers.some(({ statements }) => statements !== undefined)
  if (isReadSeen || writes === undefined || counted === 'changes')
    return [{ ms: nowMs, because: 'it is watched from now on' }]
  if (writes.count !== COUNTED[counted].ahead && writes.last.length === 0)
    return [{ ms: nowMs, because: written(facts) }]
  return [{ ms: writes.countedSinceMs, because: COUNTED[counted].since }]
}

function changes(before: Watch, facts: UsageFacts): readonly Moment[] {
  const { nowMs, writes, servers } = facts
  const isUncounted =
    writes !== undefined && writes.count !== before.writes && lastRowMs(writes.last) < before.sinceMs
  const now = (because: string): Moment => ({ ms: nowMs, because })
  return [
    ...(isUncounted ? [now(written(facts))] : []),
    ...servers.filter(isSeen).flatMap((server) => {
      const then = before.servers[server.server]
      const change = then === undefined ? `${server.server} is watched from now on` : changeOf(then, server)
      return change === undefined ? [] : [now(change)]
    }),
  ]
}

function changeOf(then: WatchedServer, { server, identity, statements }: ServerUse): string | undefined {
  if (then.identity !== identity)
    return `${server} is another server than before, or was restored or started anew`
  const isForgotten = (id: string) => statements?.used.every((one) => one.id !== id) !== false
  if (then.epoch !== (statements?.epoch ?? '') || Object.keys(then.statements).some(isForgotten))
    return `pg_stat_statements of ${server} was reset or has forgotten statements`
  const used = statements?.used.find(({ id, calls }) => calls !== (then.statements[id]?.calls ?? 0))
  return used === undefined ? undefined : `"${used.role}" ran on ${server}: ${shortened(used.text)}`
}

/** Two looks that count the same know better than the minute of a row. */
function lastWrite({ counted = 'writes', writes }: UsageFacts, writesMs: number): readonly Moment[] {
  const [last] = writes?.last ?? []
  if (last === undefined) return []
  const name = last.application === '' ? last.role : last.application
  return [
    {
      ms: Math.min(lastRowMs([last]), writesMs),
      because: `"${name}" ${COUNTED[counted].did}`,
    },
  ]
}

function lastRowMs(rows: readonly OldWrite[]): number {
  return rows[0] === undefined ? 0 : rows[0].lastSeenMs + WRITE_ROW_MS
}

function lastThere({ lastThereMs }: UsageFacts): readonly Moment[] {
  if (lastThereMs === undefined) return []
  return [{ ms: lastThereMs, because: 'an instance that had declared it was there until then' }]
}
