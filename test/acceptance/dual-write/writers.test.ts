import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { RenameColumn } from '../../../src/core/operations/rename/rename.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../../support/database.ts'
import { describeError, MAPPINGS, makePair, migration, NO_WAY_BACK, rename, TWO_VALUES } from './support.ts'

/** Operators and functions that a session with this schema in front would call by their usual names. */
const HOSTILE = `
  create schema hostile;
  create function hostile.fail(text, text) returns boolean language plpgsql immutable as $$ begin raise 'hostile operator'; end $$;
  create function hostile.fail_text(text, text) returns text language plpgsql immutable as $$ begin raise 'hostile operator'; end $$;
  create operator hostile.<> (leftarg = text, rightarg = text, function = hostile.fail);
  create operator hostile.|| (leftarg = text, rightarg = text, function = hostile.fail_text);
  create function hostile.btrim(text) returns text language plpgsql immutable as $$ begin raise 'hostile btrim'; end $$;
  create function hostile.upper(text) returns text language plpgsql immutable as $$ begin raise 'hostile upper'; end $$;
  create function hostile.lower(text) returns text language plpgsql immutable as $$ begin raise 'hostile lower'; end $$;
  create function hostile.record_image_eq(record, record) returns boolean language plpgsql immutable as $$ begin raise 'hostile equality'; end $$;
  create function hostile.btrim(varchar) returns text language plpgsql immutable as $$ begin raise 'hostile btrim'; end $$;
  grant usage on schema hostile to public`

const GIVEN = `create table people (id integer primary key, seen integer not null default 0, name text);
  insert into people values (1, 0, ' a '), (2, 0, null), (3, 0, ' c ')`

async function started(given: string, until: 'expand' | 'verify', more: Partial<RenameColumn> = {}) {
  const database = await testDatabase(given)
  const bellows = await database.bellows()
  await bellows.change((driver) => driver.advance(migration(rename(more)), until))
  return database
}

async function asUsual(client: Pick<pg.Client, 'query'>): Promise<string[]> {
  const written: string[] = []
  for (const statement of [
    `insert into public.people (id, name) values (4, ' d ')`,
    `insert into public.people (id, full_name) values (5, 'E')`,
    `insert into public.people (id, name, full_name) values (6, 'f', 'g')`,
    `update public.people set name = ' b ' where id = 2`,
    `update public.people set full_name = 'X' where id = 1`,
    `update public.people set seen = 1 where id = 3`,
    `update public.people set name = 'y', full_name = 'z' where id = 3`,
    `insert into public.people (id, name) values (1, 'q') on conflict (id) do update set name = excluded.name`,
  ]) {
    try {
      const { rows } = await client.query(`${statement} returning name, full_name`)
      written.push(`${rows[0].name} | ${rows[0].full_name}`)
    } catch (error) {
      written.push(describeError(error))
    }
  }
  return written
}

const COPIED = [' d  |  d ', 'E | E', TWO_VALUES, ' b  |  b ', 'X | X', ' c  |  c ', TWO_VALUES, 'q | q']
const TRIMMED = [' d  | d', NO_WAY_BACK, TWO_VALUES, ' b  | b', NO_WAY_BACK, ' c  | c', TWO_VALUES, 'q | q']
const UPPER = [
  ' d  |  D ',
  NO_WAY_BACK,
  TWO_VALUES,
  ' b  |  B ',
  NO_WAY_BACK,
  ' c  |  C ',
  TWO_VALUES,
  'q | Q',
]

