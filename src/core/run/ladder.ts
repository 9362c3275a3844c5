import { lit, type Sql, sql } from '../sql.ts'
import { blockRanges, isThroughFile, type Pass, type Position, type Range, type TableFile } from './ranges.ts'

/**
 * A range of a table's file that is gone through in several rungs: short transactions, each with every so-many-th row of every block. When
 * the first rungs have committed, what they left dead is pruned, and the new versions of later rungs find room on their own block: no
 * entry in any index, half of the log, and a file that hardly grows. The last rung takes whatever is left.
 */
export interface RangeRow extends Range {
  readonly rungs: number
  /** The one that is next. */
  readonly rung: number
}

/** With 4 the file grows by a third, with 8 by a fifth; more make each transaction read more blocks for fewer rows. */
const RUNGS = 8
/** A file that is small is not worth it: it is read again for every rung. */
const LADDER_BLOCKS_MIN = 64

/** Room for new versions comes only where rows are changed once: one whose value may stay NULL would be tried by every rung. */
export function rungsFor({ blocks }: TableFile, isOnce: boolean): number {
  return isOnce || blocks < LADDER_BLOCKS_MIN ? 1 : RUNGS
}

/** Which rows of the range are of this rung. */
export function ofRung({ rung, rungs }: RangeRow): Sql {
  if (rung === rungs - 1) return sql`true`
  // The text of a row pointer is '(block,line)', which reads as a point.
  return sql`(ctid::text::pg_catalog.point)[1]::integer % ${lit(rungs)} = ${lit(rung)}`
}

/** The pieces of a range of which one rung has about so many rows. */
export function piecesOf(range: RangeRow, file: TableFile, rows: number): readonly Range[] {
  const pieces: Range[] = []
  for (let at = range.from; isBefore(at, range.to); ) {
    const { from, to } = blockRanges({ file, at }, rows * range.rungs)
    pieces.push({ from, to: isBefore(to, range.to) ? to : range.to })
    at = to
  }
  return pieces
}

function isBefore(a: Position, b: Position): boolean {
  return a.block < b.block || (a.block === b.block && a.line < b.line)
}

/** The next ranges of the file, so that one rung of each has about so many rows. */
export function rangesFrom(
  pass: Pass,
  rows: number,
  { rungs, count }: { readonly rungs: number; readonly count: number },
): readonly Range[] {
  const ranges: Range[] = []
  for (let at = pass.at; ranges.length < count && !isThroughFile({ ...pass, at }); ) {
    const range = blockRanges({ ...pass, at }, rows * rungs)
    ranges.push(range)
    at = range.to
  }
  return ranges
}
