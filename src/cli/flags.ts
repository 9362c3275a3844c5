import { type Command, InvalidArgumentError, Option } from 'commander'
import type { SettingsChange } from '../config.ts'
import type { DatabaseFlags } from './session.ts'

export function addDatabaseFlags(command: Command): Command {
  return command
    .option(
      '-d, --database <url>',
      'postgres:// URL of a direct connection (default: DIRECT_URL, DATABASE_URL, PG*)',
    )
    .option('-m, --migrations <folder>', 'folder of the migration files (default: migrations)')
    .option('--json', 'one JSON document on stdout')
}

/** Flags that bound how a command may touch the database. */
export interface BoundFlags extends DatabaseFlags {
  readonly lockTimeout?: number
  readonly lockDeadline?: number
  readonly batchSize?: number
  readonly workers?: number
  readonly onBadRow?: 'stop' | 'quarantine'
  readonly wait?: number
}

export function addBoundFlags(command: Command): Command {
  return addDatabaseFlags(command)
    .option('--lock-timeout <ms>', 'longest that others wait behind one attempt to get a lock', wholeNumber)
    .option('--lock-deadline <ms>', 'give up on a lock after so long', wholeNumber)
    .option(
      '--batch-size <rows>',
      'rows of one batch, about; as many as its time allows when not given',
      wholeNumber,
    )
    .option('--workers <n>', 'batches that run side by side, of a backfill or of the comparison', wholeNumber)
    .addOption(
      new Option(
        '--on-bad-row <what>',
        'of a row that a backfill cannot fill: stop there, or go on without it and stand at the end',
      ).choices(['stop', 'quarantine']),
    )
    .option('--wait <ms>', 'longest wait for another driver of the same database', wholeNumber)
}

export function boundSettings(flags: BoundFlags): SettingsChange {
  const { lockTimeout, lockDeadline, batchSize, workers, onBadRow, wait } = flags
  return {
    lock: {
      ...(lockTimeout === undefined ? {} : { heldTimeoutMs: lockTimeout }),
      ...(lockDeadline === undefined ? {} : { deadlineMs: lockDeadline }),
    },
    batch: {
      ...(batchSize === undefined ? {} : { rows: batchSize }),
      ...(workers === undefined ? {} : { workers }),
      ...(onBadRow === undefined ? {} : { onBadRow }),
    },
    ...(wait === undefined ? {} : { driver: { waitMs: wait } }),
  }
}

/** What is only white space is most often a variable that nobody has set. */
export function filled(text: string): string {
  if (text.trim() !== '') return text
  throw new InvalidArgumentError('It must not be empty.')
}

export function wholeNumber(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new InvalidArgumentError('It must be a whole number of at least 1.')
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `30s`, `10min`, `24h`, `0`: a time in milliseconds. */
export function time(text: string): number {
  const [, figure, unit] = /^(\d+)\s*([a-z]*)$/.exec(text) ?? []
  const factor = unit === '' && figure === '0' ? 0 : UNITS[unit ?? '']
  if (figure === undefined || factor === undefined)
    throw new InvalidArgumentError('It must be a time such as 30s, 10min or 24h.')
  return Number(figure) * factor
}
