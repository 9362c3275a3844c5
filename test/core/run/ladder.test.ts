import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ofRung, type RangeRow, rangesOver, rungsFor } from '../../../src/core/run/ladder.ts'
import { type Position, START, type TableFile } from '../../../src/core/run/ranges.ts'
import { testDatabase } from '../../support/database.ts'

const file = (blocks: number): TableFile => ({
  filenode: 1,
  blocks,
  rows: blocks * 50,
  rowsPerBlock: 50,
  linesPerBlock: 291,
})
const range = (rung: number, rungs: number): RangeRow => ({
  from: START,
  to: { block: 10, line: 1 },
  rung,
  rungs,
})

describe('a ladder', () => {
  test.each([
    [64, false, 8],
    [63, false, 1],
    [0, false, 1],
    [64, true, 1],
  ])('has over %s blocks, of rows that are tried once: %s, %s rungs', (blocks, isOnce, rungs) => {
    expect(rungsFor(file(blocks), isOnce)).toBe(rungs)
  })

  test('leaves whatever is left to its last rung', () => {
    expect([ofRung(range(0, 1)), ofRung(range(7, 8))]).toEqual(['true', 'true'])
  })

  test('has each row of a block in one of the rungs before that, or in the last one alone', async () => {
    const database = await testDatabase('create table rows as select i from generate_series(1, 500) i')
    const rungs = Array.from({ length: 7 }, (_, rung) => ofRung(range(rung, 8)))
    const [counted] = await database.query<Record<string, number>>(
      `select ${rungs.map((of, at) => `count(*) filter (where ${of})::int as r${at}`).join(', ')},
        max(${rungs.map((of) => `(${of})::int`).join(' + ')})::int as most from rows`,
    )
    const { most, ...each } = counted ?? {}
    expect(most).toBe(1)
    expect(Math.min(...Object.values(each))).toBeGreaterThan(55)
    expect(Math.max(...Object.values(each))).toBeLessThan(70)
  })

  test('goes through ranges that follow one another to the end of the file, each of as many rows as its rungs have together', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 400 }),
        fc.integer({ min: 1, max: 5_000 }),
        fc.constantFrom(1, 8),
        (blocks, rows, rungs) => {
          const end = { block: blocks, line: 1 }
          const from = (at: Position) =>
            rangesOver({ from: at, to: end }, file(blocks), rows, { rungs, countMax: 16 })
          let at = START
          for (let ranges = from(at); ranges.length > 0; ranges = from(at)) {
            expect(ranges.length).toBeLessThanOrEqual(16)
            for (const { from: begin, to } of ranges) {
              expect(begin).toEqual(at)
              expect((to.block - begin.block) * 50).toBeLessThanOrEqual(Math.max(50, rows * rungs))
              at = to
            }
          }
          expect(at.block).toBe(blocks)
        },
      ),
    )
  })
})
