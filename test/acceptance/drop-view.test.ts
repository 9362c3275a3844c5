import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { Migration } from '../../src/core/operations/migration.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { catalog } from '../support/catalog.ts'
import { shopDatabase, type TestDatabase, testDatabase } from '../support/database.ts'
import { liveThrough } from '../support/lifecycle.ts'
import { matrixMajor } from '../support/matrix.ts'
import { APPLICATION } from '../support/shop-roles.ts'

const TABLE = `create table users (id bigint primary key, name text not null, team int default 1);
  insert into users select i, 'user ' || i, i % 5 from generate_series(1, 300) i;
  create table teams (id int primary key, said text); insert into teams select i, 'team ' || i from generate_series(0, 4) i;`

const dropping = (view = 'v'): Migration => ({
  name: '0001_test',
  operations: [{ kind: 'drop_object', namespace: 'public', object: `view ${view}` }],
})
const OPEN: SettingsChange = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
}

interface Counting {
  readonly database: TestDatabase
  readonly bellows: Bellows
  readonly run: number
  readonly counter: string
}

/** A view called v, whose use is counted. */
async function counting(view: string, settings = OPEN, made = testDatabase): Promise<Counting> {
  const database = await made(`${TABLE} ${view}`)
  const bellows = await database.bellows({ settings })
  const { id, plan } = await bellows.change((driver) => driver.advance(dropping(), 'verify'))
  const gate = plan.steps.find((step) => step.kind === 'gate')
  return { database, bellows, run: id, counter: (gate?.kind === 'gate' && gate.counter) || 'none' }
}

const SIMPLE = 'create view v as select id, name, team from users;'

/** One number is taken when the probe is put in. */
async function counted({ database, counter }: Counting): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    `select pg_sequence_last_value('bellows.${counter}_number')::int - 1 as n`,
  )
  return row?.n ?? -1
}

async function check(bellows: Bellows, name: GateCheck['check']): Promise<GateCheck | undefined> {
  const [run] = await bellows.runs()
  const [report] = run === undefined ? [] : await bellows.gates(run)
  return report?.checks.find((one) => one.check === name)
}

/** What somebody sees of a view, besides its definition. */
const SEEN = `select c.oid, c.reloptions, c.relowner, c.relacl, obj_description(c.oid) as comment, i.is_updatable, i.is_insertable_into,
    i.is_trigger_updatable, i.check_option, (select array_agg(format('%s %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod),
      a.attcollation, (select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d where (d.adrelid, d.adnum) = (a.attrelid, a.attnum))) order by a.attnum)
      from pg_attribute a where a.attrelid = c.oid) as columns,
    (select array_agg(tgname::text) from pg_trigger where tgrelid = c.oid) as triggers
  from pg_class c join information_schema.views i on i.table_name = c.relname where c.oid = 'v'::regclass`

