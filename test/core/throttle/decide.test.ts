import { describe, expect, test } from 'vitest'
import { decide, signalsFor } from '../../../src/core/throttle/decide.ts'
import { afterCheck, afterLook, type Known, older, unheard } from '../../../src/core/throttle/known.ts'
import type { Limits } from '../../../src/core/throttle/limits.ts'
import type { Readings, SignalName } from '../../../src/core/throttle/readings.ts'
import { DEFAULT_BRAKE } from '../../../src/default-brake.ts'

const LIMITS = {
  replayLagMs: 1_000,
  replayLagBytes: 1_000,
  slotBytes: 1_000,
  archiveFiles: 10,
  lockWaitMs: 100,
  vacuum: 'slower',
  deadPercent: 50,
  horizonMs: 60_000,
  commitMs: 100,
  activeBackends: 10,
  diskReserveBytes: 1_000,
} as const satisfies Limits
const RULES = { ...LIMITS, blindMs: 10_000 }

const readings = <K extends SignalName>(name: K, value: Readings[K]) => ({ [name]: { value } })
/** What one signal alone decides. */
const alone = <K extends SignalName>(name: K, value: Readings[K], more: Partial<Limits> = {}) => {
  const known = afterLook(unheard([name], []), { nowMs: 0, readings: readings(name, value) })
  const { pace, share, because } = decide(known, { ...RULES, ...more })
  return { pace, share, because }
}
const GO = { pace: 'go', share: 1, because: [] }
const replica = { name: 'r1', isHidden: false, lagMs: 0, lagBytes: 1 }
const slot = { name: 's1', keptBytes: 0, safeBytes: null }
const archive = { isFailing: false, failed: null, waiting: 0 }
const asked = { share: 0.3, workers: null, by: 'ann', reason: null, until: null }
const MB = 1024 ** 2

