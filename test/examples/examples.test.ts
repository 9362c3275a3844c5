import { describe, expect, type TestContext, test } from 'vitest'
import type { Migration } from '../../src/core/operations/migration.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import {
  type RunningExample,
  type Staged,
  stagedExample,
  stagedGo,
  stagedPython,
  startExample,
} from '../support/examples.ts'
import { rename } from '../support/rename.ts'

const USERS = `create table users (id integer generated always as identity primary key, name text not null);
  insert into users (name) select 'user ' || i from generate_series(1, 100) i`
const MIGRATION: Migration = { name: '0001_rename', operations: [rename()] }
/** Of the sessions that carry the name under which an instance is registered. */
const SESSIONS = `select instance, count(*)::int as sessions
  from bellows.instance join pg_stat_activity using (application_name) group by instance order by instance`
const READY = { ok: true, because: [] }
/** A lease that is renewed often enough for a test, and not so short that a slow machine loses it. */
const LEASE_MS = '3000'
/** The first test of an example installs it. */
const TIMEOUT_MS = 300_000

interface Example {
  readonly database: TestDatabase
  readonly bellows: Bellows
  start(version: '1' | '2'): Promise<RunningExample>
}

/** An example on a database of its own; where its packages cannot be had the test is skipped, and says so. */
async function given(
  context: TestContext,
  staged: Staged,
  needed = process.env.CI !== undefined,
): Promise<Example> {
  if ('missing' in staged) {
    if (needed) throw new Error(staged.missing)
    console.warn(`Skipped, because the example cannot be made ready here. ${staged.missing}`)
    return context.skip()
  }
  const database = await testDatabase(USERS)
  const bellows = await database.bellows()
  await bellows.install()
  const start = (version: string) =>
    startExample(staged.command, database.url, {
      APP_VERSION: version,
      INSTANCE: `version-${version}`,
      LEASE_MS,
    })
  return { database, bellows, start }
}

const to = (bellows: Bellows, phase: 'expand' | 'verify' | 'purge') =>
  bellows.change((driver) => driver.advance(MIGRATION, phase))

const isReady = (instance: RunningExample) => expect.poll(() => instance.health()).toMatchObject(READY)
const isNotReady = (instance: RunningExample, because: string) =>
  expect
    .poll(() => instance.health())
    .toMatchObject({ ok: false, because: [expect.stringContaining(because)] })

/** Both versions, once the database is ready for the second. */
async function startBoth({ bellows, start }: Example) {
  const old = await start('1')
  await isReady(old)
  const young = await start('2')
  await isNotReady(young, 'users.full_name does not exist')
  await to(bellows, 'expand')
  await isNotReady(young, 'filled and verified yet')
  await to(bellows, 'verify')
  await isReady(young)
  await isReady(old)
  return { old, young }
}

/** The old version goes, and then the column; the new one outlives both. */
async function contract({ bellows }: Example, old: RunningExample, young: RunningExample) {
  await expect(to(bellows, 'purge')).rejects.toMatchObject({
    code: 'instances_blocking',
    facts: { blocking_instances: ['version-1'] },
  })
  await old.stop()
  expect(await old.ended, old.stderr()).toBe(0)
  expect((await to(bellows, 'purge')).state).toBe('completed')
  await isReady(young)
}

describe.each(['http-app', 'drizzle', 'knex', 'kysely', 'prisma'])('the example %s', (name) => {
  test(
    'serves in two versions during a rename, and each knows when it may and when it must not',
    async (context) => {
      const example = await given(context, await stagedExample(name))
      const { old, young } = await startBoth(example)
      expect(await example.database.query(SESSIONS), 'sessions carry the registered name').toEqual([
        { instance: 'version-1', sessions: expect.any(Number) },
        { instance: 'version-2', sessions: expect.any(Number) },
      ])

      expect(await young.read(7)).toMatchObject({ name: 'user 7' })
      const [byOld, byYoung] = [await old.add('Ada'), await young.add('Grace')]
      expect(await young.read(byOld)).toEqual({ id: byOld, name: 'Ada' })
      expect(await old.read(byYoung)).toEqual({ id: byYoung, name: 'Grace' })
      await young.change(byOld, 'Ada Lovelace')
      await old.change(byYoung, 'Grace Hopper')
      expect(await old.read(byOld)).toEqual({ id: byOld, name: 'Ada Lovelace' })
      expect(await young.read(byYoung)).toEqual({ id: byYoung, name: 'Grace Hopper' })

      await contract(example, old, young)
      expect(await young.read(byOld)).toEqual({ id: byOld, name: 'Ada Lovelace' })
      await young.change(byOld, 'Ada')
      await young.stop()
      expect(await young.ended, young.stderr()).toBe(0)
    },
    TIMEOUT_MS,
  )
})

describe.each([
  ['Python', stagedPython],
  ['Go', stagedGo],
] as const)('the example in %s', (_language, staged) => {
  test(
    'waits, is ready, and is released, by the three SQL calls alone',
    async (context) => {
      // A machine that tests Bellows need not have the language.
      const example = await given(context, await staged(), false)
      const { old, young } = await startBoth(example)
      await contract(example, old, young)
      await young.stop()
      expect(await young.ended, young.stderr()).toBe(0)
      expect(await example.bellows.instances.list()).toMatchObject([
        { instance: 'version-1', state: 'released' },
        { instance: 'version-2', state: 'released' },
      ])
    },
    TIMEOUT_MS,
  )
})

describe.each([
  ['pg', () => stagedExample('http-app')],
  ['Python', stagedPython],
  ['Go', stagedGo],
] as const)('an example in %s whose column is gone', (_which, staged) => {
  test(
    'says so, is released, and ends by itself',
    async (context) => {
      const { database, bellows, start } = await given(context, await staged(), false)
      const instance = await start('1')
      await isReady(instance)
      await database.query(
        `insert into bellows.column_state values ('public', 'users', 'name', 'retired', null)`,
      )
      expect(await instance.ended, instance.stderr()).toBe(0)
      expect(instance.stderr()).toContain('users.name is retired: this instance must stop')
      expect(await bellows.instances.list()).toMatchObject([{ instance: 'version-1', state: 'released' }])
    },
    TIMEOUT_MS,
  )
})