/** Views of every kind, each with statements that give the same with the probe and without. */
const KINDS: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'a plain one, with grants, a comment and a default',
    `${SIMPLE} grant select, insert (id) on v to public; comment on view v is 'old'; alter view v alter team set default 3;
     comment on column v.id is 'which'`,
    [
      `insert into v (id, name) values (1000, 'x') returning *`,
      `update v set name = 'y' where id = 1000 returning *`,
      'delete from v where id = 1000 returning *',
      `insert into v (id, name) values (1, 'z') on conflict (id) do update set name = excluded.name returning *`,
    ],
  ],
  [
    'one with a condition and a check option',
    `create view v as select id, name as "full name" from users where id > 10 and (team = 1 or team = 2) with local check option`,
    [
      `update v set "full name" = 'y' where id = 11 returning *`,
      'select * from v order by id limit 3 for update',
    ],
  ],
  [
    'a security barrier',
    'create view v with (security_barrier) as select id, name from users where team = 2',
    ['select * from v where id < 20 order by id', `update v set name = 'b' where id = 12 returning *`],
  ],
  [
    'one that groups',
    'create view v as select team, count(*) as n, max(name) as name from users group by team having count(*) > 1',
    ['select * from v order by team'],
  ],
  [
    'one of all rows together',
    'create view v as select max(id) as last, count(*) from users',
    ['select * from v'],
  ],
  [
    'a union',
    `create view v as select id::numeric(12, 2) as id, name::varchar(20) collate "C" as name from users union all select id, said from teams`,
    ['select * from v where id < 3 order by id, name', 'select pg_typeof(id) from v limit 1'],
  ],
  ['a list of rows', `create view v as values (1, 'a'::text), (2, 'b')`, ['select * from v']],
  [
    'one that recurs',
    'create recursive view v (n) as values (1) union all select n + 1 from v where n < 5',
    ['select * from v'],
  ],
  [
    'one that orders, limits, joins and looks through a window',
    `create view v as select distinct on (t.id) t.id, t.said, u.name, row_number() over (partition by t.id order by u.id) as at
       from teams t left join users u on u.team = t.id, lateral (select 1 as one) l order by t.id, u.id desc limit 3`,
    ['select * from v'],
  ],
  [
    'one with INSTEAD OF',
    `create view v as select t.id, t.said, count(u) as n from teams t left join users u on u.team = t.id group by t.id;
     create function instead() returns trigger language plpgsql as $$ begin update teams set said = new.said where id = old.id; return new; end $$;
     create trigger instead instead of update on v for each row execute function instead()`,
    [`update v set said = 'x' where id = 1 returning *`, 'select * from teams order by id'],
  ],
  [
    'one with a rule',
    `${SIMPLE} create rule kept as on delete to v do instead update users set name = 'gone' where id = old.id`,
    ['delete from v where id = 5', 'select * from users where id = 5'],
  ],
  [
    'one that others are built on',
    `${SIMPLE} create view above as select *, v::text as line from v; create materialized view kept as select count(*) from v;
     create function one() returns setof v language sql begin atomic; select * from v where id = 1; end`,
    [
      'select * from above where id = 2',
      `update above set name = 'q' where id = 3 returning id, name`,
      'select * from one()',
      'refresh materialized view kept',
    ],
  ],
  ...(matrixMajor() < '15'
    ? []
    : [
        [
          'a security invoker',
          'create view v with (security_invoker = true) as select id, name from users',
          ['select * from v where id = 1'],
        ] as const,
      ]),
]

describe('a view with the probe', () => {
  test.for(KINDS)('is the same as before, and comes back to the letter: %s', async ([, view, statements]) => {
    const database = await testDatabase(`${TABLE} ${view}`)
    const seen = async () => await database.query(SEEN)
    const answers = async () => {
      const all: unknown[] = []
      await database.query('begin')
      for (const one of statements) all.push(await database.query(one).catch((error: Error) => error.message))
      await database.query('rollback')
      return all
    }
    const [before, start, said] = [await seen(), await catalog(database), await answers()]
    const bellows = await database.bellows({ settings: OPEN })
    const run = await bellows.change((driver) => driver.advance(dropping(), 'verify'))
    const [{ text } = { text: '' }] = await database.query<{ text: string }>(
      `select pg_get_viewdef('v'::regclass) as text`,
    )
    expect(text).toMatch(/bellows\.old_uses_/)
    expect(await seen()).toEqual(before)
    expect(await answers()).toEqual(said)
    await bellows.change((driver) => driver.rollback(run.id))
    expect(await seen()).toEqual(before)
    expect(await catalog(database)).toEqual(start)
  })

  test('is asked once for each statement, and rows are found as before', async () => {
    const { database } = await counting(SIMPLE)
    await database.query('set enable_seqscan = off')
    const plan = async (statement: string) =>
      (await database.query<{ 'QUERY PLAN': string }>(`explain (costs off) ${statement}`))
        .map((row) => row['QUERY PLAN'].trim())
        .join('\n')
    const simple = await plan(`select name from v where id = 7`)
    expect(simple).toMatch(/One-Time Filter: bellows\.old_uses_/)
    expect(simple).toMatch(/Index Scan using users_pkey on users\n *Index Cond: \(id = 7\)/)
    expect(await plan(`update v set name = 'x' where id = 7`)).toMatch(/Index Cond: \(id = 7\)/)
  })

  test('of a union still lets conditions through to what it unites', async () => {
    const { database } = await counting(
      'create view v as select id, name from users union all select id, name from users where team = 2',
    )
    await database.query('set enable_seqscan = off')
    const rows = await database.query<{ 'QUERY PLAN': string }>(
      'explain (costs off) select * from v where id = 2',
    )
    const plan = rows.map((row) => row['QUERY PLAN'].trim()).join('\n')
    expect(plan.match(/Index Cond/g)).toHaveLength(2)
    expect(plan).toMatch(/One-Time Filter/)
  })
})

