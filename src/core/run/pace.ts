/** How large batches are: about so many rows of one transaction. */
export interface Pace {
  readonly rows: number
  readonly rowsMax: number
  /** How long a batch is to take; absent where somebody has said how many rows it has. */
  readonly targetMs?: number
}

/** In a moment, so that hardly anybody notices; from there on it is the time of a batch that decides. */
const FIRST_ROWS = 1_000
const ROWS_MAX = 50_000
/** No more rows than fill so many blocks, 32 MB of 8 kB each. */
const BLOCKS_MAX = 4_096
/**
 * What a batch writes to the log comes in one piece to whoever follows it. A row may cost much more there than it is large: behind a
 * checkpoint each block of the table and of an index that is changed goes along as a whole, and triggers write as well.
 */
const LOG_BYTES_MAX = 64 * 2 ** 20
/** One odd batch does not decide. */
const STEP_MAX = 2
const QUICK_SHARE = 4

/** Did a batch take so little of what it may take that the next one can be twice as large? */
export function wasQuick(ms: number, mostMs: number): boolean {
  return ms * QUICK_SHARE <= mostMs
}

export function firstPace(
  { rows, targetMs }: { readonly rows: number | 'by_time'; readonly targetMs: number },
  { rowsPerBlock }: { readonly rowsPerBlock: number },
): Pace {
  if (rows !== 'by_time') return { rows, rowsMax: rows }
  const rowsMax = Math.min(ROWS_MAX, Math.max(1, Math.floor(BLOCKS_MAX * rowsPerBlock)))
  return { rows: Math.min(FIRST_ROWS, rowsMax), rowsMax, targetMs }
}

/** Below so many rows it is what a statement costs in any case that takes the time, and smaller batches take longer as a whole. */
const ROWS_ENOUGH = 20

/** A batch over a range of so many rows. */
export interface Paced {
  readonly rows: number
  readonly ms: number
  /** Written to the log meanwhile, by whomever: what others write makes the next batch smaller, never larger. */
  readonly logBytes: number
}

/**
 * After a batch that could have taken `mostMs`. How many of its rows were to be filled does not matter: where few are, the time says that more can
 * be gone through, and where many come again it says so, too. What somebody has said is no more than followed.
 */
export function paced(pace: Pace, batch: Paced, mostMs: number): Pace {
  const { rows, targetMs } = pace
  const grown = wasQuick(batch.ms, mostMs) ? rows * STEP_MAX : rows
  if (targetMs === undefined) return bounded(pace, grown)
  const byTime =
    rows < ROWS_ENOUGH ? grown : Math.max(ROWS_ENOUGH, (batch.rows * targetMs) / Math.max(batch.ms, 1))
  return bounded(pace, Math.min(byTime, (batch.rows * LOG_BYTES_MAX) / Math.max(batch.logBytes, 1)))
}

/** After one that the server ended because it took too long. */
export function slowed(pace: Pace): Pace {
  return bounded(pace, pace.rows / STEP_MAX)
}

function bounded(pace: Pace, wanted: number): Pace {
  const rows = Math.min(pace.rows * STEP_MAX, pace.rowsMax, Math.max(1, pace.rows / STEP_MAX, wanted))
  return { ...pace, rows: Math.round(rows) }
}
