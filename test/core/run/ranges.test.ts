import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  blockRanges,
  halves,
  inRange,
  isThroughFile,
  type Pass,
  type Position,
  type Range,
  rowsOfAll,
  START,
  share,
  type TableFile,
} from '../../../src/core/run/ranges.ts'
import { sql } from '../../../src/core/sql.ts'
import { testDatabase } from '../../support/database.ts'

const file = (more: Partial<TableFile> = {}): TableFile => ({
  filenode: 1,
  blocks: 10,
  rows: 500,
  rowsPerBlock: 50,
  linesPerBlock: 100,
  ...more,
})
const at = (block: number, line = 1): Position => ({ block, line })
const range = (from: Position, to: Position): Range => ({ from, to })

const anyFile: fc.Arbitrary<TableFile> = fc
  .record({
    blocks: fc.integer({ min: 0, max: 40 }),
    linesPerBlock: fc.integer({ min: 1, max: 300 }),
    density: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ blocks, linesPerBlock, density }) =>
    file({
      blocks,
      linesPerBlock,
      rowsPerBlock: density * linesPerBlock,
      rows: blocks * density * linesPerBlock,
    }),
  )

/** The number of a line in the file, counted from its beginning. */
const place = ({ block, line }: Position, linesPerBlock: number) => block * linesPerBlock + line - 1

/** All ranges of a pass, each as large as the next of the sizes says. */
function walk(of: TableFile, sizes: readonly number[]): readonly Range[] {
  const ranges: Range[] = []
  let pass: Pass = { file: of, at: START }
  while (!isThroughFile(pass)) {
    const next = blockRanges(pass, sizes[ranges.length % sizes.length] ?? 1)
    ranges.push(next)
    pass = { file: of, at: next.to }
    if (ranges.length > of.blocks * of.linesPerBlock) throw new Error('it does not end')
  }
  return ranges
}

describe('the next range', () => {
  test.each<[string, Partial<TableFile>, Position, number, Range]>([
    ['whole blocks', {}, at(0), 200, range(at(0), at(4))],
    ['as many as fit', {}, at(4), 120, range(at(4), at(6))],
    ['one block at least', {}, at(4), 50, range(at(4), at(5))],
    ['no further than the file', {}, at(8), 1000, range(at(8), at(10))],
    ['a slice of a block that holds more', {}, at(3), 20, range(at(3), at(3, 21))],
    ['the next slice', {}, at(3, 21), 20, range(at(3, 21), at(3, 41))],
    ['the last slice, up to the next block', {}, at(3, 81), 20, range(at(3, 81), at(4))],
    ['the rest of a block', {}, at(3, 95), 20, range(at(3, 95), at(4))],
    ['one line at least', {}, at(3), 0, range(at(3), at(3, 2))],
    ['from within a block to the beginning of another', {}, at(3, 21), 100, range(at(3, 21), at(5))],
    ['a sparse table', { rowsPerBlock: 0.5 }, at(0), 5, range(at(0), at(5))],
    ['an empty table', { rowsPerBlock: 0 }, at(0), 1, range(at(0), at(1))],
    ['rows as wide as a block', { rowsPerBlock: 1, linesPerBlock: 291 }, at(0), 3, range(at(0), at(3))],
    ['a fraction of a row', { rowsPerBlock: 3.7 }, at(0), 8, range(at(0), at(2))],
  ])('is %s', (_what, more, from, rows, expected) => {
    expect(blockRanges({ file: file(more), at: from }, rows)).toEqual(expected)
  })
})