describe('a statement', () => {
  const OTHERS = `create view above as select * from v; create function through() returns bigint language sql as 'select count(*) from v'`

  test.for<[string, string, number]>([
    ['reads it', 'select count(*) from v', 1],
    ['reads it many times', 'select (select count(*) from v where v.id = u.id) from users u', 1],
    ['reads it through another view', 'select * from above', 1],
    ['reads it in a function', 'select through()', 1],
    ['joins it', 'select from v join users using (id)', 1],
    ['copies it', 'create table copied as select * from v', 1],
    ['updates through it', `update v set name = 'x' where id < 100`, 1],
    ['updates no row', `update v set name = 'x' where id < 0`, 1],
    ['deletes through it', 'delete from v where id = 1', 1],
    [
      'moves a cursor over it',
      'do $$ declare r record; begin for r in select * from v loop end loop; end $$',
      1,
    ],
    ['reads the table', 'select count(*) from users', 0],
    ['only explains', 'explain select * from v', 0],
    ['inserts, which the table alone sees', `insert into v values (1000, 'x')`, 0],
  ])('that %s', async ([, statement, expected]) => {
    const view = await counting(`${SIMPLE} ${OTHERS}`)
    await view.database.query(statement)
    expect(await counted(view)).toBe(expected)
  })

  test('that inserts where rows are checked is counted', async () => {
    const view = await counting('create view v as select * from users where id > 0 with check option')
    await view.database.query(`insert into v select i, 'x' from generate_series(1000, 1100) i`)
    expect(await counted(view)).toBe(1)
  })

  test('of every session that would work in parallel does its work', async () => {
    const view = await counting(
      `${SIMPLE} insert into users select i, 'x' from generate_series(1000, 20000) i; analyze`,
    )
    const { database } = view
    await database.query(
      `set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;
       set ${Number(matrixMajor()) < 16 ? 'force_parallel_mode' : 'debug_parallel_query'} = on`,
    )
    expect(await database.query('select count(*)::int as n from v where team is not null')).toEqual([
      { n: 19_301 },
    ])
    expect(await counted(view)).toBe(1)
  })

  test.for([
    [
      'create function f() returns bigint language sql parallel safe as $$ select count(*) from public.v $$',
      true,
    ],
    [
      'create function f() returns bigint language sql parallel restricted begin atomic; select count(*) from v; end',
      true,
    ],
    [
      `create view above as select * from v; create function f() returns bigint language plpgsql parallel safe
      as 'begin return (select count(*) from above); end'`,
      true,
    ],
    ['create function f() returns bigint language sql as $$ select count(*) from v $$', false],
    [
      'create function f() returns bigint language sql parallel safe as $$ SELECT COUNT(*) FROM Public.V $$',
      true,
    ],
    [
      `create function f() returns bigint language sql parallel safe as $$ select 1 /* of view vs */ $$`,
      false,
    ],
  ] as const)('of a function that may run in parallel is let be: %s', async ([made, isLeft]) => {
    const database = await testDatabase(`${TABLE} ${SIMPLE} ${made}`)
    const bellows = await database.bellows({ settings: OPEN })
    const { steps } = await bellows.plan(dropping())
    expect(steps.some(({ phase }) => phase === 'expand')).toBe(!isLeft)
    expect(JSON.stringify(steps).includes('said to be safe in parallel')).toBe(isLeft)
    await bellows.change((driver) => driver.advance(dropping(), 'verify'))
    await database.query(
      'set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0',
    )
    expect(await database.query('select max(f()) > 0 as read from users where id < 10')).toEqual([
      { read: true },
    ])
  })
})

