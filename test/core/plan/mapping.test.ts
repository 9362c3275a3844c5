import { describe, expect, test } from 'vitest'
import { isIdentity } from '../../../src/core/plan/dual-write.ts'
import { type Mapping, mappingFor, TRANSFORMS, type Transform } from '../../../src/core/plan/mapping.ts'
import { id } from '../../../src/core/sql.ts'
import { column, facts, type } from '../../support/model.ts'

/** How a mapping between two types reads, with `"v"` for the value; `refused` when there is none. */
function written(
  from: string,
  to: string,
  transform: Transform = 'copy',
  known = facts(),
): readonly string[] {
  const mapping = mappingFor(column('a', from), type(to), transform, known)
  return 'problem' in mapping ? ['refused', mapping.problem] : both(mapping)
}

const value = id('v')
const both = ({ up, down }: Mapping): readonly string[] => [up(value), down?.(value) ?? 'no way back']

describe('a copy', () => {
  test.each<[string]>([
    ['text'],
    ['character varying'],
    ['character varying(20)'],
    ['integer'],
    ['numeric(10,2)'],
    ['timestamp with time zone'],
    ['jsonb'],
    ['text[]'],
    ['character(5)'],
    ['bit(3)'],
    ['public.mood'],
  ])('within %s is the value itself, both ways', (same) => {
    expect(written(same, same)).toEqual(['"v"', '"v"'])
  })

  test('within one type is recognised as such', () => {
    const mapping = mappingFor(column('a', 'text'), type('text'), 'copy', facts())
    expect('problem' in mapping || isIdentity(mapping)).toBe(true)
  })

  test.each<[string, string, string, string]>([
    ['smallint', 'integer', '"v"::integer', '"v"::smallint'],
    ['smallint', 'bigint', '"v"::bigint', '"v"::smallint'],
    ['integer', 'bigint', '"v"::bigint', '"v"::integer'],
    ['character varying(20)', 'text', '"v"::pg_catalog.text', '"v"::character varying'],
    ['character varying', 'text', '"v"::pg_catalog.text', '"v"::character varying'],
    ['character varying(20)', 'character varying(90)', '"v"::character varying', '"v"::character varying'],
    ['character varying(20)', 'character varying', '"v"::character varying', '"v"::character varying'],
    ['text', 'character varying', '"v"::character varying', '"v"::pg_catalog.text'],
    ['character(5)', 'character(9)', '"v"::character(9)', '"v"::pg_catalog.bpchar'],
    ['bit varying(3)', 'bit varying(9)', '"v"::bit varying(9)', '"v"::pg_catalog.varbit'],
    ['numeric(10,2)', 'numeric(12,2)', '"v"::numeric(12,2)', '"v"::numeric(10,2)'],
    ['numeric(10,2)', 'numeric', '"v"::numeric', '"v"::numeric(10,2)'],
    [
      'timestamp(3) without time zone',
      'timestamp(6) without time zone',
      '"v"::timestamp(6) without time zone',
      '"v"::timestamp(3) without time zone',
    ],
  ])('from %s to %s keeps every value, and comes back', (from, to, up, down) => {
    expect(written(from, to)).toEqual([up, down])
    const mapping = mappingFor(column('a', from), type(to), 'copy', facts())
    expect('problem' in mapping || isIdentity(mapping)).toBe(false)
  })

  test.each<[string, string, string]>([
    ['bigint', 'integer', '"v"::integer'],
    ['bigint', 'smallint', '"v"::smallint'],
    ['integer', 'smallint', '"v"::smallint'],
    ['integer', 'numeric', '"v"::numeric'],
    ['numeric', 'integer', '"v"::integer'],
    ['numeric(10,2)', 'numeric(12,3)', '"v"::numeric(12,3)'],
    ['numeric(10,2)', 'numeric(9,2)', '"v"::numeric(9,2)'],
    ['timestamp(6) with time zone', 'timestamp(3) with time zone', '"v"::timestamp(3) with time zone'],
    ['integer', 'text', '"v"::pg_catalog.text'],
    ['jsonb', 'text', '"v"::pg_catalog.text'],
    ['character(5)', 'text', '"v"::pg_catalog.text'],
    ['timestamp with time zone', 'date', '"v"::pg_catalog.date'],
  ])('from %s to %s has no way back', (from, to, up) => {
    expect(written(from, to)).toEqual([up, 'no way back'])
  })

  test.each<[string, string]>([
    ['character varying(90)', 'character varying(20)'],
    ['character varying', 'character varying(20)'],
    ['text', 'character varying(20)'],
  ])('from %s to %s leaves the length to the assignment, which refuses what is too long', (from, to) => {
    expect(written(from, to)).toEqual(['"v"::character varying', 'no way back'])
  })

  test.each<[string, string, string]>([
    ['text', 'integer', 'text cannot be assigned to integer'],
    ['text', 'date', 'text cannot be assigned to date'],
    ['boolean', 'integer', 'boolean cannot be assigned to integer'],
    ['text', 'public.mood', 'text cannot be assigned to public.mood'],
    ['date', 'numeric(4,2)', 'date cannot be assigned to numeric(4,2)'],
    ['text', 'character(5)', 'text cannot be assigned to character(5)'],
    ['character(9)', 'character(5)', 'character(9) cannot be assigned to character(5)'],
    ['character(5)[]', 'character(9)[]', 'character(5)[] cannot be assigned to character(9)[]'],
    ['bit varying(9)', 'bit varying(3)', 'bit varying(9) cannot be assigned to bit varying(3)'],
    ['bit(3)', 'bit(4)', 'bit(3) cannot be assigned to bit(4)'],
    ['text', 'name', 'text cannot be assigned to name'],
    ['text', '"char"', 'text cannot be assigned to "char"'],
  ])('from %s to %s is refused', (from, to, problem) => {
    expect(written(from, to)).toEqual(['refused', problem])
  })

  test('is refused where nobody knows of a cast', () => {
    expect(written('integer', 'bigint', 'copy', facts({ casts: {} }))).toEqual([
      'refused',
      'integer cannot be assigned to bigint',
    ])
    expect(written('integer', 'bigint', 'copy', facts({ casts: { 'integer -> bigint': 'none' } }))).toEqual([
      'refused',
      'integer cannot be assigned to bigint',
    ])
  })
})

