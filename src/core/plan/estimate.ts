import { type Way, wayOf } from '../run/ladder.ts'
import { isSameName, type QualifiedName } from '../schema/model.ts'
import type { BackfillStep, StepDraft } from './step.ts'

/** What a table is like before it is filled, its partitions counted in. */
export interface Sizes {
  readonly rows: number
  readonly blocks: number
  /** Of those the ones of files that are large enough for a ladder. */
  readonly climbed: number
  readonly tableBytes: number
  readonly indexBytes: number
  /** Of the largest of them. */
  readonly largestIndexBytes: number
}

/** About what a backfill needs. */
export interface Estimate {
  readonly step: string
  readonly way: Way
  readonly rows: number
  /** Written to the log, which is kept for as long as standbys, slots and the archive need it. */
  readonly logBytes: number
  /** By which table and indexes grow. */
  readonly growthBytes: number
  /** Of one worker, on a server with nothing else to do and on one with much. */
  readonly seconds: { readonly least: number; readonly most: number }
}

/** Measured by bench/backfill, as shares of what is there. */
const LADDER = { logOfTable: 1.6, logOfIndexes: 0.2, table: 0.25, indexes: 0.05 }
const PLAIN = { logOfTable: 2.1, logOfIndexes: 1, table: 1.1, indexes: 1 }

/** What one worker did on two quiet cores; a busy server is several times slower. */
const ROWS_PER_SECOND = 200_000
const BYTES_PER_SECOND = 50_000_000
const BUSY = 5

/** Of one column of a few bytes. */
const INDEX_BYTES_A_ROW = 20

/** @param climbed which part of the blocks is gone through by a ladder */
function sharesOf(climbed: number): typeof PLAIN {
  const part = (of: keyof typeof PLAIN) => climbed * LADDER[of] + (1 - climbed) * PLAIN[of]
  return {
    logOfTable: part('logOfTable'),
    logOfIndexes: part('logOfIndexes'),
    table: part('table'),
    indexes: part('indexes'),
  }
}

/** How many indexes a plan builds on a table. */
export function buildsOn(table: QualifiedName, steps: readonly StepDraft[]): number {
  return steps.filter(
    (step) =>
      (step.kind === 'concurrent_index' || (step.kind === 'index_parts' && step.how !== 'drop')) &&
      step.locks.some(({ relation }) => isSameName(relation, table)),
  ).length
}

/**
 * From the sizes alone: a row that is filled already, or that gets NULL, costs less.
 * @param builds how many indexes are built behind it: each is taken to be as large as the largest one, and sorts as much beside it
 */
export function estimateOf({ id, once }: BackfillStep, sizes: Sizes, builds = 0): Estimate {
  const { rows, tableBytes, indexBytes } = sizes
  const isOnce = once === true
  const shares = sharesOf(isOnce || sizes.blocks === 0 ? 0 : sizes.climbed / sizes.blocks)
  const oneIndex = Math.max(sizes.largestIndexBytes, rows * INDEX_BYTES_A_ROW)
  const built = builds * oneIndex
  const sorted = builds === 0 ? 0 : oneIndex
  const least = Math.max(rows / ROWS_PER_SECOND, tableBytes / BYTES_PER_SECOND)
  return {
    step: id,
    way: wayOf(sizes, isOnce),
    rows,
    logBytes: Math.round(shares.logOfTable * tableBytes + shares.logOfIndexes * indexBytes + built),
    growthBytes: Math.round(shares.table * tableBytes + shares.indexes * indexBytes + built + sorted),
    seconds: { least: Math.ceil(least), most: Math.ceil(least * BUSY) },
  }
}
