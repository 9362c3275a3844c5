import type { Estimate } from '../plan/estimate.ts'
import type { Limits } from './limits.ts'
import { bytesText } from './words.ts'

/** What backfills need on the disk, and what is there. */
export interface Room {
  readonly needBytes: number
  /** Absent where nobody knows. */
  readonly freeBytes: number | null
  /** Of what is free, for everybody else. */
  readonly reserveBytes: number
}

/** What the server does with its log. */
export interface LogKept {
  /** `max_wal_size`: what a checkpoint frees again is not more than that, about. */
  readonly logBytesMax: number
  readonly fileBytes: number
  readonly hasSlots: boolean
  readonly isArchived: boolean
}

/**
 * All of what tables and indexes grow by, and of the log as much as is there at one moment: what is written between two checkpoints, and
 * what the brake lets slots and the archive keep.
 */
export function needOf(estimates: readonly Estimate[], log: LogKept, limits: Limits): number {
  const { logBytesMax, fileBytes, hasSlots, isArchived } = log
  const { slotBytes, archiveFiles } = limits
  const most = [
    logBytesMax,
    hasSlots ? (slotBytes === 'off' ? Number.POSITIVE_INFINITY : slotBytes) : 0,
    isArchived ? (archiveFiles === 'off' ? Number.POSITIVE_INFINITY : archiveFiles * fileBytes) : 0,
  ]
  const sum = (figures: readonly number[]) => figures.reduce((all, one) => all + one, 0)
  return (
    sum(estimates.map(({ growthBytes }) => growthBytes)) +
    Math.min(sum(estimates.map(({ logBytes }) => logBytes)), sum(most))
  )
}

/** What is not known is not refused: the plan says so. */
export function isShort({ needBytes, freeBytes, reserveBytes }: Room): boolean {
  return freeBytes !== null && needBytes > freeBytes - reserveBytes
}

export function roomText({ needBytes, freeBytes, reserveBytes }: Room): string {
  const need = `needs ${bytesText(needBytes)}`
  return freeBytes === null
    ? `${need}; how much is free is not known`
    : `${need}, of ${bytesText(Math.max(0, freeBytes))} that are free ${bytesText(reserveBytes)} stay for everybody else`
}
