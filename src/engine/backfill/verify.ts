import { BellowsError } from '../../core/errors.ts'
import type { VerifyStep } from '../../core/plan/step.ts'
import { NOTHING_FOUND } from '../../core/run/compared.ts'
import type { Verdict } from '../../core/run/event.ts'
import { START } from '../../core/run/ranges.ts'
import type { Driving } from '../context.ts'
import { note } from '../note.ts'
import { forgetSql, reopenBackfillSql, resumed, setBackSql } from './checkpoint.ts'
import { type Comparison, type ComparisonState, compare } from './compare.ts'
import { fileOf } from './file.ts'
import { comparedColumns } from './found.ts'
import { eachPart, isOf, type Part } from './leaves.ts'
import { leavingWord } from './word.ts'
import { teller } from './work-through.ts'

/**
 * Compares every row of the table, chunk by chunk; see `compare`.
 * @throws BellowsError `verification_failed` with figures and sample rows. The failure is in the journal, and the checkpoint is
 *   gone: a later attempt compares the whole table anew, so that no restart can skip what was found
 */
export async function verify(engine: Driving, run: number, step: VerifyStep): Promise<Verdict> {
  const tell = teller(engine, step.id, leavingWord(engine, step.id))
  let verdict: Verdict | undefined
  let known: ComparisonState | undefined
  await eachPart(engine, step, async (part, pass) => {
    const before = pass as ComparisonState | undefined
    const isBegun = before !== undefined && isOf(part, before)
    const start = isBegun ? before : await fresh(engine, part, verdict ?? before?.ahead ?? NOTHING_FOUND)
    // Of a partition that has left nothing counts.
    if (!isBegun && before?.ahead !== undefined && before !== known)
      await note(engine, run, [], [setBackSql(step.id, start, start.verdict.rows)])
    known = before
    verdict = await foundUpTo(engine, { run, tell, ...part }, start)
  })
  const at = await stateOf(engine, step)
  // The last one has left, and what an earlier attempt found in those before it stands.
  verdict ??= at?.ahead ?? NOTHING_FOUND
  const counted = at === undefined ? undefined : { ...at, verdict }
  if (counted !== undefined && at?.verdict.rows !== verdict.rows)
    await note(engine, run, [], [setBackSql(step.id, counted, verdict.rows)])
  if (differs(verdict)) throw await refuted(engine, run, step, verdict)
  return verdict
}

export function differs({ diverged, unfilled }: Pick<Verdict, 'diverged' | 'unfilled'>): boolean {
  return diverged + unfilled > 0
}

/** Writes down what was found, and returns what is to be said of it. */
export async function refuted(
  engine: Driving,
  run: number,
  step: VerifyStep,
  verdict: Verdict,
): Promise<BellowsError> {
  const again = [forgetSql(step.id), ...(verdict.unfilled > 0 ? [reopenBackfillSql(run)] : [])]
  await note(engine, run, [{ type: 'verification_failed', step: step.id, verdict }], again)
  return verificationFailed(step, verdict)
}

async function stateOf(engine: Driving, step: VerifyStep): Promise<ComparisonState | undefined> {
  return resumed(await engine.journal.checkpoint(step.id)) as ComparisonState | undefined
}

/** @param ahead what was found in the partitions before this one */
async function fresh(
  engine: Driving,
  { step, leaf }: Part<VerifyStep>,
  ahead: Verdict,
): Promise<ComparisonState> {
  const file = await fileOf(engine, step)
  return { at: START, file, verdict: ahead, ...(leaf === undefined ? {} : { leaf, ahead }) }
}

/** What is found up to the end of a part, from where it stands. */
async function foundUpTo(engine: Driving, work: Comparison, start: ComparisonState): Promise<Verdict> {
  const end = await compare(engine, work, start)
  if (end !== undefined) return end.verdict
  // Rows that were compared in the file before it count no more.
  const anew = await fresh(engine, work, start.ahead ?? NOTHING_FOUND)
  await note(engine, work.run, [], [setBackSql(work.step.id, anew, anew.verdict.rows)])
  return await foundUpTo(engine, work, anew)
}

function verificationFailed(step: VerifyStep, { diverged, unfilled, samples }: Verdict): BellowsError {
  const compared = (step.each ?? [step]).map(comparedColumns).join(', or ')
  const found = [
    diverged > 0 ? `${diverged} rows where they differ` : '',
    unfilled > 0 ? `${unfilled} rows still unfilled` : '',
  ]
  return new BellowsError(
    'verification_failed',
    `${compared} of "${step.table.name}" do not agree: ${found.filter((text) => text !== '').join(' and ')}.`,
    {
      step: step.id,
      hint: `Such as ${samples.join('; ')}. Set the right value in one of the two columns (the other follows), then run the same command again.`,
      facts: { diverged_rows: diverged, unfilled_rows: unfilled, samples },
    },
  )
}
