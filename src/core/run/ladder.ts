import { lit, type Sql, sql } from '../sql.ts'
import { blockRanges, isBefore, type Range, type TableFile } from './ranges.ts'

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
export const LADDER_BLOCKS_MIN = 64

/** How a backfill goes through a table. */
export interface Way {
  readonly strategy: 'ladder' | 'plain ranges'
  /** For people, behind the word "because". */
  readonly because: string
}

/**
 * Of a whole table, as its larger part goes: each partition goes its own way.
 * @param sizes all its blocks, and those of them that are in files that are not small
 */
export function wayOf(
  { blocks, climbed }: { readonly blocks: number; readonly climbed: number },
  isOnce: boolean,
): Way {
  if (isOnce) return { strategy: 'plain ranges', because: 'each row is tried once' }
  if (climbed * 2 > blocks)
    return {
      strategy: 'ladder',
      because: `new versions then find room on their own block; by plain ranges for as long as somebody keeps dead versions from being pruned${climbed < blocks ? `; partitions of fewer than ${LADDER_BLOCKS_MIN} blocks by plain ranges` : ''}`,
    }
  const small = isSmall({ blocks })
    ? `the table has ${blocks} blocks`
    : `${climbed === 0 ? 'all' : 'most'} of its blocks are in partitions of fewer than ${LADDER_BLOCKS_MIN}`
  return {
    strategy: 'plain ranges',
    because: `${small}: a ladder reads each of them several times, and is worth it from ${LADDER_BLOCKS_MIN} on${climbed === 0 ? '' : '; larger partitions by a ladder'}`,
  }
}

export function rungsFor(file: Pick<TableFile, 'blocks'>, isOnce: boolean): number {
  // One whose value may stay NULL would be tried by every rung.
  return isOnce || isSmall(file) ? 1 : RUNGS
}

export function isSmall({ blocks }: Pick<TableFile, 'blocks'>): boolean {
  return blocks < LADDER_BLOCKS_MIN
}

/** Which rows of the range are of this rung. */
export function ofRung({ rung, rungs }: RangeRow): Sql {
  if (rung === rungs - 1) return sql`true`
  // The last two bytes of a row pointer are its line. As a text, which is the other way to it, it takes a quarter of the whole time.
  return sql`pg_catalog.get_byte(pg_catalog.tidsend(ctid), 5) % ${lit(rungs)} = ${lit(rung)}`
}

/** Ranges that follow one another over a stretch, so that one rung of each has about so many rows; no more of them than `countMax`. */
export function rangesOver(
  stretch: Range,
  file: TableFile,
  rungRows: number,
  { rungs, countMax = Number.POSITIVE_INFINITY }: { readonly rungs: number; readonly countMax?: number },
): readonly Range[] {
  const ranges: Range[] = []
  for (let at = stretch.from; ranges.length < countMax && isBefore(at, stretch.to); ) {
    const { from, to } = blockRanges({ file, at }, rungRows * rungs)
    ranges.push({ from, to: isBefore(to, stretch.to) ? to : stretch.to })
    at = to
  }
  return ranges
}
