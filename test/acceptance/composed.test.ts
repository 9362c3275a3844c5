import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import { catalog, traces } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'
import { type Lifecycle, liveThrough } from '../support/lifecycle.ts'

/** What else a migration says of columns to which it gives another name or another type, in front of that or behind. */

const ROWS = 300
const on = { namespace: 'public', table: 'users' } as const

const RENAMED: readonly Operation[] = [
  { kind: 'rename_column', ...on, from: 'name', to: 'full_name' },
  {
    kind: 'create_index',
    definition: 'create index on users (lower(full_name), id) where full_name <> $$x$$',
  },
  {
    kind: 'create_index',
    definition: 'create unique index users_named on users (full_name)',
    when: 'before_rollout',
  },
  { kind: 'add_constraint', ...on, check: `full_name <> ''`, when: 'before_rollout' },
  {
    kind: 'alter_column',
    ...on,
    column: 'full_name',
    comment: 'in full',
    default: `'new ' || clock_timestamp()`,
  },
  { kind: 'rename_column', ...on, from: 'team', to: 'Team' },
  {
    kind: 'alter_column',
    ...on,
    column: 'Team',
    references: { namespace: 'public', table: 'teams', column: 'id' },
    nullable: false,
  },
  { kind: 'add_constraint', ...on, unique: ['Team', 'id'] },
  // In front of the rename, which takes it over or has it come behind.
  { kind: 'alter_column', ...on, column: 'note', default: `'none'`, nullable: true, storage: 'external' },
  { kind: 'rename_column', ...on, from: 'note', to: 'remark' },
  { kind: 'alter_column', ...on, column: 'mail', nullable: false },
  { kind: 'rename_column', ...on, from: 'mail', to: 'email' },
  // Another name and another type are one copy.
  { kind: 'rename_column', ...on, from: 'age', to: 'years' },
  { kind: 'change_type', ...on, column: 'years', type: 'integer', up: 'years::integer', down: 'years::text' },
  { kind: 'alter_column', ...on, column: 'years', check: { name: 'grown', constraint: 'years > 0' } },
]

const RETYPED: readonly Operation[] = [
  { kind: 'change_type', ...on, column: 'score', type: 'bigint' },
  {
    kind: 'alter_column',
    ...on,
    column: 'score',
    default: '9',
    comment: 'of all games',
    check: { constraint: 'score >= 0' },
    nullable: false,
  },
  { kind: 'create_index', definition: 'create index on users (score desc, id)' },
  {
    kind: 'change_type',
    ...on,
    column: 'state',
    type: 'integer',
    up: 'length(state)',
    down: `repeat('x', state)`,
  },
  { kind: 'alter_column', ...on, column: 'state', default: null },
  { kind: 'alter_column', ...on, column: 'place', default: `'-'`, nullable: true },
  { kind: 'change_type', ...on, column: 'place', type: 'char(30)' },
  { kind: 'alter_column', ...on, column: 'place', unique: {} },
]

/** In front of the copies by the old names, as in the file of another migration that is released with theirs. */
const BUILT: readonly Operation[] = [
  {
    kind: 'create_index',
    definition: 'create index on users (lower(name), team) include (age) where name <> $$x$$',
  },
  { kind: 'create_index', definition: 'create unique index users_named on public.users using btree (name)' },
  { kind: 'add_constraint', ...on, check: `name <> ''` },
  { kind: 'alter_column', ...on, column: 'name', check: { name: 'short', constraint: 'length(name) < 99' } },
  { kind: 'add_constraint', ...on, unique: ['team', 'id'] },
  {
    kind: 'add_constraint',
    ...on,
    foreign_key: {
      columns: ['team'],
      references: { namespace: 'public', table: 'teams', columns: ['id'] },
    },
  },
  { kind: 'rename_column', ...on, from: 'name', to: 'full_name' },
  { kind: 'create_index', definition: 'create index on users (note, team)' },
  { kind: 'rename_column', ...on, from: 'team', to: 'Team' },
  { kind: 'add_constraint', ...on, name: 'grown', check: 'age > 0' },
  { kind: 'change_type', ...on, column: 'age', type: 'bigint' },
  // What is made anew keeps no rule of the old values, but an index.
  { kind: 'create_index', definition: 'create index on users (note)' },
  { kind: 'rename_column', ...on, from: 'note', to: 'remark', up: `upper(note)`, down: 'lower(remark)' },
]