describe('the ranges of a pass', () => {
  test('cover every position once, for any density and any size of batches', () => {
    fc.assert(
      fc.property(
        anyFile,
        fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 5 }),
        (of, sizes) => {
          let covered = 0
          for (const { from, to } of walk(of, sizes)) {
            expect(place(from, of.linesPerBlock)).toBe(covered)
            expect(place(to, of.linesPerBlock)).toBeGreaterThan(covered)
            expect(to.line).toBeGreaterThanOrEqual(1)
            expect(to.line).toBeLessThanOrEqual(of.linesPerBlock)
            covered = place(to, of.linesPerBlock)
          }
          expect(covered).toBe(of.blocks * of.linesPerBlock)
        },
      ),
    )
  })

  test('hold no more rows than asked for, unless one line or one block does', () => {
    fc.assert(
      fc.property(anyFile, fc.integer({ min: 1, max: 3_000 }), (of, rows) => {
        for (const { from, to } of walk(of, [rows])) {
          const lines = place(to, of.linesPerBlock) - place(from, of.linesPerBlock)
          const blocks = to.block - from.block
          const expected = Math.max(1, of.rowsPerBlock) * blocks
          if (rows >= of.rowsPerBlock) expect(blocks === 1 || expected <= rows).toBe(true)
          else expect(lines).toBeLessThanOrEqual(rows)
        }
      }),
    )
  })

  test('are none in an empty file', () => {
    expect(walk(file({ blocks: 0 }), [100])).toEqual([])
    expect(isThroughFile({ file: file({ blocks: 0 }), at: START })).toBe(true)
  })

  test('end with the blocks that the file had when the pass began', () => {
    expect(isThroughFile({ file: file(), at: at(9, 100) })).toBe(false)
    expect(isThroughFile({ file: file(), at: at(10) })).toBe(true)
    expect(isThroughFile({ file: file(), at: at(11) })).toBe(true)
  })
})

describe('the halves of a range', () => {
  test.each<[string, Range, readonly Range[] | undefined]>([
    ['many blocks', range(at(0), at(8)), [range(at(0), at(4)), range(at(4), at(8))]],
    ['an odd number of blocks', range(at(0), at(5)), [range(at(0), at(2)), range(at(2), at(5))]],
    ['one block', range(at(3), at(4)), [range(at(3), at(3, 51)), range(at(3, 51), at(4))]],
    [
      'a part of a block',
      range(at(3, 11), at(3, 21)),
      [range(at(3, 11), at(3, 16)), range(at(3, 16), at(3, 21))],
    ],
    ['two lines', range(at(3, 1), at(3, 3)), [range(at(3, 1), at(3, 2)), range(at(3, 2), at(3, 3))]],
    [
      'the end of one block and the next',
      range(at(3, 100), at(4, 2)),
      [range(at(3, 100), at(4)), range(at(4), at(4, 2))],
    ],
    [
      'two blocks, from within the first',
      range(at(3, 50), at(5)),
      [range(at(3, 50), at(4)), range(at(4), at(5))],
    ],
    ['a single line', range(at(3, 7), at(3, 8)), undefined],
    ['the last line of a block', range(at(3, 100), at(4)), undefined],
    ['nothing', range(at(3, 7), at(3, 7)), undefined],
  ])('of %s', (_what, of, expected) => {
    expect(halves(of, 100)).toEqual(expected)
  })

  const anyRange = fc.integer({ min: 1, max: 50 }).chain((linesPerBlock) =>
    fc
      .tuple(fc.nat(20 * linesPerBlock), fc.nat(20 * linesPerBlock))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
      .map(([first, last]) => {
        const position = (line: number) => at(Math.floor(line / linesPerBlock), (line % linesPerBlock) + 1)
        return { linesPerBlock, of: range(position(first), position(last)), first, last }
      }),
  )

  test('meet where one ends, and are both smaller than the whole', () => {
    fc.assert(
      fc.property(anyRange, ({ linesPerBlock, of, first, last }) => {
        const found = halves(of, linesPerBlock)
        expect(found === undefined).toBe(last - first <= 1)
        if (found === undefined) return
        const [left, right] = found
        expect([left.from, right.to]).toEqual([of.from, of.to])
        expect(left.to).toEqual(right.from)
        const middle = place(left.to, linesPerBlock)
        expect(middle).toBeGreaterThan(first)
        expect(middle).toBeLessThan(last)
      }),
    )
  })

  test('halved again and again end, and cover every line once', () => {
    fc.assert(
      fc.property(anyRange, ({ linesPerBlock, of, first, last }) => {
        const lines: number[] = []
        const descend = (part: Range): void => {
          const found = halves(part, linesPerBlock)
          if (found !== undefined) found.forEach(descend)
          else if (place(part.to, linesPerBlock) > place(part.from, linesPerBlock)) {
            lines.push(place(part.from, linesPerBlock))
          }
        }
        descend(of)
        expect(lines).toEqual(Array.from({ length: last - first }, (_line, offset) => first + offset))
      }),
    )
  })

  test('find a line in no more steps than its number has bits, and some for the blocks', () => {
    fc.assert(
      fc.property(anyRange, fc.nat(), ({ linesPerBlock, of, first, last }, any) => {
        fc.pre(last > first)
        const wanted = first + (any % (last - first))
        let part = of
        let steps = 0
        for (let found = halves(part, linesPerBlock); found; found = halves(part, linesPerBlock)) {
          part = place(found[0].to, linesPerBlock) > wanted ? found[0] : found[1]
          steps += 1
        }
        expect(place(part.from, linesPerBlock)).toBe(wanted)
        expect(steps).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(last - first + 1)) + 2)
      }),
    )
  })
})

