import type { QualifiedName } from '../schema/model.ts'
import { lit, type Sql, sql } from '../sql.ts'

/** A row pointer: block of the table's file, and line within it. Lines count from 1. */
export interface Position {
  readonly block: number
  readonly line: number
}

/** Rows from one position up to another, that one excluded. */
export interface Range {
  readonly from: Position
  readonly to: Position
}

/** What is known of a table's file when a pass over it begins. */
export interface TableFile {
  /** Changes when the table is rewritten (VACUUM FULL, CLUSTER); then all positions are void. */
  readonly filenode: number
  readonly blocks: number
  /** All its rows: counted in a small table, estimated in a large one. */
  readonly rows: number
  /** Live rows of an average block. */
  readonly rowsPerBlock: number
  /** Most lines that a block can have. */
  readonly linesPerBlock: number
}

/** How much there is in some partitions. */
export interface Extent {
  readonly blocks: number
  /** Of those that were analysed. */
  readonly rows: number
  /** Blocks of those that were not. */
  readonly uncounted: number
}

/** A partition that has rows of its own, among all of them. Those before it are as large as they were at their turn: what is filled grows. */
export interface Leaf {
  readonly oid: number
  readonly table: QualifiedName
  readonly before: Extent
  readonly own: Extent
  readonly behind: Extent
}

export const NO_EXTENT: Extent = { blocks: 0, rows: 0, uncounted: 0 }

export function joined(one: Extent, other: Extent): Extent {
  return {
    blocks: one.blocks + other.blocks,
    rows: one.rows + other.rows,
    uncounted: one.uncounted + other.uncounted,
  }
}

export interface Pass {
  readonly file: TableFile
  readonly at: Position
  /** Of a table that is partitioned: where among its partitions. */
  readonly leaf?: Leaf
  /** Of a backfill: which pass over the file it is, from 1 on. Any other step has but one. */
  readonly passNumber?: number
  /** Of a backfill that ends with its first pass. */
  readonly once?: true
}

export const START: Position = { block: 0, line: 1 }

export function isBefore(a: Position, b: Position): boolean {
  return a.block < b.block || (a.block === b.block && a.line < b.line)
}

export function isThroughFile(pass: Pass): boolean {
  return pass.at.block >= pass.file.blocks
}

/** Decides which rows the next batch takes. Where it stands is in the pass, which every batch stores with its rows. */
export type Strategy = (pass: Pass, rows: number) => Range

/** The next range of about so many rows: whole blocks, or a slice of one block when a block holds more than that. */
export const blockRanges: Strategy = ({ at, file }, rows) => {
  if (rows >= file.rowsPerBlock) {
    const blocks = Math.max(1, Math.floor(rows / Math.max(1, file.rowsPerBlock)))
    return { from: at, to: { block: Math.min(at.block + blocks, file.blocks), line: 1 } }
  }
  const line = at.line + Math.max(1, Math.floor(rows))
  const to = line > file.linesPerBlock ? { block: at.block + 1, line: 1 } : { block: at.block, line }
  return { from: at, to }
}

/** About how many rows a range has; slices of a block are cut as if each of its lines had one. */
export function rowsIn({ from, to }: Range, { rowsPerBlock }: TableFile): number {
  return (to.block - from.block) * rowsPerBlock + to.line - from.line
}

/** Two halves of a range, or nothing when it is a single line. Rows are found by halving where a batch fails. */
export function halves({ from, to }: Range, linesPerBlock: number): readonly [Range, Range] | undefined {
  const first = from.block * linesPerBlock + from.line - 1
  const last = to.block * linesPerBlock + to.line - 1
  if (last - first <= 1) return undefined
  // Whole blocks as long as there are several: a block boundary is where the file is cut anyway.
  const middle =
    to.block - from.block > 1
      ? Math.floor((from.block + to.block) / 2) * linesPerBlock
      : Math.floor((first + last) / 2)
  const position = { block: Math.floor(middle / linesPerBlock), line: (middle % linesPerBlock) + 1 }
  return [
    { from, to: position },
    { from: position, to },
  ]
}

/** A Tid Range Scan (PostgreSQL 14): reads these blocks and no others. */
export function inRange({ from, to }: Range): Sql {
  return sql`ctid >= ${tid(from)} and ctid < ${tid(to)}`
}

function tid({ block, line }: Position): Sql {
  return sql`${lit(`(${block},${line})`)}::pg_catalog.tid`
}

/** All rows that a step goes through, as far as they are known. Partitions that nobody has analysed are taken to be like the one at hand. */
export function rowsOfAll({ file, leaf }: Pass): number {
  const { rows, uncounted } = leaf === undefined ? NO_EXTENT : joined(leaf.before, leaf.behind)
  return Math.round(file.rows + rows + uncounted * file.rowsPerBlock)
}

/** Of a backfill's work, the second pass, which reads whether any row was left: 0.04 to 0.1, by what was measured. */
const SECOND_PASS = 1 / 17

/** The share of a step's work on its table that is behind it, between 0 and 1. */
export function share(pass: Pass): number {
  const { leaf } = pass
  const ofFile = shareOfFile(pass)
  if (leaf === undefined) return ofFile
  const { before, own, behind } = leaf
  return Math.min(1, (before.blocks + ofFile * own.blocks) / (before.blocks + own.blocks + behind.blocks))
}

function shareOfFile({ at, file, passNumber, once }: Pass): number {
  const passed =
    file.blocks === 0 ? 1 : Math.min(1, (at.block + (at.line - 1) / file.linesPerBlock) / file.blocks)
  if (passNumber === undefined || once === true) return passed
  return passNumber === 1 ? passed * (1 - SECOND_PASS) : 1 - SECOND_PASS * (1 - passed)
}

/** What has a pace of its own: a pass, and all passes together where each partition has some. */
export function lapOf({ leaf, passNumber = 1 }: Pass): number {
  return leaf === undefined ? passNumber : 1
}
