import { describe, expect, test } from 'vitest'
import { testDatabase } from '../support/database.ts'
import { MIGRATION, migration, ROWS, SETTINGS, table, UNLIKE } from './wide-rows.ts'

const TRIGGERS = `
  create table heard (by_trigger text, id int);
  create function hears() returns trigger language plpgsql as $$ begin insert into public.heard values (tg_name, new.id); return new; end $$;
  create function hears_writers() returns trigger language plpgsql as $$ begin
    if current_setting('bellows.backfill', true) is distinct from 'on' then insert into public.heard values (tg_name, new.id); end if; return new; end $$;
  create trigger all_updates after update on users for each row execute function hears();
  create trigger by_condition after update on users for each row when (current_setting('bellows.backfill', true) is distinct from 'on') execute function hears();
  create trigger by_function before update on users for each row execute function hears_writers();`

test('a trigger of the user fires for the rows that are filled, unless it asks for whom it is', async () => {
  const database = await testDatabase(table(TRIGGERS))
  const writer = await database.session('writer')
  const bellows = await database.bellows({ settings: SETTINGS })
  const heard = () =>
    database.query('select by_trigger as by, count(*)::int as rows from heard group by 1 order by 1')
  await writer.query(`begin; update users set pad = pad || '.' where id = 7; commit`)
  expect(await heard(), 'an application is heard').toEqual([
    { by: 'all_updates', rows: 1 },
    { by: 'by_condition', rows: 1 },
    { by: 'by_function', rows: 1 },
  ])
  const { steps } = await bellows.plan(MIGRATION)
  const listed = steps.flatMap(({ hazards }) => hazards).filter(({ code }) => code === 'user_triggers_fire')
  expect(
    [...new Set(listed.map(({ because }) => because.split(/[:.]/)[0]))],
    'the plan says which of them ask',
  ).toEqual([
    'The trigger all_updates fires for every row that the backfill fills',
    'The trigger by_condition looks at the setting bellows',
    'The trigger by_function looks at the setting bellows',
  ])
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  expect(await heard(), 'the backfill is heard by the first').toEqual([
    { by: 'all_updates', rows: ROWS + 1 },
    { by: 'by_condition', rows: 1 },
    { by: 'by_function', rows: 1 },
  ])
  await writer.query(`update users set pad = pad || '.' where id = 7`)
  expect(await heard(), 'behind it the application is heard as before').toEqual([
    { by: 'all_updates', rows: ROWS + 2 },
    { by: 'by_condition', rows: 2 },
    { by: 'by_function', rows: 2 },
  ])
})

describe('a trigger that tidies up the old value', () => {
  const TIDIES = `create function tidies() returns trigger language plpgsql as $$ begin new.name := upper(new.name); return new; end $$;
    create trigger tidies before insert or update on users for each row execute function tidies()`

  test.for([
    ['as it is', {}, 'upper(name)'],
    ['made otherwise', { up: `name || '!'`, down: `rtrim(full_name, '!')` }, `upper(name) || '!'`],
  ] as const)('does so with the rows that are filled, too: %s', async ([, mapping, expected]) => {
    const database = await testDatabase(table(TIDIES))
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.advance(migration(mapping), 'verify'))
    expect(
      await database.query(
        `select id, name, full_name from users where name <> upper(name) or full_name is distinct from ${expected}`,
      ),
    ).toEqual([])
  })

  test('excuses no application that gives two values', async () => {
    const database = await testDatabase(table(TIDIES))
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    const writer = await database.session('writer')
    await expect(
      writer.query(`update users set name = 'another', full_name = 'user 7' where id = 7`),
    ).rejects.toMatchObject({ code: '23000' })
    await writer.query(`update users set pad = pad || '.' where id = 7`)
    await writer.query(`update users set name = 'another' where id = 8`)
    expect(await database.query('select name, full_name from users where id in (7, 8) order by id')).toEqual([
      { name: 'USER 7', full_name: 'USER 7' },
      { name: 'ANOTHER', full_name: 'ANOTHER' },
    ])
  })
})

test('a trigger of a statement is told to fire for each batch, also for one that fills nothing', async () => {
  const database = await testDatabase(
    table(`create function hears() returns trigger language plpgsql as $$ begin return null; end $$;
      create trigger hears after update on users for each statement execute function hears()`),
  )
  const { steps } = await (await database.bellows()).plan(MIGRATION)
  expect(
    steps.flatMap(({ hazards }) => hazards).filter(({ code }) => code === 'user_triggers_fire'),
  ).toMatchObject([
    {
      because: expect.stringMatching(
        /^The trigger hears fires for every batch of the backfill, also one that fills no row\./,
      ),
    },
  ])
})

test.for([
  ['of the table', 'users', table],
  [
    'of a partition',
    'users_1',
    () => `create table users (id int primary key, name text not null) partition by range (id);
      create table users_1 partition of users for values from (0) to (1000); insert into users values (1, 'a');`,
  ],
] as const)('a rule on UPDATE %s is refused before anything is changed', async ([, on, given]) => {
  const database = await testDatabase(given(), 'create table heard (id int)')
  const bellows = await database.bellows({ settings: SETTINGS })
  await database.query(
    `create rule "on delete" as on delete to ${on} do also insert into heard values (old.id)`,
  )
  await bellows.plan(MIGRATION)
  await database.query(`create rule hears as on update to ${on} do also insert into heard values (new.id)`)
  const refused = {
    code: 'plan_refused',
    message:
      'The rule hears makes something else of an UPDATE of "users", also of the one that fills its rows.',
  }
  const filled = {
    kind: 'add_column',
    namespace: 'public',
    table: 'users',
    column: 'slug',
    type: 'text',
    nullable: true,
    up: 'lower(name)',
  } as const
  for (const operation of [...MIGRATION.operations, filled])
    await expect(bellows.plan({ name: '0001_test', operations: [operation] })).rejects.toMatchObject(refused)
  await database.query(`alter table ${on} disable rule hears`)
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  expect(await database.query(UNLIKE.replace('id, ', ''))).toEqual([])
})