describe('a view without the probe', () => {
  test.for([
    [
      'PostgreSQL prints it in other words when it is made again',
      `create table t (id int primary key, s varchar); create view v as select id, s from t where s in ('a', 'b')`,
      'in other words',
    ],
    [
      'it reads a foreign table',
      `create foreign data wrapper far; create server far foreign data wrapper far;
       create table days (id int) partition by range (id);
       create foreign table days_1 partition of days for values from (1) to (2) server far;
       create view below as select * from days; create view v as select id from below`,
      'the foreign table public.days_1',
    ],
  ] as const)('stays as it is until it is dropped, and the plan says why: %s', async ([, made, why]) => {
    const database = await testDatabase(`${TABLE} ${made}`)
    const definition = async () => await database.query(`select pg_get_viewdef('v'::regclass)`)
    const before = await definition()
    const bellows = await database.bellows({ settings: OPEN })
    expect(JSON.stringify((await bellows.plan(dropping())).steps)).toContain(why)
    const { id } = await bellows.change((driver) => driver.advance(dropping(), 'verify'))
    expect(await definition()).toEqual(before)
    expect((await bellows.change((driver) => driver.resume(id, 'purge'))).state).toBe('completed')
    expect(await database.query(`select to_regclass('v') as left`)).toEqual([{ left: null }])
  })
})

describe('a run that drops a view', () => {
  const on = { namespace: 'public', table: 'users' } as const
  const beside = (...operations: Migration['operations']): Migration => ({ name: '0002_beside', operations })
  const indexing = beside({ kind: 'create_index', definition: 'create index users_name on users (name)' })
  const hiding = beside({ kind: 'drop_column', ...on, column: 'team' })
  const rename = beside({ kind: 'rename_table', ...on, to: 'people' })

  test('leaves the tables free that the view reads, and comes beside who works on them', async () => {
    const { database, bellows, run } = await counting('create view v as select id, name from users')
    const advance = (migration: Migration, phase: 'verify' | 'purge') =>
      bellows.change((driver) => driver.advance(migration, phase))
    expect((await advance(indexing, 'purge')).state).toBe('completed')
    const other = await advance({ ...hiding, name: '0003_beside' }, 'verify')
    await bellows.change((driver) => driver.rollback(run))
    const again = await advance({ ...dropping(), name: '0004_again' }, 'verify')
    expect((await bellows.change((driver) => driver.resume(other.id, 'purge'))).state).toBe('completed')
    await bellows.change((driver) => driver.rollback(again.id))
    expect(await database.query('select * from v where id = 1')).toEqual([{ id: '1', name: 'user 1' }])
  })

  test('is kept apart from one that may rename what the view reads, for it could not be given back', async () => {
    const { bellows, run } = await counting(SIMPLE)
    const advance = (migration: Migration) => bellows.change((driver) => driver.advance(migration, 'verify'))
    const refused = (name: string) => ({
      code: 'run_conflict',
      message: expect.stringContaining(`"${name}" is at work on "users"`),
    })
    await expect(advance(rename)).rejects.toMatchObject(refused('0001_test'))
    await bellows.change((driver) => driver.rollback(run))
    await advance(rename)
    await expect(advance({ ...dropping(), name: '0003_again' })).rejects.toMatchObject(refused('0002_beside'))
  })
})

