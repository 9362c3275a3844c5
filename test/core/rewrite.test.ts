import { describe, expect, test } from 'vitest'
import { constantsIn, rewriteType, rewriteView } from '../../src/core/rewrite.ts'
import { sql } from '../../src/core/sql.ts'

const MOOD = { namespace: 'public', name: 'mood' }

describe('an index for another type', () => {
  test.each([
    [`(a) WHERE (a <> 'x'::public.mood)`, `(a) WHERE a <> CAST('x' AS public.new_mood)`],
    [
      `(a) WHERE (a = ANY (ARRAY['x'::public.mood, 'y'::public.mood]))`,
      `(a) WHERE a = ANY (ARRAY[CAST('x' AS public.new_mood), CAST('y' AS public.new_mood)])`,
    ],
    [`(a) WHERE (b <@ '{x,y}'::public.mood[])`, `(a) WHERE b <@ CAST('{x,y}' AS public.new_mood[])`],
    [`(a) WHERE (a <> 'x'::other.mood)`, `(a) WHERE a <> CAST('x' AS other.mood)`],
    [`(mood) WHERE (a <> 'mood'::text)`, `(mood) WHERE a <> 'mood'::text`],
  ])('names that wherever it named the old one: %s', (given, wanted) => {
    const index = (what: string) => `CREATE INDEX mood ON public.mood ${what}`
    expect(rewriteType(index(given), MOOD, 'new_mood').replaceAll(/\s+/g, ' ')).toBe(index(wanted))
  })
})

test('the constants of a text are the texts in it, and no names or numbers', () => {
  expect(constantsIn(`select coalesce('it''s'::public.mood, e'\\\\', ''::text, "name") || 7::text`)).toEqual([
    `it's`,
    '\\',
    '',
  ])
})

describe('a view with one more condition', () => {
  const view = (query: string, options = '') => `create or replace view public."as"${options} as ${query}`

  test.each([
    ['SELECT id FROM public.t', 'SELECT id FROM public.t WHERE f()'],
    [
      `SELECT id FROM public.t WHERE ((id > 1) AND (name <> ''::text)) ORDER BY id`,
      `SELECT id FROM public.t WHERE f() AND id > 1 AND name <> ''::text ORDER BY id`,
    ],
    [
      'SELECT id FROM public.t WHERE ((id > 1) OR (id < 0))',
      'SELECT id FROM public.t WHERE f() AND (id > 1 OR id < 0)',
    ],
    [
      'SELECT id, count(*) AS n FROM public.t GROUP BY id HAVING (count(*) > 1) LIMIT 3',
      'SELECT id, count(*) AS n FROM public.t WHERE f() GROUP BY id HAVING count(*) > 1 LIMIT 3',
    ],
    [
      'WITH w AS (SELECT 1 AS a) SELECT a FROM w FOR UPDATE',
      'WITH w AS (SELECT 1 AS a) SELECT a FROM w WHERE f() FOR UPDATE',
    ],
    [
      'SELECT a FROM public.t UNION ALL SELECT b FROM public.u',
      'SELECT * FROM ( SELECT a FROM public.t UNION ALL SELECT b FROM public.u ) AS wrapped WHERE f()',
    ],
    ['VALUES (1), (2)', 'SELECT * FROM ( VALUES (1), (2) ) AS wrapped WHERE f()'],
  ])('keeps all else: %s', (query, wanted) => {
    const options = ' with (security_barrier=true, check_option=local)'
    for (const one of ['', options]) {
      const text = rewriteView(view(query, one), sql`f()`)?.replaceAll(/\s+/g, ' ')
      expect(text?.replace(/\( (SELECT|VALUES)/, '( $1')).toBe(view(wanted, one))
    }
  })

  test('there is none of what cannot be read', () => {
    expect(rewriteView(view('SELECT nothing known to (this parser'), sql`f()`)).toBeUndefined()
    expect(rewriteView('create table t (a int)', sql`f()`)).toBeUndefined()
  })
})
