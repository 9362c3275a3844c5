import { describe, expect, test } from 'vitest'
import { mergedSettings, type SettingsChange } from '../../src/config.ts'
import type { Settings } from '../../src/engine/settings.ts'
import type { Migration, Operation } from '../../src/index.ts'
import { testDatabase } from '../support/database.ts'

const ALLOWED = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} satisfies SettingsChange
const USERS = `create table users (id int primary key, name text, legacy text, email text);
  insert into users select i, 'user ' || i, 'old', 'mail' from generate_series(1, 50) i;`
const ON = { namespace: 'public', table: 'users' } as const
const RENAME: Operation = { kind: 'rename_column', ...ON, from: 'name', to: 'full_name' }
const DROP: Operation = { kind: 'drop_column', ...ON, column: 'legacy' }
const ADD: Operation = { kind: 'add_column', ...ON, column: 'slug', type: 'text', nullable: true }
const migration = (...operations: Operation[]): Migration => ({ name: '0001_test', operations })

/** A trigger of the application that says nothing of what it uses to the catalog. */
const trigger = (body: string) => `
  create function derive() returns trigger language plpgsql as $$ begin ${body}; return new; end $$;
  create trigger derive before insert or update on users for each row execute function derive();`

describe('a trigger whose function names the leaving column', () => {
  test.each<[string, Operation, string]>([
    ['a renamed one', RENAME, trigger('new.email := lower(new.name)')],
    ['a renamed one, quoted', RENAME, trigger('new.email := lower(new . "name")')],
    ['a dropped one', DROP, trigger(`if old.legacy = 'x' then return null; end if`)],
    [
      'one of its arguments',
      DROP,
      `alter table users add tsv tsvector;
        create trigger derive before insert or update on users for each row
          execute function tsvector_update_trigger(tsv, 'pg_catalog.english', legacy);`,
    ],
  ])('stops the contract of %s, and is named by the plan', async (_what, operation, given) => {
    const database = await testDatabase(USERS + given)
    const bellows = await database.bellows({ settings: ALLOWED })
    const plan = await bellows.plan(migration(operation))
    expect(JSON.stringify(plan.steps.map(({ hazards }) => hazards))).toContain('derive on public.users')
    const contract = bellows.change((driver) => driver.advance(migration(operation), 'purge'))
    await expect(contract).rejects.toMatchObject({
      code: 'dependents_found',
      facts: { dependents: ['trigger derive on public.users'] },
    })
    await database.query(`insert into users (id, name) values (100, 'still works')`)
    await database.query('drop trigger derive on users')
    const run = await bellows.change((driver) => driver.advance(migration(operation), 'purge'))
    expect(run.state).toBe('completed')
  })

  test.each([
    ['names one that only looks alike', trigger('new.email := lower(new.name_of_it)')],
    [
      'is given one that only looks alike',
      trigger('new.email := tg_argv[0]').replace('derive();', "derive('surname');"),
    ],
  ])('does not stop it when it %s', async (_what, given) => {
    const database = await testDatabase(`${USERS} alter table users add name_of_it text; ${given}`)
    const bellows = await database.bellows({ settings: ALLOWED })
    const run = await bellows.change((driver) => driver.advance(migration(RENAME), 'purge'))
    expect(run.state).toBe('completed')
  })

  test('that relies on the search_path of the application works during the backfill, too', async () => {
    const database = await testDatabase(`${USERS} create table audit (id int);
      create function noted(text) returns boolean language sql as $$ select exists (select from users limit 1) is not null $$;
      alter table users add constraint noted check (noted(name));
      ${trigger('insert into audit values (new.id)')}`)
    const bellows = await database.bellows({ settings: ALLOWED })
    await bellows.change((driver) => driver.advance(migration(RENAME), 'verify'))
    expect(await database.query('select count(*)::int from audit')).toEqual([{ count: 50 }])
  })
})

