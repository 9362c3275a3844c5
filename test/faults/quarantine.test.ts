import { describe, expect, test } from 'vitest'
import type { Notice } from '../../src/index.ts'
import { catalog } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'
import { type Effect, faultyBellows } from '../support/faulty-ports.ts'
import { rename } from '../support/rename.ts'
import { badOf, MIGRATION, mend, notes, STEP, settings, table, WRONG } from './bad-rows.ts'
import * as wide from './wide-rows.ts'

const failed = (error: unknown) => error
const named = (ids: readonly number[]) => ids.map((id) => `id=${id}`)

const PARTITIONED = {
  columns: 'id int, primary key (id)',
  more: ` partition by range (id); create table users_a partition of users for values from (minvalue) to (100);
    create table users_b partition of users for values from (100) to (300); create table users_c partition of users default`,
}

describe('a backfill that goes on without rows that it cannot fill', () => {
  test.for([
    ['by plain ranges', 400, {}, {}],
    ['by a ladder', 4_000, {}, {}],
    ['by a ladder, with two workers', 4_000, {}, { workers: 2 }],
    ['in partitions', 400, PARTITIONED, {}],
  ] as const)('fills all others, and stands until they are corrected: %s', async ([, rows, more, batch]) => {
    const database = await testDatabase(table(rows, more))
    const heard: Notice[] = []
    const bellows = await database.bellows({
      settings: settings(batch),
      onNotice: (notice) => heard.push(notice),
    })
    const bad = badOf(rows)
    const stood = {
      code: 'rows_quarantined',
      step: STEP,
      facts: { quarantined_rows: bad.length, samples: expect.arrayContaining([]) },
      hint: expect.stringMatching(/id=7 of "users(_a)?": Integer out of range/),
    }
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'verify'))).rejects.toMatchObject(stood)

    expect(await database.query(WRONG)).toEqual([])
    expect((await notes(database)).map(({ name }) => name)).toEqual(named(bad))
    expect(heard.filter(({ type }) => type === 'quarantined')).toHaveLength(bad.length)
    const [run] = await bellows.runs()
    expect(run).toMatchObject({
      state: 'backfilling',
      standsBecause: expect.stringMatching(`but ${bad.length} rows in quarantine`),
    })
    expect(await bellows.quarantine(run?.id ?? 0)).toMatchObject({
      rows: bad.length,
      samples: expect.arrayContaining([
        { table: expect.any(String), row: 'id=7', sqlstate: '22003', message: 'Integer out of range.' },
      ]),
    })

    // Neither contracts whoever asks for it, nor is a row noted twice.
    const before = await notes(database)
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject(stood)
    expect(await notes(database)).toEqual(before)

    const [first = 0, second = 0, ...others] = bad
    await mend(database, [first])
    await database.query(`delete from users where id = ${second}`)
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject({
      code: 'rows_quarantined',
      facts: { quarantined_rows: others.length },
    })
    await mend(database, others)
    const { state } = await bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
    expect(state).toBe('completed')
    expect(await notes(database)).toEqual([])
    expect(await database.query('select id from users where number is distinct from id')).toEqual([])
    // Those that were corrected were filled by the dual write.
    expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(rows - bad.length)
  })

  test('names a row of a table without a key by its place, where it is until somebody changes it', async () => {
    const database = await testDatabase(table(400, { columns: 'id int' }))
    const bellows = await database.bellows({ settings: settings() })
    const verified = () => bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await expect(verified()).rejects.toMatchObject({ facts: { quarantined_rows: 7 } })
    const places = (await notes(database)).map(({ name }) => name.replace('ctid ', ''))
    const found = await database.query<{ id: number }>(
      `select id from users where ctid = any ($1::tid[]) order by id`,
      [places],
    )
    expect(found.map(({ id }) => id)).toEqual(badOf(400))
    await database.query(`update users set name = id where ctid = '${places[0]}'`)
    await expect(verified()).rejects.toMatchObject({ facts: { quarantined_rows: 6 } })
    await mend(database, badOf(400))
    await verified()
  })

  test.for(['id int', 'id int primary key'])(
    'looks for them anew where the table was rewritten: %s',
    async (columns) => {
      const database = await testDatabase(table(400, { columns }))
      const bellows = await database.bellows({ settings: settings() })
      const verified = () => bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
      await expect(verified()).rejects.toMatchObject({ facts: { quarantined_rows: 7 } })
      await database.query('delete from users where id = 1')
      await database.query('vacuum full users')
      await expect(verified()).rejects.toMatchObject({ facts: { quarantined_rows: 7 } })
      expect(await database.query(WRONG)).toEqual([])
      await mend(database, badOf(400))
      await verified()
      expect(await notes(database)).toEqual([])
    },
  )

  test('forgets those of a partition that has left', async () => {
    const database = await testDatabase(table(400, PARTITIONED))
    const bellows = await database.bellows({ settings: settings() })
    const verified = () => bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await expect(verified()).rejects.toMatchObject({ facts: { quarantined_rows: 7 } })
    await database.query('alter table users detach partition users_a')
    await expect(verified()).rejects.toMatchObject({ facts: { quarantined_rows: 2 } })
  })

  test.for([
    ['is dropped just before they are tried again', 'drop table users_a', 2],
    ['gets another name just before', 'alter table users_a rename to a', 7],
  ] as const)('goes on with what is there of a partition that %s', async ([, statement, rows]) => {
    const database = await testDatabase(table(400, PARTITIONED))
    const first = await database.bellows({ settings: settings() })
    await expect(first.change((driver) => driver.advance(MIGRATION, 'verify'))).rejects.toMatchObject({
      facts: { quarantined_rows: 7 },
    })
    let isDone = false
    const changing = async (effect: Effect) => {
      if (isDone || !wide.isBatch(effect)) return
      isDone = true
      await database.query(statement)
    }
    const { bellows } = faultyBellows(database.url, { before: changing }, { settings: settings() })

    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'verify'))).rejects.toMatchObject({
      code: 'rows_quarantined',
      facts: { quarantined_rows: rows },
    })
    expect(isDone).toBe(true)
    await bellows.close()
  })

  test('fills one by itself when what it needs is there by then', async () => {
    const database = await testDatabase(
      wide.table(`create table rule (longest int); insert into rule values (7);
        create function obey() returns trigger language plpgsql as $$ begin
          if length(new.name) > (select longest from public.rule) then raise 'too long: %', new.name; end if; return new; end $$;
        create trigger obey before update on users for each row execute function obey()`),
    )
    const bellows = await database.bellows({ settings: settings({ quarantineMax: 400 }) })
    const verified = () => bellows.change((driver) => driver.advance(wide.MIGRATION, 'verify'))
    await expect(verified()).rejects.toMatchObject({
      code: 'rows_quarantined',
      facts: {
        quarantined_rows: 301,
        samples: expect.arrayContaining([expect.objectContaining({ sqlstate: 'P0001' })]),
      },
    })
    await database.query('update rule set longest = 8')
    await verified()
    expect(await database.query(wide.UNLIKE)).toEqual([])
    expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(wide.ROWS)
  })

  test('goes on with the other tables of the migration, and with nothing behind them', async () => {
    const database = await testDatabase(
      wide.table(`create function refuse() returns trigger language plpgsql as $$ begin raise 'not this one'; end $$;
        create trigger refuse before update on users for each row when (new.id = 177) execute function refuse()`),
      `create table teams (id int primary key, label text); insert into teams values (1, 'one')`,
    )
    const others = { ...rename({ from: 'label', to: 'title' }), table: 'teams' }
    const both = { ...wide.MIGRATION, operations: [...wide.MIGRATION.operations, others] }
    const bellows = await database.bellows({ settings: settings() })
    const contracted = () => bellows.change((driver) => driver.advance(both, 'purge'))
    await expect(contracted()).rejects.toMatchObject({ code: 'rows_quarantined', step: STEP })
    expect(await database.query('select label, title from teams')).toEqual([{ label: 'one', title: 'one' }])
    const [run] = await bellows.runs()
    expect(run?.state).toBe('backfilling')
    expect(run?.standsBecause).toMatch('1 row in quarantine')
    await database.query('drop trigger refuse on users')
    expect((await contracted()).state).toBe('completed')
  })

  test('stops where there are more than it may go on without, and has room again for those that were corrected', async () => {
    const database = await testDatabase(table(400))
    const bellows = await database.bellows({ settings: settings({ quarantineMax: 3 }) })
    const filled = () => bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    const full = {
      code: 'backfill_failed',
      message: expect.stringMatching(/^More than 3 rows of "users" cannot be filled/),
      hint: expect.stringMatching(/batch\.quarantineMax/),
    }
    await expect(filled()).rejects.toMatchObject(full)
    expect((await notes(database)).map(({ name }) => name)).toEqual(named([7, 8, 9]))
    await expect(filled()).rejects.toMatchObject(full)
    await mend(database, [7, 8])
    await expect(filled()).rejects.toMatchObject(full)
    expect((await notes(database)).map(({ name }) => name)).toEqual(named([9, 11, 13]))
    await mend(database, [9, 11, 13])
    await expect(filled()).rejects.toMatchObject({ code: 'rows_quarantined', facts: { quarantined_rows: 2 } })
  })

  test('is taken back without a trace', async () => {
    const database = await testDatabase(table(400))
    const before = await catalog(database)
    const rows = () => database.query('select id, name from users order by id')
    const given = await rows()
    const bellows = await database.bellows({ settings: settings() })
    const error = await bellows.change((driver) => driver.advance(MIGRATION, 'verify')).catch(failed)
    expect(error).toMatchObject({ code: 'rows_quarantined' })
    const [run] = await bellows.runs()
    await bellows.change((driver) => driver.rollback(run?.id ?? 0))
    expect(await catalog(database)).toEqual(before)
    expect(await rows()).toEqual(given)
    expect(await notes(database)).toEqual([])
    expect(await bellows.quarantine(run?.id ?? 0)).toEqual({ rows: 0, samples: [] })
  })

  test('is not the default: it stops at the first one, and says how to go on', async () => {
    const database = await testDatabase(table(400))
    const before = await database.bellows({ settings: settings() })
    await before.change((driver) => driver.advance(MIGRATION, 'expand'))
    const bellows = await database.bellows({ settings: settings({ onBadRow: 'stop' }) })
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))).rejects.toMatchObject({
      code: 'backfill_failed',
      message: expect.stringMatching(/^The row id=7 of "users" cannot be filled/),
      hint: expect.stringMatching('--on-bad-row quarantine'),
    })
    expect(await notes(database)).toEqual([])
  })

  test('leaves out nothing but what really failed alone: not rows that only fail together', async () => {
    const database = await testDatabase(
      wide.table(`create function alone() returns trigger language plpgsql as $$ begin
          if (select count(*) from changed where id in (171, 172)) > 1 then raise 'not both'; end if; return null; end $$;
        create trigger alone after update on users referencing new table as changed for each statement execute function alone()`),
    )
    const bellows = await database.bellows({ settings: settings() })
    await bellows.change((driver) => driver.advance(wide.MIGRATION, 'backfill'))
    expect(await database.query(wide.UNLIKE)).toEqual([])
  })

  test.for([['stop'], ['quarantine']] as const)(
    'knows a row that fails at the end of the transaction: %s',
    async ([onBadRow]) => {
      const database = await testDatabase(
        wide.table(`create function late() returns trigger language plpgsql as $$ begin
          if new.id = 177 then raise 'too late'; end if; return null; end $$;
        create constraint trigger late after update on users deferrable initially deferred for each row execute function late()`),
      )
      const bellows = await database.bellows({ settings: settings({ onBadRow }) })
      const error = await bellows.change((driver) => driver.advance(wide.MIGRATION, 'backfill')).catch(failed)
      expect(error).toMatchObject(
        onBadRow === 'stop'
          ? { code: 'backfill_failed', facts: { row: 'id=177' } }
          : { code: 'rows_quarantined', facts: { samples: [{ row: 'id=177' }] } },
      )
    },
  )

  test('leaves out a row that takes too long by itself', async () => {
    const database = await testDatabase(
      wide.table(`create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(3); return new; end $$;
        create trigger slow before update on users for each row when (new.id = 177) execute function slow()`),
    )
    const bellows = await database.bellows({
      settings: settings({ lockTimeoutMs: 20, statementTimeoutMs: 150, attemptsMax: 3 }),
    })
    await expect(
      bellows.change((driver) => driver.advance(wide.MIGRATION, 'backfill')),
    ).rejects.toMatchObject({
      code: 'rows_quarantined',
      facts: { quarantined_rows: 1, samples: [{ row: 'id=177', sqlstate: '57014' }] },
    })
    await database.query('drop trigger slow on users')
    await bellows.change((driver) => driver.advance(wide.MIGRATION, 'verify'))
    expect(await database.query(wide.UNLIKE)).toEqual([])
  })
})

test('a write of a row whose mapping fails is refused by the dual write, whatever column it is of', async () => {
  const database = await testDatabase(table(400))
  const bellows = await database.bellows({ settings: settings() })
  await bellows.change((driver) => driver.advance(MIGRATION, 'backfill')).catch(failed)
  await expect(database.query('update users set seen = 1 where id = 7')).rejects.toThrow(
    'integer out of range',
  )
  await database.query('update users set seen = 1 where id = 6')
  await database.query('update users set name = 7, seen = 1 where id = 7')
  expect(await database.query('select number from users where id = 7')).toEqual([{ number: 7 }])
})

test('a row that lacks its value keeps the contract closed also where nobody has noted it', async () => {
  const database = await testDatabase(table(400))
  const bellows = await database.bellows({ settings: settings() })
  const contracted = () => bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
  await expect(contracted()).rejects.toMatchObject({ code: 'rows_quarantined' })
  await database.query('delete from bellows.quarantine')
  await expect(contracted()).rejects.toThrow('nteger out of range')
  expect(await database.query('select name from users where id = 7')).toHaveLength(1)
})
