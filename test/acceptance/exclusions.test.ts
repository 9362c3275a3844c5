import { expect, test } from 'vitest'
import { openBellows } from '../../src/compose.ts'
import type { AddConstraint } from '../../src/core/operations/add-constraint.ts'
import type { Operation } from '../../src/core/operations/migration.ts'
import { begun, bellowsWaits } from '../faults/begun.ts'
import { catalog } from '../support/catalog.ts'
import { cleanUp, testDatabase } from '../support/database.ts'
import { matrixMajor } from '../support/matrix.ts'
import { aRole } from '../support/role.ts'

const GIVEN = `create table stays (id bigint primary key, room int, during int4range, at timestamptz)`
const BOTH = 'using gist (room with =, during with &&)'
const SETTINGS = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} as const

const migration = (exclude: string, more: Partial<AddConstraint> = {}) => {
  const operation = { kind: 'add_constraint', namespace: 'public', table: 'stays', exclude, ...more } as const
  return { name: '0001_test', operations: [operation] }
}

test.for<[string, RegExp]>([
  ['using gist (during with &&&)', /operator does not exist: int4range &&& int4range/i],
  ['using gist (during with <<)', /operator <<\(anyrange,anyrange\) is not commutative/i],
  ['using btree (room with <>)', /operator <>\(integer,integer\) is not a member of operator family/i],
  ['using gist (room with =)', /integer has no default operator class for access method "gist"/i],
  ['using gist (room int_ops with =)', /operator class "int_ops" does not exist for access method "gist"/i],
  ['using fast (room with =)', /access method "fast" does not exist/i],
  ['using brin (room with =)', /access method "brin" does not support exclusion constraints/i],
  ['using gist (during with &&) where (room)', /must be type boolean, not type integer/i],
  ['using gist (during with &&) where (at > now())', /must be marked IMMUTABLE/i],
  ['using gist (during with &&) with (fillfactor = 7)', /value 7 out of bounds for option "fillfactor"/i],
])(
  'an exclusion that PostgreSQL does not take is refused before anything runs: %s',
  async ([exclude, said]) => {
    const database = await testDatabase(GIVEN)
    const before = await catalog(database)
    const bellows = await database.bellows()
    await expect(bellows.plan(migration(exclude))).rejects.toMatchObject({
      code: 'migration_invalid',
      message: expect.stringMatching(said),
      hint: expect.stringContaining('It was tried on an empty copy of the table; nothing was changed.'),
    })
    expect(await catalog(database)).toEqual(before)
  },
)

test('what it names is what the role finds, and is so when the constraint comes up', async () => {
  const database = await testDatabase(`create schema more; create extension btree_gist schema more; ${GIVEN}`)
  await database.query(`alter database "${database.name}" set search_path = public, more`)
  const bellows = await database.bellows({ settings: SETTINGS })
  const wanted = migration('using gist (room gist_int4_ops with =, during range_ops with &&)')
  await bellows.change((driver) => driver.advance(wanted, 'purge'))
  expect(
    await database.query(`select pg_get_constraintdef(oid) as is from pg_constraint where contype = 'x'`),
  ).toEqual([{ is: 'EXCLUDE USING gist (room WITH =, during WITH &&)' }])
})

test.for<[string, readonly Operation[]]>([
  [
    'makes',
    [
      {
        kind: 'create_table',
        namespace: 'public',
        table: 'trips',
        columns: [
          { name: 'room', type: 'integer', nullable: false },
          { name: 'during', type: 'int4range', nullable: true },
        ],
        constraints: [],
      },
      { kind: 'add_constraint', namespace: 'public', table: 'trips', exclude: BOTH },
    ],
  ],
  [
    'gives a column, and another type to one that is there',
    [
      {
        kind: 'add_column',
        namespace: 'public',
        table: 'stays',
        column: 'seat',
        type: 'integer',
        nullable: true,
      },
      { kind: 'change_type', namespace: 'public', table: 'stays', column: 'room', type: 'bigint' },
      {
        kind: 'add_constraint',
        namespace: 'public',
        table: 'stays',
        exclude: 'using gist (room with =, seat with =, during with &&)',
      },
    ],
  ],
])('it is tried on the table as it will be, also on one that the migration %s', async ([, operations]) => {
  const database = await testDatabase(`create extension btree_gist; ${GIVEN}`)
  const bellows = await database.bellows({ settings: SETTINGS })
  const run = await bellows.change((driver) => driver.advance({ name: '0001_test', operations }, 'purge'))
  expect(run.state).toBe('completed')
  expect(
    await database.query(`select count(*)::int as exclusions from pg_constraint where contype = 'x'`),
  ).toEqual([{ exclusions: 1 }])
})

