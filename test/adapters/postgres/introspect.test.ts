import { describe, expect, test } from 'vitest'
import { introspect } from '../../../src/adapters/postgres/introspect.ts'
import { openSessions, type Sessions } from '../../../src/adapters/postgres/sessions.ts'
import { tablesQuery } from '../../../src/adapters/postgres/table-query.ts'
import type { Needs } from '../../../src/core/operations/needs.ts'
import { dependentsOfEach } from '../../../src/core/plan/dependents.ts'
import { needsOf } from '../../../src/core/plan/needs.ts'
import { tableDependentsQuery } from '../../../src/core/plan/table-dependents.ts'
import { type Sql, sql, trusted } from '../../../src/core/sql.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../../support/database.ts'

const TABLES = 40
const GIVEN = `do $$ begin for n in 1..${TABLES} loop
    execute format('create table t_%1$s (id serial primary key, name text default ''none'', at timestamptz default now(), no_one float default random())', n);
    execute format('create view v_%1$s as select name from t_%1$s', n);
    execute format('create function f_%1$s() returns text language sql as ''select t_%1$s.name from t_%1$s''', n);
  end loop; end $$`

const named = (n: number, ...columns: readonly string[]) => ({ namespace: 'public', name: `t_${n}`, columns })

/** The sessions of a database, and the number of questions that were asked through them. */
function counted(database: TestDatabase): { readonly sessions: Sessions; readonly asked: () => number } {
  const sessions = openSessions({ url: database.url, application: 'bellows' })
  cleanUp(() => sessions.close())
  let asked = 0
  const counting = <F extends (...given: never[]) => unknown>(call: F): F =>
    ((...given: never[]) => {
      asked += 1
      return call(...given)
    }) as F
  return {
    sessions: { ...sessions, read: counting(sessions.read), describe: counting(sessions.describe) },
    asked: () => asked,
  }
}

async function look(database: TestDatabase, needs: Partial<Needs>) {
  const { sessions, asked } = counted(database)
  return {
    ...(await introspect(sessions, { ...needsOf({ name: 'nothing', operations: [] }), ...needs })),
    asked: asked(),
  }
}

