import type { Needing } from '../../../src/core/gate/leases.ts'
import type { Stranger } from '../../../src/core/gate/sessions.ts'
import type { OldTransaction } from '../../../src/core/gate/transactions.ts'
import type { Watch } from '../../../src/core/gate/watch.ts'
import { type Entry, OLD_COLUMN, type Registry, registry } from './registry.ts'
import { type Session, type Sessions, sessions } from './sessions.ts'
import type { Timeline } from './timeline.ts'

/** A rule of the SQL of Bellows that a test takes away, to see that it is missed. */
export type SafetyRule = 'floor' | 'recheck' | 'corroboration'

/** What the transaction asks for that hides the column; see `nobodySql` of engine/gate.ts. */
export interface NobodyRules {
  readonly grace_ms: number
  readonly instances?: readonly string[]
  readonly sessions?: boolean
  readonly transactions?: boolean
}

/**
 * A model of what journal.sql and evidence.sql do, and of PostgreSQL as far as it matters to them: sessions, the lock of one
 * table, the row of the door. Whoever decides by it is not here. The functions have the names of those that they stand for;
 * model.test.ts holds them against a real server.
 */
export interface SimulatedDatabase {
  readonly time: Timeline
  /** Since then writes through the old shape are counted. */
  readonly startMs: number
  readonly registry: Registry
  readonly sessions: Sessions
  /** What `bellows.watch` keeps for the engine. */
  watch: Watch | undefined
  needing(graceMs: number): readonly Needing[]
  strangers(): readonly Stranger[]
  oldTransactions(beforeMs: number): readonly OldTransaction[]
  /** Why the transaction that hides the column fails, if it does. */
  somebody(rules: NobodyRules): string | undefined
  /** When an instance that had declared the column was released last, or its lease ended. */
  lastThereMs(): number | null
}

export function simulatedDatabase(time: Timeline, without?: SafetyRule): SimulatedDatabase {
  const known = registry(time, without !== 'floor')
  const open = sessions(time)

  const usersOfOld = (): readonly Entry[] => [...known.entries.values()].filter(usesOld)
  const needing = (graceMs: number): readonly Needing[] =>
    usersOfOld()
      .filter(({ releasedAtMs }) => releasedAtMs === null)
      .map(({ instance, applicationName, renewedAtMs, leaseMs }) => {
        const overMs = time.nowMs() - renewedAtMs - leaseMs
        const mayBeThere = applicationName === null || open.called(applicationName) !== undefined
        return {
          instance,
          state: overMs < 0 ? 'live' : 'silent',
          blocks: overMs < graceMs || (mayBeThere && without !== 'corroboration'),
        }
      })
  const strangers = (): readonly Stranger[] => strangersAmong(open.all(), known.entries.values())
  const oldTransactions = (beforeMs: number): readonly OldTransaction[] =>
    [...open.inTransaction()].flatMap(({ pid, application, transaction }) =>
      transaction === undefined || transaction.sinceMs >= beforeMs
        ? []
        : [{ ...OF_APP, pid, application, holds: transaction.hasTable, since: isoOf(transaction.sinceMs) }],
    )

  return {
    time,
    startMs: time.nowMs(),
    watch: undefined,
    registry: known,
    sessions: open,
    needing,
    strangers,
    oldTransactions,
    somebody: (rules) => {
      if (without === 'recheck') return undefined
      const blocking = needing(rules.grace_ms).find(
        ({ blocks, instance }) => blocks && rules.instances?.includes(instance) !== true,
      )
      if (blocking !== undefined) return `needed by ${blocking.instance}`
      const stranger = rules.sessions === true ? strangers()[0] : undefined
      if (stranger !== undefined) return `may be needed by session ${stranger.pid}`
      const state = known.column()
      const sinceMs = state?.sinceMs ?? 0
      const old = rules.transactions === true ? oldTransactions(sinceMs)[0] : undefined
      return old === undefined ? undefined : `may be needed by the transaction of session ${old.pid}`
    },
    lastThereMs: () => {
      const moments = usersOfOld()
        .map(({ releasedAtMs, renewedAtMs, leaseMs }) => releasedAtMs ?? renewedAtMs + leaseMs)
        .filter((ms) => ms <= time.nowMs())
      return moments.length === 0 ? null : Math.max(...moments)
    },
  }
}

const OF_APP = { prepared: null, role: 'app', address: null, hidden: false } as const

/**
 * Sessions of nobody who registered, such as are left of an instance that said it was gone, and such of the one role there is
 * while only the old version has it.
 */
function strangersAmong(open: Iterable<Session>, entries: Iterable<Entry>): readonly Stranger[] {
  const all = [...entries]
  const isOldRole = isOfOldAlone(all)
  const byName = new Map<string, Entry[]>()
  for (const entry of all) {
    if (entry.applicationName === null) continue
    const named = byName.get(entry.applicationName)
    if (named === undefined) byName.set(entry.applicationName, [entry])
    else named.push(entry)
  }
  return [...open].flatMap(({ pid, application }): Stranger[] => {
    const own = byName.get(application) ?? []
    const gone = own.find((one) => usesOld(one) && one.releasedAtMs !== null)
    const ofOldRole = isOldRole && !own.some((one) => usesOld(one) && one.releasedAtMs === null)
    const isKnown = own.some(({ releasedAtMs }) => releasedAtMs === null || gone === undefined)
    if (isKnown && !ofOldRole) return []
    const instance = gone?.instance ?? null
    return [{ pid, role: 'app', application, address: null, since: null, instance, ofOldRole }]
  })
}

function isOfOldAlone(entries: readonly Entry[]): boolean {
  const first = Math.min(...entries.filter(usesOld).map(({ place }) => place))
  return (
    first < Number.POSITIVE_INFINITY &&
    !entries.some((one) => !usesOld(one) && (one.releasedAtMs === null || one.place >= first))
  )
}

function usesOld({ uses }: Entry): boolean {
  return uses.includes(OLD_COLUMN)
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
