import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { byteLength, compareBytes } from '../../../src/core/identifier.ts'
import { defaultName, finalName, namesFor, notNullName } from '../../../src/core/plan/names.ts'
import { id, join, sql } from '../../../src/core/sql.ts'
import { testDatabase } from '../../support/database.ts'
import { thrownBy } from '../../support/model.ts'

const anyName = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 70 })

describe('the names beside a column', () => {
  test('say what they are, whose they are and what they belong to', () => {
    const names = namesFor('a seed', 'name', [])
    expect({ ...names, copy: names.copy('users_name_idx') }).toEqual({
      trigger: 'zzz_bellows_dual_write_8f44d509_name',
      twin: 'bellows_new_8f44d509_name',
      uses: 'old_uses_8f44d509',
      function: 'bellows_dual_write_8f44d509_name',
      hidden: 'bellows_retired_8f44d509_name',
      proof: 'bellows_proof_8f44d509_name',
      notNullProof: 'bellows_filled_8f44d509_name',
      counter: 'old_writes_8f44d509',
      copy: 'bellows_copy_4d83c67c_users_name_idx',
    })
  })

  test('are the same for the same seed and column', () => {
    expect(JSON.stringify(namesFor('s', 'name', ['a']))).toBe(JSON.stringify(namesFor('s', 'name', ['a'])))
  })

  test('differ from those of another seed', () => {
    const [a, b] = [namesFor('a', 'name', []), namesFor('b', 'name', [])]
    for (const key of ['trigger', 'function', 'hidden', 'proof', 'notNullProof', 'counter'] as const) {
      expect(a[key]).not.toBe(b[key])
    }
    expect(a.copy('x')).not.toBe(b.copy('x'))
  })

  test('differ from one another, however long the column is called', () => {
    fc.assert(
      fc.property(anyName, fc.string(), (column, seed) => {
        const names = namesFor(seed, column, [])
        const all = [names.trigger, names.function, names.hidden, names.proof, names.notNullProof]
        expect(new Set([...all, names.copy(column)]).size).toBe(6)
      }),
    )
  })

  test('have 63 bytes at most and no half characters', () => {
    fc.assert(
      fc.property(anyName, anyName, fc.string(), (column, original, seed) => {
        const { copy, ...names } = namesFor(seed, column, [])
        for (const name of [...Object.values(names), copy(original)]) {
          expect(byteLength(name)).toBeLessThanOrEqual(63)
          expect(Buffer.from(name).toString()).toBe(name)
        }
      }),
    )
  })

  test.each<[string, string]>([
    ['x'.repeat(63), `bellows_retired_8f44d509_${'x'.repeat(38)}`],
    ['é'.repeat(31), `bellows_retired_8f44d509_${'é'.repeat(19)}`],
    ['名'.repeat(21), `bellows_retired_8f44d509_${'名'.repeat(12)}`],
    ['😀'.repeat(15), `bellows_retired_8f44d509_${'😀'.repeat(9)}`],
    ['full "name"', 'bellows_retired_8f44d509_full "name"'],
  ])('of the column %s are cut to fit', (column, hidden) => {
    expect(namesFor('a seed', column, []).hidden).toBe(hidden)
  })

  test('of copies differ where only the end of the original does', () => {
    const { copy } = namesFor('a seed', 'name', [])
    const long = 'users_name_of_an_index_that_is_called_at_great_length_'
    expect(copy(`${long}1`)).not.toBe(copy(`${long}2`))
    expect(byteLength(copy(`${long}1`))).toBe(63)
  })
})

