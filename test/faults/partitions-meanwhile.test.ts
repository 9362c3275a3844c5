import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { workplace } from '../support/cli.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { type Around, faultyBellows } from '../support/faulty-ports.ts'
import { pastTheTrigger } from './mishaps.ts'
import { MIGRATION, SETTINGS, STEP, UNLIKE } from './wide-rows.ts'

const ROWS = 600
const TABLE = `
create table users (id int not null, pad text default repeat('x', 200), name text not null) partition by range (id);
create table users_a partition of users for values from (minvalue) to (201);
create table users_b partition of users for values from (201) to (401);
create table users_c partition of users for values from (401) to (maxvalue);
insert into users (id, name) select i, 'user ' || i from generate_series(1, ${ROWS}) i; analyze users`
const VERIFY = '0001_test/verify/1'

/** What somebody does once, as soon as a step is at a partition, the second one, and at so many rows. */
function meanwhile(
  database: TestDatabase,
  step: string,
  statement: string,
  { rows = 0, part = 'users_b' }: { readonly rows?: number; readonly part?: string } = {},
) {
  let isDone = false
  const around: Around = {
    after: async ({ kind }) => {
      if (isDone || kind !== 'transact') return
      const [at] = await database.query<{ name: string | null }>(
        `select state #>> '{leaf,table,name}' as name from bellows.checkpoint where step = $1 and not finished and rows_done >= $2`,
        [step, rows],
      )
      if (at?.name !== part) return
      isDone = true
      await database.query(statement)
    },
  }
  return { around, happened: () => isDone }
}

/** How many rows there are then, and how many of those that are wrong are met: what is detached is gone through to its end. */
const CASES: readonly (readonly [string, string, number, number])[] = [
  ['is dropped', 'drop table users_b', 400, 2],
  ['gets another name', 'alter table users_b rename to b', 600, 3],
  ['is detached', 'alter table users detach partition users_b', 400, 3],
  ['is emptied', 'truncate users_b', 400, 2],
  ['is written anew', 'vacuum full users_b', 600, 3],
  ['gets another order', 'create index by_id on users_b (id desc); cluster users_b using by_id', 600, 3],
  [
    'gives rows to the others',
    'update users set id = id - 200 where id between 201 and 300; update users set id = id + 200 where id between 301 and 350',
    600,
    3,
  ],
]

describe('a partition that meanwhile', () => {
  test.each(CASES)('%s keeps no row from being filled', async (_what, statement, count) => {
    const database = await testDatabase(TABLE)
    const { around, happened } = meanwhile(database, STEP, statement)
    const { bellows } = faultyBellows(database.url, around, { settings: SETTINGS })

    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))

    expect(happened()).toBe(true)
    expect(await database.query(UNLIKE)).toEqual([])
    expect(await database.query('select count(*)::int from users')).toEqual([{ count }])
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await bellows.close()
  })

  test.each(CASES)('%s keeps no row from being compared', async (_what, statement, _count, wrong) => {
    const database = await testDatabase(TABLE)
    const { around, happened } = meanwhile(database, VERIFY, statement)
    const { bellows } = faultyBellows(database.url, around, { settings: SETTINGS })
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    // Before the second one, and in what is left of it.
    await pastTheTrigger(database, `update users set full_name = 'wrong' where id in (7, 399, 600)`)

    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'verify'))).rejects.toMatchObject({
      code: 'verification_failed',
      facts: { diverged_rows: wrong },
    })
    expect(happened()).toBe(true)
    await bellows.close()
  })
})

test.each<[string, string, number, string?]>([
  ['is written anew are compared anew, and those of no other', 'vacuum full users_b', ROWS],
  ['is dropped count no more, and no others are compared anew', 'drop table users_b', ROWS - 200],
  ['is the last one and is dropped count no more, either', 'drop table users_c', ROWS - 200, 'users_c'],
])('rows of a partition that %s', async (_what, statement, rows, part = 'users_b') => {
  const database = await testDatabase(TABLE)
  const chunks: string[] = []
  const changing = meanwhile(database, VERIFY, statement, { rows: part === 'users_c' ? 401 : 201, part })
  const around: Around = {
    after: async (effect) => {
      if (effect.what.startsWith('with chunk')) chunks.push(effect.what)
      await changing.around.after?.(effect)
    },
  }
  const { bellows } = faultyBellows(database.url, around, { settings: SETTINGS })
  await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))

  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))

  expect(changing.happened()).toBe(true)
  expect((await bellows.checkpoint(VERIFY))?.rowsDone).toBe(rows)
  expect(chunks.length).toBeLessThan(2 * (ROWS / SETTINGS.batch.verifyRows))
  await bellows.close()
})

