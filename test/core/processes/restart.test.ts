import { describe, expect, test } from 'vitest'
import { nextRestart } from '../../../src/core/processes/restart.ts'

describe('the pause before a restart', () => {
  test('doubles with each one in a row, and stays bounded', () => {
    const pauses = [0, 1, 2, 3, 4, 5, 6, 1_000, 5_000].map((before) => nextRestart(before, 0).pauseMs)
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000])
  })

  test('begins anew after the instance was well for a minute', () => {
    expect(nextRestart(4, 59_999)).toEqual({ inRow: 5, pauseMs: 16_000 })
    expect(nextRestart(4, 60_000)).toEqual({ inRow: 1, pauseMs: 1_000 })
  })
})