describe('the trigger', () => {
  const base = 'bellows_dual_write_8f44d509_name'

  test.each<[string, readonly string[], string]>([
    ['none', [], `zzz_${base}`],
    ['usual ones', ['audit', 'set_updated_at'], `zzz_${base}`],
    ['capitals', ['Z', 'ZZZ_last'], `zzz_${base}`],
    ['one that means to be last', ['zzz'], `zzz_${base}`],
    ['one with an underscore behind', ['zzz_a'], `zzz_${base}`],
    ['one right before', ['zzz_bellows_dual_write_8f44d509_nam'], `zzz_${base}`],
    ['the same name', [`zzz_${base}`], `~~~_${base}`],
    ['one right behind', [`zzz_${base}!`], `~~~_${base}`],
    ['zzzz', ['zzzz'], `~~~_${base}`],
    ['a brace', ['{'], `~~~_${base}`],
    ['a tilde', ['~'], `~~~_${base}`],
    ['more tildes', ['~~~~'], `\u{10FFFD}_${base}`],
    ['an accent', ['é'], `\u{10FFFD}_${base}`],
    ['an emoji', ['😀'], `\u{10FFFD}_${base}`],
    ['the last of several', ['a', 'zzzz', 'b'], `~~~_${base}`],
    ['one that JavaScript would put behind', ['\uFFFD'], `\u{10FFFD}_${base}`],
  ])('sorts behind the triggers of the table: %s', (_what, others, name) => {
    expect(namesFor('a seed', 'name', others).trigger).toBe(name)
    expect([...others, name].toSorted(compareBytes).at(-1)).toBe(name)
  })

  test('that nothing can sort behind is refused', () => {
    const error = thrownBy(() => namesFor('a seed', 'name', ['a', '\u{10FFFF}']))
    expect(error.code).toBe('plan_refused')
    expect(error.message).toBe('No trigger can be named to fire after "\u{10FFFF}".')
    expect(error.hint).toBe('Rename that trigger: Bellows must see the row that the other triggers leave.')
  })

  test('sorts behind all others, or is refused', () => {
    fc.assert(
      fc.property(fc.array(anyName), anyName, (others, column) => {
        const kept = others.map((name) => name.slice(0, 20)).filter((name) => name < '\u{10FFFD}')
        const { trigger } = namesFor('s', column, kept)
        for (const other of kept) expect(compareBytes(other, trigger)).toBeLessThan(0)
        expect(byteLength(trigger)).toBeLessThanOrEqual(63)
      }),
    )
  })
})