describe('what was changed since the plan was made', () => {
  test.each([
    ['its default', "alter table users alter column name set default 'x'", /default/],
    ['NOT NULL', 'alter table users alter column name set not null', /NOT NULL/],
    ['a grant', 'grant select (name) on users to pg_monitor', /grant/],
    ['an inheritance child', 'create table more () inherits (users)', /inheritance child/],
  ])('is not lost with the old column: %s', async (_what, change, message) => {
    const database = await testDatabase(USERS)
    const bellows = await database.bellows({ settings: ALLOWED })
    await bellows.change((driver) => driver.advance(migration(RENAME), 'verify'))
    await database.query(change)
    const contract = bellows.change((driver) => driver.advance(migration(RENAME), 'purge'))
    await expect(contract).rejects.toMatchObject({
      code: 'drift_found',
      message: expect.stringMatching(message),
    })
    expect(await bellows.table({ namespace: 'public', name: 'users' })).toMatchObject({
      columns: expect.arrayContaining([expect.objectContaining({ name: 'name' })]),
    })
  })

  test('a column that somebody else has added is neither taken for ours nor dropped', async () => {
    const database = await testDatabase(USERS)
    const bellows = await database.bellows({ settings: ALLOWED })
    const holder = await database.session()
    await holder.query('begin; select from users')
    const hurried = {
      settings: (standing: Settings) => mergedSettings(standing, { lock: { deadlineMs: 300 } }),
    }
    await expect(
      bellows.change((driver) => driver.advance(migration(ADD), 'expand'), hurried),
    ).rejects.toMatchObject({ code: 'lock_not_had' })
    await holder.query('commit')
    await database.query("alter table users add slug text; update users set slug = 'precious'")
    await expect(bellows.change((driver) => driver.advance(migration(ADD), 'expand'))).rejects.toMatchObject({
      code: 'column_exists',
      hint: expect.stringContaining('Roll this migration back'),
    })
    const run = await bellows.run('0001_test')
    await bellows.change((driver) => driver.rollback(run?.id ?? 0))
    expect(await database.query('select distinct slug from users')).toEqual([{ slug: 'precious' }])
  })

  test('a table that has another name is not taken for one that is done', async () => {
    const database = await testDatabase(USERS)
    const bellows = await database.bellows({ settings: { ...ALLOWED, graceMs: 1 } })
    await bellows.change((driver) => driver.advance(migration(DROP), 'retire'))
    await database.query('alter table users rename to people')
    await expect(bellows.change((driver) => driver.advance(migration(DROP), 'purge'))).rejects.toThrow(
      'users',
    )
    await database.query('alter table people rename to users')
    const run = await bellows.change((driver) => driver.advance(migration(DROP), 'purge'))
    expect(run.state).toBe('completed')
  })
})

describe('a rename that adopts a column', () => {
  test('is not taken back under an instance that uses the new name', async () => {
    const database = await testDatabase(`${USERS} alter table users add full_name text;`)
    const bellows = await database.bellows({ settings: ALLOWED })
    const { id } = await bellows.change((driver) => driver.advance(migration(RENAME), 'verify'))
    await bellows.instances.register({ instance: 'app-2', uses: ['users.full_name'] })
    await expect(bellows.change((driver) => driver.rollback(id))).rejects.toMatchObject({
      code: 'instances_blocking',
    })
    await database.query("update users set full_name = 'new' where id = 1")
    expect(await database.query('select name from users where id = 1')).toEqual([{ name: 'new' }])
  })
})

describe('a dropped column', () => {
  test('is refused while its index is the replica identity', async () => {
    const database =
      await testDatabase(`${USERS} alter table users alter legacy set not null, alter legacy set default 'x';
      delete from users where id > 1; create unique index by_legacy on users (legacy, id); alter table users replica identity using index by_legacy`)
    const bellows = await database.bellows({ settings: ALLOWED })
    await expect(bellows.plan(migration(DROP))).rejects.toMatchObject({
      code: 'plan_refused',
      message: expect.stringContaining('replica identity'),
    })
  })

  test.each([
    `create unique index by_legacy on users (legacy)`,
    `create unique index by_legacy on users (name, legacy)`,
    `create unique index by_legacy on users (legacy) include (id)`,
    `create unique index by_legacy on users (legacy) where name <> ''`,
    `alter table users add constraint by_legacy exclude using btree (legacy with =)`,
  ])('is refused while its default is taken only once: %s', async (once) => {
    const database = await testDatabase(`${USERS} delete from users where id > 1;
      alter table users alter legacy set default 'x'; ${once}`)
    // What the new version would do from the contract to the purge.
    await database.query(`insert into users (id, name) values (100, 'new')`)
    await expect(database.query(`insert into users (id, name) values (101, 'new')`)).rejects.toMatchObject({
      code: expect.stringMatching(/^23/),
    })
    const bellows = await database.bellows({ settings: ALLOWED })
    await expect(bellows.plan(migration(DROP))).rejects.toMatchObject({
      code: 'plan_refused',
      message: expect.stringContaining('only once'),
    })
  })
})

describe('a default', () => {
  test('goes the way of all values through a transform', async () => {
    const database = await testDatabase(`create table users (id int primary key, name text default 'ABC')`)
    const bellows = await database.bellows({ settings: ALLOWED })
    const lower = migration({ ...RENAME, transform: 'lower', overlap: 'forward_only' })
    await bellows.change((driver) => driver.advance(lower, 'verify'))
    await database.query('insert into users (id) values (1)')
    await bellows.change((driver) => driver.advance(lower, 'retire'))
    await database.query('insert into users (id) values (2)')
    await bellows.change((driver) => driver.advance(lower, 'purge'))
    await database.query('insert into users (id) values (3)')
    expect(await database.query('select distinct full_name from users')).toEqual([{ full_name: 'abc' }])
  })
})