describe('what is read of a schema', () => {
  test('takes as many questions for many tables and columns as for one', async () => {
    const database = await testDatabase(GIVEN)
    const many = Array.from({ length: TABLES }, (_, at) => named(at + 1, 'name', 'at'))
    const expressions = many.map((_, at) => ({
      expression: `now() - interval '${at} days'`,
      type: 'timestamptz',
    }))

    const one = await look(database, { tables: [named(1, 'name')], expressions: expressions.slice(0, 1) })
    const all = await look(database, { tables: many, expressions })

    expect(all.schema.tables).toHaveLength(TABLES)
    expect(Object.keys(all.facts.expressions)).toHaveLength(TABLES)
    expect(all.asked).toBe(one.asked)
  })

  test('comes in the order in which it is asked for, each table with what is its own', async () => {
    const database = await testDatabase(GIVEN)
    const { schema } = await look(database, {
      tables: [named(7, 'at', 'name'), named(99), named(3), named(11, 'name')],
    })
    const hanging = (n: number) => [
      { kind: 'view', name: `public.v_${n}`, column: 'name', bound: true },
      { kind: 'function', name: `public.f_${n}()`, column: 'name' },
    ]
    expect(schema.tables.map(({ name, dependents }) => [name, dependents])).toEqual([
      ['t_7', hanging(7)],
      ['t_3', []],
      ['t_11', hanging(11)],
    ])
    expect(schema.tables.map(({ mentions }) => mentions.map(({ name }) => name))).toEqual([
      ['public.f_7()'],
      [],
      ['public.f_11()'],
    ])
  })

  test('comes in that order also where it is so much that two sessions read', async () => {
    const database = await testDatabase(GIVEN)
    const asked = Array.from({ length: 1_200 }, (_, at) => named(at < 3 ? 1_000 + at : 1_200 - at))
    const { schema } = await look(database, { tables: asked })
    expect(schema.tables.map(({ name }) => name)).toEqual(
      Array.from({ length: TABLES }, (_, at) => `t_${TABLES - at}`),
    )
  })

  test('names the publications that tell of changed rows', async () => {
    const database =
      await testDatabase(`${GIVEN}; create publication of_all for all tables; create publication of_some for table t_1, t_2;
      create publication of_new for table t_2 with (publish = 'insert')`)
    const { schema } = await look(database, { tables: [named(1), named(2), named(3)] })
    expect(schema.tables.map(({ published, publications }) => [published, publications])).toEqual([
      [true, ['of_all', 'of_some']],
      [true, ['of_all', 'of_some']],
      [true, ['of_all']],
    ])
  })

  test('says of defaults how steady they are, and what literals come to', async () => {
    const database = await testDatabase(`create domain small as integer check (value < 10);
      create table t_1 (a integer default 7, b text default 'it''s', c timestamptz default now(), d float default random(), e text, f small default 99)`)
    const { schema } = await look(database, { tables: [named(1)] })
    expect(
      schema.tables[0]?.columns.map(({ defaultVolatility, defaultText }) => [defaultVolatility, defaultText]),
    ).toEqual([
      ['stable', '7'],
      ['stable', "it's"],
      ['stable', null],
      ['volatile', null],
      [null, null],
      // Its own domain refuses it, so no row can have it.
      ['stable', null],
    ])
  })

  test('says of a type that it is a domain, and whether that refuses anything', async () => {
    const database = await testDatabase(
      'create domain small as integer check (value < 10); create domain short as varchar(9)',
    )
    const { facts } = await look(database, {
      types: ['public.small', 'public.short', 'varchar(20)', 'int4[]'],
    })
    const told = Object.entries(facts.types).map(([text, { type, typeKind, typeConstrained }]) => [
      text,
      type,
      typeKind,
      typeConstrained,
    ])
    expect(told).toEqual([
      ['public.small', 'public.small', 'domain', true],
      ['public.short', 'public.short', 'domain', false],
      ['varchar(20)', 'character varying(20)', 'base', false],
      ['int4[]', 'integer[]', 'base', false],
    ])
  })

  test('finds types and functions that the migration makes, each behind the one that it needs, and leaves nothing', async () => {
    const database = await testDatabase()
    const made = [
      "create type public.mood as enum ('sad')",
      'create domain public.moods as public.mood[]',
      'create function public.over() returns bigint language sql as $$ select count(*) from public.nothing $$',
      'create function public.loud(m public.mood) returns text language sql immutable as $$ select m::text $$',
    ]
    const { facts } = await look(database, {
      objects: made.map((statement) => [trusted(statement)]),
      types: ['public.mood', 'public.moods'],
      expressions: [
        { expression: "'sad'", type: 'public.mood' },
        { expression: "public.loud('sad')", type: 'text' },
        { expression: 'public.over()', type: 'bigint' },
      ],
    })
    expect(Object.values(facts.types).map(({ type, typeKind }) => [type, typeKind])).toEqual([
      ['public.mood', 'other'],
      ['public.moods', 'domain'],
    ])
    expect(facts.expressions).toEqual({
      "'sad' as public.mood": { volatility: 'stable', text: 'sad' },
      "public.loud('sad') as text": { volatility: 'stable', text: null },
      'public.over() as bigint': { problem: expect.stringContaining('public.over()') },
    })
    expect(await database.query("select to_regtype('public.mood') as is")).toEqual([{ is: null }])
  })

  test('tells which of many expressions the server does not take', async () => {
    const database = await testDatabase()
    const { facts } = await look(database, {
      expressions: [
        { expression: "'7'", type: 'integer' },
        { expression: 'no_such_function()', type: 'integer' },
        { expression: 'random()', type: 'float' },
        { expression: "'seven'", type: 'integer' },
        { expression: "'7'", type: 'integer' },
      ],
    })
    expect(facts.expressions).toEqual({
      "'7' as integer": { volatility: 'stable', text: '7' },
      'no_such_function() as integer': { problem: expect.stringContaining('no_such_function()') },
      'random() as float': { volatility: 'volatile', text: null },
      "'seven' as integer": { problem: 'Invalid input syntax for type integer: "seven".' },
    })
  })

  test('is the relations whose names begin like that of the table, of a long one with its beginning', async () => {
    const long = 'x'.repeat(63)
    const database =
      await testDatabase(`create table a (b integer); create table a_b (c integer); create table "a_" (c integer);
      create table ab (c integer); create table "a\`" (c integer); create table ${long} (c integer); create table ${'x'.repeat(62)} (c integer)`)
    const { schema } = await look(database, {
      tables: ['a', long, 'x'.repeat(62)].map((name) => ({ namespace: 'public', name, columns: [] })),
    })
    expect(schema.tables.map(({ neighbours }) => neighbours)).toEqual([
      ['a_', 'a_b'],
      ['x'.repeat(62)],
      [long],
    ])
  })

  /** Catalogs that have a row, or many, for each table. */
  const LARGE =
    /Seq Scan on (pg_(?:class|attribute|attrdef|constraint|depend|description|index|inherits|trigger|type|rewrite)\b.*)/g

  test.for<readonly [string, Sql]>([
    ['tables', tablesQuery([sql`public.t_1`, sql`public.t_2`])],
    ['dependents of columns', dependentsOfEach([{ at: 0, table: named(1), column: 'name' }])],
    ['dependents of a table', tableDependentsQuery(named(1))],
  ])(
    'is found by an index, so that it costs as much in a schema of thousands of tables: %s',
    async ([, query]) => {
      const database = await testDatabase(GIVEN)
      // Whatever has an index is then found by it, however small the catalog of a test is.
      const session = await database.session()
      await session.query('set enable_seqscan = off')
      const { rows } = await session.query(`explain ${query}`)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect([...plan.matchAll(LARGE)].map((match) => match[1])).toEqual([])
    },
  )
})
