import type { Timeline } from './timeline.ts'

/** The column that goes, and the one that comes in its place, as instances declare them. */
export const OLD_COLUMN = 'users.name'
export const NEW_COLUMN = 'users.full_name'

/** The registry has said no, in the way of SQLSTATE BW003. */
export class Refused extends Error {
  readonly detail: 'instance_refused' | 'instance_unknown'
  constructor(detail: Refused['detail']) {
    super(detail)
    this.detail = detail
  }
}

export interface Entry {
  readonly instance: string
  readonly uses: readonly string[]
  readonly leaseMs: number
  readonly applicationName: string | null
  readonly renewedAtMs: number
  readonly releasedAtMs: number | null
  /** Its place in the order of first registrations. */
  readonly place: number
}

export type Registering = Pick<Entry, 'instance' | 'uses' | 'leaseMs' | 'applicationName'>

/** The old column, as `bellows.column_state` has it. */
type ColumnState =
  | { readonly state: 'retiring'; readonly sinceMs: number; readonly untilMs: number }
  | { readonly state: 'retired'; readonly sinceMs?: number; readonly untilMs?: number }

/** What `bellows.register`, `renew` and `release` of journal.sql do, for the one column that goes. */
export interface Registry {
  readonly entries: ReadonlyMap<string, Entry>
  column(): ColumnState | undefined
  set(state: ColumnState | undefined): void
  /** For so long a gate closes the door, behind which what is retired stays so. */
  close(forMs: number): void
  open(): void
  /**
   * Registers in a transaction: it shows at its commit, and whoever closes the door waits for it.
   * @throws Refused
   */
  begin(given: Registering): { readonly commit: () => void; readonly rollback: () => void }
  renew(instance: string): void
  release(instance: string): void
  /** Transactions that are within the door. */
  within(): number
  /** Does something at the door: at once, or when the transaction is over that holds it. */
  enter(work: () => void): void
  hold(): void
  letGo(): void
}

/** @param hasFloor without it, old instances come and go as if no column had ever been retired */
export function registry(time: Timeline, hasFloor: boolean): Registry {
  const entries = new Map<string, Entry>()
  const waiting: (() => void)[] = []
  let column: ColumnState | undefined
  let isHeld = false
  let within = 0
  let places = 0

  const isShut = (): boolean =>
    hasFloor &&
    (column?.state === 'retired' || (column?.state === 'retiring' && column.untilMs > time.nowMs()))

  return {
    entries,
    column: () => column,
    set: (state) => {
      column = state
    },
    close: (forMs) => {
      const sinceMs = time.nowMs()
      column = { state: column?.state ?? 'retiring', sinceMs, untilMs: sinceMs + forMs }
    },
    open: () => {
      column = column?.state === 'retired' ? { state: 'retired' } : undefined
    },
    begin: (given) => {
      if (given.uses.includes(OLD_COLUMN) && isShut()) throw new Refused('instance_refused')
      places += 1
      const place = entries.get(given.instance)?.place ?? places
      const entry: Entry = { ...given, renewedAtMs: time.nowMs(), releasedAtMs: null, place }
      within += 1
      return {
        commit: () => {
          within -= 1
          entries.set(entry.instance, entry)
        },
        rollback: () => {
          within -= 1
        },
      }
    },
    renew: (instance) => {
      const entry = entries.get(instance)
      if (entry === undefined || entry.releasedAtMs !== null) throw new Refused('instance_unknown')
      // A gate that looks disturbs nobody who is there: only a column that is retired for good is refused.
      if (hasFloor && column?.state === 'retired' && entry.uses.includes(OLD_COLUMN))
        throw new Refused('instance_refused')
      entries.set(instance, { ...entry, renewedAtMs: time.nowMs() })
    },
    release: (instance) => {
      const entry = entries.get(instance)
      if (entry !== undefined && entry.releasedAtMs === null)
        entries.set(instance, { ...entry, releasedAtMs: time.nowMs() })
    },
    within: () => within,
    enter: (work) => {
      if (isHeld) waiting.push(work)
      else work()
    },
    hold: () => {
      isHeld = true
    },
    letGo: () => {
      isHeld = false
      for (const work of waiting.splice(0)) work()
    },
  }
}
