import { BellowsError } from '../../core/errors.ts'
import type { Comparison } from '../../core/plan/comparison.ts'
import type { VerifyStep } from '../../core/plan/step.ts'
import type { Verdict } from '../../core/run/event.ts'
import { blockRanges, inRange, type Pass, type Range, rowsOfAll, START } from '../../core/run/ranges.ts'
import { join, lit, qualified, type Sql, sql } from '../../core/sql.ts'
import type { Driving } from '../context.ts'
import { note } from '../note.ts'
import type { Checkpoint } from '../ports.ts'
import { type Batch, batchOf, batchTransaction } from './batch.ts'
import { forgetSql, type Marked, markSql, reopenBackfillSql } from './checkpoint.ts'
import { rowName } from './failing-row.ts'
import { isRewritten, readFile } from './file.ts'
import { isOf, type Part, partsOf } from './leaves.ts'
import { teller, workThrough } from './work-through.ts'

interface State extends Pass {
  readonly verdict: Verdict
}

const NOTHING: Verdict = { rows: 0, unfilled: 0, diverged: 0, lossy: 0, samples: [] }
const SAMPLES_MAX = 5

/**
 * Compares every row of the table, chunk by chunk.
 * @throws BellowsError `verification_failed` with figures and sample rows. The failure is in the journal, and the checkpoint is
 *   gone: a later attempt compares the whole table anew, so that no restart can skip what was found
 */
export async function verify(engine: Driving, run: number, step: VerifyStep): Promise<Verdict> {
  const work = { run, step, tell: teller(engine, step.id) }
  let verdict = await everyPart(engine, work, resumed(await engine.journal.checkpoint(step.id)))
  while (verdict === undefined) verdict = await everyPart(engine, work, undefined)
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

function resumed(before: Checkpoint | undefined): State | undefined {
  return before === undefined || before.finished ? undefined : ((before.state as State | null) ?? undefined)
}

async function fresh(engine: Driving, { step, leaf }: Part<VerifyStep>, verdict: Verdict): Promise<State> {
  const file = await readFile(engine, step.table)
  return { at: START, file, verdict, ...(leaf === undefined ? {} : { leaf }) }
}

interface Work extends Part<VerifyStep> {
  readonly run: number
  readonly tell: ReturnType<typeof teller>
}

/** What is found in all of them together, or nothing when one was rewritten under way. */
async function everyPart(
  engine: Driving,
  work: Work,
  before: State | undefined,
): Promise<Verdict | undefined> {
  let verdict = before?.verdict ?? NOTHING
  for await (const part of partsOf(engine, work.step, before?.leaf)) {
    const start = before !== undefined && isOf(part, before) ? before : await fresh(engine, part, verdict)
    const end = await onePass(engine, { ...work, ...part }, start)
    if (end === undefined) return undefined
    verdict = end.verdict
  }
  return verdict
}

async function onePass(engine: Driving, work: Work, start: State): Promise<State | undefined> {
  let state = start
  const whole = await workThrough(engine, start, {
    step: work.step,
    tell: work.tell,
    strategy: blockRanges,
    rows: engine.settings.batch.verifyRows,
    explain: async (_range, error) => error,
    batch: async (range, after) => {
      const { batch, verdict } = await oneChunk(engine, work, range, { ...state, ...after })
      state = { ...state, ...after, verdict }
      return batch
    },
  })
  return whole ? state : undefined
}

async function oneChunk(
  engine: Driving,
  { run, step }: Work,
  range: Range,
  after: State,
): Promise<{ batch: Batch; verdict: Verdict }> {
  const result = await batchTransaction(engine, run, [chunkSql(run, step, range, after)])
  const { verdict, mark } = result as { verdict: Verdict; mark: Marked }
  return { batch: batchOf(mark), verdict }
}

/** One statement: the figures of the chunk, added to those before it, and the checkpoint. */
function chunkSql(run: number, step: VerifyStep, range: Range, after: State): Sql {
  const { verdict: before, file } = after
  const mark = markSql({
    run,
    step: step.id,
    state: sql`pg_catalog.jsonb_set(${lit(JSON.stringify(after))}::jsonb, '{verdict}', (select verdict from summed))`,
    rowsDone: sql`(select rows from chunk)`,
    rowsTotal: rowsOfAll(after),
    condition: sql`not ${isRewritten(step.table, file)}`,
  })
  return sql`
with chunk as (${foundSql(step, range)}),
summed as (
  select pg_catalog.jsonb_build_object(
      'rows', ${lit(before.rows)} + rows, 'unfilled', ${lit(before.unfilled)} + unfilled,
      'diverged', ${lit(before.diverged)} + diverged, 'lossy', ${lit(before.lossy)} + lossy,
      'samples', case when ${lit(before.samples.length)} < ${lit(SAMPLES_MAX)}
        then ${lit(JSON.stringify(before.samples))}::jsonb || pg_catalog.to_jsonb(samples)
        else ${lit(JSON.stringify(before.samples))}::jsonb end) as verdict
    from chunk),
mark as (${mark})
select pg_catalog.json_build_object('verdict', (select verdict from summed), 'mark', (select pg_catalog.to_json(mark) from mark)) as result`
}

/** What is found in a range, as a `Verdict`. */
export function foundSql(step: VerifyStep, range: Range): Sql {
  return sql`
  select count(*) as rows,
      count(*) filter (where ${step.unfilled}) as unfilled,
      count(*) filter (where not ${step.unfilled} and not ${step.relation}) as diverged,
      count(*) filter (where ${step.relation} and ${step.lossy}) as lossy,
      coalesce((pg_catalog.array_agg(${sampleSql(step)}) filter (where ${failed(step)}))[1:${lit(SAMPLES_MAX)}], '{}') as samples
    from ${qualified(step.table)} where ${inRange(range)}`
}

function failed({ unfilled, relation }: Comparison): Sql {
  return sql`(${unfilled} or not ${relation})`
}

/** Where several columns are compared at once a row is named with those that are wrong in it. */
function sampleSql({ key, each = [] }: VerifyStep): Sql {
  const wrong = each.map(
    (one) => sql` || case when ${failed(one)} then ${lit(` in ${named(one)}`)} else '' end`,
  )
  return sql`${rowName(key)}${join(wrong, '')}`
}

function named({ columns: { from, to } }: Comparison): string {
  return `"${from}" and "${to}"`
}

function verificationFailed(step: VerifyStep, { diverged, unfilled, samples }: Verdict): BellowsError {
  const compared = (step.each ?? [step]).map(named).join(', or ')
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
