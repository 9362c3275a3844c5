import { describe, expect, test } from 'vitest'
import { buildsOn, estimateOf } from '../../../src/core/plan/estimate.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import type { BackfillStep } from '../../../src/core/plan/step.ts'
import { facts, index, schemaOf, table } from '../../support/model.ts'
import { rename } from '../../support/rename.ts'

const STEP = { id: '0001_test/backfill/1' } as BackfillStep
const MILLION = {
  rows: 1_000_000,
  blocks: 33_000,
  climbed: 33_000,
  tableBytes: 270_000_000,
  indexBytes: 60_000_000,
  largestIndexBytes: 40_000_000,
}

describe('an estimate', () => {
  test('is of what the ladder takes: half as much log, and hardly any room', () => {
    expect(estimateOf(STEP, MILLION)).toEqual({
      step: '0001_test/backfill/1',
      way: { strategy: 'ladder', because: expect.stringContaining('on their own block') },
      rows: 1_000_000,
      logBytes: 444_000_000,
      growthBytes: 70_500_000,
      seconds: { least: 6, most: 27 },
    })
  })

  test('is of twice the table, and all indexes anew, where each row is tried once', () => {
    const { way, logBytes, growthBytes } = estimateOf({ ...STEP, once: true }, MILLION)
    expect(way).toEqual({ strategy: 'plain ranges', because: 'each row is tried once' })
    expect(logBytes).toBeGreaterThan(2 * MILLION.tableBytes)
    expect(growthBytes).toBeGreaterThan(MILLION.tableBytes + MILLION.indexBytes)
  })

  test.each([
    [12_000, 'plain ranges', /^all of its blocks are in partitions of fewer than 64: a ladder/, 0],
    [12_000, 'plain ranges', /^most of its blocks .* from 64 on; larger partitions by a ladder$/, 3_000],
    [12_000, 'ladder', /; partitions of fewer than 64 blocks by plain ranges$/, 9_000],
  ])(
    'of %i blocks goes by %s, %s, where so many are in partitions that are climbed: %i',
    (blocks, strategy, because, climbed) => {
      const [plain, ladder] = [estimateOf({ ...STEP, once: true }, MILLION), estimateOf(STEP, MILLION)]
      const found = estimateOf(STEP, { ...MILLION, blocks, climbed })
      expect(found.way).toEqual({ strategy, because: expect.stringMatching(because) })
      const between = (of: 'logBytes' | 'growthBytes') =>
        (ladder[of] * climbed + plain[of] * (blocks - climbed)) / blocks
      expect(found.logBytes).toBeCloseTo(between('logBytes'), -1)
      expect(found.growthBytes).toBeCloseTo(between('growthBytes'), -1)
    },
  )

  test('has room for the indexes that are built behind it, and for what they sort', () => {
    const [without, with2] = [estimateOf(STEP, MILLION), estimateOf(STEP, MILLION, 2)]
    expect(with2.growthBytes - without.growthBytes).toBe(3 * MILLION.largestIndexBytes)
    expect(with2.logBytes - without.logBytes).toBe(2 * MILLION.largestIndexBytes)
    const bare = { ...MILLION, indexBytes: 0, largestIndexBytes: 0 }
    expect(estimateOf(STEP, bare, 1).growthBytes).toBeGreaterThan(estimateOf(STEP, bare).growthBytes)
  })

  test('counts the indexes that a plan builds on the table', () => {
    const users = table({ indexes: [index('by_name', ['name']), index('by_id', ['id'])] })
    const { steps } = makePlan({ name: '0001_test', operations: [rename()] }, schemaOf(users), facts())
    expect(buildsOn(users, steps)).toBe(1)
    expect(buildsOn({ namespace: 'public', name: 'orders' }, steps)).toBe(0)
  })

  test('grows with the work and not faster', () => {
    const ten = {
      rows: 1e7,
      blocks: 330_000,
      climbed: 330_000,
      tableBytes: 2.7e9,
      indexBytes: 6e8,
      largestIndexBytes: 4e8,
    }
    const [small, large] = [estimateOf(STEP, MILLION), estimateOf(STEP, ten)]
    expect(large.logBytes).toBe(10 * small.logBytes)
    expect(large.seconds.least).toBe(54)
  })

  test('of a table without rows is nothing', () => {
    expect(
      estimateOf(STEP, {
        rows: 0,
        blocks: 0,
        climbed: 0,
        tableBytes: 0,
        indexBytes: 0,
        largestIndexBytes: 0,
      }),
    ).toEqual({
      step: STEP.id,
      way: { strategy: 'plain ranges', because: expect.stringMatching(/^the table has 0 blocks/) },
      rows: 0,
      logBytes: 0,
      growthBytes: 0,
      seconds: { least: 0, most: 0 },
    })
  })
})
