import { expect, test } from 'vitest'
import type { Migration, Notice, Operation } from '../../src/index.ts'
import { catalog, traces } from '../support/catalog.ts'
import { shopDatabase, type TestDatabase, testDatabase } from '../support/database.ts'

/** Rows that a mapping has no value for are named before anything is changed. */

const on = (table: string) => ({ namespace: 'public', table })
const migration = (...operations: readonly Operation[]): Migration => ({ name: '0001_test', operations })

async function begun(
  database: TestDatabase,
  operations: readonly Operation[],
  onBadRow: 'stop' | 'quarantine' = 'stop',
) {
  const heard: Notice[] = []
  const bellows = await database.bellows({
    settings: { batch: { onBadRow }, gate: { whenNoneRegistered: 'allow', reason: 'a test' } },
    onNotice: (notice) => heard.push(notice),
  })
  const advance = (phase: 'expand' | 'verify') =>
    bellows.change((driver) => driver.advance(migration(...operations), phase))
  return { bellows, advance, heard: () => heard.filter(({ type }) => type === 'partly_tried') }
}

const ROWS = 2_000
/** Wide enough for several stretches of pages. */
const ORDERS = `create table orders (id int primary key, pad text default repeat('x', 500), said text, code text, note text not null);
  insert into orders (id, said, code, note) select i, i, left(md5(i::text), 3), 'note ' || i from generate_series(1, ${ROWS}) i;`
const BAD = `update orders set said = 'abc' where id = 7; update orders set said = '99999999999' where id = ${ROWS};
  update orders set code = 'long%' where id = 8; update orders set note = '' where id = 1000;`
const CHANGES: readonly Operation[] = [
  {
    kind: 'rename_column',
    ...on('orders'),
    from: 'said',
    to: 'number',
    type: 'integer',
    up: 'said::integer',
    down: 'number::text',
  },
  { kind: 'add_column', ...on('orders'), column: 'short', type: 'varchar(3)', nullable: true, up: 'code' },
  {
    kind: 'change_type',
    ...on('orders'),
    column: 'note',
    nullable: false,
    up: `nullif(note, '')`,
    down: 'note',
  },
]

test('each is named with why, by whoever owns the table, and nothing is left behind', async () => {
  const database = await shopDatabase(ORDERS, BAD)
  const before = await catalog(database)
  const { bellows, advance, heard } = await begun(database, CHANGES)
  const error = await advance('expand').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'rows_in_the_way', message: expect.stringContaining('"orders"') })
  const { rows, because } = (error as { facts: { rows: { id: number }[]; because: string[] } }).facts
  const found = Object.fromEntries(rows.map((row, at) => [row.id, [row, because[at]]]))
  expect(found).toEqual({
    7: [expect.objectContaining({ said: 'abc' }), 'invalid input syntax for type integer: "abc"'],
    8: [expect.objectContaining({ code: 'long%' }), 'value too long for type character varying(3)'],
    1000: [expect.anything(), '"note" would be NULL, and is to be NOT NULL'],
    [ROWS]: [expect.anything(), 'value "99999999999" is out of range for type integer'],
  })
  expect(await bellows.runs()).toEqual([])
  expect(await catalog(database)).toEqual(before)
  expect(await traces(database)).toEqual([])

  await database.query(
    `update orders set said = id, code = 'abc', note = 'a note' where id in (7, 8, 1000, ${ROWS})`,
  )
  expect((await advance('verify')).state).toBe('verifying')
  expect(heard()).toEqual([])
})

test('whoever leaves out rows that fail is stopped by a NULL alone, and a run that was begun by none', async () => {
  const database = await testDatabase(ORDERS, BAD)
  const { bellows, advance } = await begun(database, CHANGES, 'quarantine')
  await expect(advance('expand')).rejects.toMatchObject({
    code: 'rows_in_the_way',
    facts: { rows: [expect.objectContaining({ id: 1000 })] },
  })
  await database.query(`update orders set note = 'a note' where id = 1000`)
  const { id } = await advance('expand')
  await expect(advance('verify')).rejects.toMatchObject({
    code: 'rows_quarantined',
    facts: { quarantined_rows: 3 },
  })
  await bellows.change((driver) => driver.rollback(id))
})

test('partitions are looked at as one table, and all that a row is split into', async () => {
  const database = await testDatabase(`
    create table people (id int, name text not null, primary key (id)) partition by range (id);
    create table people_a partition of people for values from (0) to (100);
    create table people_b (name text not null, id int not null);
    alter table people attach partition people_b for values from (100) to (1000);
    insert into people select i, 'Ada L' || i from generate_series(1, 200) i; update people set name = 'Ada' where id in (50, 150)`)
  const split: Operation = {
    kind: 'split_column',
    ...on('people'),
    from: 'name',
    to: [
      { name: 'first', type: 'text', nullable: false, up: `split_part(name, ' ', 1)` },
      { name: 'last', type: 'text', nullable: false, up: `nullif(split_part(name, ' ', 2), '')` },
    ],
    down: `first || ' ' || last`,
  }
  const { advance } = await begun(database, [split])
  const error = (await advance('expand').catch((thrown: unknown) => thrown)) as { facts: { rows: unknown[] } }
  expect(error).toMatchObject({ code: 'rows_in_the_way' })
  expect(error.facts.rows).toHaveLength(2)
  expect(error.facts.rows).toEqual(expect.arrayContaining([50, 150].map((id) => ({ id, name: 'Ada' }))))
  expect(error).toMatchObject({
    facts: { because: Array(2).fill('"last" would be NULL, and is to be NOT NULL') },
  })
})

test('a table that takes long is tried for a moment only, and that is said', async () => {
  const database = await testDatabase(
    ORDERS,
    `create function public.slow(said text) returns int immutable language plpgsql as $$ begin perform pg_sleep(0.02); return said::int; end $$;`,
  )
  const { advance, heard } = await begun(database, [
    {
      kind: 'add_column',
      ...on('orders'),
      column: 'number',
      type: 'int',
      nullable: true,
      up: 'public.slow(said)',
    },
  ])
  expect((await advance('expand')).state).toBe('expanding')
  expect(heard()).toMatchObject([
    { table: 'orders', because: expect.stringMatching(/^those of \d+ of its \d+ pages/) },
  ])
  await advance('expand')
  expect(heard(), 'the run was begun by then').toHaveLength(1)
})
