import { describe, expect, test } from 'vitest'
import type { Estimate } from '../../../src/core/plan/estimate.ts'
import { isShort, type LogKept, needOf, roomText } from '../../../src/core/throttle/room.ts'
import { DEFAULT_BRAKE } from '../../../src/default-brake.ts'

const GB = 1024 ** 3
const MB = 1024 ** 2
const estimate = (logBytes: number, growthBytes: number): Estimate => ({
  way: { strategy: 'ladder', because: 'it is large' },
  step: 's',
  rows: 1,
  logBytes,
  growthBytes,
  seconds: { least: 1, most: 1 },
})
const LOG: LogKept = { logBytesMax: GB, fileBytes: 16 * MB, hasSlots: false, isArchived: false }
const SMALL = estimate(100 * MB, 20 * MB)
const LARGE = estimate(100 * GB, 10 * GB)

describe('what backfills need on the disk', () => {
  test.each<[string, readonly Estimate[], Partial<LogKept>, number]>([
    ['is all that tables grow by, and the log of a small one', [SMALL], {}, 120 * MB],
    ['is of the log as much as is there between two checkpoints', [LARGE], {}, 11 * GB],
    ['of several together is the log of one moment', [LARGE, LARGE], {}, 21 * GB],
    ['is as much more as the brake lets a slot keep', [LARGE], { hasSlots: true }, 21 * GB],
    [
      'is as much more as the brake lets wait for the archive',
      [LARGE],
      { isArchived: true },
      11 * GB + 640 * MB,
    ],
  ])('%s', (_what, estimates, log, need) => {
    expect(needOf(estimates, { ...LOG, ...log }, DEFAULT_BRAKE)).toBe(need)
  })

  test.each([
    ['slots', { slotBytes: 'off' }, { hasSlots: true }],
    ['the archive', { archiveFiles: 'off' }, { isArchived: true }],
  ] as const)('is the whole log where nothing bounds %s', (_what, limits, log) => {
    expect(needOf([LARGE], { ...LOG, ...log }, { ...DEFAULT_BRAKE, ...limits })).toBe(110 * GB)
  })
})

describe('the room on the disk', () => {
  const room = (freeBytes: number | null) => ({ needBytes: 3 * GB, reserveBytes: 2 * GB, freeBytes })

  test('is short where what is needed would take of the reserve, and not where nobody knows', () => {
    expect([5 * GB, 5 * GB - 1, -GB, null].map((free) => isShort(room(free)))).toEqual([
      false,
      true,
      true,
      false,
    ])
  })

  test('is told with what is free and what stays, or that it is not known', () => {
    expect([5 * GB, -GB, null].map((free) => roomText(room(free)))).toEqual([
      'needs 3 GB, of 5 GB that are free 2 GB stay for everybody else',
      'needs 3 GB, of 0 bytes that are free 2 GB stay for everybody else',
      'needs 3 GB; how much is free is not known',
    ])
  })
})
