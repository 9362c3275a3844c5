import { describe, expect, test } from 'vitest'
import {
  dualWrite,
  isIdentity,
  lossy,
  type Pair,
  relation,
  unfilled,
} from '../../../src/core/plan/dual-write.ts'
import { type Mapping, mappingFor, type Transform } from '../../../src/core/plan/mapping.ts'
import { bodyOf, functionSql, installSql, uninstallSql } from '../../../src/core/plan/row-trigger.ts'
import type { Column } from '../../../src/core/schema/model.ts'
import { id, lit, qualified, sql } from '../../../src/core/sql.ts'
import { testDatabase } from '../../support/database.ts'
import { column, facts, type, USERS } from '../../support/model.ts'

const mapping = (from: string, to = from, transform: Transform = 'copy'): Mapping => {
  const found = mappingFor(column('name', from), type(to), transform, facts())
  if ('problem' in found) throw new Error(found.problem)
  return found
}

const IDENTITY = mapping('text')
const WIDENING = mapping('integer', 'bigint')
const FORWARD = mapping('text', 'text', 'trim')
/** Both ways, and neither gives back what the other took: the pair that the second half of R is there for. */
const LOSSY: Mapping = {
  up: (old) => sql`pg_catalog.btrim(${old})`,
  down: (renewed) => sql`pg_catalog.upper(${renewed})`,
}

const pair = (more: Partial<Pair> = {}, of: Partial<Column> = {}): Pair => ({
  table: USERS,
  from: 'name',
  to: 'full_name',
  mapping: IDENTITY,
  fromColumn: column('name', 'text', of),
  ...more,
})

const [from, to] = [id('a'), id('b')]
const same = (a: string, b: string) => `pg_catalog.record_image_eq(row(${a}), row(${b}))`

describe('the relation', () => {
  test.each<[string, Mapping, string]>([
    ['of a copy is that both are the same', IDENTITY, same('"b"', '"a"')],
    [
      'of a widening is that one of the two ways leads from one to the other',
      WIDENING,
      `(${same('"b"', '"a"::bigint')} or ${same('"a"', '"b"::integer')})`,
    ],
    ['without a way back is that the way there leads there', FORWARD, same('"b"', 'pg_catalog.btrim("a")')],
    [
      'of a lossy pair is that one of the two leads to the other',
      LOSSY,
      `(${same('"b"', 'pg_catalog.btrim("a")')} or ${same('"a"', 'pg_catalog.upper("b")')})`,
    ],
  ])('%s', (_what, of, text) => {
    expect(relation(of, from, to)).toBe(text)
  })
})

describe('a row', () => {
  test.each<[string, Mapping, string]>([
    ['copy', IDENTITY, '("b" is null and "a" is not null)'],
    ['widening', WIDENING, '("b" is null and "a"::bigint is not null)'],
    ['forward only', FORWARD, '("b" is null and pg_catalog.btrim("a") is not null)'],
  ])('is unfilled while the new column lacks what the old one would give: %s', (_what, of, text) => {
    expect(unfilled(of, from, to)).toBe(text)
  })

  test.each<[string, Mapping, string]>([
    ['never with a copy', IDENTITY, 'false'],
    ['with a widening when only the way back fits', WIDENING, `not ${same('"b"', '"a"::bigint')}`],
    ['with another mapping, too', LOSSY, `not ${same('"b"', 'pg_catalog.btrim("a")')}`],
  ])('is lossy %s', (_what, of, text) => {
    expect(lossy(of, from, to)).toBe(text)
  })

  test.each<[string, Mapping, boolean]>([
    ['a copy', IDENTITY, true],
    ['a widening', WIDENING, false],
    ['forward only', FORWARD, false],
    ['a lossy pair', LOSSY, false],
  ])('keeps its value as it is with an identity: %s', (_what, of, expected) => {
    expect(isIdentity(of)).toBe(expected)
  })
})

/** A trigger of the user has changed the old value of a row that is being filled. */
const tidied = (up: string) =>
  `(pg_catalog.current_setting('bellows.backfill', true) operator(pg_catalog.=) 'on' and old."full_name" is null and pg_catalog.record_image_eq(row(new."full_name"), row(${up})))`
const TWO_VALUES = `raise exception using errcode = 'integrity_constraint_violation', message = 'columns "name" and "full_name" of table "users" were given values that do not agree', hint = 'Write one of the two; the database fills the other.',
        schema = 'public', table = 'users', column = 'full_name';`