/** Ends an attempt at the comparison in the midst of a partition, behind so many rows. */
async function interruptedIn(database: TestDatabase, part: string, rows: number): Promise<void> {
  let isAsked = false
  const stopping: Around = {
    after: async ({ what }) => {
      if (!what.startsWith('set local synchronous_commit') && !what.startsWith('with chunk')) return
      const [at] = await database.query<{ name: string | null; rows: number }>(
        `select state #>> '{leaf,table,name}' as name, rows_done::int as rows from bellows.checkpoint where step = $1`,
        [VERIFY],
      )
      isAsked ||= at?.name === part && at.rows > rows
    },
  }
  const { bellows } = faultyBellows(database.url, stopping, {
    settings: SETTINGS,
    isStopping: () => isAsked,
  })
  await expect(bellows.change((driver) => driver.advance(MIGRATION, 'verify'))).rejects.toMatchObject({
    code: 'interrupted',
  })
  await bellows.close()
}

test.each<[string, string, number, string?, number?]>([
  ['is written anew between two attempts count once', 'vacuum full users_b', ROWS],
  ['is dropped between two attempts count no more', 'drop table users_b', ROWS - 200],
  [
    'is the last one and is dropped between two attempts count no more',
    'drop table users_c',
    ROWS - 200,
    'users_c',
    400,
  ],
])('rows of a partition that %s', async (_what, statement, rows, part = 'users_b', behind = 200) => {
  const database = await testDatabase(TABLE)
  await interruptedIn(database, part, behind)
  await database.query(statement)

  const bellows = await database.bellows({ settings: SETTINGS })
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))

  expect((await bellows.checkpoint(VERIFY))?.rowsDone).toBe(rows)
})

test('what was found before the last partition stands, though that is dropped between two attempts', async () => {
  const database = await testDatabase(TABLE)
  const bellows = await database.bellows({ settings: SETTINGS })
  await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  await pastTheTrigger(database, `update users set full_name = 'wrong' where id = 7`)
  await interruptedIn(database, 'users_c', 400)
  await database.query('drop table users_c')

  await expect(bellows.change((driver) => driver.advance(MIGRATION, 'verify'))).rejects.toMatchObject({
    code: 'verification_failed',
    facts: { diverged_rows: 1 },
  })
})

/** Rows that take a millisecond each. */
const MANY = `
create table users (id int not null, pad text default repeat('x', 200), name text not null) partition by range (id);
do $$ begin for i in 0 .. 7 loop
  execute format('create table users_%s partition of users for values from (%s) to (%s)', i, i * 500, i * 500 + 500); end loop; end $$;
insert into users (id, name) select i, 'user ' || i from generate_series(0, 3999) i; analyze users;
create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.001); return new; end $$;
create trigger slow before update on users for each row execute function slow()`

test('drivers and a worker that are killed while partitions come, go and are written anew leave no row unfilled', {
  timeout: 400_000,
}, async () => {
  const database = await testDatabase(MANY)
  const { start, run, write, folder } = await workplace()
  await mkdir(path.join(folder, 'migrations'))
  await write(
    'migrations/0001_test.yaml',
    'operations:\n  - rename_column:\n      table: users\n      from: name\n      to: full_name\n',
  )
  const program = (command: string) => start(command, '--database', database.url, '--batch-size', '20').child
  const filled = async () => {
    const [found] = await database.query<{ rows: number }>(
      `select coalesce(sum(rows_done), 0)::int + (select coalesce(sum(rows_done), 0)::int from bellows.backfill_range) as rows from bellows.checkpoint`,
    )
    return found?.rows ?? 0
  }
  expect(await run('expand', '--database', database.url)).toMatchObject({ code: 0 })
  let worker = program('work')
  for (const statements of [
    ['alter table users detach partition users_0', `insert into users_0 (id, name) values (1, 'alone')`],
    ['truncate users_3'],
    ['vacuum full users_4'],
    ['alter table users attach partition users_0 for values from (0) to (500)'],
    ['update users set id = id - 3000 where id between 3000 and 3200'],
    ['drop table users_7'],
  ]) {
    const before = await filled()
    const driver = program('backfill')
    await expect.poll(filled, { timeout: 60_000 }).toBeGreaterThan(before + 100)
    for (const statement of statements) await database.query(statement)
    driver.kill('SIGKILL')
    worker.kill('SIGKILL')
    worker = program('work')
  }
  worker.kill('SIGINT')
  const verify = () => run('verify', '--database', database.url)
  // What was attached behind the backfill is found by the comparison, and filled then.
  expect((await verify()).err).toMatch(/do not agree: \d+ rows still unfilled/)
  expect(await verify()).toMatchObject({ code: 0 })
  expect(await database.query(UNLIKE)).toEqual([])
  expect(await database.query('select count(*)::int from users')).toEqual([{ count: 3_001 }])
})