/** Defaults that come with the purge, when the column alone is there. */
const LAST: readonly Operation[] = [
  { kind: 'rename_column', ...on, from: 'score', to: 'points', up: 'score * 10', down: 'points / 10' },
  { kind: 'alter_column', ...on, column: 'points', default: '50', nullable: false, comment: 'of all games' },
  { kind: 'rename_column', ...on, from: 'state', to: 'mood' },
  { kind: 'alter_column', ...on, column: 'mood', default: null },
  { kind: 'alter_column', ...on, column: 'place', default: null, nullable: false },
  { kind: 'rename_column', ...on, from: 'place', to: 'town' },
]

const teams = 'create table teams (id int primary key); insert into teams select generate_series(1, 5);'
const GIVEN_RENAMED = `${teams}
create table users (id bigint generated by default as identity primary key, seen integer not null default 0,
  name text not null, team int default 1, note text not null, mail text, age text default '18');
insert into users (name, team, note, mail, age)
  select 'user ' || i, 1 + i % 5, 'note ' || i, 'm' || i, (1 + i % 90)::text from generate_series(1, ${ROWS}) i;`
const GIVEN_RETYPED = `
create table users (id bigint generated by default as identity primary key, seen integer not null default 0,
  score integer default 7, state text not null default 'x', place char(20) not null);
insert into users (score, state, place)
  select i, repeat('x', i % 9), 'place ' || i from generate_series(1, ${ROWS}) i;`

const seen = `update users set seen = seen + 1 where id = 1 + $1 % ${ROWS}`

/** All of it once more, partition by partition. */
const PARTED = { namespace: 'public', table: 'people' } as const
const people = (columns: string) => `
create table people (id int not null, at date not null, ${columns}) partition by range (at);
create table people_1 partition of people for values from (minvalue) to ('2021-03-01');
create table people_2 partition of people for values from ('2021-03-01') to (maxvalue);`

