import fc from 'fast-check'
import { parseSync } from 'libpg-query'
import { describe, expect, test } from 'vitest'
import { id, join, lit, qualified, shown, sql, trusted } from '../../src/core/sql.ts'
import { testDatabase } from '../support/database.ts'

const BACKSLASH = '\\'
const PLACEHOLDER = ['$', '{x}'].join('')

/** Texts that quoting gets wrong first. */
const NASTY = [
  '',
  ' ',
  "'",
  "''",
  '"',
  '""',
  BACKSLASH,
  `${BACKSLASH}'`,
  `'${BACKSLASH}`,
  `${BACKSLASH}${BACKSLASH}`,
  "'; drop table users; --",
  `${BACKSLASH}'; drop table users; --`,
  '"; drop table users; --',
  '/* */',
  '-- comment',
  '$$',
  '$1',
  '%',
  '%s %I %L',
  PLACEHOLDER,
  '`',
  'a\nb',
  'a\tb',
  'a\rb',
  `${BACKSLASH}n`,
  `${BACKSLASH}u0041`,
  'é',
  'e\u0301',
  '名前',
  '😀',
  '\u2028',
  '\uFEFF',
  '\u0001',
] as const

describe('a template', () => {
  test('joins its parts with the text between them', () => {
    expect(sql`select ${id('a')}, ${lit('b')} from ${id('c')}`).toBe(`select "a", 'b' from "c"`)
  })

  test('without parts is its text', () => {
    expect(sql`begin`).toBe('begin')
    expect(sql``).toBe('')
  })

  test('reads escapes as JavaScript does', () => {
    expect(sql`a\nb\\c`).toBe('a\nb\\c')
  })

  test('does not look at what a part contains', () => {
    expect(sql`select ${trusted(PLACEHOLDER)} ${trusted('$1')} ${trusted(BACKSLASH)}`).toBe(
      `select ${PLACEHOLDER} $1 ${BACKSLASH}`,
    )
  })

  test('takes a template as a part', () => {
    expect(sql`a ${sql`b ${sql`c`}`} d`).toBe('a b c d')
  })

  test('does not type-check with a raw string, a number or anything else that was not quoted', () => {
    const name = 'users; drop table users'
    // @ts-expect-error A string is not SQL.
    expect(sql`select ${name}`).toBe('select users; drop table users')
    // @ts-expect-error A number is written by lit().
    expect(sql`limit ${1}`).toBe('limit 1')
    // @ts-expect-error Neither is a template literal.
    expect(sql`select ${`${name};`}`).toBe('select users; drop table users;')
    // @ts-expect-error Nothing optional gets in.
    expect(sql`select ${undefined}`).toBe('select undefined')
    // @ts-expect-error A list is written by join().
    expect(sql`select ${[id('a')]}`).toBe('select "a"')
  })
})

describe('an identifier', () => {
  test.each<[string, string]>([
    ['users', '"users"'],
    ['User', '"User"'],
    ['full name', '"full name"'],
    ['say "hi"', '"say ""hi"""'],
    ['"', '""""'],
    ["it's", `"it's"`],
    ['a\\b', '"a\\b"'],
    ['naïve', '"naïve"'],
    ['名前', '"名前"'],
    ['select', '"select"'],
    ['a.b', '"a.b"'],
    ['$&', '"$&"'],
    ["$'", `"$'"`],
  ])('%s is written %s', (name, written) => {
    expect(id(name)).toBe(written)
  })

  test('of a relation carries its namespace', () => {
    expect(qualified({ namespace: 'public', name: 'users' })).toBe('"public"."users"')
    expect(qualified({ namespace: 'my.app', name: 'a"b' })).toBe('"my.app"."a""b"')
  })
})

describe('a literal', () => {
  test.each<[string | number | boolean | null, string]>([
    [null, 'null'],
    [true, 'true'],
    [false, 'false'],
    [0, '0'],
    [-1, '-1'],
    [0.25, '0.25'],
    [9_007_199_254_740_991, '9007199254740991'],
    ['', "''"],
    ['a', "'a'"],
    ["it's", "'it''s'"],
    ["''", "''''''"],
    ['say "hi"', `'say "hi"'`],
    ['null', "'null'"],
    ['a\nb', "'a\nb'"],
    ['a\\b', " e'a\\\\b'"],
    ["\\'", " e'\\\\'''"],
    ['\\n', " e'\\\\n'"],
    ['名前', "'名前'"],
    ["$&$'$`", "'$&$''$`'"],
  ])('of %j is written %s', (value, written) => {
    expect(lit(value)).toBe(written)
  })

  test('never joins with the word before it', () => {
    expect(sql`select${lit('a\\b')}`).toBe("select e'a\\\\b'")
  })
})

