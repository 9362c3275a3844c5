import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandDeployer } from '../../../src/adapters/command/deployer.ts'
import type { Deployer } from '../../../src/engine/ports.ts'
import { orchestrator } from '../../support/orchestrator.ts'
import { livingIn as living, readyDatabase, wish } from '../../support/rollouts.ts'

const PLACEMENT = { id: 'web-1-r1-1', role: 'web', slot: 1, version: '2' } as const
const NOTHING = 'echo "[]"'
const options = {
  start: 'true',
  stop: 'true',
  fleet: NOTHING,
  timeoutMs: 20_000,
  stopTimeoutMs: 4_000,
  healthIntervalMs: 1,
} as const

const printing = (...instances: readonly object[]) => `echo '${JSON.stringify(instances)}'`
const serving = { ...PLACEMENT, state: 'serving', healthy: true }

describe('a command for a step', () => {
  test('is told the facts of its instance', async () => {
    const { folder } = await orchestrator()
    const file = path.join(folder, 'told')
    const telling = `env | grep '^BELLOWS_' | sort | paste -sd' ' - >>'${file}'`
    const deployer = commandDeployer({
      ...options,
      start: telling,
      serve: telling,
      drain: telling,
      stop: telling,
      log: telling,
      fleet: printing(serving),
    })
    await deployer.start(PLACEMENT)
    // Of one that this process never saw it is looked up.
    const other = commandDeployer({ ...options, stop: telling, fleet: printing(serving) })
    await deployer.serve(PLACEMENT.id)
    await deployer.drain(PLACEMENT.id)
    await other.stop(PLACEMENT.id)
    await deployer.log(PLACEMENT.id, 7)

    const facts = 'BELLOWS_INSTANCE=web-1-r1-1'
    const rest = 'BELLOWS_ROLE=web BELLOWS_SLOT=1'
    expect((await readFile(file, 'utf8')).trim().split('\n')).toEqual([
      `${facts} ${rest} BELLOWS_STEP=start BELLOWS_VERSION=2`,
      `${facts} ${rest} BELLOWS_STEP=serve BELLOWS_VERSION=2`,
      `${facts} ${rest} BELLOWS_STEP=drain BELLOWS_VERSION=2`,
      `${facts} ${rest} BELLOWS_STEP=stop BELLOWS_STOP_TIMEOUT_MS=4000 BELLOWS_VERSION=2`,
      `${facts} BELLOWS_LINES=7 ${rest} BELLOWS_STEP=log BELLOWS_VERSION=2`,
    ])
  })

  test.each<[string, object, string]>([
    [
      'fails',
      { start: 'echo "pulling"; echo "no such image" >&2; exit 3' },
      'The command for "start" of "web-1-r1-1" ended with exit code 3: no such image',
    ],
    [
      'says why on stdout only',
      { start: 'echo "no such image"; exit 1' },
      'The command for "start" of "web-1-r1-1" ended with exit code 1: no such image',
    ],
    [
      'takes too long',
      { start: 'exec sleep 20', timeoutMs: 100 },
      'The command for "start" of "web-1-r1-1" did not end within 0.1 s.',
    ],
    [
      'is not there',
      { start: ['/no/such'] },
      'The command for "start" of "web-1-r1-1" could not be run: /no/such: spawn /no/such ENOENT.',
    ],
  ])('that %s is an error that says so', async (_what, more, message) => {
    const deployer = commandDeployer({ ...options, ...more })
    await expect(deployer.start(PLACEMENT)).rejects.toMatchObject({
      code: 'deployer_failed',
      message,
      hint: expect.stringMatching(/^It was: /),
      facts: { deploy_step: 'start', instance: 'web-1-r1-1' },
    })
  })

  test('is not asked of an instance that is not there any more', async () => {
    const deployer = commandDeployer({
      ...options,
      serve: 'exit 1',
      drain: 'exit 1',
      stop: 'exit 1',
      log: 'exit 1',
    })
    await deployer.serve('nobody')
    await deployer.drain('nobody')
    await deployer.stop('nobody')
    expect(await deployer.log('nobody', 5)).toEqual([])
  })

  test('that nobody wrote is none: what it would do is known here', async () => {
    const deployer = commandDeployer({ ...options, fleet: printing(serving) })
    expect(await deployer.fleet()).toMatchObject([{ state: 'serving' }])
    await deployer.serve(PLACEMENT.id)
    await deployer.drain(PLACEMENT.id)
    expect(await deployer.fleet()).toMatchObject([{ state: 'draining', inFlight: 0 }])
    expect(await deployer.log(PLACEMENT.id, 5)).toEqual([])
  })
})