test('rows that exclude one another are told in expand, pair by pair, before anything is changed', async () => {
  const database = await testDatabase(`create extension btree_gist; ${GIVEN}`)
  const bellows = await database.bellows({ settings: SETTINGS })
  const wanted = migration(`${BOTH} where (at is null)`, { deferrable: 'initially_deferred' })
  await expect(bellows.plan(wanted)).resolves.toMatchObject({ steps: [{ kind: 'inspect' }, {}, {}, {}] })
  // They come behind the plan. What has a NULL, or does not meet the condition, excludes nothing.
  await database.query(`insert into stays select i, i % 7, int4range(i, i + 1) from generate_series(1, 100) i;
    insert into stays values (101, 1, '[50,60)', null), (102, 1, '[55,58)', null), (103, null, '[50,60)', null), (104, 1, '[50,60)', now())`)
  const before = await catalog(database)

  const advanced = bellows.change((driver) => driver.advance(wanted, 'expand'))
  await expect(advanced).rejects.toMatchObject({
    code: 'rows_in_the_way',
    message: expect.stringContaining(
      'Rows of "stays" exclude one another, so the exclusion constraint "stays_room_during_excl" cannot come up; nothing was changed.',
    ),
    facts: { rows: expect.arrayContaining([conflict(101, '[50,60)', 102, '[55,58)')]) },
  })
  const { rows } = ((await advanced.catch((error: unknown) => error)) as { facts: { rows: unknown[] } }).facts
  expect(rows, 'days 50 and 57 of room 1 are in one of them, 57 is in both').toHaveLength(4)
  expect(await catalog(database)).toEqual(before)

  await database.query('delete from stays where id in (101, 102)')
  await bellows.change((driver) => driver.advance(wanted, 'purge'))
  expect(
    await database.query(`select pg_get_constraintdef(oid) as is from pg_constraint where contype = 'x'`),
  ).toEqual([
    {
      is: 'EXCLUDE USING gist (room WITH =, during WITH &&) WHERE ((at IS NULL)) DEFERRABLE INITIALLY DEFERRED',
    },
  ])
})

function conflict(id: number, during: string, other: number, otherDuring: string) {
  return { id, room: 1, during, at: null, excludes: { id: other, room: 1, during: otherDuring, at: null } }
}

test('a row that comes between the last look and the constraint is told as well, and nothing is half done', async () => {
  const database = await testDatabase(`${GIVEN}; insert into stays values (1, 1, '[1,5)')`)
  const bellows = await database.bellows({ settings: SETTINGS })
  // A gate would wait for whoever has begun to write.
  const wanted = migration('using gist (during with &&)', { when: 'before_rollout' })
  await bellows.change((driver) => driver.advance(wanted, 'expand'))
  const before = await catalog(database)
  const late = await begun(database, 'late')
  await late.session.query(`insert into stays values (2, 1, '[4,9)')`)

  const refused = bellows
    .change((driver) => driver.advance(wanted, 'verify'))
    .catch((error: unknown) => error)
  await bellowsWaits(database)
  await late.commit()
  const told = {
    code: 'rows_in_the_way',
    message: expect.stringContaining('Rows of "stays" exclude one another'),
    facts: {
      rows: [{ id: 1, during: '[1,5)', excludes: { id: 2, during: '[4,9)' } }],
    },
  }
  expect(await refused).toMatchObject(told)
  expect(await catalog(database)).toEqual(before)
  const again = bellows.change((driver) => driver.advance(wanted, 'verify'))
  await expect(again, 'also by the next command').rejects.toMatchObject(told)

  await database.query('delete from stays where id = 2')
  const run = await bellows.change((driver) => driver.advance(wanted, 'purge'))
  expect(run.state).toBe('completed')
})

test.each([
  ['where no operator is an =', 'using gist (during with &&)'],
  ['where all are the same by the one that is', BOTH],
])('as many rows as 1 MiB has are not compared each with each: %s', async (_what, exclude) => {
  const late = '[17000,17002)'
  const database =
    await testDatabase(`create extension btree_gist; create table stays (room int, during int4range);
    insert into stays select 1, int4range(i, i + 1) from generate_series(1, 17000) i; insert into stays values (1, '${late}')`)
  const bellows = await database.bellows({ settings: SETTINGS })
  const wanted = migration(exclude, { unsafe: 'nobody uses the table at night' })
  await expect(bellows.change((driver) => driver.advance(wanted, 'expand'))).rejects.toMatchObject({
    code: 'rows_in_the_way',
    facts: { rows: [{ during: '[17000,17001)', excludes: { during: late } }] },
  })
  expect(
    await database.query(`select from pg_class where relname like 'bellows %'`),
    'nothing of it stays',
  ).toEqual([])
  await database.query(`delete from stays where during = '${late}'`)
  await expect(bellows.change((driver) => driver.advance(wanted, 'expand'))).resolves.toBeDefined()
})

