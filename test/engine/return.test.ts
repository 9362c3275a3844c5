import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Operation } from '../../src/core/operations/migration.ts'
import { catalog, traces } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'

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

describe('rollback', () => {
  test.for([
    ['a rename', [rename('name', 'full_name')]],
    ['a rename, the second of two', [rename('other', 'another'), rename('name', 'full_name')]],
    ['an added column', [ADD]],
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
      await database.query(`alter table users add full_name text; update users set full_name = 'precious'`)
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
