import path from 'node:path'
import { expect, test } from 'vitest'
import { isRunning } from '../../src/adapters/os/process-mark.ts'
import { type RolloutChange, rolloutRules } from '../../src/config.ts'
import type { ProcessRole } from '../../src/core/processes/config.ts'
import type { Deployer } from '../../src/engine/ports.ts'
import { type Site, site } from '../adapters/process/cli-support.ts'
import { socketHolder } from '../adapters/process/socket-holder.ts'
import { webRole } from '../adapters/process/support.ts'
import { ask } from '../support/http.ts'
import { randomOf } from '../support/network/random.ts'
import { type Ready, readyDatabase } from '../support/rollouts.ts'
import { type SteadyLoad, steadyLoad } from '../support/steady-load.ts'

const APP = path.resolve(import.meta.dirname, '../support/fixtures/rolling-app.mjs')
/** Six of them have their supervisor killed, which cuts what is under way; the other fifty cost nothing at all. */
const ROLLOUTS = 56
const UNCUT = 50
const ROLES = [{ role: 'web', instances: 2 }]
const RULES: RolloutChange = {
  pollMs: 20,
  minHealthyMs: 30,
  health: { success: 1, failure: 3 },
  startupDeadlineMs: 60_000,
  drainTimeoutMs: 20_000,
  stopTimeoutMs: 10_000,
  retries: 0,
}

/** What a rollout is to go through: a version that is no good, one who is killed, or nothing. */
type Fate = 'ends' | 'sick' | 'turns' | 'supervisor' | 'driver' | undefined

const FATES: readonly Fate[] = [
  undefined,
  'ends',
  undefined,
  'supervisor',
  'turns',
  undefined,
  'driver',
  undefined,
  'sick',
  undefined,
]
const BAD: readonly Fate[] = ['ends', 'sick', 'turns']
/** Two one by one, two at once, and one that goes before the other comes. */
const SHAPES: readonly RolloutChange[] = [
  {},
  { canary: { instances: 0 }, batch: 2 },
  { canary: { instances: 0 }, order: 'stop-first', minAvailablePercent: 50 },
]

const CHANGES: Readonly<Record<NonNullable<Fate>, RolloutChange>> = {
  ends: {},
  // Nobody waits for long for what never comes up. What ran before must not have to come up within that time, so it stays.
  sick: { startupDeadlineMs: 500, order: 'start-first' },
  // However fast the rollout is, that it is ill is seen before its end.
  turns: { bakeMs: 60_000 },
  supervisor: {},
  driver: {},
}

test.runIf(process.platform === 'linux')(
  'fifty rollouts under load, some of them taken back and some with whoever does them killed, cost no request',
  { timeout: 600_000 },
  async () => {
    const { stage, load } = await prepared()
    for (let number = 1; number <= ROLLOUTS; number += 1) {
      const fate = FATES[number % FATES.length]
      const { cut } = load
      await rollout(stage, number, fate)
      if (fate !== 'supervisor') expect(load.cut, `rollout ${number}`).toBe(cut)
      expect(load.failures.slice(0, 5), `rollout ${number}`).toEqual([])
    }
    await load.end()

    expect(ROLLOUTS - stage.kills).toBe(UNCUT)
    expect(load.failures).toEqual([])
    expect(load.requests).toBeGreaterThan(ROLLOUTS * 20)
    expect(load.cut, 'one a client, of each that was killed').toBeLessThanOrEqual(stage.kills * load.clients)
    const started = await stage.ready.database.query(
      `select from bellows.event where event #>> '{event,kind}' = 'rollout_started'`,
    )
    expect(started, 'the first one, and no other than those').toHaveLength(1 + ROLLOUTS)
  },
)

interface Stage {
  readonly ready: Ready
  readonly here: Site
  readonly port: number
  /** As kill -9 does, and as systemd starts the next one. */
  readonly supervisorKilled: () => Promise<void>
  readonly next: () => number
  /** The version that serves. */
  serves: string
  /** Supervisors that were killed. */
  kills: number
}