describe('the parser of PostgreSQL', () => {
  const arbitrary = fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => text.replaceAll('\0', ''))

  test('reads every literal as one constant of the same text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...NASTY), arbitrary), (text) => {
        expect(onlyTarget(sql`select ${lit(text)}`)).toMatchObject({ A_Const: { sval: { sval: text } } })
      }),
    )
  })

  test('reads every identifier as one column of the same name', () => {
    const name = fc
      .oneof(fc.constantFrom(...NASTY), arbitrary)
      .filter((text) => text !== '' && new TextEncoder().encode(text).length < 64)
    fc.assert(
      fc.property(name, (text) => {
        expect(onlyTarget(sql`select ${id(text)}`)).toMatchObject({
          ColumnRef: { fields: [{ String: { sval: text } }] },
        })
      }),
    )
  })

  const onlyTarget = (text: string): unknown => {
    const { stmts } = parseSync(text)
    expect(stmts).toHaveLength(1)
    const statement = stmts?.[0]?.stmt as { SelectStmt: { targetList: { ResTarget: { val: unknown } }[] } }
    expect(statement.SelectStmt.targetList).toHaveLength(1)
    return statement.SelectStmt.targetList[0]?.ResTarget.val
  }
})

describe('the server', () => {
  test('gives back every literal, whatever standard_conforming_strings says', async () => {
    const database = await testDatabase()
    for (const setting of ['on', 'off']) {
      await database.query(`set standard_conforming_strings = ${setting}; set escape_string_warning = off`)
      const list = join(NASTY.map((text) => sql`(${lit(text)}::text)`))
      const rows = await database.query<{ text: string }>(sql`select x as text from (values ${list}) v (x)`)
      expect(rows.map(({ text }) => text)).toEqual(NASTY)
    }
  })

  test('has a column under every quoted name', async () => {
    const database = await testDatabase()
    const names = NASTY.filter((name) => name !== '')
    await database.query(
      sql`create table ${id('a "table"')} (${join(names.map((name) => sql`${id(name)} integer`))})`,
    )
    const rows = await database.query<{ name: string }>(
      `select attname as name from pg_attribute where attrelid = '"a ""table"""'::regclass and attnum > 0 order by attnum`,
    )
    expect(rows.map(({ name }) => name)).toEqual(names)
  })

  test('quotes the words that are shown in quotes, and no others', async () => {
    const database = await testDatabase()
    const [server] = await database.query<{ major: number }>(
      `select current_setting('server_version_num')::integer / 10000 as major`,
    )
    const words = await database.query<{ word: string; quoted: string }>(
      'select word, quote_ident(word) as quoted from pg_get_keywords() order by word',
    )
    expect(words.length).toBeGreaterThan(400)
    const differing = words.filter(({ word, quoted }) => shown(word) !== quoted).map(({ word }) => word)
    // An older server knows fewer words; what is quoted needlessly is still the same name.
    expect(server?.major === 18 ? differing : []).toEqual([])
  })
})

describe('a name that is shown', () => {
  test.each<[string, string]>([
    ['users', 'users'],
    ['user_2', 'user_2'],
    ['_private', '_private'],
    ['user', '"user"'],
    ['order', '"order"'],
    ['Users', '"Users"'],
    ['2fast', '"2fast"'],
    ['full name', '"full name"'],
    ['naïve', '"naïve"'],
    ['a$b', '"a$b"'],
    ['a"b', '"a""b"'],
    ['', '""'],
    ['name', 'name'],
    ['value', 'value'],
    ['text', 'text'],
    ['int', '"int"'],
    ['values', '"values"'],
    ['a\n', '"a\n"'],
  ])('%j is %s', (name, expected) => {
    expect(shown(name)).toBe(expected)
  })
})

describe('a list', () => {
  test('is joined by commas', () => {
    expect(join([id('a'), id('b')])).toBe('"a", "b"')
    expect(join([id('a')])).toBe('"a"')
    expect(join([])).toBe('')
  })

  test('is joined by what is asked for', () => {
    expect(join([sql`a`, sql`b`, sql`c`], ' and ')).toBe('a and b and c')
  })
})