describe('who used it', () => {
  test('keeps the view also when that was while the purge waited for its lock', async () => {
    const { database, bellows } = await counting(SIMPLE, {
      gate: { ...OPEN.gate, quietMs: 1_000 },
      lock: { canaryTimeoutMs: 30_000 },
      holdTimeoutMs: 30_000,
    })
    await expect.poll(async () => (await check(bellows, 'usage'))?.state, { timeout: 20_000 }).toBe('green')
    // One of Bellows, which no gate waits for.
    const session = await database.session('bellows/reader', 'postgres')
    await session.query('begin; explain select * from v')
    const purging = bellows
      .change((driver) => driver.advance(dropping(), 'purge'))
      .catch((error: unknown) => error)
    const waiting = `select count(*)::int as n from pg_locks where relation = 'v'::regclass and not granted`
    await expect.poll(async () => await database.query(waiting), { timeout: 20_000 }).toEqual([{ n: 1 }])
    await session.query('select * from v; commit')
    expect(await purging).toMatchObject({
      code: 'gate_closed',
      message: expect.stringMatching(/^The view public\.v was used since the gate looked/),
    })
    expect(await database.query('select count(*)::int as n from v')).toEqual([{ n: 300 }])
  })

  test('is written down once a minute, however short the sessions are', async () => {
    const view = await counting(SIMPLE)
    const { database, counter } = view
    const using = async (name: string) => {
      const session = await database.session(name)
      await session.query('begin; select * from v')
      const { rows } = await session.query('select pg_current_xact_id_if_assigned() is not null as told')
      await session.query('commit')
      return rows[0]?.told as boolean
    }
    const told: boolean[] = []
    for (let at = 0; at < 5; at += 1) told.push(await using('shop/old-1'))
    await using('shop/old-2')
    // What writes nothing has no transaction number; a minute may end in between, and before PostgreSQL 15 the sequence is in the log.
    if (matrixMajor() >= '15') expect(told.filter(Boolean).length).toBeLessThanOrEqual(2)
    expect(await counted(view)).toBe(6)
    const rows = await database.query(
      `select application, count(*) = count(distinct date_trunc('minute', at)) as once from bellows.${counter} group by application order by 1`,
    )
    expect(rows).toEqual([
      { application: 'shop/old-1', once: true },
      { application: 'shop/old-2', once: true },
    ])
  })

  test('is nothing by which serializable transactions get into the way of each other', async () => {
    const { database } = await counting(SIMPLE)
    const sessions = await Promise.all([1, 2, 3].map((at) => database.session(`shop/old-${at}`)))
    for (const session of sessions)
      await session.query('begin isolation level serializable; select count(*) from v')
    for (const session of sessions) await session.query('commit')
  })

  test('is evidence at the gate, and keeps it closed until it is quiet', async () => {
    const { database, bellows } = await counting(SIMPLE, {
      gate: { ...OPEN.gate, quietMs: 2_000 },
    })
    await expect.poll(async () => (await check(bellows, 'usage'))?.state, { timeout: 20_000 }).toBe('green')
    const session = await database.session('shop/old-1')
    await session.query('select * from v where id = 1')
    expect(await check(bellows, 'usage')).toMatchObject({
      state: 'red',
      because: [expect.stringMatching(/^the view public\.v is quiet for .*"shop\/old-1" used it/)],
      offenders: [
        {
          who: 'somebody who uses it',
          application: 'shop/old-1',
          role: 'postgres',
          pid: expect.any(Number),
          firstSeen: expect.stringMatching(/^20/),
          lastSeen: expect.stringMatching(/^20/),
        },
      ],
    })
    await expect(bellows.change((driver) => driver.advance(dropping(), 'purge'))).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringContaining('used it'),
    })
    await expect.poll(async () => (await check(bellows, 'usage'))?.state, { timeout: 20_000 }).toBe('green')
    expect(await bellows.change((driver) => driver.advance(dropping(), 'purge'))).toMatchObject({
      state: 'completed',
    })
    expect(
      await database.query(
        `select relname from pg_class where relnamespace = 'bellows'::regnamespace and relname like 'old_uses%'
         union all select proname from pg_proc where pronamespace = 'bellows'::regnamespace and proname like 'old_uses%'`,
      ),
    ).toEqual([])
  })

  test('is taken for use where a crash has emptied what counts, on trial as well', async () => {
    const { database, bellows, run, counter } = await counting(SIMPLE, {
      gate: { ...OPEN.gate, quietMs: 2_000 },
    })
    await expect.poll(async () => (await check(bellows, 'usage'))?.state, { timeout: 20_000 }).toBe('green')
    await bellows.change((driver) => driver.brownOut(run, 600_000))
    await bellows.change((driver) => driver.brownOut(run, 0))
    expect((await check(bellows, 'brownout'))?.state).toBe('green')
    // As PostgreSQL leaves what is unlogged.
    await database.query(`truncate bellows.${counter}; alter sequence bellows.${counter}_number restart`)
    expect(await check(bellows, 'usage')).toMatchObject({
      state: 'red',
      because: [expect.stringContaining('it was used')],
    })
    expect(await check(bellows, 'brownout')).toMatchObject({
      state: 'red',
      because: [expect.stringMatching(/^a crash of the server has emptied/)],
    })
  })

  test('is not known where somebody has made the view anew, which is drift, and a rollback leaves alone', async () => {
    const database = await testDatabase(`${TABLE} ${SIMPLE}`)
    const bellows = await database.bellows({ settings: OPEN })
    await bellows.change((driver) => driver.setBaseline({}))
    const { id: run } = await bellows.change((driver) => driver.advance(dropping(), 'verify'))
    expect((await bellows.drift()).differences).toEqual([])
    await database.query('create or replace view v as select id, upper(name) as name, team from users')
    expect(await check(bellows, 'usage')).toMatchObject({
      state: 'unknown',
      because: [expect.stringContaining('the view does not call'), expect.anything()],
    })
    expect((await bellows.drift()).differences).toMatchObject([{ relation: 'v', kind: 'view' }])
    await bellows.change((driver) => driver.rollback(run))
    expect(await database.query('select name from v where id = 1')).toEqual([{ name: 'USER 1' }])
  })

  test('is told by role and address, with no right but on the view', async () => {
    const view = await counting(`${SIMPLE} revoke all on users from ${APPLICATION}`, OPEN, shopDatabase)
    const { database, counter } = view
    await database.query('revoke usage on schema bellows from public')
    const session = await database.session('shop/old-1')
    await session.query('select * from v where id = 1')
    await session.query(`update v set name = 'x' where id = 1`)
    expect(await counted(view)).toBe(2)
    expect(await database.query(`select distinct role, application from bellows.${counter}`)).toEqual([
      { role: APPLICATION, application: 'shop/old-1' },
    ])
    await expect(session.query('select * from users')).rejects.toMatchObject({ code: '42501' })
  })
})

