import { describe, expect, test } from 'vitest'
import { postgresJournal } from '../../src/adapters/postgres/journal.ts'
import { openSessions } from '../../src/adapters/postgres/sessions.ts'
import type { BellowsError } from '../../src/core/errors.ts'
import type { RolloutEvent } from '../../src/core/rollout/event.ts'
import type { Notice } from '../../src/core/run/event.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { cleanUp, testDatabase } from '../support/database.ts'
import { rename } from '../support/rename.ts'
import {
  livingIn,
  MIGRATION,
  placement,
  readyDatabase,
  serving,
  servingFleet,
  wish,
} from '../support/rollouts.ts'

/** One that is not over: it waits behind its canary. */
async function pausedRollout() {
  const ready = await readyDatabase()
  const fleet = servingFleet()
  const paused = wish('2', { canary: { instances: 1, pauseMs: 'manual' } })
  await expect(
    ready.bellows.change((driver) => driver.rollOut(ready.run, paused, fleet.deployer)),
  ).rejects.toMatchObject({ code: 'rollout_paused' })
  return { ...ready, fleet }
}

describe('a rollout', () => {
  test('replaces one instance after the other, and the journal tells how', async () => {
    const { database, bellows, run } = await readyDatabase()
    const fleet = servingFleet()

    const rollout = await bellows.change((driver) => driver.rollOut(run, wish('2'), fleet.deployer))

    expect(rollout).toMatchObject({ outcome: 'done', endedBecause: '3 of "2" serve, and nothing else does' })
    expect(livingIn(fleet)).toEqual(serving('2'))
    const kinds = await database.query<{ kind: string }>(
      `select event #>> '{event,kind}' as kind from bellows.event where event ->> 'type' = 'rollout' order by seq`,
    )
    const oneSlot = ['batch_started', 'placed', 'running', 'serving', 'draining', 'gone', 'batch_settled']
    expect(kinds.map(({ kind }) => kind)).toEqual([
      'rollout_started',
      ...oneSlot,
      ...oneSlot,
      ...oneSlot,
      'ended',
    ])
    expect(await bellows.run(MIGRATION.name)).toMatchObject({
      state: 'rolling_out',
      standsBecause: undefined,
    })
    expect(await bellows.rollout(run)).toEqual(rollout)
  })

  test('is known to be overtaken by the next one of another version', async () => {
    const { bellows, run } = await readyDatabase()
    const { deployer } = servingFleet()
    const roll = (version: string) => bellows.change((driver) => driver.rollOut(run, wish(version), deployer))
    await roll('2')
    await bellows.refuseOvertaken(MIGRATION, '2')
    await roll('3')
    await expect(bellows.refuseOvertaken(MIGRATION, '2')).rejects.toMatchObject({
      code: 'run_conflict',
      message: '"2" is not what runs: "3" was rolled out meanwhile.',
      hint: 'See "bellows deploy history". To go on with that one: bellows deploy 0001_test --to 3',
    })
    await bellows.refuseOvertaken(MIGRATION, '3')
  })

  test('does not replace what was rolled out since it was wanted', async () => {
    const { bellows, run } = await readyDatabase()
    const { deployer } = servingFleet()
    const roll = (version: string, more: { behind?: number } = {}, one = deployer) =>
      bellows.change((driver) => driver.rollOut(run, { ...wish(version), ...more }, one))
    const { number } = await roll('2')
    await roll('3', { behind: number })
    await expect(roll('4', { behind: number })).rejects.toMatchObject({
      code: 'run_conflict',
      message: '"3" was rolled out since the deployment of "4" began.',
    })
    expect((await bellows.rollout(run))?.version, 'nothing was begun').toBe('3')
    await roll('3', { behind: number })
    await roll('4')
  })

  test('leaves what it needs of those that are gone, and forgets who was of deployments long ago', async () => {
    const { bellows, run } = await readyDatabase()
    const fleet = servingFleet()
    for (const version of ['2', '3', '4', '5'])
      await bellows.change((driver) => driver.rollOut(run, wish(version, { history: 2 }), fleet.deployer))
    expect(livingIn(fleet)).toEqual(serving('5'))
    const gone = fleet.now().filter(({ state }) => state === 'gone')
    expect(gone.map(({ id }) => id).toSorted()).toEqual(
      [2, 3].flatMap((number) => [1, 2, 3].map((slot) => `web-${slot}-r${number}-1`)).toSorted(),
    )
    expect(await bellows.pastRollouts()).toMatchObject(
      ['5', '4', '3', '2'].map((version) => ({ version, run, ended: { outcome: 'done' } })),
    )
  })

  test('costs nobody who only wants to know where a run stands', async () => {
    const { database, bellows, run } = await readyDatabase()
    await bellows.change((driver) => driver.rollOut(run, wish('2'), servingFleet().deployer))
    const sessions = openSessions({ url: database.url, application: 'test' })
    cleanUp(() => sessions.close())
    const entries = await postgresJournal(sessions).entries([run])
    const kinds = entries.flatMap(({ event }) => (event.type === 'rollout' ? [event.event.kind] : []))
    expect(kinds).toEqual(['rollout_started', 'ended'])
  })

  test('says what happens while it happens, and what is waited for', async () => {
    const { database, run } = await readyDatabase()
    const notices: Notice[] = []
    const bellows = await database.bellows({ onNotice: (notice) => notices.push(notice) })

    await bellows.change((driver) => driver.rollOut(run, wish('2'), servingFleet().deployer))

    const told = notices.flatMap((one): RolloutEvent[] => (one.type === 'rollout' ? [one.event] : []))
    expect(told.at(-1)).toMatchObject({ kind: 'ended', outcome: 'done' })
    const waits = notices.flatMap((one) => (one.type === 'waiting_for_rollout' ? one.waitsFor : []))
    expect(waits.join('\n')).toMatch(/^"web-1-r1-1" is soaking \d\/2 s$/m)
  })

  test('that was done and is asked for again finds nothing to do', async () => {
    const { bellows, run } = await readyDatabase()
    const fleet = servingFleet()
    await bellows.change((driver) => driver.rollOut(run, wish('2'), fleet.deployer))
    const before = fleet.now().map(({ id }) => id)

    const forgetting = wish('2', { history: 0 })
    const again = await bellows.change((driver) => driver.rollOut(run, forgetting, fleet.deployer))

    expect(again.outcome).toBe('done')
    expect(fleet.starts.size).toBe(3)
    expect(before.filter((id) => id.endsWith('-1')).length).toBe(6)
    expect(
      fleet.now().map(({ id }) => id),
      'what is gone is forgotten',
    ).toEqual(['web-1-r1-1', 'web-2-r1-1', 'web-3-r1-1'])
  })

  test('of a release that does not come up is taken back, and the error has the last lines', async () => {
    const { bellows, run } = await readyDatabase()
    const fleet = servingFleet({ behaviour: ({ version }) => (version === '2' ? {} : { healthyAfterMs: 0 }) })

    const outcome = bellows.change((driver) => driver.rollOut(run, wish('2'), fleet.deployer))

    await expect(outcome).rejects.toMatchObject({
      code: 'rollout_failed',
      message:
        'The rollout of "2" was taken back: "web-1-r1-2" was not healthy within 20 s: HTTP 500 (attempt 2 of 2).',
      hint: 'The last lines of "web-1-r1-2":\n  web-1-r1-2 says hello\n  web-1-r1-2 gives up\nWhat ran before serves again. Correct what failed, then: bellows deploy 0001_test --to <version>',
      facts: { outcome: 'rolled_back', failed_instance: 'web-1-r1-2' },
    })
    expect(livingIn(fleet)).toEqual(serving('1'))
    const taken = await bellows.run(MIGRATION.name)
    expect(taken?.standsBecause).toContain('the rollout was taken back')
    const [gate] = taken === undefined ? [] : await bellows.gates(taken)
    expect(gate?.checks[0]).toMatchObject({
      check: 'inventory',
      state: 'unknown',
      because: ['nobody has said which version of the application is to stay'],
    })
  })

  test('stops where it stands when that is asked for, and goes on from there', async () => {
    const { database, bellows, run } = await readyDatabase()
    const fleet = servingFleet()
    let isStopping = false
    const stopped = await database.bellows({
      isStopping: () => isStopping,
      onNotice: (notice) => {
        isStopping ||= notice.type === 'rollout' && notice.event.kind === 'draining'
      },
    })

    await expect(
      stopped.change((driver) => driver.rollOut(run, wish('2'), fleet.deployer)),
    ).rejects.toMatchObject({ code: 'interrupted', hint: expect.stringContaining('bellows deploy resume') })
    expect(livingIn(fleet)).toEqual([
      'web-1 1 draining',
      'web-1 2 serving',
      'web-2 1 serving',
      'web-3 1 serving',
    ])

    await bellows.change((driver) => driver.resumeRollout(run, fleet.deployer))
    expect(livingIn(fleet)).toEqual(serving('2'))
    expect([...fleet.starts.values()]).toEqual([1, 1, 1])
  })

  test('on a fleet that cannot be read begins with nothing', async () => {
    const { bellows, run } = await readyDatabase()
    const fleet = servingFleet({ fault: (call) => (call === 'fleet' ? 'before' : 'none') })
    await expect(bellows.change((driver) => driver.rollOut(run, wish('2'), fleet.deployer))).rejects.toThrow(
      'the fleet does not answer',
    )
    expect(await bellows.rollout(run)).toBeUndefined()
  })
})

