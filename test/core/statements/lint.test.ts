import { describe, expect, test } from 'vitest'
import { FORBIDDEN } from '../../../src/core/statements/forbidden.ts'
import { forbidden, unsafe } from '../../../src/core/statements/lint.ts'
import type { Setting } from '../../../src/core/statements/rule.ts'
import { readStatements } from '../../../src/core/statements/statement.ts'
import { UNSAFE } from '../../../src/core/statements/unsafe.ts'

/** As a server would say it. */
const KNOWN = {
  acting: new Set(['f', 'dangerous']),
  checking: new Set(['checked']),
  filled: ({ name }: { readonly name: string }, column: string) => name === 'b' && column === 'filled',
}

type Where = Partial<Pick<Setting, 'part' | 'outside' | 'known' | 'takesBack'>>

function setting(text: string, where: Where = {}): Setting {
  const statements = readStatements(text)
  if ('problem' in statements) throw new Error(`${text}: ${statements.problem}`)
  return { statements, namespace: 'public', part: 'expand', outside: false, known: KNOWN, ...where }
}

const codes = (text: string, where?: Where) => {
  const of = setting(text, where)
  return [...forbidden(of), ...unsafe(of)].map(({ rule }) => rule.code)
}

/** Of each rule: statements that it finds, and statements like them that no rule finds. */
const SAMPLES: Readonly<Record<string, { unsafe: readonly string[]; safe: readonly string[] } & Where>> = {
  transaction_control: {
    unsafe: [
      'begin',
      'commit',
      'rollback',
      'savepoint a',
      `prepare transaction 'x'`,
      'create table a.b (); commit',
    ],
    safe: ['create table a.b ()'],
  },
  session_setting: {
    unsafe: [
      'set work_mem = 1',
      'set local lock_timeout = 0',
      'set local search_path = a',
      'set local role bob',
      'set local session_replication_role = replica',
      'set session authorization bob',
      'reset all',
      'discard all',
      'set transaction isolation level serializable',
      `insert into a.b select set_config('lock_timeout', '0', true)`,
      'insert into a.b select pg_catalog.pg_advisory_unlock_all()',
      'listen a',
      'prepare p as select 1',
    ],
    safe: [`set local work_mem = '1GB'`, 'set constraints all immediate'],
  },
  needs_outside: {
    unsafe: [
      'create index concurrently i on a.b (c)',
      'drop index concurrently a.i',
      'reindex table concurrently a.b',
      'vacuum a.b',
      'alter table a.b detach partition a.c concurrently',
      'create database d',
    ],
    safe: ['analyze a.b'],
  },
  outside_for_nothing: {
    outside: true,
    unsafe: ['create table a.b ()', 'analyze a.b'],
    safe: ['create index concurrently i on a.b (c)', 'vacuum a.b'],
  },
  outside_alone: {
    outside: true,
    unsafe: ['drop index concurrently a.i; drop index concurrently a.j'],
    safe: ['drop index concurrently a.i'],
  },
  outside_unqualified: {
    outside: true,
    unsafe: ['create index concurrently i on b (c)'],
    safe: ['create index concurrently i on a.b (c)'],
  },
  client_copy: {
    unsafe: ['copy a.b from stdin', 'copy a.b to stdout'],
    safe: ['insert into a.b values (1)'],
  },
  journal_touched: {
    unsafe: [
      'delete from bellows.run where id = 1',
      'drop table bellows.event',
      'drop function bellows.fence(integer)',
      'create function bellows.f() returns int language sql return 1',
      'insert into a.b select bellows.fence(1)',
      'create table a.b (c bellows.run)',
      'drop schema bellows',
      'alter schema bellows rename to b',
      'alter table a.b set schema bellows',
    ],
    safe: [`insert into a.b values ('bellows')`, 'create table a.bellows ()'],
  },
  trigger_behind_dual_write: {
    unsafe: [
      'create trigger zzz_x before insert on a.b for each row execute function a.f()',
      'create or replace trigger "~" before update on a.b for each row execute function a.f()',
    ],
    safe: [
      'create trigger zzz_b before insert on a.b for each row execute function a.f()',
      'create trigger zzz_x after insert on a.b for each row execute function a.f()',
      'create trigger zzz_x before delete on a.b for each row execute function a.f()',
      'create trigger zzz_x before insert on a.b execute function a.f()',
    ],
  },
  dual_write_touched: {
    unsafe: [
      'alter table a.b disable trigger zzz_bellows_dual_write_1',
      'drop trigger zzz_bellows_dual_write_1 on a.b',
      'alter trigger zzz_bellows_dual_write_1 on a.b rename to t',
      'create or replace trigger zzz_bellows_dual_write_1 after insert on a.b for each row execute function a.f()',
    ],
    safe: ['alter table a.b alter c set statistics 10'],
  },
  outside_without_name: {
    outside: true,
    unsafe: ['create index concurrently on a.b (c)'],
    safe: ['create index concurrently i on a.b (c)'],
  },
  unknown_effect: {
    unsafe: [
      'alter table a.b drop constraint c',
      'alter table a.b alter c drop default',
      'alter table a.b enable row level security',
      'alter table a.b detach partition a.c',
      'alter table a.b disable trigger t',
      'alter table a.b owner to bob',
      'alter table a.b replica identity nothing',
      'create rule r as on insert to a.b do instead nothing',
      'create policy p on a.b as restrictive using (false)',
      'create or replace function a.f() returns int language sql return 1',
      'create or replace trigger t after insert on a.b for each row execute function a.f()',
      'alter view a.b set (security_invoker = true)',
      'alter table a.b set (security_invoker = true)',
      'alter table a.b reset (check_option)',
      'alter view a.b reset (check_option)',
      'drop owned by bob',
      'drop role bob',
      'explain analyze select 1',
    ],
    safe: [
      'alter table a.b alter c set default 1',
      'alter table a.b set (fillfactor = 90)',
      'comment on table a.b is null',
      'create trigger t after insert on a.b for each row execute function a.f()',
    ],
  },
  dual_write_disabled: {
    unsafe: ['alter table a.b disable trigger all', 'alter table a.b disable trigger user'],
    safe: ['alter table a.b alter c set statistics 10'],
  },
  adds_column_by_rewrite: {
    unsafe: [
      'alter table a.b add c float default random()',
      'alter table a.b add c uuid default gen_random_uuid()',
      'alter table a.b add c timestamptz default clock_timestamp()',
      'alter table a.b add c serial',
      'alter table a.b add c bigserial',
      'alter table a.b add c int generated always as identity',
      'alter table a.b add c int generated always as (d + 1) stored',
    ],
    safe: [
      'alter table a.b add c int',
      'alter table a.b add c int not null default 3',
      'alter table a.b add c timestamptz default now()',
      'alter table a.b add c timestamptz default current_timestamp',
      `alter table a.b add c timestamp default (now() at time zone 'UTC')`,
    ],
  },
  adds_checked_column: {
    unsafe: [
      'alter table a.b add c checked',
      'alter table a.b add c a.checked default 1',
      'create domain a.checked as int check (value > 0); alter table a.b add c a.checked',
    ],
    safe: [
      'alter table a.b add c checked[]',
      'create table a.n (); alter table a.n add c checked',
      'create domain a.checked as int; alter table a.b add c a.checked',
      `create type a.checked as enum ('x'); alter table a.b add c a.checked`,
      'create type a.checked as (x int); alter table a.b add c a.checked',
      'create type a.checked as range (subtype = int4); alter table a.b add c a.checked',
    ],
  },
  adds_required_column: {
    unsafe: ['alter table a.b add c int not null'],
    safe: ['alter table a.b add c int not null default 1'],
  },
  adds_constrained_column: {
    unsafe: [
      'alter table a.b add c int check (c > 0)',
      'alter table a.b add c int unique',
      'alter table a.b add c int references a.d',
    ],
    safe: ['alter table a.b add c int'],
  },
  changes_type: {
    unsafe: [
      'alter table a.b alter c type bigint',
      'alter table a.b alter c set default 1, alter d type text',
    ],
    safe: ['alter table a.b alter c set default 1'],
  },
  sets_not_null: {
    unsafe: ['alter table a.b alter c set not null'],
    safe: ['alter table a.b alter c drop not null'],
  },
  rewrites_table: {
    unsafe: [
      'alter table a.b set unlogged',
      'alter table a.b set logged',
      'alter table a.b set tablespace t',
      'alter table a.b set access method m',
      'cluster a.b',
    ],
    safe: ['alter table a.b set (fillfactor = 70)', 'analyze a.b'],
  },
  checks_at_once: {
    unsafe: [
      'alter table a.b add constraint k check (c > 0)',
      'alter table a.b add foreign key (c) references a.d',
      'alter table a.b add constraint k not null c',
    ],
    safe: ['create table a.b (c int); alter table a.b add constraint k check (c > 0)'],
  },
  refuses_old_writes: {
    unsafe: [
      'alter table a.b add constraint k check (c > 0) not valid',
      'alter table a.b add foreign key (c) references a.d not valid',
      'alter table a.b add constraint k not null c not valid',
      'create table a.n (c int); alter table a.n add foreign key (c) references a.b not valid',
    ],
    safe: [
      'create table a.b (c int); alter table a.b add constraint k check (c > 0) not valid',
      'alter table a.b add constraint k unique using index i',
    ],
  },
  builds_key_at_once: {
    unsafe: [
      'alter table a.b add unique (c)',
      'alter table a.b add primary key (c)',
      'alter table a.b add exclude using gist (c with &&)',
    ],
    safe: ['alter table a.b add constraint k unique using index i'],
  },
  validates_with_others: {
    unsafe: [
      'alter table a.b validate constraint k, alter c set default 1',
      'create table a.n (); alter table a.b validate constraint k',
    ],
    safe: ['alter table a.b validate constraint k'],
  },
  attaches_partition: {
    unsafe: [
      'alter table a.b attach partition a.c default',
      'create table a.c partition of a.b for values in (9)',
    ],
    safe: ['create table a.c (like a.b)'],
  },
  builds_index: {
    unsafe: ['create index i on a.b (c)', 'create unique index on a.b (c)'],
    safe: ['create table a.b (c int); create index i on a.b (c)'],
  },
  rebuilds_index: { unsafe: ['reindex table a.b', 'reindex index a.i'], safe: ['analyze a.b'] },
  refreshes_view: {
    unsafe: ['refresh materialized view a.m'],
    safe: ['refresh materialized view concurrently a.m'],
  },
  locks_table: { unsafe: ['lock table a.b', 'lock a.b in share mode'], safe: ['analyze a.b'] },
  locks_several_tables: {
    unsafe: [
      'alter table a.b alter x set default 1; alter table a.c alter x set default 1',
      'create policy p on a.b; create trigger t after insert on a.c execute function a.f()',
    ],
    safe: [
      'alter table a.b alter x set default 1; alter table a.b alter y set default 1',
      'create table a.n (); alter table a.n add c int; alter table a.b add c int',
      'insert into a.b values (1); insert into a.c values (1)',
    ],
  },
  changes_all_rows: {
    unsafe: [
      'update a.b set c = 1',
      'delete from a.b',
      'update a.b set c = 1 where true',
      'update a.b set c = 1 where 1 = 1',
      `update a.b set c = 1 where 'a' <> 'b' or d = 2`,
      'update a.b set c = 1 where not false and d = d',
      `delete from a.b where 't'::boolean is true`,
      'delete from a.b x where x.filled is not null',
      'with x as (delete from a.b returning *) insert into a.c select * from x',
      'merge into a.b using a.c on true when matched then delete',
      'merge into a.b using a.c on b.d = c.d when matched then do nothing when not matched by source then update set c = 1',
    ],
    safe: [
      'merge into a.b using a.c on b.d = c.d when matched then update set c = 1 when not matched then insert values (1)',
      'merge into a.b using a.c on true when matched and b.d = 2 then delete',
      'merge into a.b using a.c on b.d = c.d when not matched by source and b.d = 2 then delete',
      'update a.b set c = 1 where d = 2',
      'update a.b set c = 1 where 1 = 2',
      'update a.b set c = 1 where d is not null',
      'update a.c set c = 1 where filled is not null',
      'update a.b set c = 1 where filled is not null and d = 2',
      'update a.b set c = 1 where not (d = 2 or 1 = 1)',
      'delete from a.b where d = 2',
      'insert into a.b values (1) on conflict (c) do update set c = 1',
    ],
  },
  truncates: { unsafe: ['truncate a.b'], safe: ['delete from a.b where d = 2'] },
  drops_column: {
    unsafe: ['alter table a.b drop c'],
    safe: ['alter table a.b alter c drop not null'],
  },
  drops_table: {
    part: 'contract',
    unsafe: ['drop table a.b', 'drop foreign table a.b'],
    safe: ['drop view a.v'],
  },
  drops_index: { part: 'contract', unsafe: ['drop index a.i'], safe: ['drop view a.v'] },
  drops_unmade: {
    part: 'down',
    unsafe: ['drop view a.v', 'drop function a.f()', 'drop index concurrently a.i', 'drop schema a'],
    safe: ['alter table a.b drop constraint c'],
  },
  drops_early: {
    unsafe: [
      'drop view a.v',
      'drop function a.f()',
      'drop schema a',
      'drop trigger t on a.b',
      'drop type a.t',
    ],
    safe: ['create view a.v as select 1'],
  },
  cascades: {
    part: 'contract',
    unsafe: ['drop view a.v cascade', 'alter table a.b drop constraint k cascade'],
    safe: ['drop view a.v', 'drop view a.v restrict'],
  },
  renames: {
    unsafe: [
      'alter table a.b rename c to d',
      'alter table a.b rename to c',
      'alter type a.t rename to u',
      'alter schema a rename to b',
      'alter table a.b set schema c',
    ],
    safe: ['alter table a.b alter c set default 1'],
  },
  renames_value: {
    unsafe: [`alter type a.t rename value 'x' to 'y'`],
    safe: [`alter type a.t add value 'x'`, `alter type a.t add value if not exists 'x' before 'y'`],
  },
  revokes_early: { unsafe: ['revoke select on a.b from bob'], safe: ['grant select on a.b to bob'] },
  alters_domain: {
    unsafe: [
      'alter domain a.d add check (value > 0)',
      'alter domain a.d validate constraint k',
      'alter domain a.d set not null',
    ],
    safe: ['alter domain a.d set default 1', 'alter domain a.d drop constraint k'],
  },
  opaque: {
    unsafe: [
      `do 'begin end'`,
      'call a.p()',
      'select a.f()',
      'select count(*), a.f() from a.b',
      'insert into a.b select a.f()',
      'insert into a.b values (lower(a.f()))',
      'update a.b set c = a.f() where d = 1',
      'delete from a.b where d = a.f()',
      'create table a.n as select a.f()',
      'with x as (select a.f()) insert into a.b select * from x',
    ],
    safe: [
      `select setval('a.s', 3)`,
      'insert into a.b values (lower($$A$$))',
      'create view a.v as select a.f()',
    ],
  },
  reaches_the_server: {
    unsafe: [`copy a.b from program 'x'`, `copy a.b from '/x'`, `copy a.b to '/x'`],
    safe: ['insert into a.b values (1)'],
  },
}

