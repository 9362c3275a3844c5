import { BellowsError } from '../../core/errors.ts'
import type { BackfillStep } from '../../core/plan/step.ts'
import { quarantinedText, SAMPLES_MAX } from '../../core/run/quarantine.ts'
import type { Driving } from '../context.ts'
import { note } from '../note.ts'
import { stopIfAsked } from '../stop.ts'
import { attempted } from './attempts.ts'
import { reasonOf } from './bad-row.ts'
import { fillTransaction } from './batch.ts'
import { isOfRow } from './failing-row.ts'
import { isOfGone } from './leaves.ts'
import { blameSql, fillLeftSql, type Left, leftOut } from './quarantine.ts'

/**
 * Tries every row again that was left out: somebody may have corrected it, or what it needs.
 * @returns those that are still left out
 */
export async function tryAgain(engine: Driving, run: number, step: BackfillStep): Promise<readonly Left[]> {
  for (const left of await leftOut(engine, step)) {
    stopIfAsked(engine)
    await engine.brake?.passed(engine)
    if (!left.isMoved) await triedAgain(engine, run, step, left)
  }
  return await leftOut(engine, step)
}

async function triedAgain(engine: Driving, run: number, step: BackfillStep, left: Left): Promise<void> {
  try {
    await attempted(engine, {
      step,
      batch: () => fillTransaction(engine, run, fillLeftSql(step, left)),
      canBeSmaller: false,
      explain: async (error) => error,
    })
  } catch (error) {
    if (await isOfGone(engine, partOf(step, left), error)) return await asItIsNow(engine, run, step, left)
    if (!(error instanceof BellowsError) || !isOfRow(error)) throw error
    const reason = reasonOf(error)
    if (reason.message !== left.message) await note(engine, run, [], [blameSql(step, left, reason)])
  }
}

/** Its partition was dropped or renamed since it was read, such as while the brake held all up. */
async function asItIsNow(engine: Driving, run: number, step: BackfillStep, before: Left): Promise<void> {
  const left = await leftOut(engine, step)
  const now = left.find(({ leaf, place }) => leaf === before.leaf && place === before.place)
  if (now?.isMoved === false) await triedAgain(engine, run, step, now)
}

function partOf(step: BackfillStep, { leaf, now }: Left) {
  return leaf === 0 || now === null ? { step } : { step: { ...step, table: now }, leaf: { oid: leaf } }
}

/** Nothing behind the backfill is done while a row lacks its value, and nobody can override that. */
export function standsOn(step: BackfillStep, left: readonly Left[]): BellowsError {
  const samples = left.slice(0, SAMPLES_MAX)
  const rows = left.length === 1 ? '1 row' : `${left.length} rows`
  return new BellowsError(
    'rows_quarantined',
    `All rows of "${step.table.name}" are filled but ${rows} in quarantine; the migration goes no further while one is there.`,
    {
      step: step.id,
      hint: `Such as ${samples.map(quarantinedText).join(' ')} Correct them by an UPDATE of the old value, or delete them, then run the same command again, which tries them once more; or take the migration back and change its mapping.`,
      facts: {
        quarantined_rows: left.length,
        samples: samples.map(({ table, row, sqlstate, message }) => ({ table, row, sqlstate, message })),
      },
    },
  )
}