describe('one signal', () => {
  test.each<[string, ReturnType<typeof alone>, string | undefined, number]>([
    ['a standby that is close', alone('replicas', [{ ...replica, lagMs: 500 }]), undefined, 1],
    [
      'one that falls behind',
      alone('replicas', [{ ...replica, lagMs: 750 }]),
      'the standby "r1" replays 750 ms behind (limit 1 s)',
      0.5,
    ],
    [
      'one at the limit',
      alone('replicas', [{ ...replica, lagMs: 1_000 }]),
      'the standby "r1" replays 1 s behind (limit 1 s)',
      0.1,
    ],
    [
      'one beyond it',
      alone('replicas', [replica, { ...replica, lagMs: 1_001 }]),
      'the standby "r1" replays 1 s behind (limit 1 s)',
      0,
    ],
    [
      'one whose last figure is from before it caught up',
      alone('replicas', [{ ...replica, lagMs: 9_000, lagBytes: 0 }]),
      undefined,
      1,
    ],
    [
      'one without a time',
      alone('replicas', [{ ...replica, lagMs: null, lagBytes: 2_048 }]),
      'the standby "r1" has 2 kB to replay (limit 1000 bytes)',
      0,
    ],
    [
      'one without a time that is close',
      alone('replicas', [{ ...replica, lagMs: null, lagBytes: 400 }]),
      undefined,
      1,
    ],
    [
      'one that has frozen, whose last figure stays small',
      alone('replicas', [{ ...replica, lagMs: 3, lagBytes: 2_048 }]),
      'the standby "r1" has 2 kB to replay (limit 1000 bytes)',
      0,
    ],
    ['a slot that keeps little', alone('slots', [{ ...slot, keptBytes: 500 }]), undefined, 1],
    [
      'a slot that keeps much',
      alone('slots', [{ ...slot, keptBytes: 20 * MB }], { slotBytes: 10 * MB }),
      'the replication slot "s1" keeps 20 MB of log (limit 10 MB)',
      0,
    ],
    [
      'a slot that the server will let go of',
      alone('slots', [{ ...slot, keptBytes: 900, safeBytes: 100 }], { slotBytes: 1e9 }),
      'the replication slot "s1" keeps 900 bytes of log (limit 800 bytes)',
      0,
    ],
    [
      'a slot that the server lets go of late',
      alone('slots', [{ ...slot, keptBytes: 100, safeBytes: 900 }], { slotBytes: 1e9 }),
      undefined,
      1,
    ],
    ['a log that nobody archives', alone('archive', null), undefined, 1],
    ['an archive that keeps up', alone('archive', { ...archive, waiting: 5 }), undefined, 1],
    ['an archive before its first file', alone('archive', { ...archive, waiting: null }), undefined, 1],
    [
      'an archive that does not keep up',
      alone('archive', { ...archive, waiting: 11 }),
      '11 files of the log wait to be archived (limit 10)',
      0,
    ],
    [
      'an archive that fails',
      alone('archive', { ...archive, isFailing: true, failed: '0001' }),
      'the log is not archived: "0001" failed',
      0,
    ],
    ['somebody who waits for us for a moment', alone('waits', [{ pid: 7, ms: 50 }]), undefined, 1],
    [
      'somebody who waits for us for long',
      alone('waits', [{ pid: 7, ms: 101 }]),
      'pid 7 waits for a lock of ours, for 101 ms (limit 100 ms)',
      0,
    ],
    [
      'a vacuum',
      alone('vacuum', [{ table: 'users', preventsWraparound: false }]),
      'a vacuum of "users" is at work',
      0.5,
    ],
    [
      'a vacuum that comes first',
      alone('vacuum', [{ table: 'users', preventsWraparound: false }], { vacuum: 'pause' }),
      'a vacuum of "users" is at work',
      0,
    ],
    [
      'a vacuum that must come first',
      alone('vacuum', [{ table: 'users', preventsWraparound: true }]),
      'a vacuum of "users" prevents wraparound',
      0.5,
    ],
    ['few dead versions', alone('rows', { dead: 99_999, live: 1 }), undefined, 1],
    ['many among more', alone('rows', { dead: 100_000, live: 300_000 }), undefined, 1],
    [
      'too many',
      alone('rows', { dead: 300_000, live: 200_000 }),
      '60 % of the row versions of the table are dead (limit 50 %): it waits for a vacuum',
      0,
    ],
    ['a short transaction', alone('horizon', [{ who: 'pid 7', key: '7:1', ms: 30_000 }]), undefined, 1],
    [
      'a long one',
      alone('horizon', [{ who: 'pid 7 (psql)', key: '7:1', ms: 600_000 }]),
      'pid 7 (psql) keeps dead versions of rows from being removed, for 10 min (limit 60 s)',
      0,
    ],
    ['a quick commit', alone('commit', 50), undefined, 1],
    ['a slow one', alone('commit', 101), 'a commit takes 101 ms (limit 100 ms)', 0],
    ['some sessions', alone('backends', 5), undefined, 1],
    ['many sessions', alone('backends', 11), '11 sessions are at work (limit 10)', 0],
    ['nobody who asks', alone('asked', null), undefined, 1],
    ['somebody who asks for less', alone('asked', asked), 'held to 30 % by ann', 0.3],
    [
      'somebody who asks for a pause',
      alone('asked', { ...asked, share: 0, reason: 'sale', until: 'noon' }),
      'paused by ann until noon: sale',
      0,
    ],
    ['a disk of which nobody knows', alone('disk', { freeBytes: null, hidden: 0 }), undefined, 1],
    ['a disk with room', alone('disk', { freeBytes: 2_000, hidden: 0 }), undefined, 1],
    [
      'a disk that fills up',
      alone('disk', { freeBytes: 1_250, hidden: 0 }),
      'disk: 1.2 kB free, reserve 1000 bytes',
      0.4,
    ],
    [
      'a disk with no more than the reserve',
      alone('disk', { freeBytes: 1_000, hidden: 0 }),
      'disk: 1000 bytes free, reserve 1000 bytes',
      0.1,
    ],
    [
      'a disk with less',
      alone('disk', { freeBytes: 999, hidden: 2 }),
      'disk: 999 bytes free at most, as 2 databases are of a size that the role may not see, reserve 1000 bytes',
      0,
    ],
    [
      'a disk on which there is more than it is said to be large',
      alone('disk', { freeBytes: -5, hidden: 0 }),
      'disk: 0 bytes free, reserve 1000 bytes',
      0,
    ],
    ['somebody who asks for workers alone', alone('asked', { ...asked, share: 1, workers: 2 }), undefined, 1],
  ])('%s', (_what, decision, because, share) => {
    const pace = share === 0 ? 'pause' : 'slower'
    expect({ ...decision, share: Number(decision.share.toFixed(3)) }).toEqual(
      because === undefined ? GO : { pace, share, because: [because] },
    )
  })

  test.each(Object.keys(LIMITS).filter((name) => name !== 'replayLagBytes') as (keyof Limits)[])(
    '%s is not looked at when it is off',
    (setting) => {
      const all = signalsFor(LIMITS, true)
      expect(all.length - signalsFor({ ...LIMITS, [setting]: 'off' }, true).length).toBe(1)
    },
  )
})