const LIVES: readonly (readonly [string, Lifecycle])[] = [
  [
    'another name',
    {
      operations: RENAMED,
      given: GIVEN_RENAMED,
      direct: `${teams} create table users (id bigint generated by default as identity primary key, seen integer not null default 0,
          full_name text not null check (full_name <> '') default 'new ' || clock_timestamp(), "Team" int not null default 1 references teams,
          remark text default 'none', email text not null, years integer default ('18'::text)::integer constraint grown check (years > 0), unique ("Team", id));
        create index on users (lower(full_name), id) where full_name <> 'x'; create unique index users_named on users (full_name);
        alter table users alter remark set storage external; comment on column users.full_name is 'in full'`,
      old: [
        {
          name: 'old',
          statements: [
            `insert into users (name, note, mail) values ('old ' || $1, 'a', 'b')`,
            `insert into users (name, team, note, mail, age) values ('older ' || $1, 2, 'b', 'c', '40')`,
            `update users set name = 'again ' || $1, team = 3 where id = 1 + $1 % ${ROWS}`,
            `update users set note = 'n' || $1, mail = 'm', age = '41' where id = 1 + $1 % ${ROWS}`,
            seen,
          ],
        },
      ],
      renewed: [
        {
          name: 'new',
          statements: [
            `insert into users (full_name, "Team", remark, email, years) values ('new ' || $1, 4, 'r', 'e', 42)`,
            `insert into users (email) values ('only')`,
            `update users set full_name = 'anew ' || $1, "Team" = 5 where id = 1 + $1 % ${ROWS}`,
            `update users set remark = 'again', email = 'f', years = 43 where id = 1 + $1 % ${ROWS}`,
            `insert into users (full_name, email) values ('both', $1::text) on conflict (full_name) do update set email = excluded.email`,
            seen,
          ],
        },
      ],
      meanwhile: [
        'select from users where (name, team, note, mail, age) is distinct from (full_name, "Team", remark, email, years::text)',
      ],
      kept: ['select count(*), max(id) from users'],
    },
  ],
  [
    'another type under its name',
    {
      operations: RETYPED,
      given: GIVEN_RETYPED,
      direct: `create table users (id bigint generated by default as identity primary key, seen integer not null default 0,
          score bigint not null default 9 check (score >= 0), state integer not null, place char(30) default '-' unique);
        create index on users (score desc, id); comment on column users.score is 'of all games'`,
      old: [
        {
          name: 'old',
          statements: [
            `insert into users (place) values ('old ' || $1)`,
            `update users set score = 5, state = 'xxx', place = 'p' || $1 where id = 1 + $1 % ${ROWS}`,
            seen,
          ],
        },
      ],
      renewed: [
        {
          name: 'new',
          statements: [
            `update users set score = score + 1, place = 'q' || $1 where id = 1 + $1 % ${ROWS}`,
            seen,
          ],
        },
      ],
    },
  ],
  [
    'another name and another type behind what is built on the old ones',
    {
      operations: BUILT,
      given: `${teams}
        create table users (id bigint generated by default as identity primary key, seen integer not null default 0,
          name text not null, team int, note text, age int);
        insert into users (name, team, note, age) select 'user ' || i, 1 + i % 5, 'n' || i, i from generate_series(1, ${ROWS}) i;`,
      direct: `${teams}
        create table users (id bigint generated by default as identity primary key, seen integer not null default 0,
          full_name text not null check (full_name <> '') constraint short check (length(full_name) < 99), "Team" int references teams,
          age bigint constraint grown check (age > 0), remark text, unique ("Team", id));
        create index on users (lower(full_name), "Team") include (age) where full_name <> 'x'; create unique index users_named on users (full_name);
        create index on users (remark, "Team"); create index on users (remark)`,
      old: [
        {
          name: 'old',
          statements: [
            `insert into users (name, team, note, age) values ('old ' || $1, 2, 'b', 40)`,
            `update users set name = 'again ' || $1, team = 3, note = 'm' || $1, age = 9 where id = 1 + $1 % ${ROWS}`,
            seen,
          ],
        },
      ],
      renewed: [
        {
          name: 'new',
          statements: [
            `insert into users (full_name, "Team", remark, age) values ('new ' || $1, 4, 'R', 42)`,
            `update users set full_name = 'anew ' || $1, "Team" = 5, remark = 'S' || $1 where id = 1 + $1 % ${ROWS}`,
            seen,
          ],
        },
      ],
      meanwhile: [
        'select from users where (name, team, upper(note)) is distinct from (full_name, "Team", remark)',
      ],
    },
  ],
  [
    'another name, and defaults at the end',
    {
      operations: LAST,
      given: `create table users (id bigint generated by default as identity primary key, seen integer not null default 0,
          score integer default 7, state text not null default 'x', place text default 'here');
        insert into users (score, state) select i, 's' || i from generate_series(1, ${ROWS}) i;`,
      direct: `create table users (id bigint generated by default as identity primary key, seen integer not null default 0,
          points integer not null default 50, mood text not null, town text not null); comment on column users.points is 'of all games'`,
      old: [
        {
          name: 'old',
          statements: [
            `insert into users (score) values ($1)`,
            `insert into users (seen) values (1)`,
            `update users set score = 8, state = 't' || $1, place = 'p' where id = 1 + $1 % ${ROWS}`,
            seen,
          ],
        },
      ],
      renewed: [
        {
          name: 'new',
          statements: [
            `insert into users (points, mood, town) values (90, 'm' || $1, 'q')`,
            `update users set points = 30, mood = 'n' || $1, town = 'r' where id = 1 + $1 % ${ROWS}`,
            seen,
          ],
        },
      ],
      meanwhile: ['select from users where (score * 10, state, place) is distinct from (points, mood, town)'],
      afterwards: ['select from users where points is null'],
    },
  ],
  [
    'both, of a partitioned table',
    {
      operations: [
        { kind: 'rename_column', ...PARTED, from: 'first', to: 'given' },
        { kind: 'create_index', definition: 'create unique index on people (given, at)' },
        {
          kind: 'alter_column',
          ...PARTED,
          column: 'given',
          nullable: false,
          check: { constraint: `given <> ''` },
          default: `'x'`,
        },
        { kind: 'change_type', ...PARTED, column: 'team', type: 'bigint' },
        { kind: 'alter_column', ...PARTED, column: 'team', default: '3', check: { constraint: 'team > 0' } },
        { kind: 'create_index', definition: 'create index on people (team)' },
        { kind: 'add_constraint', ...PARTED, unique: ['team', 'id', 'at'] },
      ],
      given: `${people('first text, team int')}
        insert into people select i, date '2021-01-01' + i, 'f' || i, i from generate_series(1, ${ROWS}) i;`,
      direct: `${people(`given text default 'x' not null check (given <> ''), team bigint default 3 check (team > 0)`)}
        create unique index on people (given, at); create index on people (team); alter table people add unique (team, id, at);`,
      old: [
        {
          name: 'old',
          statements: [
            `insert into people values ($1::int, '2021-02-02', 'a' || $1, 5)`,
            `update people set first = 'b' || $1, team = 9 where id = 1 + $1 % ${ROWS}`,
          ],
        },
      ],
      renewed: [
        {
          name: 'new',
          statements: [
            `insert into people (id, at, given, team) values ($1::int, '2021-04-02', 'c' || $1, 5)`,
            `update people set given = 'd' || $1, team = 8 where id = 1 + $1 % ${ROWS}`,
          ],
        },
      ],
    },
  ],
]

