import { BellowsError } from '../../core/errors.ts'
import { IN_BACKFILL } from '../../core/plan/in-backfill.ts'
import type { BackfillStep } from '../../core/plan/step.ts'
import { halves, inRange, type Range } from '../../core/run/ranges.ts'
import { id, lit, qualified, type Sql, sql, trusted } from '../../core/sql.ts'
import type { Working } from '../context.ts'
import { firedSql, tookTooLong } from './batch.ts'

/** Where in the table a batch failed. */
interface Failed {
  readonly range: Range
  readonly linesPerBlock: number
}

/** Turns the failure of a batch that its rows caused into one that names the row. Other failures stay what they are. */
export async function explainFailure(
  engine: Working,
  step: BackfillStep,
  { range, linesPerBlock }: Failed,
  error: BellowsError,
): Promise<BellowsError> {
  if (!isOfRows(error, { range, linesPerBlock })) return error
  const line = await failingLine(engine, step, { range, linesPerBlock })
  const row = line === undefined ? undefined : await nameOf(engine, step, line)
  const rowsDone = (await engine.journal.checkpoint(step.id))?.rowsDone ?? 0
  const of = `of "${step.table.name}"`
  const { failed, advice, blamed } =
    row === undefined
      ? {
          failed: `A batch ${of} could not`,
          advice: 'None of its rows fails by itself by now: run',
          blamed: {},
        }
      : { failed: `The row ${row} ${of} cannot`, advice: 'Correct that row, then run', blamed: { row } }
  return new BellowsError('backfill_failed', `${failed} be filled: ${error.message}`, {
    step: step.id,
    cause: error,
    hint: `${advice} the same command again; ${rowsDone} rows are filled and stay so. To go on without such rows: --on-bad-row quarantine.`,
    facts: { rows_done: rowsDone, ...blamed },
  })
}

/** Did rows of the range make it fail, rather than something that all of them meet? */
export function isOfRows(error: BellowsError, failed: Failed): boolean {
  return error.code === 'statement_failed' && (isCausedByRow(error) || isTooSlow(error, failed))
}

/** Of a statement that was about one row. */
export function isOfRow(error: BellowsError): boolean {
  return error.code === 'statement_failed' && (isCausedByRow(error) || tookTooLong(error))
}

/**
 * Whatever it is, as a trigger or a function of the user may raise any state, but what is of the session, the rights, the schema or the machine:
 * connections (08, 28), what cannot be done at all (0A), transactions (25, 40), what is not there or not allowed (26, 3D, 3F, 42), room and
 * limits (53), the state of other things (55), an end from outside (57), the system (58), the server itself (XX, but for a broken value, XX001), and ours.
 * Source: appendix A of the PostgreSQL manual.
 */
function isCausedByRow({ sqlstate }: BellowsError): boolean {
  return sqlstate !== undefined && !/^(08|0A|25|26|28|3D|3F|40|42|53|55|57|58|BW|XX000|XX002)/.test(sqlstate)
}

/** Somebody else holds a row that is needed. */
export function lostRace(error: unknown): boolean {
  return error instanceof BellowsError && (error.code === 'lock_not_had' || error.code === 'txn_conflict')
}

/** A larger batch is tried in smaller parts; a single row that takes too long is one that cannot be filled. */
function isTooSlow(error: BellowsError, { range, linesPerBlock }: Failed): boolean {
  return tookTooLong(error) && halves(range, linesPerBlock) === undefined
}

/**
 * Halves the range until one row is left, and rehearses each half: nothing is changed by looking. Undefined when that row does
 * not fail, because somebody corrected the one that did or the machine stalled: none is named that is not to blame.
 */
export async function failingLine(
  engine: Working,
  step: BackfillStep,
  { range, linesPerBlock }: Failed,
): Promise<Range | undefined> {
  let suspect = range
  for (;;) {
    const both = halves(suspect, linesPerBlock)
    if (both === undefined) break
    await engine.brake?.passed(engine)
    const isFirst = await isFailing(engine, step, { range: both[0], linesPerBlock })
    suspect = isFirst ? both[0] : both[1]
  }
  return (await isFailing(engine, step, { range: suspect, linesPerBlock })) ? suspect : undefined
}

async function nameOf(engine: Working, step: BackfillStep, line: Range): Promise<string> {
  const [row] = await engine.database.read<{ name: string }>(
    sql`select ${rowName(step.key)} as name from ${qualified(step.table)} where ${inRange(line)}`,
  )
  return row?.name ?? `at ctid (${line.from.block},${line.from.line})`
}

async function isFailing(
  engine: Working,
  step: BackfillStep,
  { range, linesPerBlock }: Failed,
): Promise<boolean> {
  const { lockTimeoutMs, statementTimeoutMs } = engine.settings.batch
  const statement = sql`update ${qualified(step.table)} set ${step.set} where ${inRange(range)} and ${step.unfilled}`
  try {
    // Also what would only fail at the end of the transaction.
    const statements = [...IN_BACKFILL, statement, ...firedSql(engine)]
    await engine.driver.rehearse(statements, { lockTimeoutMs, statementTimeoutMs })
    return false
  } catch (error) {
    if (!(error instanceof BellowsError) || !isOfRow(error)) throw error
    // That several rows took too long says nothing of any of them.
    return !tookTooLong(error) || isTooSlow(error, { range, linesPerBlock })
  }
}

/** `id=7, region=north`, or the place of the row in a table without a key. */
export function rowName(key: readonly string[]): Sql {
  if (key.length === 0) return sql`'ctid ' || ctid::text`
  const parts = key.map((column) => sql`pg_catalog.format('%s=%s', ${lit(column)}, ${id(column)})`)
  return trusted(parts.join(` || ', ' || `))
}
