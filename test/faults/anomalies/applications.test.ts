import { describe, expect, test } from 'vitest'
import { testDatabase } from '../../support/database.ts'
import { answerOf, begun, bellowsWaits } from '../begun.ts'
import { MIGRATION, ROWS, SETTINGS, STEP, table, UNLIKE } from '../wide-rows.ts'

/** With a column that only applications write, and the phases one after the other. */
async function opened(more = '', batch: Partial<typeof SETTINGS.batch> = {}) {
  const waits: string[] = []
  const database = await testDatabase(table(`alter table users add seen int not null default 0; ${more}`))
  const bellows = await database.bellows({
    settings: { ...SETTINGS, batch: { ...SETTINGS.batch, ...batch } },
    onNotice: ({ type }) => {
      if (type === 'waiting_for_lock') waits.push(type)
    },
  })
  const advance = (until: 'expand' | 'backfill' | 'verify') =>
    bellows.change((driver) => driver.advance(MIGRATION, until))
  await advance('expand')
  waits.length = 0
  return { database, bellows, advance, waits }
}

test('a transaction that takes rows in the other order goes on: the batch gives way', async () => {
  const { database, advance, waits } = await opened('', { rows: ROWS })
  const app = await begun(database, 'the application')
  await app.session.query('update users set seen = 1 where id = 300')
  const filling = advance('backfill')
  await bellowsWaits(database)
  // The batch has this row, and waits for the other.
  expect(await answerOf(app.session.query('update users set seen = 1 where id = 1'))).toBe('done')
  await app.commit()
  await filling
  expect(waits).not.toEqual([])
  expect(await database.query(UNLIKE)).toEqual([])
})

describe('a row that others refer to', () => {
  const ORDERS = 'create table orders (id int, user_id int references users)'
  const UNIQUE = `alter table users add unique (name); ${ORDERS}`

  test.for([
    ['', ORDERS],
    ['whose new column will be unique', UNIQUE],
  ] as const)('%s is filled while a referring row is on its way', async ([, more]) => {
    const { database, advance, waits } = await opened(more)
    const app = await begun(database, 'the application')
    await app.session.query('insert into orders values (1, 200)')
    await advance('backfill')
    expect(waits).toEqual([])
    expect(await answerOf(app.session.query('insert into orders values (2, 1); commit'))).toBe('done')
    expect(await database.query(UNLIKE)).toEqual([])
  })

  test.for([
    ['', ORDERS],
    ['whose new column will be unique', UNIQUE],
  ] as const)('%s may be referred to while a batch has it', async ([, more]) => {
    const { database, advance } = await opened(more, { rows: ROWS, lockTimeoutMs: 20_000 })
    const holder = await begun(database, 'the application')
    await holder.session.query('select from users where id = 300 for update')
    const filling = advance('backfill')
    await bellowsWaits(database)
    await database.query(`set lock_timeout = '5s'; insert into orders values (1, 1)`)
    await bellowsWaits(database)
    await holder.commit()
    await filling
  })
})

describe('a transaction with one snapshot from its begin to its end', () => {
  const LEVELS = ['repeatable read', 'serializable'] as const

  test.for(LEVELS)('at %s fails at a row that was filled since, and at no other', async (level) => {
    const { database, advance } = await opened('create table orders (id int)')
    await database.query('update users set seen = 1 where id = 7')
    const apps = await Promise.all(
      ['filled since', 'filled before', 'reader', 'writer of another'].map((name) =>
        begun(database, name, `isolation level ${level}`),
      ),
    )
    for (const { session } of apps) await session.query('select count(*) from users')
    await advance('backfill')
    const answers = await Promise.all(
      [
        'update users set seen = 2 where id = 8',
        'update users set seen = 2 where id = 7',
        'select count(full_name) from users',
        'insert into orders select count(*) from users',
      ].map((text, at) => answerOf(apps[at]?.session.query(`${text}; commit`) ?? Promise.resolve())),
    )
    expect(answers).toEqual(['40001', 'done', 'done', 'done'])
    await apps[0]?.session.query('rollback')
    const again = await begun(database, 'once more', `isolation level ${level}`)
    expect(await answerOf(again.session.query('update users set seen = 2 where id = 8; commit'))).toBe('done')
  })

  test.for(LEVELS)('at %s that was first at a row is waited for', async (level) => {
    const { database, advance } = await opened('', { lockTimeoutMs: 20_000 })
    const app = await begun(database, 'the application', `isolation level ${level}`)
    await app.session.query('update users set seen = 1 where id = 200')
    const filling = advance('backfill')
    await bellowsWaits(database)
    expect(await answerOf(app.session.query('update users set seen = 2 where id = 200; commit'))).toBe('done')
    await filling
    expect(await database.query(UNLIKE)).toEqual([])
  })
})

describe('what an application sees of the rows that are filled', () => {
  const AUDITED = `create table audit (id int); create function audited() returns trigger language plpgsql as $$ begin insert into public.audit values (new.id); return null; end $$;
    create trigger audited after update on users for each row execute function audited()`

  test('a trigger of it fires for each, which the plan says', async () => {
    const database = await testDatabase(table(AUDITED))
    const { steps } = await (await database.bellows()).plan(MIGRATION)
    expect(steps.flatMap(({ hazards }) => hazards)).toContainEqual({
      code: 'user_triggers_fire',
      because:
        'The trigger audited fires for every row that the backfill fills. One that is not to fire looks at the setting bellows.backfill.',
    })
  })

  test('a trigger of it fires no more than once for each', async () => {
    const { database, advance } = await opened(AUDITED)
    await database.query('update users set seen = 1 where id = 7')
    await advance('verify')
    const [counted] = await database.query(
      'select count(*)::int as times, count(distinct id)::int as rows from audit',
    )
    expect(counted).toEqual({ times: ROWS, rows: ROWS })
  })

  test('its xmin becomes another one, once, and none of a row that needed nothing', async () => {
    const { database, bellows, advance } = await opened()
    await database.query('update users set seen = 1 where id <= 100')
    const versions = async () =>
      new Map(
        (await database.query<{ id: number; xmin: string }>('select id, xmin from users')).map((row) => [
          row.id,
          row.xmin,
        ]),
      )
    const before = await versions()
    await advance('backfill')
    const filled = await versions()
    expect([...filled].filter(([id, xmin]) => before.get(id) !== xmin)).toHaveLength(ROWS - 100)
    expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(ROWS - 100)
    await advance('verify')
    expect(await versions(), 'who only compares changes nothing').toEqual(filled)
  })
})
