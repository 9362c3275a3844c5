import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Notice } from '../../src/index.ts'
import { workplace } from '../support/cli.ts'
import { testDatabase } from '../support/database.ts'
import { rename } from '../support/rename.ts'

const MIGRATION = { name: '0001_test', operations: [rename()] }
/** Each batch takes its time, so that somebody can look on. */
const SLOW = `
create table users (id int primary key, name text);
insert into users select i, 'user ' || i from generate_series(1, 3000) i; analyze users;
create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.05); return null; end $$;
create trigger slow before update on users for each statement execute function slow()`
const SETTINGS = {
  batch: { rows: 50 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} as const

test('whoever watches a run hears how far it is, what holds it, and what becomes of it', async () => {
  const database = await testDatabase(SLOW)
  const driving = await database.bellows({ settings: SETTINGS })
  const run = await driving.change((driver) => driver.advance(MIGRATION, 'expand'))
  const watching = await database.bellows()
  const heard: Notice[] = []
  const watched = watching.watch(run.id, (notice) => heard.push(notice))
  const of = <T extends Notice['type']>(type: T) =>
    heard.filter((notice): notice is Extract<Notice, { type: T }> => notice.type === type)

  const filled = driving.change((driver) => driver.advance(MIGRATION, 'verify'))
  await expect.poll(() => of('progress').length).toBeGreaterThan(1)
  await watching.throttle(run.id, { share: 0, reason: 'a look' })
  await expect.poll(() => of('braked').at(-1)?.pace).toBe('pause')
  await watching.throttle(run.id, { share: 1 })
  await expect.poll(() => of('braked').at(-1)?.pace).toBe('go')
  await filled
  await driving.change((driver) => driver.rollback(run.id))

  expect((await watched).state).toBe('rolled_back')
  const done = of('progress').map(({ rowsDone }) => rowsDone)
  expect(done).toEqual(done.toSorted((a, b) => a - b))
  expect(
    of('progress').every(({ step, rowsTotal }) => step === '0001_test/backfill/1' && rowsTotal === 3_000),
  ).toBe(true)
  const logs = of('progress').map(({ logBytes = 0 }) => logBytes)
  expect(logs.at(-1), 'whoever looks on is told of the log, too').toBeGreaterThan(logs[0] ?? 0)
  const events = of('happened').map(({ event }) => event)
  expect(events.flatMap((event) => (event.type === 'phase_entered' ? [event.phase] : []))).toEqual([
    'expand',
    'backfill',
    'verify',
  ])
  expect(events.at(-1)).toEqual({ type: 'run_rolled_back' })
})

test('whoever watches a run waits for a server that takes no connections for a while', async () => {
  const database = await testDatabase('create table users (id int primary key, name text)')
  const driving = await database.bellows({ settings: SETTINGS })
  const run = await driving.change((driver) => driver.advance(MIGRATION, 'expand'))
  const watching = await database.bellows({ application: 'bellows/a look' })
  const heard: Notice[] = []
  const watched = watching.watch(run.id, (notice) => heard.push(notice)).catch((error: unknown) => error)
  await expect.poll(() => heard.length).toBeGreaterThan(0)

  // Not from within.
  const beside = await testDatabase()
  await beside.query(`alter database ${database.name} allow_connections false`)
  const ended = await database.query(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and application_name = 'bellows/a look'`,
  )
  expect(ended).toHaveLength(1)
  await sleep(2_500)
  await beside.query(`alter database ${database.name} allow_connections true`)
  await driving.change((driver) => driver.advance(MIGRATION, 'purge'))

  expect(await watched).toMatchObject({ state: 'completed' })
  expect(heard.at(-1)).toMatchObject({ event: { type: 'run_completed' } })
})

test('the command tells what has happened, and ends with the run', async () => {
  const database = await testDatabase(
    'create table users (id int primary key, name text); insert into users values (1)',
  )
  const { run, start } = await workplace({ DATABASE_URL: database.url })
  expect(await run('watch')).toMatchObject({ code: 64, err: expect.stringContaining('run_not_found') })
  const bellows = await database.bellows({ settings: SETTINGS })
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  const [text, json] = [start('watch', '0001_test').ended, start('watch', '0001_test', '--json').ended]
  await bellows.change((driver) => driver.advance(MIGRATION, 'purge'))

  const { code, out, err } = await text
  expect({ code, out }).toEqual({ code: 0, out: '0001_test  completed\n' })
  for (const line of [
    'expand begins',
    '0001_test/expand/1: done',
    'version 1: add_full_name_column',
    'all is done',
  ])
    expect(err.split('\n')).toContain(line)
  const documents = (await json).out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(documents[0]).toEqual({
    version: 1,
    type: 'happened',
    event: { type: 'phase_entered', phase: 'expand' },
  })
  expect(documents.map(({ version }) => version)).toEqual(documents.map(() => 1))
  expect(documents.flatMap(({ schemaVersion = [] }) => schemaVersion)).toEqual([1, 2, 3])
  expect(documents.at(-1)).toEqual({ version: 1, type: 'left', migration: '0001_test', state: 'completed' })
})