const ONE_WAY: readonly Operation[] = [
  {
    kind: 'rename_column',
    ...on,
    from: 'name',
    to: 'size',
    type: 'integer',
    up: 'length(name)',
    overlap: 'forward_only',
  },
  { kind: 'alter_column', ...on, column: 'size', nullable: false, comment: 'of the name' },
  { kind: 'create_index', definition: 'create index on users (size)' },
  {
    kind: 'change_type',
    ...on,
    column: 'note',
    type: 'integer',
    up: 'length(note)',
    overlap: 'forward_only',
  },
  { kind: 'create_index', definition: 'create index on users (note)' },
  {
    kind: 'alter_column',
    ...on,
    column: 'note',
    default: '9',
    check: { name: 'noted', constraint: 'note > 0' },
  },
]

describe('what is built on a copy without a way back', () => {
  const given = `create table users (id bigint generated by default as identity primary key, seen integer not null default 0, name text, note text);
    insert into users (name, note) select repeat('x', i), repeat('y', i) from generate_series(1, ${ROWS}) i`

  test('comes with it, under traffic', async () => {
    await liveThrough({
      operations: ONE_WAY,
      given,
      direct: `create table users (id bigint generated by default as identity primary key, seen integer not null default 0,
          size integer not null, note integer default 9 constraint noted check (note > 0));
        create index on users (size); create index on users (note); comment on column users.size is 'of the name'`,
      old: [
        {
          name: 'old',
          statements: [
            `insert into users (name, note) values ('old ' || $1, 'n' || $1)`,
            `update users set name = name || 'x', note = note || 'y' where id = 1 + $1 % ${ROWS}`,
          ],
        },
      ],
      renewed: [{ name: 'new', statements: [seen] }],
    })
  })

  test('goes back until that has taken over, and no further', async () => {
    const database = await testDatabase(given)
    const bellows = await database.bellows({
      settings: {
        gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
      },
    })
    const migration = { name: '0001_test', operations: ONE_WAY }
    const { id } = await bellows.change((driver) => driver.advance(migration, 'retire'))
    for (const back of ['undo', 'rollback'] as const)
      await expect(bellows.change((driver) => driver[back](id))).rejects.toMatchObject({
        code: 'not_reversible',
      })
    expect((await bellows.change((driver) => driver.advance(migration, 'purge'))).state).toBe('completed')
  })

  test('does not make one of a column that has one', async () => {
    const database = await testDatabase(given)
    const bellows = await database.bellows()
    const other: Operation = { kind: 'drop_column', ...on, column: 'note' }
    await expect(
      bellows.plan({ name: '0001_test', operations: [...ONE_WAY.slice(0, 2), other] }),
    ).rejects.toThrow('One operation of the migration has no way back')
  })
})

describe('what else is said of columns that are copied', () => {
  test.each(LIVES)('comes with %s, under traffic', async (_what, life) => {
    await liveThrough(life)
  })

  test.each([
    {
      what: 'another name',
      given: GIVEN_RENAMED,
      all: RENAMED,
      insert: `insert into users (name, team, note, mail, age) values ('', null, 'n', null, '-1')`,
      nullable: 'remark',
    },
    {
      what: 'another type',
      given: GIVEN_RETYPED,
      all: RETYPED,
      insert: `insert into users (score, place) values (null, 'new')`,
      nullable: 'place',
    },
  ])('keeps no old instance from writing, and goes back from the contract: $what', async (of) => {
    // The only one that says of every instance that it keeps to it already.
    const operations = of.all.filter((op) => !('when' in op))
    const database = await testDatabase(of.given)
    const bellows = await database.bellows({
      settings: {
        gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
      },
    })
    const migration = { name: '0001_test', operations }
    const start = await catalog(database)
    const { id } = await bellows.change((driver) => driver.advance(migration, 'verify'))
    const retire = () => bellows.change((driver) => driver.advance(migration, 'retire'))

    await database.query(of.insert)
    await expect(retire()).rejects.toMatchObject({ code: 'rows_in_the_way' })
    // Behind the swap, where there is one; before anything is hidden there is nothing to undo.
    await bellows.change((driver) => driver.undo(id)).catch(() => undefined)
    const clear = () => database.query(`delete from users where id > ${ROWS}`)
    await clear()
    await database.query(of.insert)
    await clear()
    await retire()

    await database.query(`update users set ${of.nullable} = null where id = 7`)
    const back = () => bellows.change((driver) => driver.rollback(id))
    await expect(back()).rejects.toMatchObject({ code: 'rows_in_the_way' })
    expect((await bellows.run(migration.name))?.state, 'nothing was taken back').toBe('retiring')
    await database.query(`update users set ${of.nullable} = 'x' where id = 7`)
    await back()
    expect(await catalog(database), 'the catalog is that of the start').toEqual(start)
    expect(await traces(database)).toEqual([])
  })
})
