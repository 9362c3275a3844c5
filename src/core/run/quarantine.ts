/** A row that a backfill could not fill and went on without. */
export interface QuarantinedRow {
  /** Or the partition that it is in. */
  readonly table: string
  /** By its key, such as `id=7`; by its place where it has none. */
  readonly row: string
  /** What PostgreSQL said when it was tried last, and its five letters for that. */
  readonly message: string
  readonly sqlstate: string
}

/** What a run goes on without. */
export interface Quarantine {
  readonly rows: number
  /** The first of them. */
  readonly samples: readonly QuarantinedRow[]
}

export const SAMPLES_MAX = 5

export function quarantinedText({ table, row, message }: QuarantinedRow): string {
  return `${row} of "${table}": ${message}`
}

/** All of them are counted, and the first are named. */
export function quarantineText({ rows, samples }: Quarantine): string {
  const more = rows - samples.length
  const named = samples.map(quarantinedText).join(' ')
  return `${rows === 1 ? '1 row' : `${rows} rows`} in quarantine: ${named}${more > 0 ? ` And ${more} more.` : ''}`
}
