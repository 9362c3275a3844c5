import { describe, expect, test } from 'vitest'
import { constantsIn, rewriteType } from '../../src/core/rewrite.ts'

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