test('of what only reads those signals are left that a pause of it could mend', () => {
  expect(signalsFor(LIMITS, false)).toEqual(['waits', 'commit', 'backends', 'asked'])
  expect(signalsFor(LIMITS, true)).toHaveLength(11)
  expect(signalsFor(DEFAULT_BRAKE, true), 'how many sessions are many only the user knows').not.toContain(
    'backends',
  )
})

describe('all together', () => {
  test('the slowest counts, all are named, and nobody overrules another', () => {
    const known = afterLook(unheard(['commit', 'backends', 'asked'], []), {
      nowMs: 0,
      readings: {
        ...readings('commit', 75),
        ...readings('backends', 11),
        ...readings('asked', { ...asked, share: 0.3, workers: 2 }),
      },
    })
    expect(decide(known, RULES)).toEqual({
      pace: 'pause',
      share: 0,
      workers: 2,
      because: [
        '11 sessions are at work (limit 10)',
        'held to 30 % by ann',
        'a commit takes 75 ms (limit 100 ms)',
      ],
    })
  })
})

describe('a signal that cannot be read', () => {
  const refused = { nowMs: 0, readings: { commit: { unread: 'Permission denied.' } } }
  const hears = (known: Known) => decide(known, RULES)

  test('is a pause before it was ever read', () => {
    expect(hears(unheard(['commit'], []))).toMatchObject({
      pace: 'pause',
      because: [
        'how long a commit takes cannot be read: no answer comes; to do without: brake.commitMs: off',
      ],
    })
    expect(hears(afterLook(unheard(['commit'], []), refused)).because).toEqual([
      'how long a commit takes cannot be read: Permission denied; to do without: brake.commitMs: off',
    ])
  })

  test('is told with all others that cannot be read for the same reason', () => {
    expect(hears(unheard(['commit', 'asked'], ['apdex'])).because).toEqual([
      'how long a commit takes, what was asked for by "bellows throttle", the check "apdex" cannot be read: no answer comes; to do without: brake.commitMs: off',
    ])
  })

  test('counts as it was for a while, and is a pause behind that', () => {
    const good = afterLook(unheard(['commit'], []), { nowMs: 0, readings: readings('commit', 1) })
    const later = afterLook(older(good, 10_000), refused)
    expect(hears(later).pace).toBe('go')
    expect(hears(older(later, 100)).pace).toBe('pause')
    expect(hears(older(good, 10_100)).pace, 'also when nothing is heard at all').toBe('pause')
    const again = afterLook(older(later, 60_000), { nowMs: 0, readings: readings('commit', 1) })
    expect(hears(again).pace).toBe('go')
  })
})

describe('a check of the user', () => {
  const answered = (outcome: 'pass' | 'fail' | 'unknown', known = unheard([], ['apdex'])) =>
    afterCheck(known, 0, { outcome, because: 'it answers 503' })

  test('that passes lets go on, one that fails pauses, and one that cannot tell does so after a while', () => {
    expect(decide(unheard([], ['apdex']), RULES).pace).toBe('pause')
    expect(decide(answered('pass'), RULES)).toEqual(GO)
    expect(decide(answered('fail'), RULES)).toMatchObject({
      pace: 'pause',
      because: ['the check "apdex" says no: it answers 503'],
    })
    const unknown = answered('unknown', older(answered('pass'), 10_000))
    expect(decide(unknown, RULES).pace).toBe('go')
    expect(decide(older(unknown, 100), RULES)).toMatchObject({
      pace: 'pause',
      because: ['the check "apdex" cannot be read: it answers 503'],
    })
  })
})

test('of two checks of one name neither hides the other', () => {
  const both = afterCheck(unheard([], ['apdex', 'apdex']), 0, { outcome: 'fail', because: 'no' })
  expect(decide(afterCheck(both, 1, { outcome: 'pass', because: 'yes' }), RULES).pace).toBe('pause')
})

test('whoever holds the horizon and hides for how long is timed from when it was seen first', () => {
  const look = (nowMs: number, key: string) => ({
    nowMs,
    readings: readings('horizon', [{ who: 'pid 7', key, ms: null }]),
  })
  const first = afterLook(unheard(['horizon'], []), look(1_000, '7:100'))
  expect(decide(first, RULES).pace).toBe('go')
  expect(decide(afterLook(first, look(61_001, '7:100')), RULES)).toMatchObject({
    pace: 'pause',
    because: [expect.stringContaining('for 60 s (limit 60 s)')],
  })
  expect(decide(afterLook(first, look(61_001, '7:101')), RULES).pace, 'it has let go').toBe('go')
})
