import { describe, expect, test } from 'vitest'
import { ofRecord, pinned, pinnedType } from '../../src/core/pin.ts'
import { trusted } from '../../src/core/sql.ts'
import { testDatabase } from '../support/database.ts'

const PINNED: readonly (readonly [string, string])[] = [
  ["'x'", "'x'"],
  ["'x'::text", "'x'::pg_catalog.text"],
  ["'{a}'::text[]", "'{a}'::pg_catalog.text[]"],
  ["'x'::character varying(20)", "'x'::character varying(20)"],
  ["'1'::numeric(4,1)", "'1'::numeric(4,1)"],
  [`'a'::"char"`, `'a'::pg_catalog."char"`],
  ['now()', 'pg_catalog.now()'],
  ['CURRENT_TIMESTAMP', 'CURRENT_TIMESTAMP'],
  ['(- 1)', '(- 1)'],
  ["('now'::text)::date", "('now'::pg_catalog.text)::pg_catalog.date"],
  ["timezone('utc'::text, now())", "pg_catalog.timezone('utc'::pg_catalog.text, pg_catalog.now())"],
  [
    "('é€😀'::text || lower('Y'::text))",
    "('é€😀'::pg_catalog.text operator(pg_catalog.||) pg_catalog.lower('Y'::pg_catalog.text))",
  ],
  ['((1 + 2) * 3)', '((1 operator(pg_catalog.+) 2) operator(pg_catalog.*) 3)'],
  ["(now() - '1 day'::interval)", "(pg_catalog.now() operator(pg_catalog.-) '1 day'::interval)"],
  ["ARRAY['a'::text]", "ARRAY['a'::pg_catalog.text]"],
  ["COALESCE('a'::text, 'b'::text)", "COALESCE('a'::pg_catalog.text, 'b'::pg_catalog.text)"],
  ['pg_catalog.now()', 'pg_catalog.now()'],
]

const IMPOSSIBLE: readonly (readonly [string, string])[] = [
  ['a function of the user', 'util.f()'],
  ['a type of the user', "'n'::sales.status"],
  ['an operator of the user', '1 operator(public.+) 2'],
  ['a collation, which may be of the user', `'x' collate "C"`],
  ['IN, which finds its operator by itself', '1 in (1, 2)'],
  ['BETWEEN', '1 between 0 and 2'],
  ['LIKE', "'a' like 'b'"],
  ['a subquery', '(select 1)'],
  ['a column', 'name'],
  ['CASE', 'case when true then 1 end'],
  ['what the parser does not read', 'lower('],
]

describe('an expression', () => {
  test.for(PINNED)('%s names in full what it needs', ([given, wanted]) => {
    expect(pinned(trusted(given))).toBe(wanted)
  })

  test.for(IMPOSSIBLE)('with %s cannot be pinned', ([, given]) => {
    expect(pinned(trusted(given))).toBeUndefined()
  })

  test.for([
    ['lower(name)', 'pg_catalog.lower(new.name)', true],
    ['("E ""Mail" || name)', '(new."E ""Mail" operator(pg_catalog.||) new.name)', true],
    ["('€'::text || name)", "('€'::pg_catalog.text operator(pg_catalog.||) new.name)", true],
    ['(address).city', '(new.address).city', false],
    ['util.slug(name)', 'util.slug(new.name)', false],
    [
      'CASE WHEN (id = 1) THEN name ELSE NULL::text END',
      'CASE WHEN (new.id operator(pg_catalog.=) 1) THEN new.name ELSE NULL::pg_catalog.text END',
      false,
    ],
  ] as const)('over columns takes them from the record of a trigger: %s', ([given, text, isPinned]) => {
    expect(ofRecord(trusted(given), 'new')).toEqual({ text, isPinned })
  })

  test('means the same when it is pinned, whatever the search_path', async () => {
    const database = await testDatabase(
      `create schema hostile; create domain hostile.text as pg_catalog.int4;
       create function hostile.lower(pg_catalog.text) returns pg_catalog.text language sql as $$ select 'stolen' $$;
       create function hostile.wrong(pg_catalog.int4, pg_catalog.int4) returns pg_catalog.int4 language sql as 'select 0';
       create operator hostile.+ (leftarg = pg_catalog.int4, rightarg = pg_catalog.int4, function = hostile.wrong)`,
    )
    for (const given of ["lower('X'::text)", '((1 + 2) * 3)', "'x'::text"]) {
      const value = async (expression: string, path: string) => {
        await database.query(`set search_path = ${path}`)
        return (
          await database.query<{ value: unknown }>(`select (${expression})::pg_catalog.text as value`)
        )[0]?.value
      }
      const honest = await value(given, 'pg_catalog')
      expect(await value(pinned(trusted(given)) as string, 'hostile, pg_catalog'), given).toBe(honest)
    }
  })
})

describe('a type', () => {
  test.for([
    ['text', 'pg_catalog.text'],
    ['text[]', 'pg_catalog.text[]'],
    ['integer', 'integer'],
    ['character varying(20)', 'character varying(20)'],
    ['timestamp(3) with time zone', 'timestamp(3) with time zone'],
    ['jsonb', 'pg_catalog.jsonb'],
  ])('%s is named in full', ([given, wanted]) => {
    expect(pinnedType(given as string)).toBe(wanted)
  })

  test('of the user cannot be pinned', () => {
    expect(pinnedType('sales.status')).toBeUndefined()
  })
})