describe('the default name', () => {
  const LONG = 'a_name_that_is_as_long_as_a_name_can_be_in_postgresql_63_bytes_'

  test.each<[string, readonly string[], string, string]>([
    ['users', ['name'], 'idx', 'users_name_idx'],
    ['users', ['name', 'id'], 'key', 'users_name_id_key'],
    ['users', ['expr'], 'idx', 'users_expr_idx'],
    ['users', [], 'check', 'users_check'],
    ['users', ['name'], 'not_null', 'users_name_not_null'],
    ['My Table', ['a"b'], 'fkey', 'My Table_a"b_fkey'],
    [LONG, ['name'], 'idx', 'a_name_that_is_as_long_as_a_name_can_be_in_postgresql__name_idx'],
    [LONG, [], 'check', 'a_name_that_is_as_long_as_a_name_can_be_in_postgresql_63__check'],
    ['users', [LONG], 'idx', 'users_a_name_that_is_as_long_as_a_name_can_be_in_postgresql_idx'],
    [LONG, [LONG], 'fkey', 'a_name_that_is_as_long_as_a_n_a_name_that_is_as_long_as_a__fkey'],
    [LONG, ['a', 'b'], 'key', 'a_name_that_is_as_long_as_a_name_can_be_in_postgresql_6_a_b_key'],
    ['é'.repeat(31), ['name'], 'key', `${'é'.repeat(27)}_name_key`],
    ['é'.repeat(31), ['ü'.repeat(31)], 'idx', `${'é'.repeat(14)}_${'ü'.repeat(14)}_idx`],
    ['x'.repeat(29), ['y'.repeat(30)], 'idx', `${'x'.repeat(29)}_${'y'.repeat(29)}_idx`],
  ])('of %s and %j ends in %s and is cut as PostgreSQL cuts it', (table, columns, suffix, expected) => {
    expect(defaultName(table, columns, suffix)).toBe(expected)
  })

  test('has 63 bytes at most, no half characters, and ends in what it is', () => {
    fc.assert(
      fc.property(anyName, fc.array(anyName, { maxLength: 5 }), (table, columns) => {
        const name = defaultName(table, columns, 'fkey')
        expect(byteLength(name)).toBeLessThanOrEqual(63)
        expect(Buffer.from(name).toString()).toBe(name)
        expect(name.endsWith('_fkey')).toBe(true)
      }),
    )
  })

  const TABLES = [
    'users',
    'My Table',
    LONG,
    'x'.repeat(29),
    'x'.repeat(30),
    'x'.repeat(40),
    'x'.repeat(62),
    'x'.repeat(63),
    'é'.repeat(20),
    'é'.repeat(31),
    '名'.repeat(21),
    '😀'.repeat(15),
    `x${'é'.repeat(30)}`,
  ]
  const COLUMNS: readonly (readonly string[])[] = [
    ['name'],
    ['name', 'other'],
    ['Full "Name"'],
    ['y'.repeat(28)],
    ['y'.repeat(29)],
    ['y'.repeat(63)],
    ['ü'.repeat(31)],
    ['z'.repeat(30), 'y'.repeat(30), 'w'.repeat(63)],
    ['ü'.repeat(14), '名'.repeat(10)],
    ['😀'.repeat(8), 'b'],
  ]

  test('is the one that the server gives to every kind of object', async () => {
    const { query } = await testDatabase('create table teams (a integer primary key)')
    const [server] = await query<{ major: number }>(
      `select current_setting('server_version_num')::integer / 10000 as major`,
    )
    const hasNamedNotNull = (server?.major ?? 0) >= 18
    for (const table of TABLES) {
      for (const columns of COLUMNS) {
        const list = join(columns.map(id))
        const first = id(columns[0] ?? '')
        const many = sql`(${join(
          columns.map((name) => sql`${id(name)} is null`),
          ' or ',
        )})`
        await query(sql`begin; create table ${id(table)} (${join(columns.map((name) => sql`${id(name)} integer`))});
          create index on ${id(table)} (${list});
          alter table ${id(table)} add unique (${list}), add check (${many}), add check (${first} > 0),
            add foreign key (${first}) references teams, alter column ${first} set not null,
            alter column ${first} add generated always as identity`)
        const found = await query<{ name: string; kind: string }>(sql`
          select conname as name, contype::text as kind from pg_constraint where conrelid = (select max(oid) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace)
          union all select relname, relkind::text from pg_class c where relnamespace = 'public'::regnamespace and relname <> 'teams_pkey'
            and (relkind = 'S' or relkind = 'i' and not exists (select from pg_constraint where conindid = c.oid))`)
        await query('rollback')
        const checks =
          columns.length === 1 ? [defaultName(table, columns, 'check')] : [defaultName(table, [], 'check')]
        const expected = [
          ['i', defaultName(table, columns, 'idx')],
          ['u', defaultName(table, columns, 'key')],
          ['c', ...checks],
          ['f', defaultName(table, columns.slice(0, 1), 'fkey')],
          ['S', defaultName(table, columns.slice(0, 1), 'seq')],
          ...(hasNamedNotNull ? [['n', defaultName(table, columns.slice(0, 1), 'not_null')]] : []),
        ]
        const names = found.map(({ kind, name }) => `${kind} ${name}`)
        for (const [kind, name] of expected) expect(names).toContain(`${kind} ${name}`)
      }
    }
  })
})

describe('the final name of a copy', () => {
  test.each<[string, string, string, string, readonly string[], string]>([
    [
      'a default name follows the column',
      'users_name_idx',
      'users_name_idx',
      'users_full_name_idx',
      [],
      'users_full_name_idx',
    ],
    ['a chosen name stays', 'by_name', 'users_name_idx', 'users_full_name_idx', [], 'by_name'],
    [
      'a numbered name stays',
      'users_name_idx1',
      'users_name_idx',
      'users_full_name_idx',
      [],
      'users_name_idx1',
    ],
    [
      'a name that is taken is not taken again',
      'users_name_idx',
      'users_name_idx',
      'users_full_name_idx',
      ['users_full_name_idx'],
      'users_name_idx',
    ],
    ['a default name that does not change', 'users_check', 'users_check', 'users_check', [], 'users_check'],
    [
      'its own name is not in its way',
      'users_check',
      'users_check',
      'users_check',
      ['users_check'],
      'users_check',
    ],
  ])('%s', (_what, original, before, after, taken, expected) => {
    expect(finalName(original, before, after, new Set(taken))).toBe(expected)
  })
})

describe('the name of a NOT NULL', () => {
  const op = { table: 'users', from: 'name', to: 'full_name' }

  test.each<[string, string]>([
    ['users_name_not_null', 'users_full_name_not_null'],
    ['my_rule', 'my_rule'],
    ['users_name_not_null1', 'users_name_not_null1'],
  ])('%s becomes %s', (original, expected) => {
    expect(notNullName(op, original)).toBe(expected)
  })
})