describe('every pair of types', () => {
  const TYPES = [
    'smallint',
    'integer',
    'bigint',
    'numeric',
    'numeric(10,2)',
    'text',
    'character varying',
    'character varying(20)',
    'character varying(90)',
    'character(5)',
    'boolean',
    'date',
    'timestamp with time zone',
    'jsonb',
  ]
  const PAIRS = TYPES.flatMap((from) => TYPES.map((to) => [from, to] as const))

  test.each(PAIRS)('%s to %s is the same value, a cast, or refused', (from, to) => {
    const base = type(to).baseType
    const [up = '', down = ''] = written(from, to)
    if (from === to) expect([up, down]).toEqual(['"v"', '"v"'])
    else if (up === 'refused') expect(down).toBe(`${from} cannot be assigned to ${to}`)
    else expect([to, base].flatMap((name) => [`"v"::${name}`, `"v"::pg_catalog.${name}`])).toContain(up)
  })

  test.each(PAIRS)(
    '%s to %s comes back only when the way back is a mapping that comes back, or refuses',
    (from, to) => {
      const [up, down] = written(from, to)
      if (up === 'refused' || down === 'no way back') return
      const [upBack] = written(to, from)
      expect(upBack).toBe(down)
    },
  )
})

describe('a transform', () => {
  test.each<[Transform, string]>([
    ['trim', 'pg_catalog.btrim("v")'],
    ['upper', 'pg_catalog.upper("v")'],
    ['lower', 'pg_catalog.lower("v")'],
  ])('%s names its function in full, and has no way back', (transform, up) => {
    expect(written('text', 'text', transform)).toEqual([up, 'no way back'])
  })

  test.each<[string, string, string]>([
    ['character varying(20)', 'character varying(20)', 'pg_catalog.btrim("v")::character varying'],
    ['character varying(20)', 'text', 'pg_catalog.btrim("v")::pg_catalog.text'],
    ['text', 'character varying', 'pg_catalog.btrim("v")::character varying'],
    ['text', 'character varying(5)', 'pg_catalog.btrim("v")::character varying'],
    ['character varying(20)', 'character varying(90)', 'pg_catalog.btrim("v")::character varying'],
  ])('from %s to %s casts what it changed', (from, to, up) => {
    expect(written(from, to, 'trim')).toEqual([up, 'no way back'])
  })

  test.each<[string, string, string]>([
    ['integer', 'integer', '"trim" works on text, not from integer to integer'],
    ['integer', 'text', '"trim" works on text, not from integer to text'],
    ['text', 'integer', '"trim" works on text, not from text to integer'],
    ['character(5)', 'character(5)', '"trim" works on text, not from character(5) to character(5)'],
    ['jsonb', 'jsonb', '"trim" works on text, not from jsonb to jsonb'],
  ])('from %s to %s is refused', (from, to, problem) => {
    expect(written(from, to, 'trim')).toEqual(['refused', problem])
  })

  test('is one of a closed list', () => {
    expect(TRANSFORMS).toEqual(['copy', 'trim', 'upper', 'lower'])
  })
})
