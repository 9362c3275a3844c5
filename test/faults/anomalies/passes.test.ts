import { describe, expect, test } from 'vitest'
import { testDatabase } from '../../support/database.ts'
import { Crash, faultyBellows } from '../../support/faulty-ports.ts'
import { begun, bellowsWaits } from '../begun.ts'
import { pastTheTrigger } from '../mishaps.ts'
import { isBatch, MIGRATION, migration, ROWS, SETTINGS, STEP, table, UNLIKE } from '../wide-rows.ts'

/** A block each. */
const BY_BLOCKS = { ...SETTINGS, batch: { ...SETTINGS.batch, rows: 60 } }
const PATIENT = { ...SETTINGS, batch: { ...SETTINGS.batch, lockTimeoutMs: 20_000 } }

describe('a writer from before the dual write', () => {
  test('is waited for: no row that it leaves is missed, however late it ends', async () => {
    const database = await testDatabase(table())
    const bellows = await database.bellows({ settings: SETTINGS })
    const writer = await begun(database, 'the application')
    await writer.session.query(
      `insert into users (id, name) select 1000 + i, 'late' from generate_series(1, 100) i; update users set name = 'late' where id = 1`,
    )
    const filling = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    await bellowsWaits(database)
    await writer.commit()
    await filling
    expect(await database.query(UNLIKE)).toEqual([])
    expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(ROWS + 100)
  })

  test('and has written nothing yet writes through it, also with a snapshot from before', async () => {
    const database = await testDatabase(table())
    const bellows = await database.bellows({ settings: SETTINGS })
    const writer = await begun(database, 'the application', 'isolation level repeatable read')
    await writer.session.query('select from pg_class limit 1')
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    await writer.session.query(`insert into users (id, name) values (1001, 'late')`)
    await writer.commit()
    expect(await database.query(UNLIKE)).toEqual([])
  })
})

describe('a pass', () => {
  test('loses no row that moves to where it has been', async () => {
    const database = await testDatabase(
      table('alter table users alter pad set storage plain'),
      'delete from users where id <= 93',
      'vacuum users',
    )
    const places: (number | undefined)[] = []
    let batches = 0
    const { bellows } = faultyBellows(
      database.url,
      {
        after: async (effect) => {
          if (isBatch(effect)) batches += 1
          if (!isBatch(effect) || batches !== 1) return
          const [row] = await database.query<{ block: number }>(
            `update users set id = -id, pad = repeat('y', 4000) where id = 200 returning (ctid::text::point)[0]::int as block`,
          )
          places.push(row?.block)
        },
      },
      { settings: BY_BLOCKS },
    )
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    expect(places).toHaveLength(1)
    expect(places[0], 'one of the first batch, which were empty').toBeLessThan(2)
    expect(await database.query(UNLIKE)).toEqual([])
    await bellows.close()
  })

  test('ends though more rows come with every batch than it fills', async () => {
    const database = await testDatabase(table())
    let batches = 0
    const { bellows } = faultyBellows(
      database.url,
      {
        after: async (effect) => {
          if (!isBatch(effect)) return
          batches += 1
          await database.query(
            `insert into users (id, name) select ${batches * 1000} + i, 'new' from generate_series(1, 100) i`,
          )
        },
      },
      { settings: SETTINGS },
    )
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    expect(batches * 100).toBeGreaterThan(ROWS)
    expect((await bellows.checkpoint(STEP))?.rowsDone, 'it filled what was there before it').toBe(ROWS)
    expect(await database.query(UNLIKE)).toEqual([])
    await bellows.close()
  })

  test('ends though the value of many rows is NULL', async () => {
    const database = await testDatabase(
      `create table users (id int primary key, pad text default repeat('x', 200), name text);
      insert into users (id, name) select i, case when i % 3 = 0 then 'none' else 'user' end from generate_series(1, ${ROWS}) i`,
    )
    const { bellows, effects } = faultyBellows(database.url, {}, { settings: BY_BLOCKS })
    const nothing = migration({ up: `nullif(name, 'none')`, down: 'full_name' })
    await bellows.change((driver) => driver.advance(nothing, 'verify'))
    expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(ROWS - Math.floor(ROWS / 3))
    expect(effects.filter(isBatch).length, 'goes through it twice').toBeLessThan(ROWS / 10)
    await bellows.close()
  })

  test('passes over no row that is locked for as long as it takes', async () => {
    const database = await testDatabase(table())
    const holder = await begun(database, 'the application')
    await holder.session.query('select from users where id in (1, 200, 400) for update')
    let waits = 0
    const bellows = await database.bellows({
      settings: { ...SETTINGS, batch: { ...SETTINGS.batch, lockTimeoutMs: 50, attemptsMax: 1_000 } },
      onNotice: ({ type }) => {
        if (type === 'waiting_for_lock') waits += 1
        if (waits === 5) void holder.commit()
      },
    })
    // The lock on the rows is none in the way of the dual write.
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    expect(waits).toBeGreaterThanOrEqual(5)
    expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(ROWS)
    expect(await database.query(UNLIKE)).toEqual([])
  })
})

describe('what is on record as done', () => {
  const UNDONE = `select id from users join bellows.backfill_range on next_rung = rungs and users.ctid >= format('(%s,%s)', from_block, from_line)::tid
    and users.ctid < format('(%s,%s)', to_block, to_line)::tid where full_name is null`

  test('is filled, also while a batch waits, and when its session ends', async () => {
    const database = await testDatabase(table())
    const bellows = await database.bellows({
      settings: { ...PATIENT, driver: { ...SETTINGS.driver, reconnectsMax: 0 } },
    })
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    const holder = await begun(database, 'the application')
    await holder.session.query('select from users where id = 200 for update')
    const filling = bellows
      .change((driver) => driver.advance(MIGRATION, 'backfill'))
      .catch((error: unknown) => error)
    await bellowsWaits(database)
    expect(await database.query(UNDONE), 'while it waits').toEqual([])
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'bellows/%' and wait_event_type = 'Lock'`,
    )
    expect(await filling).toMatchObject({ code: 'connection_lost' })
    expect(await database.query(UNDONE), 'when it has ended').toEqual([])
    const [filled] = await database.query(
      'select count(*)::int as "rowsDone" from users where full_name is not null',
    )
    expect(await bellows.checkpoint(STEP)).toMatchObject(filled ?? {})
  })

  test('is compared, also when a driver dies in front of a chunk', async () => {
    const database = await testDatabase(table())
    let chunks = 0
    const dying = faultyBellows(
      database.url,
      {
        before: ({ what }) => {
          if (what.startsWith('with chunk')) chunks += 1
          if (chunks === 3) throw new Crash('in front of a chunk')
        },
      },
      { settings: SETTINGS },
    )
    await dying.bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    // In each chunk.
    await pastTheTrigger(database, `update users set full_name = 'wrong'`)
    await database.query('vacuum full users')
    await expect(dying.bellows.change((driver) => driver.advance(MIGRATION, 'verify'))).rejects.toThrow(Crash)
    dying.die()
    await dying.bellows.close()

    const bellows = await database.bellows({ settings: SETTINGS })
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'verify'))).rejects.toMatchObject({
      code: 'verification_failed',
      facts: { diverged_rows: ROWS },
    })
  })
})
