import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Operation } from '../../src/core/operations/migration.ts'
import { catalog, traces } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'
import { MIGRATION, readyDatabase, servingFleet, wish } from '../support/rollouts.ts'

const GIVEN = `create table users (id int primary key, name text not null, other text);
  insert into users (id, name) select i, 'user ' || i from generate_series(1, 50) i`
const SETTINGS: SettingsChange = {
  lock: { canaryTimeoutMs: 20, heldTimeoutMs: 50, pauseMaxMs: 50, deadlineMs: 200 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
}
const rename = (from: string, to: string): Operation => ({
  kind: 'rename_column',
  namespace: 'public',
  table: 'users',
  from,
  to,
})
const ADD: Operation = {
  kind: 'add_column',
  namespace: 'public',
  table: 'users',
  column: 'full_name',
  type: 'text',
  nullable: true,
}
const ALTER = { kind: 'alter_column', namespace: 'public', table: 'users', column: 'full_name' } as const
const SPLIT: Operation = {
  kind: 'split_column',
  namespace: 'public',
  table: 'users',
  from: 'other',
  to: [
    { name: 'full_name', type: 'text', nullable: true, up: 'other' },
    { name: 'more', type: 'text', nullable: true, up: 'null::text' },
  ],
  down: 'full_name',
}

describe('rollback', () => {
  test.for([
    ['a rename', [rename('name', 'full_name')]],
    ['a rename, the second of two', [rename('other', 'another'), rename('name', 'full_name')]],
    ['an added column', [ADD]],
    ['a column that another one is split into', [SPLIT]],
    ['an added column that is changed as well', [ADD, { ...ALTER, comment: 'ours' }]],
  ] as const)(
    'leaves a column alone that somebody else made before the run came to it: %s',
    async ([, operations]) => {
      const database = await testDatabase(GIVEN)
      const bellows = await database.bellows({ settings: SETTINGS })
      const migration = { name: '0001_test', operations }
      const reader = await database.session()
      await reader.query('begin; select from users')
      const expand = () => bellows.change((driver) => driver.advance(migration, 'expand'))
      await expect(expand()).rejects.toMatchObject({ code: 'lock_not_had' })
      await reader.query('rollback')
      await database.query(
        `alter table users add full_name text; comment on column users.full_name is 'theirs'; update users set full_name = 'precious'`,
      )
      const before = await catalog(database)
      // Of two, the first is added; of one, nothing is.
      await expand().catch(() => undefined)

      const run = await bellows.run(migration.name)
      if (run?.state !== 'completed') await bellows.change((driver) => driver.rollback(run?.id ?? 0))

      expect(await catalog(database)).toEqual(before)
      expect(await database.query('select distinct full_name from users')).toEqual([
        { full_name: 'precious' },
      ])
      expect(await traces(database)).toEqual([])
    },
  )

  test('and undo may be repeated: what is done is not done again, and is no failure', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    const migration = { name: '0001_test', operations: [rename('name', 'full_name')] }
    await bellows.change((driver) => driver.advance(migration, 'retire'))

    for (const _ of [1, 2]) {
      const undone = await bellows.change((driver) => driver.undo(1))
      expect(undone.state).toBe('rolling_out')
    }
    for (const _ of [1, 2]) {
      const back = await bellows.change((driver) => driver.rollback(1))
      expect(back.state).toBe('rolled_back')
    }
    const events = await database.query(
      `select event ->> 'type' as type from bellows.event where event ->> 'type' in ('retire_undone', 'run_rolled_back') order by seq`,
    )
    expect(events).toEqual([{ type: 'retire_undone' }, { type: 'run_rolled_back' }])
  })

  test('undo of a run in which nothing was hidden is refused', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    const migration = { name: '0001_test', operations: [rename('name', 'full_name')] }
    await bellows.change((driver) => driver.advance(migration, 'verify'))

    await expect(bellows.change((driver) => driver.undo(1))).rejects.toMatchObject({ code: 'not_reversible' })
  })
})

describe('rollback of a migration for which a version was rolled out', () => {
  const paused = wish('2', { canary: { instances: 1, pauseMs: 'manual' } })

  test('waits until a rollout that stands still was taken back', async () => {
    const { bellows, run } = await readyDatabase()
    const { deployer } = servingFleet()
    const rollback = () => bellows.change((driver) => driver.rollback(run))
    await expect(bellows.change((driver) => driver.rollOut(run, paused, deployer))).rejects.toMatchObject({
      code: 'rollout_paused',
    })

    await expect(rollback()).rejects.toMatchObject({
      code: 'run_conflict',
      message: 'The migration "0001_test" is not taken back: the rollout of "2" is not over.',
      hint: 'Take it back first: bellows deploy abort 0001_test',
    })
    expect((await bellows.run(MIGRATION.name))?.state, 'nothing was begun').toBe('rolling_out')

    await bellows.askRollout(run, 'abort')
    await expect(bellows.change((driver) => driver.resumeRollout(run, deployer))).rejects.toMatchObject({
      code: 'rollout_failed',
    })
    expect((await rollback()).state).toBe('rolled_back')
  })

  test('waits until what ran before serves again', async () => {
    const { bellows, run } = await readyDatabase()
    const { deployer } = servingFleet()
    const rollback = () => bellows.change((driver) => driver.rollback(run))
    await bellows.change((driver) => driver.rollOut(run, wish('2'), deployer))

    await expect(rollback()).rejects.toMatchObject({
      code: 'run_conflict',
      message: 'The migration "0001_test" is not taken back: "2" was rolled out for it and may still run.',
      hint: 'Deploy what ran before first: bellows deploy rollout 0001_test --to 1',
    })

    await bellows.change((driver) => driver.rollOut(run, wish('1'), deployer))
    expect((await rollback()).state).toBe('rolled_back')
  })

  test('goes by the fleet, where its deployer can be asked', async () => {
    const { database, run } = await readyDatabase()
    const fleet = servingFleet()
    const bellows = await database.bellows({ deployer: fleet.deployer })
    const rollback = () => bellows.change((driver) => driver.rollback(run))
    await bellows.change((driver) => driver.rollOut(run, wish('2'), fleet.deployer))
    await expect(rollback()).rejects.toMatchObject({ code: 'run_conflict' })
    for (const { id } of fleet.now()) await fleet.deployer.stop(id)
    await expect
      .poll(async () => (await fleet.deployer.fleet()).every(({ state }) => state === 'gone'))
      .toBe(true)
    expect((await rollback()).state).toBe('rolled_back')
  })
})