describe('a writer', () => {
  test.for([
    ['the copy', {}, COPIED],
    ['trim', { transform: 'trim', overlap: 'forward_only' }, TRIMMED],
    ['upper', { transform: 'upper', overlap: 'forward_only' }, UPPER],
  ] as const)(
    'whose search_path has a hostile schema in front gets %s all the same',
    async ([, more, expected]) => {
      for (const until of ['expand', 'verify'] as const) {
        const database = await started(`${GIVEN}; ${HOSTILE}`, until, more)
        const client = await database.session()
        await client.query('set search_path = hostile, pg_catalog, public')

        expect(await asUsual(client), `after ${until}`).toEqual(expected)
      }
    },
  )

  test('without any search_path gets the copy all the same', async () => {
    const database = await started(GIVEN, 'verify')
    const client = await database.session()
    await client.query(`set search_path = ''`)

    expect(await asUsual(client)).toEqual(COPIED)
  })

  test('may change its search_path between two writes', async () => {
    const database = await started(`${GIVEN}; ${HOSTILE}`, 'expand')
    const client = await database.session()
    for (const [at, path] of ['public', 'hostile, pg_catalog, public', `''`, 'public'].entries()) {
      await client.query(`set search_path = ${path}`)
      await client.query(`update public.people set full_name = 'n${at}' where id = 1`)
    }

    expect(await database.query('select name from people where id = 1')).toEqual([{ name: 'n3' }])
  })

  test('needs no rights but those on the table', async () => {
    for (const until of ['expand', 'verify'] as const) {
      const database = await started(GIVEN, until)
      const client = await asRole(
        database,
        (role) => `grant select, insert, update, delete on people to ${role}`,
      )
      await database.query('revoke usage on schema bellows from public')
      const denied = await client.query('select bellows.fence(1)').catch(describeError)
      expect(denied).toBe('42501: permission denied for schema bellows')

      expect(await asUsual(client), `after ${until}`).toEqual(COPIED)
    }
  })

  test('that may write one column only fills the other through it', async () => {
    const database = await started(GIVEN, 'expand')
    const old = await asRole(
      database,
      (role) => `grant select (id, name), insert (id, name), update (name) on people to ${role}`,
    )
    const renewed = await asRole(
      database,
      (role) => `grant select (id), insert (id, full_name), update (full_name) on people to ${role}`,
    )
    await old.query(
      `insert into people (id, name) values (4, 'd'); update people set name = 'b' where id = 2`,
    )
    await renewed.query(
      `insert into people (id, full_name) values (5, 'e'); update people set full_name = 'x' where id = 1`,
    )

    expect(await database.query('select name from people where full_name is distinct from name')).toEqual([
      { name: ' c ' },
    ])
  })

  test('with session_replication_role = replica is kept in step', async () => {
    for (const until of ['expand', 'verify'] as const) {
      const database = await started(GIVEN, until)
      const client = await database.session()
      await client.query('set session_replication_role = replica')

      expect(await asUsual(client), `after ${until}`).toEqual(COPIED)
    }
  })

  test('under row security is kept in step with the rows that it sees', async () => {
    const database = await started(
      `${GIVEN}; alter table people enable row level security; create policy low on people using (id < 10)`,
      'expand',
    )
    const client = await asRole(database, (role) => `grant select, insert, update on people to ${role}`)

    expect(await asUsual(client)).toEqual(COPIED)
  })

  test('in a read-committed or a serializable transaction is kept in step', async () => {
    for (const level of ['read committed', 'repeatable read', 'serializable']) {
      const database = await started(GIVEN, 'expand')
      const client = await database.session()
      await client.query(`set session characteristics as transaction isolation level ${level}`)

      expect(await asUsual(client), level).toEqual(COPIED)
    }
  })
})

describe('a writer by way of its trigger', () => {
  test('in a schema whose names need quotes is kept in step', async () => {
    const database = await testDatabase(`create schema "My ""own"" 'space'";
      create table "My ""own"" 'space'"."A %s $$ table" (id integer primary key, "old" text default 'it''s \\ %', "new" text)`)
    await database.query(`alter table "My ""own"" 'space'"."A %s $$ table" drop column "new"`)
    const bellows = await database.bellows()
    const operation = rename({
      namespace: `My "own" 'space'`,
      table: 'A %s $$ table',
      from: 'old',
      to: 'new',
    })
    await bellows.change((driver) => driver.advance(migration(operation), 'expand'))
    const of = `"My ""own"" 'space'"."A %s $$ table"`
    const failed = await database
      .query(`insert into ${of} (id, "old", "new") values (1, 'a', 'b')`)
      .catch(describeError)
    expect(failed).toBe(
      '23000: columns "old" and "new" of table "A %s $$ table" were given values that do not agree',
    )
    await database.query(`insert into ${of} (id, "new") values (1, 'b')`)
    await database.query(`insert into ${of} (id) values (2)`)

    expect(await database.query(`select "old", "new" from ${of} order by id`)).toEqual([
      { old: 'b', new: 'b' },
      { old: `it's \\ %`, new: `it's \\ %` },
    ])
  })

  test('is found to be one that cannot be switched off by its setting alone', async () => {
    const pair = await makePair(await testDatabase(), { mapping: MAPPINGS.lossless })
    await pair.install()
    for (const role of ['origin', 'replica', 'local']) {
      await pair.database.query(`set session_replication_role = ${role}`)
      await pair.database.query(
        `delete from ${pair.table}; insert into ${pair.table} (id, name) values (1, 'a')`,
      )
      expect(await pair.database.query(`select full_name from ${pair.table}`), role).toEqual([
        { full_name: 'a' },
      ])
    }
  })
})

let roles = 0

/** A session of a role that has nothing but what it is granted. */
async function asRole(database: TestDatabase, grant: (role: string) => string): Promise<pg.Client> {
  roles += 1
  const role = `${database.name}_${roles}`
  await database.query(`create role ${role}; grant usage on schema public to ${role}; ${grant(role)}`)
  cleanUp(async () => {
    await database.query(`reset session_replication_role; drop owned by ${role}; drop role ${role}`)
  })
  const client = await database.session()
  await client.query(`set role ${role}`)
  return client
}
