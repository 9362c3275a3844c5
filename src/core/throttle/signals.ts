import { askedHolds } from './asked.ts'
import { type Hold, held, type Limit, type Limits } from './limits.ts'
import type { Archive, Disk, Readings, Replica, SignalName, Slot } from './readings.ts'
import { bytesText, seconds } from './words.ts'

/** One thing that is looked at on the server. */
export interface Signal<K extends SignalName> {
  /** As people call it. */
  readonly title: string
  /** The setting that switches it off; none where it is not a matter of settings. */
  readonly setting?: keyof Limits
  /** Does it come of writing alone? Then pausing what only reads would not mend it. */
  readonly ofWriting: boolean
  readonly judge: (reading: Readings[K], limits: Limits) => readonly Hold[]
}

export const SIGNALS: { readonly [K in SignalName]: Signal<K> } = {
  replicas: {
    title: 'the replay of the standbys',
    setting: 'replayLagMs',
    ofWriting: true,
    judge: (replicas, limits) => replicas.flatMap((one) => replicaHolds(one, limits)),
  },
  slots: {
    title: 'what replication slots keep',
    setting: 'slotBytes',
    ofWriting: true,
    judge: (slots, limits) => slots.flatMap((one) => slotHolds(one, limits)),
  },
  archive: {
    title: 'the archive of the log',
    setting: 'archiveFiles',
    ofWriting: true,
    judge: (archive, limits) => (archive === null ? [] : archiveHolds(archive, limits)),
  },
  waits: {
    title: 'who waits for a lock of ours',
    setting: 'lockWaitMs',
    ofWriting: false,
    judge: (waits, { lockWaitMs }) =>
      waits.flatMap(({ pid, ms }) =>
        held(
          ms,
          lockWaitMs,
          (limit) => `pid ${pid} waits for a lock of ours, for ${seconds(ms)} (limit ${seconds(limit)})`,
        ),
      ),
  },
  vacuum: {
    title: 'vacuums of the table',
    setting: 'vacuum',
    ofWriting: true,
    judge: (vacuums, { vacuum }) =>
      vacuums.map(({ table, preventsWraparound }) => ({
        // One that prevents wraparound may take days, and the two are not in each other's way.
        share: vacuum === 'pause' && !preventsWraparound ? 0 : BESIDE_VACUUM,
        because: `a vacuum of "${table}" ${preventsWraparound ? 'prevents wraparound' : 'is at work'}`,
      })),
  },
  rows: {
    title: 'dead versions of rows',
    setting: 'deadPercent',
    ofWriting: true,
    judge: ({ dead, live }, { deadPercent }) =>
      dead < DEAD_MIN ? [] : deadHolds((100 * dead) / (dead + live), deadPercent),
  },
  horizon: {
    title: 'what keeps dead versions of rows',
    setting: 'horizonMs',
    ofWriting: true,
    judge: (holders, { horizonMs }) =>
      holders.flatMap(({ who, ms }) =>
        held(
          ms ?? 0,
          horizonMs,
          (limit) =>
            `${who} keeps dead versions of rows from being removed, for ${seconds(ms ?? 0)} (limit ${seconds(limit)})`,
        ),
      ),
  },
  commit: {
    title: 'how long a commit takes',
    setting: 'commitMs',
    ofWriting: false,
    judge: (ms, { commitMs }) =>
      held(ms, commitMs, (limit) => `a commit takes ${seconds(ms)} (limit ${seconds(limit)})`),
  },
  backends: {
    title: 'sessions at work',
    setting: 'activeBackends',
    ofWriting: false,
    judge: (count, { activeBackends }) =>
      held(count, activeBackends, (limit) => `${count} sessions are at work (limit ${limit})`),
  },
  asked: {
    title: 'what was asked for by "bellows throttle"',
    ofWriting: false,
    judge: askedHolds,
  },
  disk: {
    title: 'the room on the disk',
    setting: 'diskReserveBytes',
    ofWriting: true,
    judge: (disk, { diskReserveBytes }) =>
      diskReserveBytes === 'off' ? [] : diskHolds(disk, diskReserveBytes),
  },
}

function deadHolds(percent: number, limit: Limit): readonly Hold[] {
  return held(
    percent,
    limit,
    (most) =>
      `${Math.round(percent)} % of the row versions of the table are dead (limit ${most} %): it waits for a vacuum`,
  )
}

/** Both get on. */
const BESIDE_VACUUM = 0.5
/** So many are gone in a moment once a vacuum comes. */
const DEAD_MIN = 100_000

function replicaHolds(
  { name, lagMs, lagBytes }: Replica,
  { replayLagMs, replayLagBytes }: Limits,
): readonly Hold[] {
  // The last figure is still shown for a while when nothing is behind any more.
  if (lagBytes <= 0) return []
  // One that has frozen answers nothing, and its last time stays small while more and more is to be replayed.
  return [
    ...held(
      lagMs ?? 0,
      replayLagMs,
      (limit) => `the standby "${name}" replays ${seconds(lagMs ?? 0)} behind (limit ${seconds(limit)})`,
    ),
    ...held(
      lagBytes,
      replayLagBytes,
      (limit) => `the standby "${name}" has ${bytesText(lagBytes)} to replay (limit ${bytesText(limit)})`,
    ),
  ]
}

/** The server cuts a slot off that keeps too much; its reader is given a part of that to catch up. */
const SLOT_SHARE = 0.8

function slotHolds({ name, keptBytes, safeBytes }: Slot, { slotBytes }: Limits): readonly Hold[] {
  if (slotBytes === 'off') return []
  const most =
    safeBytes === null ? slotBytes : Math.min(slotBytes, SLOT_SHARE * (keptBytes + Math.max(0, safeBytes)))
  return held(
    keptBytes,
    most,
    (limit) =>
      `the replication slot "${name}" keeps ${bytesText(keptBytes)} of log (limit ${bytesText(limit)})`,
  )
}

function archiveHolds({ isFailing, failed, waiting }: Archive, { archiveFiles }: Limits): readonly Hold[] {
  if (isFailing) return [{ share: 0, because: `the log is not archived: "${failed}" failed` }]
  return held(
    waiting ?? 0,
    archiveFiles,
    (limit) => `${waiting} files of the log wait to be archived (limit ${limit})`,
  )
}

/** Slower from twice the reserve on: what is left dead, and old files of the log, are cleared away meanwhile. */
function diskHolds({ freeBytes, hidden }: Disk, reserve: number): readonly Hold[] {
  if (freeBytes === null) return []
  const unseen =
    hidden === 0 ? '' : ` at most, as ${hidden} databases are of a size that the role may not see`
  const free = Math.max(0, freeBytes)
  return held(reserve, free, () => `disk: ${bytesText(free)} free${unseen}, reserve ${bytesText(reserve)}`)
}
