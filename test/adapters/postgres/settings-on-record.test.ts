import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { testDatabase } from '../../support/database.ts'

const SHOP = `
create table users (id int primary key, name text, age int, note text);
alter table users alter note set statistics 100, alter note set storage external, alter note set compression pglz;
comment on table users is 'people'; comment on column users.note is 'what they say';
create function apart(a time, b time) returns float8 language sql immutable as 'select extract(epoch from a - b)::float8';
create type hours as range (subtype = time, subtype_diff = apart);
create type words as range (subtype = text, collation = "C", subtype_opclass = text_pattern_ops);
revoke usage on type words from public; create table shifts (id int primary key, at hours)`

/** A shop with its schema on record, and what differs of it. */
async function recorded() {
  const database = await testDatabase(SHOP)
  const bellows = await database.bellows({
    settings: { gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' } },
  })
  await bellows.change((driver) => driver.setBaseline({}))
  const drift = async () => {
    const { differences } = await bellows.drift()
    return differences.map((one) => [
      `${one.kind} ${one.relation} ${one.name}`.trim(),
      one.recorded,
      one.found,
    ])
  }
  return { database, bellows, drift }
}

const NOTE = 'statistics 100 storage external compression pglz'
const HOURS = 'range of time without time zone difference public.apart, multirange public.hours_multirange'
const WORDS = 'range of text collate "C" by pg_catalog.text_pattern_ops, multirange public.words_multirange'

const HANDS: readonly (readonly [string, string, unknown, unknown])[] = [
  ['alter table users alter name set statistics 500', 'column settings users name', null, 'statistics 500'],
  ['alter table users alter name set statistics 0', 'column settings users name', null, 'statistics 0'],
  ['alter table users alter name set storage main', 'column settings users name', null, 'storage main'],
  [
    'alter table users alter name set compression pglz',
    'column settings users name',
    null,
    'compression pglz',
  ],
  [
    'alter table users alter age set (n_distinct = 5)',
    'column settings users age',
    null,
    'with (n_distinct=5)',
  ],
  [
    'alter table users alter note set statistics -1',
    'column settings users note',
    NOTE,
    'storage external compression pglz',
  ],
  [
    'alter table users alter note set statistics -1, alter note set storage extended, alter note set compression default',
    'column settings users note',
    NOTE,
    null,
  ],
  [`comment on table users is 'customers'`, 'table comment users', 'people', 'customers'],
  ['comment on table users is null', 'table comment users', 'people', null],
  [`comment on column users.name is 'in full'`, 'column comment users name', null, 'in full'],
  ['alter table users drop note', 'column users note', 'text', null],
  [
    'alter type hours_multirange rename to spans',
    'type hours',
    HOURS,
    HOURS.replace('hours_multirange', 'spans'),
  ],
  ['drop type words', 'type words', WORDS, null],
  [
    'create type numbers as range (subtype = int)',
    'type numbers',
    null,
    expect.stringMatching('^range of integer, '),
  ],
  [
    'grant usage on type words to public',
    'type rights words',
    'owner postgres',
    'owner postgres, USAGE to public',
  ],
]

describe('what a column has beside its type, comments and range types', () => {
  test.each(HANDS)('changed by hand are told: %s', async (statement, place, before, after) => {
    const { database, bellows, drift } = await recorded()
    expect(await drift()).toEqual([])
    await database.query(statement)
    expect(await drift()).toEqual([[place, before, after]])
    await bellows.change((driver) => driver.setBaseline({}))
    expect(await drift()).toEqual([])
  })

  test('go with a table that is new, or has gone', async () => {
    const { database, drift } = await recorded()
    await database.query(
      `create table other (like users including all); drop table users; comment on table other is 'x'`,
    )
    expect(await drift()).toEqual([
      ['table other', null, 'table'],
      ['table users', 'table', null],
    ])
  })

  test('keep their record under the name that a run gives the column, and the table', async () => {
    const { database, bellows, drift } = await recorded()
    await database.query(
      `alter table users alter note set statistics 7; comment on column users.note is 'x'; comment on table users is 'y'`,
    )
    const users = { namespace: 'public', table: 'users' }
    const run = (name: string, operation: Operation) =>
      bellows.change((driver) => driver.advance({ name, operations: [operation] }, 'purge'))
    await run('0001_test', { kind: 'rename_column', ...users, from: 'note', to: 'remark' })
    await run('0002_test', { kind: 'rename_table', ...users, to: 'people' })
    expect(await drift()).toEqual([
      ['table comment people', 'people', 'y'],
      ['column comment people remark', 'what they say', 'x'],
      ['column settings people remark', NOTE, NOTE.replace('100', '7')],
    ])
  })

  test('that somebody removed by hand are told until a run drops the column', async () => {
    const { database, bellows, drift } = await recorded()
    await database.query(`comment on column users.note is null; comment on table users is null;
      alter table users alter note set statistics -1, alter note set storage extended, alter note set compression default`)
    const told = (await drift()).map(([place]) => place)
    expect(told).toEqual(['table comment users', 'column comment users note', 'column settings users note'])
    const run = (name: string, column: string) =>
      bellows.change((driver) =>
        driver.advance(
          { name, operations: [{ kind: 'drop_column', namespace: 'public', table: 'users', column }] },
          'purge',
        ),
      )
    await run('0001_test', 'age')
    expect((await drift()).map(([place]) => place)).toEqual(told)
    await run('0002_test', 'note')
    expect(await drift()).toEqual([['table comment users', 'people', null]])
  })

  test('that a run sets are on record behind it', async () => {
    const { bellows, drift } = await recorded()
    const users = { namespace: 'public', table: 'users' }
    const operations: Operation[] = [
      { kind: 'set_table', ...users, comment: 'customers', set: {}, reset: [] },
      {
        kind: 'alter_column',
        ...users,
        column: 'name',
        comment: 'in full',
        statistics: 500,
        storage: 'main',
      },
      {
        kind: 'create_object',
        namespace: 'public',
        definition: 'create type spans as range (subtype = int)',
      },
    ]
    await bellows.change((driver) => driver.advance({ name: '0001_test', operations }, 'purge'))
    expect(await drift()).toEqual([])
  })
})