describe('counting', () => {
  const USERS = 30

  test('makes none of many long transactions wait, and none write to the log', async () => {
    const view = await counting(SIMPLE)
    const { database } = view
    const sessions = await Promise.all(
      Array.from({ length: USERS }, (_, at) => database.session(`shop/old-${at}`)),
    )
    for (const session of sessions) await session.query(`set lock_timeout = '10s'; begin; select * from v`)
    expect(
      await database.query(
        'select from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()',
      ),
    ).toEqual([])
    await Promise.all(sessions.map((session) => session.query('commit')))
    expect(await counted(view)).toBe(USERS)
    expect(
      await database.query(
        `select relname, relpersistence::text as kept from pg_class where relname = '${view.counter}'`,
      ),
    ).toEqual([{ relname: view.counter, kept: 'u' }])
  })

  test('lets transactions go on that only read, whatever says that they do', async () => {
    const view = await counting(SIMPLE)
    const { database } = view
    for (const begin of [
      ['begin read only'],
      ['begin', 'set transaction read only'],
      ['set default_transaction_read_only = on', 'begin'],
      ['begin isolation level serializable read only deferrable'],
    ]) {
      const session = await database.session('report')
      for (const one of begin) await session.query(one)
      expect((await session.query('select count(*)::int as n from v')).rows, begin.join()).toEqual([
        { n: 300 },
      ])
      await session.query('commit')
    }
    expect(await counted(view)).toBe(0)
  })

  test('never fails a statement, also where nothing can be written down', async () => {
    const { database, counter } = await counting(SIMPLE)
    await database.query(`alter table bellows.${counter} add check (false) not valid`)
    expect(await database.query('select count(*)::int as n from v')).toEqual([{ n: 300 }])
  })
})