test('a table for which everybody would wait for long needs a reason, where the index takes each row by itself', async () => {
  const database = await testDatabase(`create table stays (room int, during int4range);
    insert into stays select i, int4range(i, i + 1) from generate_series(1, 8000) i; analyze stays`)
  const bellows = await database.bellows({ settings: SETTINGS })
  await expect(bellows.plan(migration('using gist (during with &&)'))).rejects.toMatchObject({
    code: 'plan_refused',
    message: expect.stringMatching(
      /^"stays" has \d+ bytes: its exclusion constraint is built while everybody waits, for more than 100 ms\./,
    ),
    hint: expect.stringContaining('unsafe: "<reason>"'),
  })
  const quick = await bellows.plan(migration('using btree (room with =)'))
  expect(quick.steps.flatMap(({ hazards }) => hazards.map(({ code }) => code))).not.toContain('unsafe')
  const said = await bellows.plan(migration('using gist (during with &&)', { unsafe: 'closed at night' }))
  expect(said.steps.flatMap(({ hazards }) => hazards)).toContainEqual({
    code: 'unsafe',
    because: expect.stringMatching(
      /^All who use the table wait for some 1\d\d ms\. The reason given: closed at night$/,
    ),
  })
})

test('a table that is just small enough to be planned is so to begin, and may grow a little before the contract', async () => {
  const database = await testDatabase(`create table stays (id bigint, room int, during int4range);
    insert into stays select i, 1, int4range(i, i + 1) from generate_series(1, 8000) i;
    delete from stays where (ctid::text::point)[0] >= 32`)
  // Leaves the maps beside the table, which the plan does not know.
  await database.query('vacuum (analyze) stays')
  expect(
    await database.query(
      `select pg_relation_size('stays')::int as rows, pg_table_size('stays') > 262144 as more`,
    ),
  ).toEqual([{ rows: 262_144, more: true }])
  const bellows = await database.bellows({ settings: SETTINGS })
  const wanted = migration('using gist (during with &&)')
  await bellows.change((driver) => driver.advance(wanted, 'verify'))
  await database.query(
    'insert into stays select i, 1, int4range(i, i + 1) from generate_series(8001, 9000) i; analyze stays',
  )
  const run = await bellows.change((driver) => driver.advance(wanted, 'purge'))
  expect(run.state).toBe('completed')
})

test('a role that may make a namespace and no temporary table finds rows in the way as well', async () => {
  const database = await testDatabase(`${GIVEN}; insert into stays values (1, 1, '[1,5)'), (2, 1, '[4,9)')`)
  const role = await aRole(database)
  await database.query(`alter schema public owner to ${role}; alter table stays owner to ${role};
    grant create on database "${database.name}" to ${role}; revoke temporary on database "${database.name}" from public`)
  const address = new URL(database.url)
  address.username = role
  const bellows = await openBellows({
    database: address.href,
    application: 'bellows/test',
    settings: SETTINGS,
  })
  cleanUp(() => bellows.close())
  await expect(
    bellows.change((driver) => driver.advance(migration('using gist (during with &&)'), 'expand')),
  ).rejects.toMatchObject({ code: 'rows_in_the_way', facts: { rows: [{ id: 1, excludes: { id: 2 } }] } })
})

test.each<[string, Partial<AddConstraint>, number]>([
  ['without a reason', {}, 262_144],
  ['with one', { unsafe: 'closed at night' }, 1_048_576],
])('rows of a large table that nobody has analysed are not looked at, %s', async (_what, more, most) => {
  const database = await testDatabase(`${GIVEN}; alter table stays add note text;
    insert into stays select i, 1, int4range(i, i + 1), null, (select string_agg(md5((i * k)::text), '') from generate_series(1, 200) k)
      from generate_series(1, 400) i`)
  const before = await catalog(database)
  const bellows = await database.bellows({ settings: SETTINGS })
  const wanted = migration('using gist (during with &&)', more)
  const steps = (await bellows.plan(wanted)).steps.map(({ kind }) => kind)
  expect(steps[0]).toBe('inspect')
  await expect(bellows.change((driver) => driver.advance(wanted, 'expand'))).rejects.toMatchObject({
    code: 'plan_refused',
    message: expect.stringContaining(`"stays" has more than ${most} bytes`),
    step: '0001_test/expand/1',
  })
  expect(await catalog(database)).toEqual(before)
})

test.runIf(Number(matrixMajor()) >= 17)(
  'in a partitioned table rows are told from all its partitions',
  async () => {
    const database = await testDatabase(`create extension btree_gist;
    create table stays (id bigint, room int, during int4range) partition by list (room);
    create table first partition of stays for values in (1); create table second partition of stays for values in (2);
    insert into stays values (1, 1, '[1,5)'), (2, 2, '[4,9)'), (3, 2, '[8,9)')`)
    const bellows = await database.bellows({ settings: SETTINGS })
    await expect(bellows.plan(migration('using gist (room with =, during with &&&)'))).rejects.toMatchObject({
      code: 'migration_invalid',
      message: expect.stringMatching(/operator does not exist/i),
    })
    const wanted = migration(BOTH)
    await expect(bellows.change((driver) => driver.advance(wanted, 'expand'))).rejects.toMatchObject({
      code: 'rows_in_the_way',
      facts: {
        rows: [
          {
            ctid: '(0,1)',
            room: 2,
            during: '[4,9)',
            excludes: { ctid: '(0,2)', room: 2, during: '[8,9)' },
          },
        ],
      },
    })
    await database.query('delete from stays where id = 3')
    const run = await bellows.change((driver) => driver.advance(wanted, 'purge'))
    expect(run.state).toBe('completed')
  },
)
