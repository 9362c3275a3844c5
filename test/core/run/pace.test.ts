import { describe, expect, test } from 'vitest'
import { firstPace, type Pace, paced, slowed } from '../../../src/core/run/pace.ts'

const MOST_MS = 600

/** What it comes to where every row takes so long, and so much of the log. */
function settled(start: Pace, msPerRow: number, logPerRow = 0): number {
  let pace = start
  for (let time = 0; time < 30; time += 1)
    pace = paced(pace, batch(pace.rows, pace.rows * msPerRow, pace.rows * logPerRow), MOST_MS)
  return pace.rows
}

const batch = (rows: number, ms: number, logBytes = 0) => ({ rows, ms, logBytes })

const byTime = (rowsPerBlock = 40) => firstPace({ rows: 'by_time', targetMs: 25 }, { rowsPerBlock })

describe('the pace of batches', () => {
  test('is no more than fills 4,096 blocks, however quick it is', () => {
    expect([40, 7, 0.1, 0.0001].map((rowsPerBlock) => settled(byTime(rowsPerBlock), 0.000_001))).toEqual([
      50_000, 28_672, 409, 1,
    ])
    expect(byTime(0.1).rows, 'from the first one on').toBe(409)
  })

  test.each([
    [0.005, 5_000],
    [0.025, 1_000],
    [1, 25],
    [0.000_001, 50_000],
  ])('settles where a row takes %s ms at %s rows for 25 ms', (msPerRow, rows) => {
    expect(settled(byTime(), msPerRow)).toBe(rows)
  })

  test.each([
    ['16 kB', 16 * 1024, 4_096],
    ['1 MB', 2 ** 20, 64],
    ['100 MB', 100 * 2 ** 20, 1],
  ])('writes no more than 64 MB to the log, where a row takes %s there', (_what, logPerRow, rows) => {
    expect(settled(byTime(), 0.000_001, logPerRow)).toBe(rows)
  })

  test('is not made larger by what others write to the log meanwhile', () => {
    const pace = byTime()
    expect(paced(pace, batch(1_000, 25, 640 * 2 ** 20), MOST_MS).rows).toBe(500)
    expect(paced(pace, batch(1_000, 25, 1), MOST_MS).rows).toBe(1_000)
  })

  test('is at most halved or doubled by one batch', () => {
    const pace = byTime()
    expect(paced(pace, batch(1_000, 590), MOST_MS).rows).toBe(500)
    expect(paced(pace, batch(1_000, 0), MOST_MS).rows).toBe(2_000)
  })

  test('follows the time of a range that was made smaller or larger than it is by now', () => {
    const pace = { ...byTime(), rows: 4_000 }
    expect(paced(pace, batch(1_000, 10), MOST_MS).rows).toBe(2_500)
    expect(paced(pace, batch(16_000, 100), MOST_MS).rows).toBe(4_000)
  })

  test('does not fall below what a statement costs in any case, but where the server ends one', () => {
    const pace = byTime()
    expect(settled(pace, 3), 'as if a trigger took long for each row').toBe(20)
    const slow = slowed(slowed({ ...pace, rows: 20 }))
    expect(slow.rows).toBe(5)
    expect(paced(slow, batch(5, 500), MOST_MS).rows, 'a larger one would be ended again').toBe(5)
    expect(paced(slow, batch(5, 50), MOST_MS).rows).toBe(10)
  })

  test('that somebody has said is kept, and comes back after a batch that was too slow', () => {
    const pace = firstPace({ rows: 300, targetMs: 25 }, { rowsPerBlock: 40 })
    expect([settled(pace, 0.001), settled(pace, 1), settled(pace, 0.001, 2 ** 20)]).toEqual([300, 300, 300])
    const slow = slowed(slowed(pace))
    expect(slow.rows).toBe(75)
    expect(paced(slow, batch(75, 400), MOST_MS).rows).toBe(75)
    expect(settled(slow, 0.1)).toBe(300)
  })

  test('is one row at least', () => {
    expect(slowed({ rows: 1, rowsMax: 1 }).rows).toBe(1)
  })
})