describe('a trial', () => {
  const attempts = ['select * from v', `update v set name = 'x' where id = 1`, 'delete from v where id = 1']

  test('lets every use fail until it is over, by the clock of the server', async () => {
    const { database, bellows, run } = await counting(SIMPLE)
    await bellows.change((driver) => driver.brownOut(run, 600_000))
    for (const attempt of attempts)
      await expect(database.query(attempt), attempt).rejects.toMatchObject({
        code: '42P01',
        message: '"v" is about to be removed, and on trial nobody can use it now',
      })
    const reading = await database.session('report')
    await reading.query('begin read only')
    await expect(reading.query('select * from v')).rejects.toMatchObject({ code: '42P01' })
    expect(await database.query('select count(*)::int as n from users')).toEqual([{ n: 300 }])
    expect(await check(bellows, 'brownout')).toMatchObject({
      state: 'red',
      because: [
        expect.stringMatching(/^the trial of the view public\.v goes on until/),
        expect.stringMatching(/^3 statements tried to use the view public\.v on trial/),
      ],
      hint: expect.stringContaining('42P01'),
    })
    await database.query(`update bellows.brownout set until = clock_timestamp() - interval '1 ms'`)
    await database.query(attempts[0] ?? '')
    await expect(bellows.change((driver) => driver.advance(dropping(), 'purge'))).rejects.toMatchObject({
      code: 'gate_closed',
    })

    await bellows.change((driver) => driver.brownOut(run, 600_000))
    await bellows.change((driver) => driver.brownOut(run, 0))
    expect(await check(bellows, 'brownout')).toMatchObject({ state: 'green' })
    expect(await bellows.change((driver) => driver.advance(dropping(), 'purge'))).toMatchObject({
      state: 'completed',
    })
  })

  test('of what is counted lets alone what is not', async () => {
    const database = await testDatabase(`${TABLE} ${SIMPLE} create type mood as enum ('ok')`)
    const bellows = await database.bellows({ settings: OPEN })
    const operations = [
      ...dropping().operations,
      ...dropping().operations.map((op) => ({ ...op, object: 'type mood' })),
    ]
    const run = await bellows.change((driver) => driver.advance({ name: '0001_test', operations }, 'verify'))
    await bellows.change((driver) => driver.brownOut(run.id, 600_000))
    await expect(database.query('select * from v')).rejects.toMatchObject({ code: '42P01' })
  })
})

describe('the probe', () => {
  test('is put in and taken out under traffic', async () => {
    const client = {
      name: 'client',
      statements: [
        `insert into v (id, name) values (1000 + $1, 'new ' || $1)`,
        `update v set name = name || '.' where id = 1 + $1 % 300`,
        'select count(*) from v where id < $1 % 100',
      ],
    }
    const fresh = {
      name: 'fresh',
      statements: [`update users set name = name || '-' where id = 1 + $1 % 300`],
    }
    await liveThrough({
      given: `${TABLE} ${SIMPLE}`,
      operations: dropping().operations,
      direct: TABLE,
      old: [client],
      renewed: [fresh],
    })
  })

  test('is not put into a view that somebody has changed since the plan was made', async () => {
    const database = await testDatabase(`${TABLE} ${SIMPLE}`)
    const bellows = await database.bellows({ settings: OPEN })
    const plan = await bellows.plan(dropping())
    const [install] = plan.steps
    expect(install?.does).toBe('count who uses the view public.v')
    await database.query('create or replace view v as select id, lower(name) as name, team from users')
    expect((await bellows.plan(dropping())).hash).not.toBe(plan.hash)
  })

  test('stops a rollback where somebody has changed what is around it, or has called it elsewhere', async () => {
    const { database, bellows, run, counter } = await counting(SIMPLE)
    await database.query(
      `create or replace view v as select id, lower(name) as name, team from users where bellows.${counter}()`,
    )
    await expect(bellows.change((driver) => driver.rollback(run))).rejects.toMatchObject({
      code: 'drift_found',
    })
    await database.query('create or replace view v as select id, lower(name) as name, team from users')
    await database.query(`create view twin as select 1 as one where bellows.${counter}()`)
    await expect(bellows.change((driver) => driver.rollback(run))).rejects.toMatchObject({
      code: 'dependents_found',
    })
    await database.query('drop view twin')
    await bellows.change((driver) => driver.rollback(run))
    expect(await database.query('select name from v where id = 1')).toEqual([{ name: 'user 1' }])
  })

  test('stops the purge before anything is dropped where something else calls it', async () => {
    const { database, bellows, counter } = await counting(SIMPLE)
    await database.query(`create view twin as select 1 as one where bellows.${counter}()`)
    const purge = () => bellows.change((driver) => driver.advance(dropping(), 'purge'))
    await expect(purge()).rejects.toMatchObject({ code: 'dependents_found' })
    expect(await database.query('select count(*)::int as n from v')).toEqual([{ n: 300 }])
    await database.query('drop view twin')
    expect((await purge()).state).toBe('completed')
  })

  test('goes with the counters where somebody has dropped the view by hand', async () => {
    const { database, bellows, counter } = await counting(SIMPLE)
    await database.query('drop view v')
    expect(await bellows.change((driver) => driver.advance(dropping(), 'purge'))).toMatchObject({
      state: 'completed',
    })
    expect(await database.query(`select to_regclass('bellows.${counter}') as left`)).toEqual([{ left: null }])
  })
})
