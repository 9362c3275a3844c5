import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  all,
  backfillFinished,
  columnAbsent,
  columnExists,
  constraintAbsent,
  constraintExists,
  constraintValidated,
  dualWriteAbsent,
  dualWriteIsLast,
  dualWriteStands,
  indexValid,
  relationAbsent,
} from '../../../src/core/plan/probes.ts'
import { type Installed, installSql, uninstallSql } from '../../../src/core/plan/row-trigger.ts'
import { type Sql, sql } from '../../../src/core/sql.ts'
import { testDatabase } from '../../support/database.ts'
import { USERS } from '../../support/model.ts'

const JOURNAL = readFileSync(new URL('../../../src/adapters/postgres/journal.sql', import.meta.url), 'utf8')

const BODY = sql`
begin
  -- it's a "body" with \\ and $$
  return new;
end`

const installed: Installed = { table: USERS, trigger: 'zzz_t"1', function: "f'1", body: BODY }
const index = { namespace: 'public', name: 'by_name' }
const odd = { namespace: "My 'App'", name: 'Us"ers' }

/** What is done, one after the other, and whether the probe says done after each. */
type Story = readonly (readonly [done: string, says: boolean])[]

const CASES: readonly (readonly [string, Sql, Story])[] = [
  [
    'a column exists',
    columnExists(USERS, 'name'),
    [
      ['', false],
      ['create table users (id integer)', false],
      ['alter table users add "Name" text', false],
      ['alter table users add name text', true],
      ['alter table users rename name to other', false],
      ['alter table users rename other to name', true],
      ['alter table users drop name', false],
      ['drop table users; create view users as select 1 as name', true],
      ['drop view users; create schema app; create table app.users (name text)', false],
    ],
  ],
  [
    'a column exists: system columns and expressions do not count',
    columnExists(USERS, 'ctid'),
    [['create table users (id integer)', false]],
  ],
  [
    'a column exists under odd names',
    columnExists(odd, `na'me`),
    [
      [`create schema "My 'App'"`, false],
      [`create table "My 'App'"."Us""ers" ("na'me" text)`, true],
    ],
  ],
  [
    'a column is absent',
    columnAbsent(USERS, 'name'),
    [
      // Of a table that is gone nothing is known: its column may live on in one of another name.
      ['', false],
      ['create table users (name text)', false],
      ['alter table users drop name', true],
      ['drop table users', false],
    ],
  ],
  [
    'a constraint exists',
    constraintExists(USERS, 'rule'),
    [
      ['', false],
      [
        'create table users (name text); create table other (a text constraint rule check (a > 0::text))',
        false,
      ],
      ['alter table users add constraint rule check (name <> $$$$) not valid', true],
      ['alter table users validate constraint rule', true],
      ['alter table users drop constraint rule', false],
      ['alter table users add constraint rule unique (name)', true],
    ],
  ],
  [
    'a constraint is absent',
    constraintAbsent(USERS, 'rule'),
    [
      ['', false],
      ['create table users (name text constraint rule check (name > $$$$))', false],
      ['alter table users drop constraint rule', true],
    ],
  ],
  [
    'a constraint is validated',
    constraintValidated(USERS, 'rule'),
    [
      ['', false],
      ['create table users (name text)', false],
      ['alter table users add constraint rule check (name <> $$$$) not valid', false],
      ['alter table users validate constraint rule', true],
      ['alter table users drop constraint rule', false],
    ],
  ],
  [
    'an index is valid',
    indexValid(index),
    [
      ['', false],
      ['create table users (name text)', false],
      ['create index by_name on users (name)', true],
      [`update pg_index set indisvalid = false where indexrelid = 'by_name'::regclass`, false],
      ['reindex index by_name', true],
      ['drop index by_name', false],
      ['create table by_name (a integer)', false],
    ],
  ],
  [
    'a relation is absent',
    relationAbsent(index),
    [
      ['', true],
      ['create schema app; create table app.by_name (a integer)', true],
      ['create table by_name (a integer)', false],
      ['drop table by_name', true],
    ],
  ],
  [
    'a dual write stands',
    dualWriteStands(installed),
    [
      [JOURNAL, false],
      ['create table public.users (name text)', false],
      [installSql(installed).join(';'), true],
      ['alter table public.users disable trigger "zzz_t""1"', false],
      ['alter table public.users enable trigger "zzz_t""1"', false],
      ['alter table public.users enable always trigger "zzz_t""1"', true],
      [
        `create or replace function bellows."f'1"() returns trigger language plpgsql as 'begin return new; end'`,
        false,
      ],
      [installSql(installed)[0] ?? '', true],
      ['drop trigger "zzz_t""1" on public.users', false],
      [installSql(installed).slice(1).join(';'), true],
      [uninstallSql(installed).join(';'), false],
      ['drop table public.users', false],
    ],
  ],
  [
    'a dual write has the last word',
    dualWriteIsLast({ ...installed, trigger: 'zzz_b' }),
    [
      ['create table users (name text)', true],
      [
        `create function note() returns trigger language plpgsql as 'begin return new; end';
         create trigger zzz_a before update on users for each row execute function note();
         create trigger "ZZZ_Z" before update on users for each row execute function note()`,
        true,
      ],
      ['create trigger zzz_b before insert on users for each row execute function note()', true],
      ['create trigger zzz_c before insert on users for each row execute function note()', false],
      ['alter table users disable trigger zzz_c', true],
      ['alter table users enable replica trigger zzz_c', false],
      ['alter trigger zzz_c on users rename to aaa_c', true],
      ['create trigger zzz_d after update on users for each row execute function note()', true],
      ['create trigger zzz_e before update on users for each statement execute function note()', true],
      [
        `create schema bellows; create function bellows.ours() returns trigger language plpgsql as 'begin return new; end';
         create trigger zzz_f before update on public.users for each row execute function bellows.ours()`,
        true,
      ],
      ['create trigger "é" before update on public.users for each row execute function public.note()', false],
      ['drop table public.users', true],
    ],
  ],
  [
    'a dual write is absent',
    dualWriteAbsent(installed),
    [
      [JOURNAL, true],
      ['create table public.users (name text)', true],
      [installSql(installed).join(';'), false],
      ['drop trigger "zzz_t""1" on public.users', false],
      [uninstallSql(installed).join(';'), true],
    ],
  ],
  [
    'a backfill is finished',
    backfillFinished("m/back'fill/1"),
    [
      [JOURNAL, false],
      [`insert into bellows.run (migration, plan, plan_hash) values ('m', '{}', '')`, false],
      [`insert into bellows.checkpoint (step, run, state) values ('m/back''fill/1', 1, '{}')`, false],
      ['update bellows.checkpoint set finished = true', true],
      [`update bellows.checkpoint set step = 'other'`, false],
    ],
  ],
  [
    'all of several',
    all([columnExists(USERS, 'a'), columnAbsent(USERS, 'b')]),
    [
      ['create table users (b text)', false],
      ['alter table users add a text', false],
      ['alter table users drop b', true],
      ['alter table users drop a', false],
    ],
  ],
]

