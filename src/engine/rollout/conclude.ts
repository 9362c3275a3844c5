import { BellowsError } from '../../core/errors.ts'
import type { RolloutVerdict } from '../../core/rollout/decide.ts'
import type { Rollout } from '../../core/rollout/rollout.ts'
import type { Driving } from '../context.ts'
import { readRun } from '../drive.ts'
import { databaseName } from '../look.ts'
import type { Page } from '../ports.ts'

/** Why a rollout is driven no further; `waiting`: nothing is wrong, it was only not so in time. */
export interface Verdict {
  readonly is: RolloutVerdict['is'] | 'waiting'
  readonly because: string
}

type Concluded = Pick<Rollout, 'version' | 'direction'> & Partial<Pick<Rollout, 'lastFailure'>>

/**
 * Tells whoever is to hear of it how a rollout stands. One that is done is an answer; every other end is an error with the
 * reason, and with the last lines of who failed.
 * @throws BellowsError `rollout_failed` when it was taken back or abandoned, `rollout_paused` when it waits for somebody
 */
export async function conclude(
  engine: Driving,
  run: number,
  rollout: Concluded,
  { is, because }: Verdict,
): Promise<void> {
  const { version, lastFailure } = rollout
  const { name } = (await readRun(engine, run)).plan.migration
  await page(engine, { ...rollout, migration: name, run, outcome: is, because })
  if (is === 'done') return
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

/** What cannot be told changes nothing of the rollout. */
async function page(
  engine: Driving,
  { lastFailure, version, direction, ...told }: Concluded & Omit<Page, 'database' | 'failed'>,
): Promise<void> {
  if (engine.pager === undefined) return
  const failed = lastFailure === undefined ? {} : { failed: lastFailure.id }
  const database = await databaseName(engine)
  const problem = await engine.pager({ ...told, version, direction, database, ...failed })
  if (problem !== undefined) engine.notify({ type: 'nobody_told', because: problem })
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
