import { describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { pastTheTrigger } from './mishaps.ts'
import { isBatch, MIGRATION, migration, ROWS, SETTINGS, STEP, table, UNLIKE } from './wide-rows.ts'

async function countOf(database: TestDatabase, condition: string, of = 'users'): Promise<number> {
  const [row] = await database.query<{ count: number }>(`select count(*)::int from ${of} where ${condition}`)
  return row?.count ?? 0
}

describe('a row that cannot be filled', () => {
  test.for([
    ['with a primary key', 'int primary key', /^The row id=177 of "users" cannot be filled: Value too long/],
    ['without one', 'int', /^The row ctid \(\d+,\d+\) of "users" cannot be filled: Value too long/],
  ] as const)(
    'is named in a table %s, what was filled stays, and the backfill goes on when it is corrected',
    async ([, key, message]) => {
      const database = await testDatabase(table('', key))
      const narrow = migration({ type: 'varchar(20)', overlap: 'forward_only' })
      const bellows = await database.bellows({ settings: SETTINGS })
      await bellows.change((driver) => driver.advance(narrow, 'expand'))
      await pastTheTrigger(database, `update users set name = repeat('long ', 9) where id = 177`)
      const failed = await bellows
        .change((driver) => driver.advance(narrow, 'backfill'))
        .catch((error: unknown) => error)

      const filled = await countOf(database, 'full_name is not null')
      expect(failed).toMatchObject({
        code: 'backfill_failed',
        message: expect.stringMatching(message),
        facts: { rows_done: filled },
      })
      expect(filled).toBeGreaterThan(0)
      expect(filled).toBeLessThan(ROWS)
      expect((await bellows.runs())[0]?.standsBecause).toMatch(message)

      await database.query(`update users set name = 'short' where id = 177`)
      await (await database.bellows({ settings: SETTINGS })).change((driver) =>
        driver.advance(narrow, 'backfill'),
      )
      expect(await countOf(database, 'full_name is null')).toBe(0)
      // The correction went through the dual write.
      expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(ROWS - 1)
    },
  )

  test('because it takes longer than a statement may is named, too: the backfill does not try for ever', async () => {
    const slow = `create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(3); return new; end $$;
      create trigger slow before update on users for each row when (new.id = 177) execute function slow()`
    const database = await testDatabase(table(slow))
    const until = Date.now() + 15_000
    const bellows = await database.bellows({
      settings: {
        ...SETTINGS,
        batch: { ...SETTINGS.batch, lockTimeoutMs: 20, statementTimeoutMs: 150, attemptsMax: 3 },
      },
      isStopping: () => Date.now() > until,
    })

    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))).rejects.toMatchObject({
      code: 'backfill_failed',
      message: expect.stringContaining('id=177'),
    })
  })

  test.for(['MY001', '38000', '39000', 'XX001'])(
    'is named whatever state a trigger raises for it: %s',
    async (errcode) => {
      const raising = `create function refuse() returns trigger language plpgsql as $$ begin
          raise exception 'not this one' using errcode = '${errcode}'; end $$;
        create trigger refuse before update on users for each row when (new.id = 177) execute function refuse()`
      const database = await testDatabase(table(raising))
      const stopping = await database.bellows({ settings: SETTINGS })
      const filling = (bellows: typeof stopping) =>
        bellows.change((driver) => driver.advance(MIGRATION, 'backfill')).catch((error: unknown) => error)
      expect(await filling(stopping)).toMatchObject({
        code: 'backfill_failed',
        message: 'The row id=177 of "users" cannot be filled: Not this one.',
      })
      const batch = { ...SETTINGS.batch, onBadRow: 'quarantine' } as const
      const going = await database.bellows({ settings: { ...SETTINGS, batch } })
      expect(await filling(going)).toMatchObject({
        code: 'rows_quarantined',
        facts: { quarantined_rows: 1, samples: [{ row: 'id=177', sqlstate: errcode }] },
      })
      expect(await database.query(UNLIKE)).toMatchObject([{ id: 177 }])
    },
  )

  test('is not looked for where all rows meet the same', async () => {
    const raising = `create function refuse() returns trigger language plpgsql as $$ begin
        insert into nowhere values (new.id); return new; end $$;
      create trigger refuse before update on users for each row execute function refuse()`
    const database = await testDatabase(table(raising))
    const batch = { ...SETTINGS.batch, onBadRow: 'quarantine' } as const
    const bellows = await database.bellows({ settings: { ...SETTINGS, batch } })
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))).rejects.toMatchObject({
      code: 'statement_failed',
      message: 'Relation "nowhere" does not exist.',
    })
  })

  test('is not named when it can be filled by the time it is looked for: none of its neighbours is to blame', async () => {
    // A sequence counts also the calls of transactions that are rolled back.
    const once = `create sequence calls;
      create function refuse() returns trigger language plpgsql as $$ begin
        if nextval('public.calls') = 1 then raise 'not now'; end if; return new; end $$;
      create trigger refuse before update on users for each row when (new.id = 177) execute function refuse()`
    const database = await testDatabase(table(once))
    const bellows = await database.bellows({ settings: SETTINGS })
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))).rejects.toMatchObject({
      code: 'backfill_failed',
      message: expect.stringMatching(/^A batch of "users" could not be filled: not now/i),
      step: STEP,
    })
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    expect(await database.query(UNLIKE)).toEqual([])
  })
})