test('behind a contract leaves the run where it is', async () => {
  const { database, run } = await readyDatabase()
  const bellows = await database.bellows({
    settings: {
      graceMs: 3_600_000,
      gate: {
        whenNoneRegistered: 'allow',
        reason: 'a test',
        overrides: [{ check: 'inventory', reason: 'a test' }],
      },
    },
  })
  const fleet = servingFleet()
  await bellows.change((driver) => driver.rollOut(run, wish('2'), fleet.deployer))
  await expect(bellows.change((driver) => driver.resume(run, 'purge'))).rejects.toMatchObject({
    code: 'gate_closed',
  })

  await bellows.change((driver) => driver.rollOut(run, wish('3'), fleet.deployer))

  expect(livingIn(fleet)).toEqual(serving('3'))
  expect(await bellows.run(MIGRATION.name)).toMatchObject({ state: 'retiring' })
})

describe('a rollout is refused before anything is changed', () => {
  test('while the new shape is not ready', async () => {
    const database = await testDatabase('create table users (id int primary key, name text)')
    const bellows = await database.bellows()
    const { id } = await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    await expect(
      bellows.change((driver) => driver.rollOut(id, wish('2'), servingFleet().deployer)),
    ).rejects.toMatchObject({ code: 'phase_order', hint: 'First: bellows verify 0001_test' })
  })

  test('when the migration is taken back', async () => {
    const { bellows, run } = await readyDatabase()
    await bellows.change((driver) => driver.rollback(run))
    await expect(
      bellows.change((driver) => driver.rollOut(run, wish('2'), servingFleet().deployer)),
    ).rejects.toMatchObject({ code: 'run_conflict', message: 'The migration "0001_test" is rolled back.' })
  })

  test('while another one is not over', async () => {
    const { bellows, run, fleet } = await pausedRollout()
    const before = livingIn(fleet)

    await expect(
      bellows.change((driver) => driver.rollOut(run, wish('3'), fleet.deployer)),
    ).rejects.toMatchObject({ code: 'run_conflict', message: 'The rollout of "2" is not over.' })
    expect(livingIn(fleet)).toEqual(before)
  })

  test.each([
    ['rules that cannot work out', { order: 'stop-first' } as const, 'must be allowed to be missing'],
    [
      'a check that is no query',
      { checks: [{ name: 'errors', sql: 'select true; drop table users' }] },
      'the query of the check "errors" cannot be read',
    ],
  ])('for %s', async (_what, change, message) => {
    const { bellows, run } = await readyDatabase()
    const fleet = servingFleet()
    await expect(
      bellows.change((driver) => driver.rollOut(run, wish('2', change), fleet.deployer)),
    ).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining(message) })
    expect(fleet.starts.size).toBe(0)
  })

  test('to a version whose columns are gone', async () => {
    const { bellows, run } = await readyDatabase()
    const fleet = servingFleet()
    await bellows.change((driver) => driver.rollOut(run, wish('2'), fleet.deployer))
    await bellows.change((driver) => driver.resume(run, 'purge'))

    await expect(
      bellows.change((driver) => driver.rollOut(run, wish('1'), fleet.deployer)),
    ).rejects.toMatchObject({
      code: 'not_reversible',
      message:
        '"1" cannot be rolled out: it was replaced before the contract of "0001_test", and needs what is no longer there.',
    })
    expect(livingIn(fleet)).toEqual(serving('2'))
  })
})

