import { BellowsError } from '../../core/errors.ts'
import type { RangeRow } from '../../core/run/ladder.ts'
import { halves, isBefore, type Range } from '../../core/run/ranges.ts'
import type { Working } from '../context.ts'
import { note } from '../note.ts'
import { failingLine, lostRace } from './failing-row.ts'
import { type Reason, type SetAside, setAsideSql } from './quarantine.ts'
import { splitSql } from './range-rows.ts'
import type { Worker } from './worker.ts'

/**
 * After a rung that a row made fail: the row gets a range of its own, and a range of one row whose rung has failed is left out. So nothing is
 * left out that was not really tried, alone; and everything beside it is filled as before.
 */
export async function goOnWithout(
  engine: Working,
  work: Worker,
  range: RangeRow,
  error: BellowsError,
): Promise<void> {
  const { linesPerBlock } = work.pass.file
  const both = halves(range, linesPerBlock)
  if (both === undefined) {
    await setAside(engine, work, range, error)
    return
  }
  const line = await failingLine(engine, work.step, { range, linesPerBlock }).catch((failure: unknown) => {
    // Somebody else has a row of it; the halves tell as well.
    if (!lostRace(failure)) throw failure
  })
  const pieces = line === undefined ? both : around(range, line)
  await note(engine, work.run, [], [splitSql(work, range, pieces)])
}

/** What is before a line, the line, and what is behind it. */
function around(range: Range, line: Range): readonly Range[] {
  const pieces = [{ from: range.from, to: line.from }, line, { from: line.to, to: range.to }]
  return pieces.filter(({ from, to }) => isBefore(from, to))
}

async function setAside(engine: Working, work: Worker, range: RangeRow, error: BellowsError): Promise<void> {
  const { step, run, pass } = work
  const { quarantineMax } = engine.settings.batch
  const reason = reasonOf(error)
  const statements = setAsideSql({ ...work, file: pass.file }, range, reason, quarantineMax)
  const { rows, isFull, row } = (await note(engine, run, [], statements)) as SetAside
  if (isFull) throw tooMany(step.table.name, { step: step.id, most: quarantineMax, error })
  if (row === null) return
  engine.notify({
    type: 'quarantined',
    step: step.id,
    rows,
    newest: { table: step.table.name, row, ...reason },
  })
}

/** Values in it may be long. */
const MESSAGE_MAX = 300

export function reasonOf({ message, sqlstate = '' }: BellowsError): Reason {
  return { message: message.length > MESSAGE_MAX ? `${message.slice(0, MESSAGE_MAX)}…` : message, sqlstate }
}

function tooMany(
  table: string,
  { step, most, error }: { readonly step: string; readonly most: number; readonly error: BellowsError },
): BellowsError {
  return new BellowsError(
    'backfill_failed',
    `More than ${most} rows of "${table}" cannot be filled, which is as many as may be in quarantine. The last one: ${error.message}`,
    {
      step,
      cause: error,
      hint: 'With so many the mapping is likely to be wrong: "bellows status" names some of them. Roll the migration back and correct it; or correct the rows, or raise batch.quarantineMax, and run the same command again.',
      facts: { quarantined_rows: most },
    },
  )
}