async function prepared(): Promise<{ readonly stage: Stage; readonly load: SteadyLoad }> {
  const ready = await readyDatabase()
  const web: Partial<ProcessRole> = {
    command: [process.execPath, APP],
    health: { kind: 'http', path: '/healthz', intervalMs: 50, timeoutMs: 2_000 },
  }
  const here = await site(web)
  await here.configure({ web: await webRole(web) }, RULES)
  const { port, up } = await socketHolder(here)
  let supervisor = await up()
  await ready.bellows.change((driver) => driver.rollOut(ready.run, wished('0', {}), here.deployer))
  const load = steadyLoad(port)
  const supervisorKilled = async (): Promise<void> => {
    stage.kills += 1
    await load.killing(async () => {
      process.kill(supervisor.pid, 'SIGKILL')
      await expect.poll(() => isRunning(supervisor), { interval: 5 }).toBe(false)
    })
    supervisor = await up()
  }
  const next = randomOf(1, 'fifty rollouts')
  const stage: Stage = { ready, here, port, supervisorKilled, next, serves: '0', kills: 0 }
  return { stage, load }
}

const wished = (version: string, change: RolloutChange) => ({
  version,
  roles: ROLES,
  rules: rolloutRules({ ...RULES, ...change }),
})

async function rollout(stage: Stage, number: number, fate: Fate): Promise<void> {
  const { ready, here } = stage
  const isBad = BAD.includes(fate)
  const version = isBad ? `${number}-${fate}` : `${number}`
  const change = {
    ...SHAPES[Math.floor(number / FATES.length) % SHAPES.length],
    ...CHANGES[fate ?? 'driver'],
  }
  if (fate === 'driver') await driverKilled(stage, version)
  const deployer = fate === 'supervisor' ? killing(stage) : here.deployer
  const outcome = await ready.bellows
    .change((driver) => driver.rollOut(ready.run, wished(version, change), deployer))
    .then(
      () => 'done',
      (error: { code?: string; message: string }) => `${error.code}: ${error.message}`,
    )
  expect(outcome, version).toMatch(isBad ? /^rollout_failed: .* was taken back/ : /^done$/)
  if (!isBad) stage.serves = version
  await served(stage)
}

/** A deployer whose supervisor is killed around one of its calls, whichever. */
function killing({ here: { deployer }, supervisorKilled, next }: Stage): Deployer {
  let calls = 1 + Math.floor(next() * 8)
  const isBefore = next() < 0.5
  const around =
    <Given>(call: (given: Given) => Promise<void>) =>
    async (given: Given): Promise<void> => {
      calls -= 1
      const isNow = calls === 0
      if (isNow && isBefore) await supervisorKilled()
      // While it is killed the call may be under way.
      await Promise.all([call(given), isNow && !isBefore ? supervisorKilled() : undefined])
    }
  return {
    ...deployer,
    start: around(deployer.start),
    serve: around(deployer.serve),
    drain: around(deployer.drain),
    stop: around(deployer.stop),
  }
}

/** `bellows deploy`, killed behind one of the lines that it says. */
async function driverKilled({ ready, here, next }: Stage, version: string): Promise<void> {
  let lines = 4 + Math.floor(next() * 10)
  const flags = ['--to', version, '--database', ready.database.url]
  const { child, ended } = here.place.start('deploy', 'rollout', ...flags)
  child.stderr?.on('data', (chunk: Buffer) => {
    lines -= chunk.toString().split('\n').length - 1
    if (lines <= 0) child.kill('SIGKILL')
  })
  const { err } = await ended
  expect(err).toContain('will replace 2 instances')
}

/** Two of the version that shall serve do, and nothing else is there. */
async function served({ here, port, serves }: Stage): Promise<void> {
  const living = (await here.deployer.fleet()).filter(({ state }) => state !== 'gone')
  const words = living.map(({ slot, state, version }) => `${slot} ${state} ${version}`)
  expect(words.toSorted()).toEqual([`1 serving ${serves}`, `2 serving ${serves}`])
  expect(JSON.parse((await ask(port)).body)).toMatchObject({ version: serves })
}