describe('the share of a file', () => {
  test.each<[Position, number]>([
    [at(0), 0],
    [at(5), 0.5],
    [at(5, 51), 0.55],
    [at(10), 1],
    [at(12), 1],
  ])('at %j is %f', (position, expected) => {
    expect(share({ file: file(), at: position })).toBeCloseTo(expected)
  })

  test('that is empty was passed from the start', () => {
    expect(share({ file: file({ blocks: 0 }), at: START })).toBe(1)
  })

  test('in a backfill is the smaller part of the second pass, unless the first is the only one', () => {
    const shares = [1, 2].map((passNumber) =>
      [at(0), at(10)].map((position) => share({ file: file(), at: position, passNumber })),
    )
    expect(shares.flat()).toEqual([0, 16 / 17, 16 / 17, 1])
    expect(share({ file: file(), at: at(10), passNumber: 1, once: true })).toBe(1)
  })

  test('grows with every range, from 0 to 1', () => {
    fc.assert(
      fc.property(anyFile, fc.integer({ min: 1, max: 500 }), (of, rows) => {
        let before = of.blocks === 0 ? 1 : 0
        expect(share({ file: of, at: START })).toBe(before)
        for (const { to } of walk(of, [rows])) {
          const now = share({ file: of, at: to })
          expect(now).toBeGreaterThan(before)
          before = now
        }
        expect(before).toBe(1)
      }),
    )
  })
})

describe('the condition of a range', () => {
  test('names its first position and the one behind its last', () => {
    expect(inRange(range(at(3, 21), at(5)))).toBe(
      `ctid >= '(3,21)'::pg_catalog.tid and ctid < '(5,1)'::pg_catalog.tid`,
    )
  })

  test('takes every row of a table once, and reads no other blocks', async () => {
    const { query } = await testDatabase(
      `create table t (id integer, pad text); insert into t select i, repeat('x', i % 90) from generate_series(1, 3000) i;
       delete from t where id % 3 = 0 or id between 500 and 900`,
    )
    const [size] = await query<{ blocks: number }>(
      `select (pg_relation_size('t') / current_setting('block_size')::integer)::integer as blocks`,
    )
    const of = file({ blocks: size?.blocks ?? 0, linesPerBlock: 291, rowsPerBlock: 80 })
    for (const rows of [7, 200, 5_000]) {
      const conditions = walk(of, [rows]).map((one) => sql`select id from t where ${inRange(one)}`)
      const [counted] = await query<{ rows: number; different: number }>(
        `select count(*)::integer as rows, count(distinct id)::integer as different from (${conditions.join(' union all ')}) u`,
      )
      const [all] = await query<{ rows: number }>('select count(*)::integer as rows from t')
      expect(counted).toEqual({ rows: all?.rows, different: all?.rows })
    }
    const plan = await query<{ 'QUERY PLAN': string }>(
      sql`explain select id from t where ${inRange(range(at(1), at(2)))}`,
    )
    expect(plan[0]?.['QUERY PLAN']).toMatch(/^Tid Range Scan on t/)
  })
})

describe('of a partitioned table', () => {
  const extent = (blocks: number, rows: number, uncounted = 0) => ({ blocks, rows, uncounted })
  const table = { namespace: 'public', name: 'part' }
  /** In the middle of the second partition; it has 500 rows in 10 blocks. */
  const pass = (before: number, own: number): Pass => ({
    file: file(),
    at: at(5),
    leaf: {
      oid: 2,
      table,
      before: extent(before, 100, 5),
      own: extent(own, 480),
      behind: extent(20, 300, 10),
    },
  })

  test('the rows are those that ANALYZE has counted, and for the rest as many in a block as in the partition at hand', () => {
    expect(rowsOfAll(pass(10, 10))).toBe(100 + 500 + 300 + 15 * 50)
    expect(rowsOfAll({ file: file(), at: START })).toBe(500)
  })

  test('the share is that of its blocks, as large as they were when their turn came', () => {
    expect(share(pass(10, 10))).toBe(15 / 40)
    expect(share(pass(0, 10))).toBe(5 / 30)
  })
})
