import type { QualifiedName } from '../schema/model.ts'

/** What the server says of each signal, as it was read in one look. */
export interface Readings {
  readonly replicas: readonly Replica[]
  readonly slots: readonly Slot[]
  /** Nothing where no log is archived. */
  readonly archive: Archive | null
  readonly waits: readonly Wait[]
  readonly vacuum: readonly Vacuum[]
  readonly rows: RowVersions
  readonly horizon: readonly Holder[]
  /** How long a commit took just now. */
  readonly commit: number
  readonly backends: number
  readonly asked: Asked | null
  readonly disk: Disk
}

export type SignalName = keyof Readings

/** A server that follows this one. */
export interface Replica {
  readonly name: string
  /** The role may not see how it follows. */
  readonly isHidden: boolean
  readonly lagMs: number | null
  readonly lagBytes: number
}

export interface Slot {
  readonly name: string
  readonly keptBytes: number
  /** How much more may be written before the server lets go of it; absent where it never does. */
  readonly safeBytes: number | null
}

export interface Archive {
  readonly isFailing: boolean
  /** The file that failed last. */
  readonly failed: string | null
  /** Files that wait; absent before the first one was archived. */
  readonly waiting: number | null
}

/** A session that waits for one of ours. */
export interface Wait {
  readonly pid: number
  readonly ms: number
}

export interface Vacuum {
  readonly table: string
  readonly preventsWraparound: boolean
}

export interface RowVersions {
  readonly dead: number
  readonly live: number
}

/** Whoever keeps dead versions of rows from being removed. */
export interface Holder {
  /** For people, such as `pid 4711 (psql)`. */
  readonly who: string
  /** It and what it keeps: another one as soon as it lets go of that. */
  readonly key: string
  /** Absent where the role may not see it, or there is no transaction, as of a standby that reports what it reads. */
  readonly ms: number | null
}

/** How much room is left for the server. */
export interface Disk {
  /** Absent where nobody knows: the disk is one of another machine, and its size was not said. */
  readonly freeBytes: number | null
  /** Databases whose size the role may not see, so that less may be free. */
  readonly hidden: number
}

/** What somebody has asked for, and is not over. */
export interface Asked {
  readonly share: number
  readonly workers: number | null
  readonly by: string
  readonly reason: string | null
  /** ISO 8601; absent: until somebody asks for something else. */
  readonly until: string | null
}

/** What is looked at for a run, and the table that it works through. */
export interface SignalsAsked {
  readonly run: number
  readonly table: QualifiedName
  readonly signals: readonly SignalName[]
  /** The size of the disk, see `Limits`. */
  readonly diskBytes?: number | undefined
}

/** One signal as it was read, or why it was not. */
export type Reading<T> = { readonly value: T } | { readonly unread: string }

/** One look. Of a signal that was not asked for there is none. */
export interface Look {
  /** By the clock of the database; absent when it did not answer. */
  readonly nowMs?: number
  readonly readings: { readonly [K in SignalName]?: Reading<Readings[K]> }
}