describe('the lint', () => {
  test.each([
    'create table if not exists a.b (); alter table a.b drop c',
    'create temp table b (); alter table public.b drop c',
    'create table a.b (); select a.dangerous() from a.b',
  ])('spares only what is surely new: %s', (text) => {
    expect(codes(text).length).toBeGreaterThan(0)
  })

  test('has samples of every rule', () => {
    expect(Object.keys(SAMPLES).toSorted()).toEqual(
      [...FORBIDDEN, ...UNSAFE].map(({ code }) => code).toSorted(),
    )
  })

  test.each(Object.entries(SAMPLES))('finds %s, and nothing in what is safe', (code, samples) => {
    const { unsafe: found, safe, ...where } = samples
    for (const text of found) expect(codes(text, where), text).toContain(code)
    for (const text of safe) expect(codes(text, where), text).toEqual([])
  })

  test.each(['drop table a.b', 'drop view a.v', 'alter table a.b drop c', 'alter table a.b rename d to c'])(
    'lets a way back take away what was made: %s',
    (text) => {
      const { statements: takesBack } = setting('create table a.b (c int); create view a.v as select 1')
      expect(codes(text, { part: 'down', takesBack })).toEqual([])
    },
  )

  test.each(['update a.b set c = 1', 'lock table a.b', 'drop view a.v cascade', 'drop index a.i'])(
    'does not let a way back hurt clients: %s',
    (text) => {
      const { statements: takesBack } = setting('create view a.v as select 1')
      expect(codes(text, { part: 'down', takesBack })).toHaveLength(1)
    },
  )

  test.each(['insert into a.b values (lower($$A$$))', 'alter table a.b add c int'])(
    'takes a name of which the server said nothing for the worst: %s',
    (text) => {
      expect(codes(text, { known: { acting: undefined, checking: undefined } })).toHaveLength(1)
    },
  )

  test('tells who is refused by a unique index that stops nobody', () => {
    const text = 'create unique index concurrently i on a.b (c)'
    expect(codes(text, { outside: true })).toEqual(['refuses_old_writes'])
    expect(codes(text, { outside: true, part: 'contract' })).toEqual([])
    expect(codes('create index concurrently i on a.b (c)', { outside: true })).toEqual([])
  })

  test.each(['contract', 'down'] as const)(
    'lets a rule come up when nobody is left to break it: %s',
    (part) => {
      expect(codes('alter table a.b add constraint k check (c > 0) not valid', { part })).toEqual([])
    },
  )

  test('does not take what is written to for the query of that name', () => {
    const text = 'create table n (); with b as (select 1) update b set c = 1 from n'
    expect(codes(text)).toEqual(['changes_all_rows'])
  })

  test('tells the statement', () => {
    expect(unsafe(setting('analyze a.b; truncate a.b')).map(({ at }) => at)).toEqual([2])
  })
})
