import { describe, expect, test } from 'vitest'
import type { Migration } from '../../src/core/operations/migration.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { stagedExample, startExample } from '../support/examples.ts'
import { rename } from '../support/rename.ts'

const USERS = `create table users (id integer generated always as identity primary key, name text not null);
  insert into users (name) select 'user ' || i from generate_series(1, 100) i`
const MIGRATION: Migration = { name: '0001_rename', operations: [rename()] }
const READY = { ok: true, because: [] }
/** Of the sessions that carry the name under which an instance is registered. */
const SESSIONS = `select instance, count(*)::int as sessions
  from bellows.instance join pg_stat_activity using (application_name) group by instance order by instance`
const LEASE_MS = '1500'
/** The first test of an example installs it. */
const TIMEOUT_MS = 300_000

const to = (bellows: Bellows, phase: 'expand' | 'verify' | 'purge') =>
  bellows.change((driver) => driver.advance(MIGRATION, phase))

const starting = (program: string, database: TestDatabase) => (version: string) =>
  startExample(program, {
    DATABASE_URL: database.url,
    APP_VERSION: version,
    INSTANCE: `version-${version}`,
    LEASE_MS,
  })

describe.each(['http-app', 'drizzle', 'knex', 'kysely', 'prisma'])('the example %s', (example) => {
  test(
    'serves in two versions during a rename, and each knows when it may and when it must not',
    async (context) => {
      const staged = stagedExample(example)
      if ('missing' in staged) {
        // Elsewhere there may be no registry; where it counts there is one.
        if (process.env.CI !== undefined) throw new Error(staged.missing)
        return context.skip(`the packages of the example could not be installed: ${staged.missing}`)
      }
      const database = await testDatabase(USERS)
      const bellows = await database.bellows()
      await bellows.install()
      const start = starting(staged.program, database)

      const old = await start('1')
      await expect.poll(() => old.health()).toMatchObject(READY)
      const young = await start('2')
      await expect
        .poll(() => young.health())
        .toMatchObject({ ok: false, because: [expect.stringContaining('users.full_name does not exist')] })

      await to(bellows, 'expand')
      await expect
        .poll(() => young.health())
        .toMatchObject({ because: ['users.full_name is not filled and verified yet'] })
      await to(bellows, 'verify')
      await expect.poll(() => young.health()).toMatchObject(READY)
      await expect.poll(() => old.health()).toMatchObject(READY)

      expect(await database.query(SESSIONS)).toEqual([
        { instance: 'version-1', sessions: expect.any(Number) },
        { instance: 'version-2', sessions: expect.any(Number) },
      ])
      expect(await young.read(7)).toEqual({ id: 7, name: 'user 7' })
      const byOld = await old.add('Ada')
      const byYoung = await young.add('Grace')
      expect(await young.read(byOld)).toEqual({ id: byOld, name: 'Ada' })
      expect(await old.read(byYoung)).toEqual({ id: byYoung, name: 'Grace' })
      await young.change(byOld, 'Ada Lovelace')
      await old.change(byYoung, 'Grace Hopper')
      expect(await old.read(byOld)).toEqual({ id: byOld, name: 'Ada Lovelace' })
      expect(await young.read(byYoung)).toEqual({ id: byYoung, name: 'Grace Hopper' })

      await expect(to(bellows, 'purge')).rejects.toMatchObject({
        code: 'instances_blocking',
        facts: { blocking_instances: ['version-1'] },
      })
      await old.stop()
      expect(await old.ended, old.stderr()).toBe(0)
      expect((await to(bellows, 'purge')).state).toBe('completed')
      expect(await young.read(byOld)).toEqual({ id: byOld, name: 'Ada Lovelace' })
      await young.change(byOld, 'Ada')
      await expect.poll(() => young.health()).toMatchObject(READY)
      await young.stop()
      expect(await young.ended, young.stderr()).toBe(0)
    },
    TIMEOUT_MS,
  )
})

test('an example whose column is gone finishes what it has begun, says that it is gone, and ends', async () => {
  const staged = stagedExample('http-app')
  if ('missing' in staged) throw new Error(staged.missing)
  const database = await testDatabase(USERS)
  const bellows = await database.bellows()
  await bellows.install()
  const instance = await starting(staged.program, database)('1')
  await expect.poll(() => instance.health()).toMatchObject(READY)
  await database.query(`insert into bellows.column_state values ('public', 'users', 'name', 'retired', null)`)
  expect(await instance.ended).toBe(0)
  expect(instance.stderr()).toContain('users.name is retired: this instance must stop')
  expect(await bellows.instances.list()).toMatchObject([{ instance: 'version-1', state: 'released' }])
})
