import { describe, expect, test } from 'vitest'
import { readOverRow } from '../../src/core/over-row.ts'
import { id, sql } from '../../src/core/sql.ts'
import { testDatabase } from '../support/database.ts'

const read = (text: string, columns: readonly string[] = ['a', 'b']) => {
  const found = readOverRow(text, columns)
  if ('problem' in found) throw new Error(found.problem)
  return found
}

/** What is written, what becomes of it, and what it gives for a = '7', b = 'x y'. */
const EXPRESSIONS: readonly (readonly [string, string, unknown])[] = [
  ['a::integer', '("a")::"pg_catalog"."int4"', 7],
  ['lower(a)', 'pg_catalog."lower"("a")', '7'],
  ['trim(a)', '"pg_catalog"."btrim"("a")', '7'],
  [
    'a::integer + 2 * 3',
    '(("a")::"pg_catalog"."int4" operator(pg_catalog.+) (2 operator(pg_catalog.*) 3))',
    13,
  ],
  ['-5::integer', '(operator(pg_catalog.-) (5)::"pg_catalog"."int4")', -5],
  ['(-5)::integer', '((-5))::"pg_catalog"."int4"', -5],
  ["coalesce(a, 'x')", `coalesce("a", 'x')`, '7'],
  ["nullif(a, '7')", `(case when "a" operator(pg_catalog.=) '7' then null else "a" end)`, null],
  ["a in ('6', '7')", `(("a" operator(pg_catalog.=) '6') or ("a" operator(pg_catalog.=) '7'))`, true],
  ["a not in ('6', '7')", `(("a" operator(pg_catalog.<>) '6') and ("a" operator(pg_catalog.<>) '7'))`, false],
  ["a like '_%'", `("a" operator(pg_catalog.~~) '_%')`, true],
  ["a not ilike 'x'", `("a" operator(pg_catalog.!~~*) 'x')`, true],
  ["a similar to '[0-9]'", `("a" operator(pg_catalog.~) "pg_catalog"."similar_to_escape"('[0-9]'))`, true],
  ["a between '1' and '8'", `("a" operator(pg_catalog.>=) '1' and "a" operator(pg_catalog.<=) '8')`, true],
  [
    "a not between '1' and '8'",
    `(not ("a" operator(pg_catalog.>=) '1' and "a" operator(pg_catalog.<=) '8'))`,
    false,
  ],
  ["a = any (array['7'])", `("a" operator(pg_catalog.=) any (array['7']))`, true],
  [
    "case when a ~ '^\\d+$' then a::numeric(4, 1) end",
    `(case when ("a" operator(pg_catalog.~)  e'^\\\\d+$') then ("a")::"pg_catalog"."numeric"(4, 1) end)`.replace(
      '  e',
      ' e',
    ),
    '7.0',
  ],
  [
    "case a when '7' then 'seven' else 'other' end",
    `(case when "a" operator(pg_catalog.=) '7' then 'seven' else 'other' end)`,
    'seven',
  ],
  ['a is null or not (b is not null)', '(("a" is null) or (not ("b" is not null)))', false],
  ['(a = a) is true', '(("a" operator(pg_catalog.=) "a") is true)', true],
  ['greatest(a, b)', 'greatest("a", "b")', 'x y'],
  ["split_part(b, ' ', 2)", `pg_catalog."split_part"("b", ' ', 2)`, 'y'],
  ["a || ' ' || b", `(("a" operator(pg_catalog.||) ' ') operator(pg_catalog.||) "b")`, '7 x y'],
  ['a collate "C"', '("a" collate pg_catalog."C")', '7'],
  [
    "string_to_array(b, ' ')::text[]",
    `(pg_catalog."string_to_array"("b", ' '))::pg_catalog."text"[]`,
    ['x', 'y'],
  ],
  ["b'101'", `b'101'`, '101'],
  ['null', 'null', null],
  ['app.twice(a)', '"app"."twice"("a")', '77'],
]

describe('an expression over a row', () => {
  test.for(EXPRESSIONS)('is printed with every name in full: %s', ([text, printed]) => {
    expect(read(text).at(id)).toBe(printed)
  })

  test('means the same to a writer whose search_path finds other things first', async () => {
    const database = await testDatabase(`create schema app;
      create function app.twice(text) returns text immutable language sql as $$ select $1 operator(pg_catalog.||) $1 $$;
      create function app.lower(text) returns text immutable language sql as $$ select 'mine' $$;
      create function app.eq(text, text) returns boolean immutable language sql as $$ select false $$;
      create operator app.= (leftarg = text, rightarg = text, function = app.eq);
      create operator app.~~ (leftarg = text, rightarg = text, function = app.eq)`)
    const writer = await database.session('writer')
    await writer.query('set search_path = app, pg_catalog')
    for (const [text, , value] of EXPRESSIONS) {
      const { rows } = await writer.query(
        sql`select ${read(text).at(id)} as value from (select '7'::text as a, 'x y'::text as b) r`,
      )
      const [row] = rows
      expect(row?.value, text).toEqual(value)
    }
  })

  test('can be written at another place', () => {
    expect(read('a || b').at((column) => sql`new.${id(column)}`)).toBe(
      '(new."a" operator(pg_catalog.||) new."b")',
    )
  })

  test('says what it names outside pg_catalog', () => {
    expect(read('app.twice(a)::app.kind').foreign).toEqual([
      { namespace: 'app', name: 'twice' },
      { namespace: 'app', name: 'kind' },
    ])
    expect(read('lower(a)').foreign).toEqual([])
  })

  test.for([
    ['', 'it is empty'],
    ['a; drop table x', 'it is more than one expression'],
    ['a -- x', 'it contains a comment'],
    ['c', 'it names "c", and it can be made of "a" and "b" only'],
    ['users.a', 'it names "users"."a", and it can be made of "a" and "b" only'],
    ['*', 'it names a star, and it can be made of "a" and "b" only'],
    ['(select 1)', 'it uses a query, which has no place in a mapping'],
    [
      'current_date',
      'it uses a value of the session, such as the time or the user, which has no place in a mapping',
    ],
    ['count(distinct a)', 'it calls a function with clauses of an aggregate'],
    ['sum(a) over ()', 'it calls a function with clauses of an aggregate'],
    ['concat(variadic array[a])', 'it calls a function with VARIADIC'],
    [
      'a is distinct from b',
      'it compares with IS DISTINCT FROM or BETWEEN SYMMETRIC, whose operator cannot be named',
    ],
    ['$1', 'it uses a parameter, which has no place in a mapping'],
    ['a::interval day', 'it casts to an interval of certain fields'],
  ] as const)('is refused: %s', ([text, problem]) => {
    expect(readOverRow(text, ['a', 'b'])).toEqual({ problem })
  })
})