describe('a deployment is refused before its first phase', () => {
  const changed = { ...MIGRATION, operations: [rename({ to: 'called' })] }
  const refusal = (bellows: Bellows, ...asked: Parameters<Bellows['refuseDeployment']>) =>
    bellows.refuseDeployment(...asked).then(
      () => 'none',
      (error: BellowsError) => error.code,
    )

  test('for what would stop it on its way, and for nothing else', async () => {
    const database = await testDatabase('create table users (id int primary key, name text)')
    const bellows = await database.bellows()
    expect(await refusal(bellows, MIGRATION, wish('2')), 'on a database without a journal').toBe('none')
    expect(await refusal(bellows, MIGRATION, wish('2', { order: 'stop-first' }))).toBe('config_invalid')
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    expect(await refusal(bellows, MIGRATION, wish('2')), 'its phases are ahead').toBe('none')
    expect(await refusal(bellows, changed, wish('2'))).toBe('drift_found')
    expect(await refusal(bellows, { ...changed, name: '0002_other' }, wish('2'))).toBe('run_conflict')
    expect(await database.query('select from bellows.run')).toHaveLength(1)
  })

  test('while another rollout is not over, and to a version whose columns are gone', async () => {
    const { bellows, run, fleet } = await pausedRollout()
    expect(await refusal(bellows, MIGRATION, wish('3'))).toBe('run_conflict')
    expect(await refusal(bellows, MIGRATION, wish('2'))).toBe('none')
    await bellows.askRollout(run, 'resume')
    await bellows.change((driver) => driver.resumeRollout(run, fleet.deployer))
    await bellows.change((driver) => driver.resume(run, 'purge'))
    expect(await refusal(bellows, MIGRATION, wish('1'))).toBe('not_reversible')
  })
})