describe('a probe', () => {
  test.each(CASES)('says when it is true, and when not: %s', async (_what, probe, story) => {
    const { query } = await testDatabase()
    for (const [done, expected] of story) {
      if (done !== '') await query(done)
      // As the engine asks: with an empty search_path, and without changing anything.
      await query(`begin read only; set local search_path = ''`)
      const [row] = await query<{ says: boolean | null }>(sql`select (${probe}) as says`)
      await query('commit')
      expect([done, row?.says]).toEqual([done, expected])
    }
  })
})

describe('the text of a probe', () => {
  test.each<[string, Sql, string]>([
    [
      'of a column',
      columnExists(USERS, 'name'),
      `exists (select from pg_catalog.pg_attribute where attrelid = pg_catalog.to_regclass('"public"."users"') and attname = 'name' and attnum > 0 and not attisdropped)`,
    ],
    [
      'of a constraint',
      constraintExists(USERS, 'rule'),
      `exists (select from pg_catalog.pg_constraint where conrelid = pg_catalog.to_regclass('"public"."users"') and conname = 'rule')`,
    ],
    [
      'of a validated constraint',
      constraintValidated(USERS, 'rule'),
      `exists (select from pg_catalog.pg_constraint where conrelid = pg_catalog.to_regclass('"public"."users"') and conname = 'rule' and convalidated)`,
    ],
    [
      'of an index',
      indexValid(index),
      `exists (select from pg_catalog.pg_index where indexrelid = pg_catalog.to_regclass('"public"."by_name"') and indisvalid)`,
    ],
    ['of a relation', relationAbsent(index), `pg_catalog.to_regclass('"public"."by_name"') is null`],
    [
      'of a dual write that is gone',
      dualWriteAbsent(installed),
      `pg_catalog.to_regprocedure('bellows."f''1"()') is null`,
    ],
    [
      'of a backfill',
      backfillFinished('m/backfill/1'),
      `exists (select from bellows.checkpoint where step = 'm/backfill/1' and finished)`,
    ],
    ['of one thing', all([sql`a`]), '(a)'],
    ['of several', all([sql`a or b`, sql`c`]), '(a or b) and (c)'],
  ])('%s', (_what, probe, text) => {
    expect(probe).toBe(text)
  })
})
