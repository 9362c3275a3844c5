import { BellowsError } from '../../core/errors.ts'
import type { RolloutVerdict } from '../../core/rollout/decide.ts'
import type { Rollout } from '../../core/rollout/rollout.ts'
import type { Driving } from '../context.ts'
import { readRun } from '../drive.ts'

/** A rollout that is done is an answer; every other end is an error with the reason, and with the last lines of who failed. */
export async function concluded(
  engine: Driving,
  run: number,
  { rollout, verdict }: { readonly rollout: Rollout; readonly verdict: RolloutVerdict },
): Promise<Rollout> {
  if (verdict.is === 'done') return rollout
  const { name } = (await readRun(engine, run)).plan.migration
  const { lastFailure, version } = rollout
  throw new BellowsError(
    verdict.is === 'paused' ? 'rollout_paused' : 'rollout_failed',
    `The rollout of "${version}" ${VERDICT_WORDS[verdict.is]}: ${verdict.because}.`,
    {
      hint: [...lastLines(rollout), ...NEXT[verdict.is](name)].join('\n'),
      facts: {
        outcome: verdict.is,
        because: verdict.because,
        ...(lastFailure === undefined ? {} : { failed_instance: lastFailure.id, log: lastFailure.log }),
      },
    },
  )
}

const VERDICT_WORDS: Readonly<Record<Exclude<RolloutVerdict['is'], 'done'>, string>> = {
  paused: 'is paused',
  rolled_back: 'was taken back',
  abandoned: 'was abandoned',
}

const NEXT: Readonly<
  Record<Exclude<RolloutVerdict['is'], 'done'>, (migration: string) => readonly string[]>
> = {
  paused: (migration) => [
    `To go on: bellows deploy resume ${migration}`,
    `To take it back: bellows deploy abort ${migration}`,
  ],
  rolled_back: () => ['What ran before serves again. Correct what failed, and deploy again.'],
  abandoned: () => ['The fleet stays as it is at this moment. Deploy the version that shall run.'],
}

function lastLines({ lastFailure }: Rollout): readonly string[] {
  if (lastFailure === undefined || lastFailure.log.length === 0) return []
  return [`The last lines of "${lastFailure.id}":`, ...lastFailure.log.map((line) => `  ${line}`)]
}