describe('an earlier version that the database cannot serve any more', () => {
  test('is not brought back: the rollout pauses and says why', async () => {
    const { bellows, run } = await readyDatabase()
    const fleet = servingFleet({
      behaviour: ({ version }) => (version === '3' ? {} : { healthyAfterMs: 0 }),
    })
    await bellows.change((driver) => driver.rollOut(run, wish('2'), fleet.deployer))
    await bellows.change((driver) => driver.resume(run, 'purge'))
    // Somebody started the old one again by hand, in a place of its own.
    fleet.put(placement(4))
    const four = [{ role: 'web', instances: 4 }]

    await expect(
      bellows.change((driver) => driver.rollOut(run, wish('3', {}, four), fleet.deployer)),
    ).rejects.toMatchObject({
      code: 'rollout_paused',
      message: expect.stringContaining('"1" cannot be brought back: it was replaced before the contract'),
    })
    await bellows.askRollout(run, 'abort')
    await expect(bellows.change((driver) => driver.resumeRollout(run, fleet.deployer))).rejects.toMatchObject(
      { code: 'rollout_failed', facts: { outcome: 'abandoned' } },
    )
  })
})

test('whatever has no place in what is wanted goes, and what is missing comes', async () => {
  const { bellows, run } = await readyDatabase()
  const fleet = servingFleet()
  fleet.put({ id: 'web-2-left', role: 'web', slot: 2, version: '0' })
  fleet.put({ id: 'cron-1', role: 'cron', slot: 1, version: '1' })
  const roles = [
    { role: 'web', instances: 2 },
    { role: 'worker', instances: 1 },
  ]

  await bellows.change((driver) => driver.rollOut(run, wish('2', {}, roles), fleet.deployer))

  expect(livingIn(fleet)).toEqual(['web-1 2 serving', 'web-2 2 serving', 'worker-1 2 serving'])
})
