import type { OldWrite } from '../../../src/core/gate/watch.ts'
import type { Timeline } from './timeline.ts'

export interface Session {
  readonly pid: number
  /** `application_name` */
  readonly application: string
  transaction: { readonly sinceMs: number; hasTable: boolean } | undefined
  isOpen: boolean
}

/** The sessions of a server, and the lock of the one table that they work on. */
export interface Sessions {
  open(application: string): Session
  /** Whatever its transaction had done is taken back. */
  close(session: Session): void
  all(): Iterable<Session>
  /** Those of them that are in a transaction. */
  inTransaction(): Iterable<Session>
  called(application: string): Session | undefined
  begin(session: Session): void
  commit(session: Session): void
  /** A statement on the table: at once, or behind whoever waits for the table as a whole. */
  use(session: Session, statement: () => void): void
  /** Sessions that would make somebody wait who wants the table as a whole. */
  holders(): number
  /** Nobody gets to the table from here on who has it not yet. */
  want(): void
  letGo(): void
  /** Counts a write through the old shape, as the trigger of the table does. */
  countWrite(session: Session): void
  readonly writes: { count: number; last: OldWrite[] }
}

export function sessions(time: Timeline): Sessions {
  const open = new Map<number, Session>()
  const working = new Set<Session>()
  const named = new Map<string, Set<Session>>()
  const waiting: (() => void)[] = []
  const writes: Sessions['writes'] = { count: 0, last: [] }
  let pid = 1_000
  let holders = 0
  let isWanted = false

  const end = (session: Session): void => {
    if (session.transaction?.hasTable === true) holders -= 1
    session.transaction = undefined
    working.delete(session)
  }
  const attempt = (session: Session, statement: () => void): void => {
    if (isWanted && session.isOpen && session.transaction?.hasTable !== true) {
      waiting.push(() => attempt(session, statement))
      return
    }
    if (session.transaction?.hasTable === false) {
      session.transaction.hasTable = true
      holders += 1
    }
    statement()
  }

  return {
    writes,
    open: (application) => {
      pid += 1
      const session: Session = { pid, application, transaction: undefined, isOpen: true }
      open.set(pid, session)
      named.set(application, (named.get(application) ?? new Set<Session>()).add(session))
      return session
    },
    close: (session) => {
      if (!session.isOpen) return
      end(session)
      session.isOpen = false
      open.delete(session.pid)
      named.get(session.application)?.delete(session)
    },
    all: () => open.values(),
    inTransaction: () => working.values(),
    called: (application) => named.get(application)?.values().next().value,
    begin: (session) => {
      session.transaction ??= { sinceMs: time.nowMs(), hasTable: false }
      working.add(session)
    },
    commit: end,
    use: attempt,
    holders: () => holders,
    want: () => {
      isWanted = true
    },
    letGo: () => {
      isWanted = false
      for (const statement of waiting.splice(0)) statement()
    },
    countWrite: ({ application, pid: by }) => {
      const lastSeen = new Date(time.nowMs()).toISOString()
      const who = { role: 'app', application, address: null, pid: by }
      const same = writes.last.find((one) => one.application === application)
      const row = { ...who, firstSeen: same?.firstSeen ?? lastSeen, lastSeen, lastSeenMs: time.nowMs() }
      writes.count += 1
      writes.last = [row, ...writes.last.filter((one) => one !== same)].slice(0, 20)
    },
  }
}
