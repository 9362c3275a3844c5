import { BellowsError } from '../../core/errors.ts'
import type { RolloutVerdict } from '../../core/rollout/decide.ts'
import type { Rollout } from '../../core/rollout/rollout.ts'
import type { Driving } from '../context.ts'
import { readRun } from '../drive.ts'

/** Why a rollout is driven no further; `waiting`: nothing is wrong, it was only not so in time. */
export interface Verdict {
  readonly is: RolloutVerdict['is'] | 'waiting'
  readonly because: string
}

/**
 * A rollout that is done is an answer; every other end is an error with the reason, and with the last lines of who failed.
 * @throws BellowsError `rollout_failed` when it was taken back or abandoned, `rollout_paused` when it waits for somebody
 */
export async function refuseUnlessDone(
  engine: Driving,
  run: number,
  { version, lastFailure }: Pick<Rollout, 'version'> & Partial<Pick<Rollout, 'lastFailure'>>,
  { is, because }: Verdict,
): Promise<void> {
  if (is === 'done') return
  const { name } = (await readRun(engine, run)).plan.migration
  throw new BellowsError(
    is === 'paused' || is === 'waiting' ? 'rollout_paused' : 'rollout_failed',
    `The rollout of "${version}" ${VERDICT_WORDS[is]}: ${because}.`,
    {
      hint: [...lastLines(lastFailure), ...NEXT[is](name)].join('\n'),
      facts: {
        outcome: is,
        because,
        ...(lastFailure === undefined ? {} : { failed_instance: lastFailure.id, log: lastFailure.log }),
      },
    },
  )
}

type Undone = Exclude<Verdict['is'], 'done'>

const VERDICT_WORDS: Readonly<Record<Undone, string>> = {
  paused: 'is paused',
  waiting: 'is not over yet',
  rolled_back: 'was taken back',
  abandoned: 'was abandoned',
}

const NEXT: Readonly<Record<Undone, (migration: string) => readonly string[]>> = {
  paused: (migration) => [
    `To go on: bellows deploy resume ${migration}`,
    `To take it back: bellows deploy abort ${migration}`,
  ],
  waiting: (migration) => [
    `The cluster goes on by itself. To go on waiting: bellows deploy resume ${migration}`,
    `To give it up: bellows deploy abort ${migration}`,
  ],
  rolled_back: (migration) => [
    `What ran before serves again. Correct what failed, then: bellows deploy ${migration} --to <version>`,
  ],
  abandoned: () => ['The fleet stays as it is at this moment. Deploy the version that shall run.'],
}

function lastLines(failure: Rollout['lastFailure']): readonly string[] {
  if (failure === undefined || failure.log.length === 0) return []
  return [`The last lines of "${failure.id}":`, ...failure.log.map((line) => `  ${line}`)]
}