describe('the fleet', () => {
  const printed = (command: string) => commandDeployer({ ...options, fleet: command }).fleet()

  test.each<[string, string, string]>([
    ['is no JSON', 'echo "web-1 is up"', 'It printed: web-1 is up'],
    ['is nothing', 'true', 'It printed: nothing'],
    ['is no list', `echo '{"items": []}'`, 'expected array'],
    ['lacks a field', printing({ id: 'web-1' }), '0.role: '],
    ['has a state that we do not know', printing({ ...serving, state: 'CrashLoop' }), '0.state: '],
    ['has a slot that is none', printing({ ...serving, slot: 0 }), '0.slot: '],
  ])('that %s is refused with what was printed', async (_what, command, message) => {
    await expect(printed(command)).rejects.toMatchObject({
      code: 'deployer_failed',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('docs/deploy.md'),
    })
  })

  test('whose command fails cannot be told, which is not nothing', async () => {
    await expect(printed('echo "[]"; exit 1')).rejects.toMatchObject({ code: 'deployer_failed' })
  })

  test('may leave out what cannot be told: that counts neither as passed nor as failed', async () => {
    const { id, role, slot, version } = PLACEMENT
    const [one] = await printed(printing({ id, role, slot, version, state: 'starting' }))
    expect(one).toEqual({
      ...PLACEMENT,
      state: 'starting',
      health: { passes: 0, failures: 0, healthyForMs: 0 },
      inStateMs: 0,
    })
    const [other] = await printed(
      printing({ ...serving, healthy: null, inFlight: null, error: null, ended: null }),
    )
    expect(other?.health).toEqual({ passes: 0, failures: 0, healthyForMs: 0 })
    expect(other).not.toHaveProperty('inFlight')
  })

  test('of real processes is replaced one by one, with a real journal', { timeout: 240_000 }, async () => {
    const { bellows, run } = await readyDatabase()
    const world = await orchestrator()
    const deployer = commandDeployer(world.options)
    const roles = [
      { role: 'web', instances: 2 },
      { role: 'worker', instances: 1 },
    ]
    const quick = (version: string) => wish(version, { minHealthyMs: 0, pollMs: 20 }, roles)

    await bellows.change((driver) => driver.rollOut(run, quick('1'), deployer))
    await bellows.change((driver) => driver.rollOut(run, quick('2'), commandDeployer(world.options)))
    expect(await served(deployer)).toEqual(['web-1 2', 'web-2 2', 'worker-1 2'])

    await world.flag('sick-3')
    const sick = { ...quick('3'), rules: { ...quick('3').rules, startupDeadlineMs: 200, retries: 0 } }
    await expect(
      bellows.change((driver) => driver.rollOut(run, sick, commandDeployer(world.options))),
    ).rejects.toMatchObject({
      code: 'rollout_failed',
      message: expect.stringContaining('"web-1-r3-1" was not healthy within 0.2 s: HTTP 503'),
      hint: expect.stringContaining(
        'The last lines of "web-1-r3-1":\n  web-1-r3-1 begins\n  web-1-r3-1 listens\n',
      ),
    })
    expect(await served(deployer)).toEqual(['web-1 2', 'web-2 2', 'worker-1 2'])

    await world.flag('broken')
    const broken = { ...quick('4'), rules: { ...quick('4').rules, startupDeadlineMs: 200, retries: 0 } }
    await expect(
      bellows.change((driver) => driver.rollOut(run, broken, commandDeployer(world.options))),
    ).rejects.toMatchObject({
      message: expect.stringContaining(
        '"web-1-r4-1" could not be started within 0.2 s: The command for "start" of "web-1-r4-1" ended with exit code 3: no image 4',
      ),
    })
    expect(await served(deployer)).toEqual(['web-1 2', 'web-2 2', 'worker-1 2'])
  })
})

async function served(deployer: Deployer): Promise<readonly string[]> {
  const fleet = await deployer.fleet()
  return living({ now: () => fleet }).map((line) => line.replace(/ serving$/, ''))
}
