import { describe, expect, test } from 'vitest'
import type { Migration } from '../../src/core/operations/migration.ts'
import { testDatabase } from '../support/database.ts'
import { Crash, faultyBellows } from '../support/faulty-ports.ts'
import { startWorkload, workSome } from '../support/workload.ts'
import { pastTheTrigger, rewritingAt } from './mishaps.ts'
import { isBatch, MIGRATION, ROWS, SETTINGS, STEP, table, UNLIKE } from './wide-rows.ts'

describe('a backfill among writers', () => {
  test('fills every row while rows are inserted, changed, deleted and given other keys', async () => {
    const database = await testDatabase(table('alter table users add seen int default 0'))
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    const some = `1 + $1::int % ${ROWS}`
    const statements = [
      `insert into users (id, name) values (100000 + $1, 'new ' || $1)`,
      `update users set seen = seen + 1 where id = ${some}`,
      `update users set name = name || '.' where id = ${some}`,
      `update users set id = -id where id = ${some}`,
      `update users set id = -id where id = -(${some})`,
      `delete from users where id = 100000 + $1 - 7`,
    ]
    const clients = ['one', 'two', 'three'].map((name) => ({ name, statements }))
    const workload = await startWorkload(database, clients)
    await workSome(workload)

    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))

    expect(await workload.stop()).toEqual([])
    expect(await database.query(UNLIKE)).toEqual([])
  })

  test('comes to its end though the table grows faster than it fills', async () => {
    const database = await testDatabase(table())
    const bellows = await database.bellows({
      settings: { ...SETTINGS, batch: { ...SETTINGS.batch, rows: 10, verifyRows: 5_000 } },
    })
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    const statement = `insert into users (id, name) select $1 * 1000000::bigint % 2000000000 + i, 'new' from generate_series(1, 50) i on conflict do nothing`
    const workload = await startWorkload(database, [{ name: 'loader', statements: [statement] }])
    await workSome(workload, 5)

    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))

    expect(await workload.stop()).toEqual([])
    const [rows] = await database.query<{ count: number }>('select count(*)::int from users')
    expect(rows?.count).toBeGreaterThan(ROWS * 2)
    expect((await bellows.checkpoint(STEP))?.rowsDone, 'it filled what was there before it').toBe(ROWS)
    expect(await database.query(UNLIKE)).toEqual([])
  })

  test('begins anew when the table is rewritten under way: positions of rows are void then', async () => {
    const database = await testDatabase(table())
    const rewrite = rewritingAt(database, STEP)
    const { bellows } = faultyBellows(database.url, rewrite.around, { settings: SETTINGS })
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    // The blocks that come first are empty now, and the rewrite puts the other rows there: behind the backfill.
    await database.query('delete from users where id <= 300')

    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))

    expect(rewrite.times()).toBe(1)
    expect(await database.query(UNLIKE)).toEqual([])
    await bellows.close()
  })

  test('goes on when a vacuum cuts off the end of the file under way, and rows come there again', async () => {
    const database = await testDatabase(table())
    const bytes = async () =>
      (await database.query<{ bytes: number }>(`select pg_relation_size('users')::int as bytes`))[0]?.bytes ??
      0
    const sizes: number[] = []
    let times = 0
    const { bellows } = faultyBellows(
      database.url,
      {
        after: async (effect) => {
          if (!isBatch(effect) || times > 0) return
          times += 1
          sizes.push(await bytes())
          await database.query(`delete from users where ctid >= '(5,0)'`)
          await database.query('vacuum users')
          sizes.push(await bytes())
          await database.query(
            `insert into users (id, name) select 1000 + i, 'again' from generate_series(1, 200) i`,
          )
        },
      },
      { settings: SETTINGS },
    )

    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))

    const [before = 0, cut = 0] = sizes
    expect(cut).toBeLessThan(before / 2)
    expect(await database.query(UNLIKE)).toEqual([])
    await bellows.close()
  })

  test('finds in a later pass what was written while the trigger was off', async () => {
    const database = await testDatabase(table())
    let times = 0
    const { bellows } = faultyBellows(
      database.url,
      {
        after: async (effect) => {
          if (!isBatch(effect) || times > 0) return
          times += 1
          await pastTheTrigger(
            database,
            `insert into users (id, name) select 1000 + i, 'past' from generate_series(1, 50) i`,
          )
        },
      },
      { settings: SETTINGS },
    )

    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))

    expect(await database.query(UNLIKE)).toEqual([])
    expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(ROWS + 50)
    await bellows.close()
  })
})

describe('a pass that was interrupted', () => {
  test('knows that it found rows, so that another one looks again', async () => {
    const database = await testDatabase(table())
    const isDone = { writtenPast: false }
    for (let state = ''; state !== 'backfilled'; ) {
      let batches = 0
      const { bellows } = faultyBellows(
        database.url,
        {
          after: async (effect) => {
            if (!isBatch(effect)) return
            batches += 1
            if (isDone.writtenPast) return
            isDone.writtenPast = true
            // In blocks that this pass does not know of, and so that its last batches find nothing.
            await pastTheTrigger(
              database,
              `insert into users (id, name) select 1000 + i, 'past' from generate_series(1, 50) i`,
            )
            await database.query('update users set pad = pad where id > 100 and id < 1000')
          },
        },
        { settings: SETTINGS, isStopping: () => batches > 0 },
      )
      state = await bellows
        .change((driver) => driver.advance(MIGRATION, 'backfill'))
        .then(
          () => 'backfilled',
          (error: { code: string }) => error.code,
        )
      expect(['backfilled', 'interrupted']).toContain(state)
      await bellows.close()
    }

    expect(await database.query(UNLIKE)).toEqual([])
  })
})

test('a value that is tried once is not tried again by whoever goes on behind the last batch', async () => {
  const database = await testDatabase(
    table(`create function maybe() returns text volatile language sql as
    $$ select case when random() < 0.5 then 'yes' end $$`),
  )
  const migration: Migration = {
    name: '0001_test',
    operations: [
      {
        kind: 'add_column',
        namespace: 'public',
        table: 'users',
        column: 'said',
        type: 'text',
        nullable: true,
        default: 'public.maybe()',
      },
    ],
  }
  const dying = faultyBellows(
    database.url,
    {
      before: async ({ kind, what }) => {
        if (kind === 'transact' && what.startsWith(`step_done ${STEP}`))
          throw new Crash('behind the last batch')
      },
    },
    { settings: SETTINGS },
  )
  await expect(dying.bellows.change((driver) => driver.advance(migration, 'backfill'))).rejects.toThrow(Crash)
  dying.die()
  await dying.bellows.close()
  const said = () => database.query('select id, said from users order by id')
  const found = await said()
  expect(found.filter(({ said: value }) => value === null).length).toBeGreaterThan(0)

  const bellows = await database.bellows({ settings: SETTINGS })
  const done = (await bellows.checkpoint(STEP))?.rowsDone
  await bellows.change((driver) => driver.advance(migration, 'backfill'))

  expect(await said()).toEqual(found)
  expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(done)
})