const NO_WAY_BACK = `raise exception using errcode = 'integrity_constraint_violation', message = 'a value of columns "name" and "full_name" of table "users" cannot be taken back from the second to the first', hint = 'Write "name" until it is removed.',
        schema = 'public', table = 'users', column = 'full_name';`

describe('the condition of the trigger', () => {
  test('is that both sides differ, where they are to be the same', () => {
    expect(dualWrite(pair()).when).toBe(
      'not pg_catalog.record_image_eq(row(new."full_name"), row(new."name"))',
    )
  })

  test('is none where a value may stand for another one', () => {
    const widened = dualWrite(pair({ mapping: WIDENING, fromColumn: column('name', 'integer') }))
    for (const chore of [widened, dualWrite(pair({ mapping: FORWARD }))]) expect(chore.when).toBeUndefined()
  })
})

describe('the body of the trigger function', () => {
  test('of a copy', () => {
    expect(bodyOf(dualWrite(pair()))).toBe(`
begin
  if pg_catalog.record_image_eq(row(new."full_name"), row(new."name")) and not (new."full_name" is null and new."name" is not null) then
    return new;
  end if;
  if tg_op operator(pg_catalog.=) 'INSERT' then
    if new."full_name" is null then
      new."full_name" := new."name";
    elsif new."name" is null then
      new."name" := new."full_name";
    else
      ${TWO_VALUES}
    end if;
  elsif pg_catalog.record_image_eq(row(new."name"), row(old."name")) then
    if not pg_catalog.record_image_eq(row(new."full_name"), row(old."full_name")) then
      new."name" := new."full_name";
    elsif (new."full_name" is null and new."name" is not null) then
      new."full_name" := new."name";
    end if;
  elsif pg_catalog.record_image_eq(row(new."full_name"), row(old."full_name")) or ${tidied('old."name"')} then
    new."full_name" := new."name";
  else
    ${TWO_VALUES}
  end if;
  return new;
end`)
  })

  test('of a widening', () => {
    expect(bodyOf(dualWrite(pair({ mapping: WIDENING, fromColumn: column('name', 'integer') })))).toBe(`
begin
  if (pg_catalog.record_image_eq(row(new."full_name"), row(new."name"::bigint)) or pg_catalog.record_image_eq(row(new."name"), row(new."full_name"::integer))) and not (new."full_name" is null and new."name"::bigint is not null) and (tg_op operator(pg_catalog.=) 'INSERT' or not (not pg_catalog.record_image_eq(row(new."name"), row(old."name")) and pg_catalog.record_image_eq(row(new."full_name"), row(old."full_name"))) or pg_catalog.record_image_eq(row(new."full_name"), row(new."name"::bigint))) then
    return new;
  end if;
  if tg_op operator(pg_catalog.=) 'INSERT' then
    if new."full_name" is null then
      new."full_name" := new."name"::bigint;
    elsif new."name" is null then
      new."name" := new."full_name"::integer;
    else
      ${TWO_VALUES}
    end if;
  elsif pg_catalog.record_image_eq(row(new."name"), row(old."name")) then
    if not pg_catalog.record_image_eq(row(new."full_name"), row(old."full_name")) then
      new."name" := new."full_name"::integer;
    elsif (new."full_name" is null and new."name"::bigint is not null) then
      new."full_name" := new."name"::bigint;
    end if;
  elsif pg_catalog.record_image_eq(row(new."full_name"), row(old."full_name")) or ${tidied('old."name"::bigint')} then
    new."full_name" := new."name"::bigint;
  else
    ${TWO_VALUES}
  end if;
  return new;
end`)
  })

  test('without a way back', () => {
    expect(bodyOf(dualWrite(pair({ mapping: FORWARD })))).toBe(`
begin
  if pg_catalog.record_image_eq(row(new."full_name"), row(pg_catalog.btrim(new."name"))) and not (new."full_name" is null and pg_catalog.btrim(new."name") is not null) then
    return new;
  end if;
  if tg_op operator(pg_catalog.=) 'INSERT' then
    if new."full_name" is null then
      new."full_name" := pg_catalog.btrim(new."name");
    elsif new."name" is null then
      ${NO_WAY_BACK}
    else
      ${TWO_VALUES}
    end if;
  elsif pg_catalog.record_image_eq(row(new."name"), row(old."name")) then
    if not pg_catalog.record_image_eq(row(new."full_name"), row(old."full_name")) then
      ${NO_WAY_BACK}
    elsif (new."full_name" is null and pg_catalog.btrim(new."name") is not null) then
      new."full_name" := pg_catalog.btrim(new."name");
    end if;
  elsif pg_catalog.record_image_eq(row(new."full_name"), row(old."full_name")) or ${tidied('pg_catalog.btrim(old."name")')} then
    new."full_name" := pg_catalog.btrim(new."name");
  else
    ${TWO_VALUES}
  end if;
  return new;
end`)
  })

  /** The line that tells an INSERT of the new column alone from one of both. */
  const omission = (of: Partial<Column>) =>
    /^ {4}elsif (.*) then$/m.exec(bodyOf(dualWrite(pair({}, of))))?.[1]

  test.each<[string, Partial<Column>, string]>([
    ['no default', { default: null }, 'new."name" is null'],
    [
      'a constant',
      { default: `'nobody'::text` },
      `new."name" is null or ${same('new."name"', `('nobody'::pg_catalog.text)::pg_catalog.text`)}`,
    ],
    [
      'a stable expression',
      { default: 'CURRENT_USER' },
      `new."name" is null or ${same('new."name"', '(CURRENT_USER)::pg_catalog.text')}`,
    ],
    [
      'one of another type than the column',
      { default: '0', type: 'numeric(10,2)' },
      `new."name" is null or ${same('new."name"', '(0)::numeric(10,2)')}`,
    ],
    [
      'one that is written with operators',
      { default: `now() - '1 day'::interval`, type: 'timestamp with time zone' },
      `new."name" is null or ${same('new."name"', `(pg_catalog.now() operator(pg_catalog.-) '1 day'::interval)::timestamp with time zone`)}`,
    ],
    [
      'a literal of a type of the user, whose namespace a writer may have no right to',
      {
        default: `'new'::sales.status`,
        defaultVolatility: 'stable',
        type: 'sales.status',
        defaultText: 'new',
      },
      `new."name" is null or new."name"::pg_catalog.text operator(pg_catalog.=) 'new'`,
    ],
    ['a function of the user, which not every writer may call', { default: 'util.somebody()' }, 'true'],
    ['a sequence', { default: `nextval('s'::regclass)`, defaultVolatility: 'volatile' }, 'true'],
    ['a random value', { default: 'gen_random_uuid()', defaultVolatility: 'volatile' }, 'true'],
  ])('tells an omitted old column by its default: %s', (_what, of, condition) => {
    expect(omission(of)).toBe(condition)
  })

  test('quotes names and what it says', () => {
    const body = bodyOf(
      dualWrite(pair({ table: { namespace: "it's", name: 'ta"ble' }, from: 'a"b', to: "c\\d'e" })),
    )
    expect(body).toContain(`new."a""b" := new."c\\d'e";`)
    expect(body).toContain(
      `message =  e'columns "a"b" and "c\\\\d''e" of table "ta"ble" were given values that do not agree'`,
    )
    expect(body).toContain(`schema = 'it''s', table = 'ta"ble', column =  e'c\\\\d''e';`)
  })

  test('names everything that it calls in full', () => {
    for (const of of [IDENTITY, WIDENING, FORWARD, LOSSY]) {
      const calls = [...bodyOf(dualWrite(pair({ mapping: of }))).matchAll(/([\w.]*)\(/g)].map(
        ([, name]) => name,
      )
      expect(
        calls.filter(
          (name) => name !== '' && name !== 'row' && name !== 'operator' && !name?.startsWith('pg_catalog.'),
        ),
      ).toEqual([])
    }
  })
})

describe('the statements', () => {
  const installed = { table: USERS, trigger: 'zzz_t', function: 'f', body: sql`it's the body` }

  test('that install it create the function, then the trigger, and have it fire always', () => {
    expect(installSql(installed)).toEqual([
      `create or replace function bellows."f"() returns trigger language plpgsql as 'it''s the body'`,
      'create trigger "zzz_t" before insert or update on "public"."users" for each row execute function bellows."f"()',
      'alter table "public"."users" enable always trigger "zzz_t"',
    ])
    expect(installSql(installed)[0]).toBe(functionSql(installed))
  })

  test('that take it away work from whatever point of its making', () => {
    expect(uninstallSql(installed)).toEqual([
      'drop trigger if exists "zzz_t" on "public"."users"',
      'drop function if exists bellows."f"()',
    ])
  })
})

describe('on the server', () => {
  const SETUP = `create schema bellows;
    create table public.users (id integer generated by default as identity primary key, name text, full_name text, seen integer default 0)`

  /** A table whose `name` and `full_name` are kept in step, with one row of each kind that the statements are about. */
  async function kept(of: Mapping, fromColumn: Partial<Column> = {}, rows = '') {
    const database = await testDatabase(SETUP)
    if (fromColumn.default)
      await database.query(`alter table users alter name set default ${fromColumn.default}`)
    if (rows !== '') await database.query(rows)
    const body = bodyOf(dualWrite(pair({ mapping: of }, fromColumn)))
    for (const statement of installSql({ table: USERS, trigger: 'zzz_t', function: 'f', body })) {
      await database.query(statement)
    }
    /** What the row is after a statement, or why the statement failed. */
    return async (statement: string): Promise<unknown> => {
      try {
        await database.query(statement)
      } catch (error) {
        return (error as Error).message
      }
      const [row] = await database.query(
        `select name, full_name from users order by xmin::text::bigint desc limit 1`,
      )
      return row && [row.name, row.full_name]
    }
  }
  type Story = readonly (readonly [statement: string, row: unknown])[]

  async function tell(rowAfter: (statement: string) => Promise<unknown>, story: Story) {
    for (const [statement, expected] of story) expect(await rowAfter(statement), statement).toEqual(expected)
  }

  const DISAGREE = 'columns "name" and "full_name" of table "users" were given values that do not agree'

  test('a copy is kept in step, whoever writes what', async () => {
    const rowAfter = await kept(IDENTITY, {}, `insert into users (id, name) values (100, 'unfilled')`)
    const story: Story = [
      [`insert into users (id, name) values (1, 'a')`, ['a', 'a']],
      [`insert into users (id, full_name) values (2, 'b')`, ['b', 'b']],
      [`insert into users (id, name, full_name) values (3, 'c', 'c')`, ['c', 'c']],
      [`insert into users (id, name, full_name) values (4, 'c', 'd')`, DISAGREE],
      [`insert into users (id, seen) values (5, 1)`, [null, null]],
      [`update users set name = 'a2' where id = 1`, ['a2', 'a2']],
      [`update users set full_name = 'a3' where id = 1`, ['a3', 'a3']],
      [`update users set name = 'x', full_name = 'x' where id = 1`, ['x', 'x']],
      [`update users set name = 'y', full_name = 'z' where id = 1`, DISAGREE],
      [`update users set seen = 1 where id = 1`, ['x', 'x']],
      [`update users set name = null where id = 1`, [null, null]],
      [`update users set full_name = 'back' where id = 1`, ['back', 'back']],
      [`update users set full_name = null where id = 1`, [null, null]],
      [`update users set seen = 1 where id = 100`, ['unfilled', 'unfilled']],
      [
        `insert into users (id, name) values (1, 'up') on conflict (id) do update set name = excluded.name`,
        ['up', 'up'],
      ],
      [
        `insert into users (id, full_name) values (1, 'down') on conflict (id) do update set full_name = excluded.full_name`,
        ['down', 'down'],
      ],
      [
        `set session_replication_role = replica; insert into users (id, name) values (6, 'r'); reset session_replication_role`,
        ['r', 'r'],
      ],
    ]
    await tell(rowAfter, story)
  })

  test('the backfill of a row leaves its old value as it is, byte for byte', async () => {
    const rowAfter = await kept(LOSSY, {}, `insert into users (id, name) values (1, ' a ')`)
    expect(await rowAfter('update users set full_name = pg_catalog.btrim(name) where id = 1')).toEqual([
      ' a ',
      'a',
    ])
  })

  test('a lossy pair is kept by what was written', async () => {
    const rowAfter = await kept(LOSSY)
    const story: Story = [
      [`insert into users (id, name) values (1, ' a ')`, [' a ', 'a']],
      [`insert into users (id, full_name) values (2, ' b ')`, [' B ', ' b ']],
      [`update users set full_name = ' c ' where id = 1`, [' C ', ' c ']],
      // An ORM that writes back every column changes nothing.
      [`update users set name = ' C ', full_name = ' c ', seen = 2 where id = 1`, [' C ', ' c ']],
      [`update users set name = ' d ' where id = 1`, [' d ', 'd']],
    ]
    await tell(rowAfter, story)
  })

  test('without a way back the new column cannot be written', async () => {
    const refusal =
      'a value of columns "name" and "full_name" of table "users" cannot be taken back from the second to the first'
    const rowAfter = await kept(FORWARD)
    const story: Story = [
      [`insert into users (id, name) values (1, ' a ')`, [' a ', 'a']],
      [`insert into users (id, full_name) values (2, 'b')`, refusal],
      [`update users set full_name = 'c' where id = 1`, refusal],
      [`update users set name = ' d ' where id = 1`, [' d ', 'd']],
      [`update users set name = ' e ', full_name = 'e' where id = 1`, [' e ', 'e']],
      [`update users set name = ' e ', full_name = 'f' where id = 1`, refusal],
      [`update users set name = ' g ', full_name = 'f' where id = 1`, DISAGREE],
    ]
    await tell(rowAfter, story)
  })

  test.each<[string, Partial<Column>, Story]>([
    [
      'a constant',
      { default: `'nobody'::text` },
      [
        [`insert into users (id) values (1)`, ['nobody', 'nobody']],
        [`insert into users (id, full_name) values (2, 'b')`, ['b', 'b']],
        [`insert into users (id, name, full_name) values (3, 'nobody', 'c')`, ['c', 'c']],
        [`insert into users (id, name, full_name) values (4, 'd', 'c')`, DISAGREE],
        [`insert into users (id, name) values (5, null)`, [null, null]],
        [`insert into users (id, full_name) values (6, null)`, ['nobody', 'nobody']],
      ],
    ],
    [
      'one that differs each time',
      { default: `gen_random_uuid()::text`, defaultVolatility: 'volatile' },
      [
        [`insert into users (id, full_name) values (2, 'b')`, ['b', 'b']],
        [`insert into users (id, name) values (3, 'c')`, ['c', 'c']],
        [`insert into users (id, name, full_name) values (4, 'd', 'c')`, ['c', 'c']],
      ],
    ],
  ])('a default counts as left out: %s', async (_what, of, story) => {
    const rowAfter = await kept(IDENTITY, of)
    await tell(rowAfter, story)
  })

  test('the error says which table and column it is about, and what to do', async () => {
    const database = await testDatabase(SETUP)
    const body = bodyOf(dualWrite(pair()))
    await database.query(installSql({ table: USERS, trigger: 'zzz_t', function: 'f', body }).join(';'))
    await expect(
      database.query(`insert into users (name, full_name) values ('a', 'b')`),
    ).rejects.toMatchObject({
      code: '23000',
      schema: 'public',
      table: 'users',
      column: 'full_name',
      hint: 'Write one of the two; the database fills the other.',
    })
  })

  test('a change that "=" does not see is seen: the scale of a number, the white space of a JSON text', async () => {
    const { query } = await testDatabase(
      `create schema bellows; create table public.users (id integer, a numeric, b numeric, c json, d json)`,
    )
    const keep = async (one: string, other: string, of: string) =>
      query(
        installSql({
          table: USERS,
          trigger: `zzz_${one}`,
          function: `f_${one}`,
          body: bodyOf(dualWrite(pair({ from: one, to: other, fromColumn: column(one, of) }))),
        }).join(';'),
      )
    await keep('a', 'b', 'numeric')
    await keep('c', 'd', 'json')
    await query(`insert into users (id, a, c) values (1, 1.0, '{"x": 1}')`)
    await query(`update users set a = 1.00, d = '{"x":  1}'`)
    expect(await query('select a::text, b::text, c::text, d::text from users')).toEqual([
      { a: '1.00', b: '1.00', c: '{"x":  1}', d: '{"x":  1}' },
    ])
  })

  test('the body of any pair of names is one that the server takes', async () => {
    const names = ['a', 'say "x"', "it's", 'back\\slash', '$$', 'per%cent', 'new', 'old', 'tg_op', 'ü']
    const { query } = await testDatabase('create schema bellows')
    for (const [at, name] of names.entries()) {
      const other = names[(at + 1) % names.length] ?? ''
      const table = { namespace: 'public', name: `t ${name}` }
      await query(
        sql`create table ${qualified(table)} (${id(name)} text default ${lit(name)}, ${id(other)} text)`,
      )
      const of = column(name, 'text', { default: lit(name) })
      const body = bodyOf(dualWrite(pair({ table, from: name, to: other, fromColumn: of })))
      for (const statement of installSql({ table, trigger: 'zzz_t', function: `f ${name}`, body })) {
        await query(statement)
      }
      await query(sql`insert into ${qualified(table)} (${id(other)}) values ('v')`)
      expect(await query(sql`select ${id(name)} as a, ${id(other)} as b from ${qualified(table)}`)).toEqual([
        { a: 'v', b: 'v' },
      ])
      await expect(query(sql`insert into ${qualified(table)} values ('v', 'w')`)).rejects.toThrow(
        'do not agree',
      )
    }
  })
})
