import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { Phase } from '../../../src/core/plan/step.ts'
import { testDatabase } from '../../support/database.ts'
import { describeError, migration, rename } from './support.ts'

const GIVEN = `create table people (id integer primary key, seen integer not null default 0, name text not null default 'nobody');
  insert into people values (1, 0, 'a'), (2, 0, 'b')`

const STALE = '0A000: cached plan must not change result type'

async function begin(...more: readonly string[]) {
  const database = await testDatabase(GIVEN, ...more)
  const bellows = await database.bellows({
    settings: { gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' } },
  })
  return {
    database,
    session: await database.session('an old session'),
    advance: (until: Phase) => bellows.change((driver) => driver.advance(migration(rename()), until)),
    undo: () => bellows.change(async (driver) => driver.undo((await driver.run('0001_test'))?.id ?? 0)),
  }
}

/** What a statement answers: the values of its rows, or the error. */
async function answer(session: pg.Client, query: string | pg.QueryConfig): Promise<string> {
  try {
    const { rows } = await session.query(query)
    return rows.map((row) => Object.values(row).join(' ')).join(', ')
  } catch (error) {
    return describeError(error)
  }
}

describe('a long-lived session', () => {
  test('goes on with named statements that name their columns, from before expand until the column is gone', async () => {
    const { session, advance } = await begin()
    const read = { name: 'read', text: 'select id, name from people where id = $1', values: [1] }
    const write = {
      name: 'write',
      text: 'update people set name = $1 where id = 1 returning name',
      values: ['x'],
    }
    const add = {
      name: 'add',
      text: 'insert into people (id, name) values ($1, $2) on conflict (id) do update set seen = 1',
      values: [3, 'c'],
    }
    const both = async () => [
      await answer(session, read),
      await answer(session, write),
      await answer(session, add),
    ]

    expect(await both()).toEqual(['1 a', 'x', ''])
    for (const phase of ['expand', 'backfill', 'verify'] as const) {
      await advance(phase)
      expect(await both(), phase).toEqual(['1 x', 'x', ''])
    }
    await advance('retire')
    const gone = [/^42703: column "name"/, /^42703: column "name"/, /^42703: column "name"/].map((text) =>
      expect.stringMatching(text),
    )
    expect(await both()).toEqual(gone)
    await advance('purge')
    expect(await both()).toEqual(gone)
  })

  test('goes on with named statements of the new column across retire, undo and purge', async () => {
    const { database, session, advance, undo } = await begin()
    await advance('verify')
    const write = {
      name: 'write',
      text: 'update people set full_name = $1 where id = 1 returning full_name',
      values: ['x'],
    }
    const add = {
      name: 'add',
      text: 'insert into people (id, full_name) values ($1, $2) on conflict (id) do update set full_name = excluded.full_name',
      values: [3, 'c'],
    }
    const read = { name: 'read', text: 'select id, full_name from people order by id' }
    const all = async (value: string) => [
      await answer(session, { ...write, values: [value] }),
      await answer(session, { ...add, values: [3, value] }),
      await answer(session, read),
    ]

    expect(await all('u')).toEqual(['u', '', '1 u, 2 b, 3 u'])
    await advance('retire')
    expect(await all('v')).toEqual(['v', '', '1 v, 2 b, 3 v'])
    const hidden = await database.query(
      `select attname from pg_attribute where attrelid = 'people'::regclass and attname ~ 'retired'`,
    )
    expect(
      await answer(session, `select "${hidden[0]?.attname}" from people order by id`),
      'the hidden column is kept in step',
    ).toBe('v, b, v')
    await undo()
    expect(await database.query('select from people where name is distinct from full_name')).toEqual([])
    expect(await all('w')).toEqual(['w', '', '1 w, 2 b, 3 w'])
    await advance('purge')
    expect(await all('z')).toEqual(['z', '', '1 z, 2 b, 3 z'])
    expect(await answer(session, 'insert into people (id) values (9) returning full_name')).toBe('nobody')
  })

  test('loses named statements of SELECT * at each change of the columns, and only those', async () => {
    const { session, advance } = await begin()
    const star = (name: string) => ({ name, text: 'select * from people where id = $1', values: [1] })
    await answer(session, star('first'))
    await session.query('prepare typed as select * from people where id = 1')
    await advance('expand')

    // For ever, also when it is tried again; a statement of another name, and one without a name, see the new columns.
    expect(await answer(session, star('first'))).toBe(STALE)
    expect(await answer(session, star('first'))).toBe(STALE)
    expect(await answer(session, 'execute typed')).toBe(STALE)
    expect(await answer(session, { text: 'select * from people where id = $1', values: [1] })).toBe('1 0 a ')
    expect(await answer(session, star('second'))).toBe('1 0 a ')
    await advance('verify')
    expect(await answer(session, star('second'))).toBe('1 0 a a')
    await advance('retire')
    expect(await answer(session, star('second')), 'the hidden column has another name').toBe(STALE)
    expect(await answer(session, star('third'))).toBe('1 0 a a')
    await advance('purge')
    expect(await answer(session, star('third'))).toBe(STALE)
    expect(await answer(session, star('fourth'))).toBe('1 0 a')
    await session.query('deallocate typed; prepare typed as select * from people where id = 1')
    expect(await answer(session, 'execute typed')).toBe('1 0 a')
  })

  test('loses its transaction to such a statement', async () => {
    const { session, advance } = await begin()
    const star = { name: 'star', text: 'select * from people where id = $1', values: [1] }
    await answer(session, star)
    await advance('expand')
    await session.query('begin')
    expect(await answer(session, star)).toBe(STALE)
    expect(await answer(session, 'select 1')).toMatch(/^25P02: /)
    await session.query('rollback')

    expect(await answer(session, 'select name from people where id = 1')).toBe('a')
  })

  test('loses named RETURNING * in the same way, which changes nothing', async () => {
    const { session, advance } = await begin()
    const write = {
      name: 'write',
      text: 'update people set name = $1 where id = 1 returning *',
      values: ['x'],
    }
    expect(await answer(session, write)).toBe('1 0 x')
    await advance('expand')
    expect(await answer(session, { ...write, values: ['y'] })).toBe(STALE)

    expect(await answer(session, 'select name, full_name from people where id = 1')).toBe('x ')
  })

  test('goes on with its functions across expand, whatever rows they handle', async () => {
    const { session, advance } = await begin(
      `create function rename_one(number integer, value text) returns text language plpgsql as $$
         declare whole people%rowtype; loose record;
         begin
           select * into strict whole from people where id = number;
           for loose in select * from people where id = number loop whole.seen := loose.seen + 1; end loop;
           update people set name = value, seen = whole.seen where id = number returning * into whole;
           return whole.name || whole.seen;
         end $$;
       create function all_people() returns setof people language sql stable as $$ select * from people order by id $$`,
    )
    const renameOne = { name: 'call', text: 'select rename_one(1, $1)', values: ['x'] }

    expect(await answer(session, renameOne)).toBe('x1')
    await advance('expand')
    expect(await answer(session, renameOne)).toBe('x2')
    await advance('verify')
    expect(await answer(session, renameOne)).toBe('x3')
    expect(await answer(session, 'select name, full_name from all_people()')).toBe('x x, b b')
    await advance('retire')
    expect(await answer(session, renameOne)).toMatch(
      /^42703: column "name" of relation "people" does not exist/,
    )
  })

  test('that wrote before gets each new body of the trigger function at once', async () => {
    const { session, advance, undo } = await begin()
    await advance('expand')
    const writes = async (column: string) =>
      answer(session, `update people set ${column} = ${column} || '.' where id = 1 returning full_name`)

    expect([await writes('name'), await writes('full_name')]).toEqual(['a.', 'a..'])
    await advance('verify')
    expect([await writes('name'), await writes('full_name')]).toEqual(['a...', 'a....'])
    await advance('retire')
    expect([await writes('full_name'), await writes('full_name')]).toEqual(['a.....', 'a......'])
    await undo()
    expect([await writes('name'), await writes('full_name')]).toEqual(['a.......', 'a........'])
    await advance('purge')
    expect(await writes('full_name')).toBe('a.........')
  })

  test('adds rows without a column list until the column is gone', async () => {
    const { session, advance } = await begin()
    const add = (id: number) =>
      answer(session, `insert into people values (${id}, 0, 'x') returning id, full_name`)
    await advance('expand')
    expect(await add(3)).toBe('3 x')
    await advance('retire')
    // By its place the value goes to the hidden column, which is still kept in step.
    expect(await add(4)).toBe('4 x')
    await advance('purge')
    expect(await add(5)).toBe('5 x')
  })
})
