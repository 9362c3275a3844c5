import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type RolloutChange, rolloutRules } from '../../../src/config.ts'
import type { Deployer } from '../../../src/engine/ports.ts'
import { type Ready, readyDatabase } from '../../support/rollouts.ts'
import { about, kill, type Supervised, supervised, webRole } from './support.ts'

/** Its version says what becomes of it: `2-ends` ends as it starts. */
const APP = path.resolve(import.meta.dirname, '../../support/fixtures/rolling-app.mjs')

interface Stage extends Supervised, Pick<Ready, 'bellows' | 'run'> {}

/** One instance of version 1 serves, deployed as a user does. */
async function deployed(): Promise<Stage> {
  const ready = await readyDatabase()
  const place = await supervised({ web: await webRole({ command: [process.execPath, APP] }) })
  const stage = { ...place, ...ready }
  await rolledOut(stage, '1')
  return stage
}

const rolledOut = (
  { bellows, run, deployer }: Pick<Stage, 'bellows' | 'run' | 'deployer'>,
  version: string,
  change: RolloutChange = {},
): Promise<unknown> => {
  const quick = { pollMs: 20, minHealthyMs: 30, retries: 0 }
  const wish = {
    version,
    roles: [{ role: 'web', instances: 1 }],
    rules: rolloutRules({ ...quick, ...change }),
  }
  return bellows.change((driver) => driver.rollOut(run, wish, deployer))
}

const living = async (deployer: Deployer): Promise<readonly string[]> =>
  (await deployer.fleet())
    .filter(({ state }) => state !== 'gone')
    .map(({ id, state, version }) => `${id} ${version} ${state}`)

describe('one that ended by itself and is being started again', () => {
  test('when a rollout begins is there again when that is taken back', async () => {
    const stage = await deployed()
    const { deployer, supervisor, state } = stage
    kill(state, 'web-1-r1-1')
    await expect.poll(() => living(deployer)).toEqual(['web-1-r1-1 1 starting'])
    await expect(rolledOut(stage, '2-ends')).rejects.toMatchObject({
      code: 'rollout_failed',
      message: expect.stringContaining('was taken back'),
    })
    expect((await living(deployer)).join()).toMatch(/^web-1-\S+ 1 serving$/)
    expect(await about(supervisor.ports.get('web'))).toMatchObject({ version: '1' })
  })

  test('is a failure of the new version, although it would serve again', async () => {
    const stage = await deployed()
    const { deployer, supervisor, state } = stage
    const outcome = rolledOut(stage, '2', { bakeMs: 60_000 })
    outcome.catch(() => undefined)
    await expect.poll(() => living(deployer)).toEqual(['web-1-r2-1 2 serving'])
    kill(state, 'web-1-r2-1')
    await expect(outcome).rejects.toMatchObject({
      code: 'rollout_failed',
      message: expect.stringContaining('"web-1-r2-1" ended by itself: SIGKILL, and was started again'),
    })
    expect(await living(deployer)).toEqual(['web-1-r2-2 1 serving'])
    expect(await about(supervisor.ports.get('web'))).toMatchObject({ version: '1' })
  })
})