test('a journal that is slow for longer than a batch may take is waited for', async () => {
  const database = await testDatabase(table())
  const batch = { ...SETTINGS.batch, lockTimeoutMs: 20, statementTimeoutMs: 400 }
  const bellows = await database.bellows({ settings: { ...SETTINGS, batch } })
  await bellows.install()
  await database.query(`
    create function public.stall() returns trigger language plpgsql as $$ begin perform pg_sleep(0.7); return new; end $$;
    create trigger stall before insert on bellows.event for each row execute function public.stall()`)
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  expect(await database.query(UNLIKE)).toEqual([])
})

describe('what triggers do behind the statement of a batch', () => {
  const behind = (what: string, seconds: number) =>
    `create sequence calls;
     create function slow() returns trigger language plpgsql as $$ begin
       perform nextval('public.calls'), pg_sleep(${seconds}); return null; end $$;
     create ${what} update on users for each row execute function slow()`

  test('counts: batches are as small as that takes, and none is done in vain', async () => {
    const rows = 3_000
    const database = await testDatabase(
      table(behind('trigger slow after', 0.001)).replaceAll(String(ROWS), String(rows)),
    )
    const batch = { rows: 'by_time', targetMs: 25, lockTimeoutMs: 300, statementTimeoutMs: 10_000 } as const
    const faulty = faultyBellows(database.url, {}, { settings: { ...SETTINGS, batch } })
    await faulty.bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    // In the bounds of a range the first ones have several hundred rows.
    expect(faulty.effects.filter(isBatch).length).toBeGreaterThan(30)
    expect(await database.query('select last_value::int as calls from calls')).toEqual([{ calls: rows }])
    await faulty.bellows.close()
  })

  test('is within the bound of a batch, also where it waits for the end of the transaction', async () => {
    const database = await testDatabase(
      table(
        behind('constraint trigger slow after', 0.002).replace(
          'for each row',
          'initially deferred for each row',
        ),
      ),
    )
    const batch = { rows: ROWS, lockTimeoutMs: 100, statementTimeoutMs: 200 }
    const faulty = faultyBellows(database.url, {}, { settings: { ...SETTINGS, batch } })
    await faulty.bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    expect(faulty.effects.filter(isBatch).length, 'it is halved until it fits').toBeGreaterThan(3)
    expect(await database.query(UNLIKE)).toEqual([])
    await faulty.bellows.close()
  })
})

describe('a batch', () => {
  test('that takes too long is halved until it fits', async () => {
    const slow = `create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.003); return new; end $$;
      create trigger slow before update on users for each row execute function slow()`
    const database = await testDatabase(table(slow))
    const batch = { rows: ROWS, lockTimeoutMs: 100, statementTimeoutMs: 200 }
    const faulty = faultyBellows(database.url, {}, { settings: { ...SETTINGS, batch } })

    await faulty.bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))

    expect((await faulty.bellows.checkpoint(STEP))?.rowsDone).toBe(ROWS)
    expect(faulty.effects.filter(isBatch).length).toBeGreaterThan(5)
    expect(await database.query(UNLIKE)).toEqual([])
    await faulty.bellows.close()
  })

  test('that was slow for a while only is tried again, and grows again', async () => {
    // A sequence counts also the calls of transactions that are rolled back.
    const stalls = 12
    const slow = `create sequence calls;
      create function slow() returns trigger language plpgsql as $$ begin
        if nextval('public.calls') <= ${stalls} then perform pg_sleep(3); end if; return new; end $$;
      create trigger slow before update on users for each row when (new.id = 7) execute function slow()`
    const database = await testDatabase(table(slow))
    const batch = { rows: 60, lockTimeoutMs: 50, statementTimeoutMs: 250 }
    const faulty = faultyBellows(database.url, {}, { settings: { ...SETTINGS, batch } })

    await faulty.bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))

    expect((await faulty.bellows.checkpoint(STEP))?.rowsDone).toBe(ROWS)
    const [calls] = await database.query<{ last: number }>('select last_value::int as last from calls')
    expect(calls?.last).toBeGreaterThan(stalls)
    // Row by row it would be hundreds.
    expect(faulty.effects.filter(isBatch).length).toBeLessThan(stalls + 60)
    await faulty.bellows.close()
  })

  test('is the place where a backfill stops when it is asked to; no finished one is lost or repeated', async () => {
    const database = await testDatabase(
      table(`create table touched (id int);
        create function touch() returns trigger language plpgsql as $$ begin insert into public.touched values (new.id); return null; end $$;
        create trigger touch after update on users for each row execute function touch()`),
    )
    let attempts = 0
    for (let isOver = false; !isOver; attempts += 1) {
      let batches = 0
      const { bellows } = faultyBellows(
        database.url,
        {
          after: (effect) => {
            if (isBatch(effect)) batches += 1
          },
        },
        { settings: SETTINGS, isStopping: () => batches >= 2 },
      )
      isOver = await bellows
        .change((driver) => driver.advance(MIGRATION, 'backfill'))
        .then(
          () => true,
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'interrupted' })
            return false
          },
        )
      await bellows.close()
    }

    expect(attempts).toBeGreaterThan(4)
    expect(await countOf(database, 'true', 'touched')).toBe(ROWS)
    expect(await countOf(database, 'true', '(select distinct id from touched) ids')).toBe(ROWS)
  })
})
