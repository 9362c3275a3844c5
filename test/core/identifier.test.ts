import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  byteLength,
  columnNameProblem,
  compareBytes,
  cutToBytes,
  IDENTIFIER_BYTES_MAX,
  identifierProblem,
} from '../../src/core/identifier.ts'
import { id, lit, sql } from '../../src/core/sql.ts'
import { testDatabase } from '../support/database.ts'

const anyText = fc.string({ unit: 'grapheme', maxLength: 80 })

describe('the length of a name', () => {
  test.each<[string, number]>([
    ['', 0],
    ['abc', 3],
    ['é', 2],
    ['e\u0301', 3],
    ['€', 3],
    ['名前', 6],
    ['😀', 4],
    ['👩‍👩‍👧', 18],
    ['\0', 1],
  ])('%j has %i bytes', (text, bytes) => {
    expect(byteLength(text)).toBe(bytes)
  })

  test('is that of the UTF-8 form of any text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(byteLength(text)).toBe(Buffer.byteLength(text, 'utf8'))
      }),
    )
  })
})

describe('a name', () => {
  test.each<[string, string | undefined]>([
    ['users', undefined],
    ['Full Name', undefined],
    ['say "hi"', undefined],
    ["it's", undefined],
    ['; drop table users', undefined],
    ['😀', undefined],
    [' ', undefined],
    ['x'.repeat(63), undefined],
    [`${'x'.repeat(61)}é`, undefined],
    [`${'x'.repeat(59)}😀`, undefined],
    ['', 'is empty'],
    ['a\0b', 'contains a NUL character'],
    ['\0', 'contains a NUL character'],
    ['x'.repeat(64), 'has 64 bytes; PostgreSQL would cut it silently to 63'],
    [`${'x'.repeat(62)}é`, 'has 64 bytes; PostgreSQL would cut it silently to 63'],
    ['é'.repeat(40), 'has 80 bytes; PostgreSQL would cut it silently to 63'],
    ['😀'.repeat(16), 'has 64 bytes; PostgreSQL would cut it silently to 63'],
  ])('%j: %s', (name, problem) => {
    expect(identifierProblem(name)).toBe(problem)
  })

  test('is a good one exactly when the server keeps it as it is', async () => {
    const database = await testDatabase()
    const names = [62, 63, 64, 65].flatMap((bytes) =>
      ['x', 'é', '名', '😀'].map(
        (character) => character.repeat(Math.floor(bytes / byteLength(character))) + 'y'.repeat(3),
      ),
    )
    for (const name of names) {
      await database.query(sql`drop table if exists kept; create table kept (${id(name)} integer)`)
      const [kept] = await database.query<{ name: string }>(
        `select attname as name from pg_attribute where attrelid = 'kept'::regclass and attnum = 1`,
      )
      expect([name, identifierProblem(name) === undefined]).toEqual([name, kept?.name === name])
      expect(kept?.name).toBe(cutToBytes(name, IDENTIFIER_BYTES_MAX))
    }
  })
})

describe('a column name', () => {
  test.each<[string, string | undefined]>([
    ['name', undefined],
    ['oid', undefined],
    ['Ctid', undefined],
    ['ctid ', undefined],
    ['ctid', 'is the name of a system column'],
    ['xmin', 'is the name of a system column'],
    ['xmax', 'is the name of a system column'],
    ['cmin', 'is the name of a system column'],
    ['cmax', 'is the name of a system column'],
    ['tableoid', 'is the name of a system column'],
    ['', 'is empty'],
    ['x'.repeat(70), 'has 70 bytes; PostgreSQL would cut it silently to 63'],
  ])('%j: %s', (name, problem) => {
    expect(columnNameProblem(name)).toBe(problem)
  })

  test('of a system column is refused for every system column that the server has', async () => {
    const database = await testDatabase('create table t (a integer)')
    const rows = await database.query<{ name: string }>(
      `select attname as name from pg_attribute where attrelid = 't'::regclass and attnum < 0`,
    )
    expect(rows.map(({ name }) => columnNameProblem(name))).toEqual(
      rows.map(() => 'is the name of a system column'),
    )
  })
})

describe('a text that is cut', () => {
  test.each<[string, number, string]>([
    ['abc', 5, 'abc'],
    ['abc', 3, 'abc'],
    ['abc', 2, 'ab'],
    ['abc', 0, ''],
    ['', 3, ''],
    ['aé', 2, 'a'],
    ['aé', 3, 'aé'],
    ['€€', 5, '€'],
    ['😀😀', 7, '😀'],
    ['😀', 3, ''],
    ['a😀b', 5, 'a😀'],
    ['e\u0301', 1, 'e'],
  ])('%j to %i bytes is %j', (text, bytes, expected) => {
    expect(cutToBytes(text, bytes)).toBe(expected)
  })

  test('is the longest beginning that fits, never half a character', () => {
    fc.assert(
      fc.property(anyText, fc.nat(90), (text, bytes) => {
        const cut = cutToBytes(text, bytes)
        expect(text.startsWith(cut)).toBe(true)
        expect(Buffer.from(cut).toString()).toBe(cut)
        expect(byteLength(cut)).toBeLessThanOrEqual(bytes)
        const [next] = text.slice(cut.length)
        if (next !== undefined) expect(byteLength(cut + next)).toBeGreaterThan(bytes)
      }),
    )
  })
})

describe('the order of names', () => {
  test.each<[string, string, -1 | 0 | 1]>([
    ['a', 'a', 0],
    ['', '', 0],
    ['', 'a', -1],
    ['a', 'b', -1],
    ['b', 'a', 1],
    ['a', 'ab', -1],
    ['ab', 'a', 1],
    ['A', 'a', -1],
    ['Z', '_', -1],
    ['_', 'a', -1],
    ['z', '~', -1],
    ['~', 'é', -1],
    ['é', '€', -1],
    // By code unit, as JavaScript compares, it would be the other way round.
    ['\uFFFD', '😀', -1],
    ['zzz_b', 'zzzz', -1],
  ])('%j and %j', (a, b, expected) => {
    expect(Math.sign(compareBytes(a, b))).toBe(expected)
    expect(Math.sign(compareBytes(b, a))).toBe(expected === 0 ? 0 : -expected)
  })

  test('is that of the UTF-8 bytes', () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
  })

  test('is that in which the server fires triggers', async () => {
    const database = await testDatabase(
      `create table t (a integer, fired text not null default '');
       create function note() returns trigger language plpgsql as
         $$ begin new.fired := new.fired || '|' || tg_name; return new; end $$`,
    )
    const names = ['a', 'B', '_', 'zzz_', 'zzz', 'zzzz', '~', 'é', '€', '\uFFFD', '😀', '1', ' ', '"']
    for (const name of names) {
      await database.query(
        sql`create trigger ${id(name)} before insert on t for each row execute function note()`,
      )
    }
    const [row] = await database.query<{ fired: string }>('insert into t values (1) returning fired')
    expect(row?.fired.split('|').slice(1)).toEqual(names.toSorted(compareBytes))
  })

  test('is that of the server for text with the collation C', async () => {
    const database = await testDatabase()
    const names = fc.sample(
      anyText.filter((text) => !text.includes('\0')),
      200,
    )
    const values = names.map((name) => `(${lit(name)})`).join(', ')
    const rows = await database.query<{ name: string }>(
      `select name from (values ${values}) v (name) order by name collate "C"`,
    )
    expect(rows.map(({ name }) => name)).toEqual(names.toSorted(compareBytes))
  })
})
