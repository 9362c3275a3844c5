import { describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { describeError, MAPPINGS, makePair, migration, type Pair, rename, TWO_VALUES } from './support.ts'
import { copyIn, majorOf } from './ways.ts'

async function pairWith(rows: readonly (readonly [number, string | null, string | null])[]): Promise<Pair> {
  const pair = await makePair(await testDatabase(), { mapping: MAPPINGS.lossless })
  await pair.before(new Map(rows.map(([id, name, fullName]) => [id, [name, fullName] as const])))
  await pair.install()
  return pair
}

const rowsOf = async ({ database, table }: Pair): Promise<string[]> =>
  (
    await database.query<{ row: string }>(
      `select concat_ws(' ', id, quote_nullable(name), quote_nullable(full_name)) as row from ${table} order by id`,
    )
  ).map(({ row }) => row)

describe('RETURNING', () => {
  test('shows the columns as the trigger filled them', async () => {
    const { database, table } = await pairWith([[1, 'a', null]])
    const returned = async (statement: string) =>
      await database.query(`${statement} returning name, full_name`)

    expect(await returned(`insert into ${table} (id, name) values (2, 'b')`)).toEqual([
      { name: 'b', full_name: 'b' },
    ])
    expect(await returned(`insert into ${table} (id, full_name) values (3, 'c')`)).toEqual([
      { name: 'c', full_name: 'c' },
    ])
    expect(await returned(`update ${table} set seen = 1 where id = 1`)).toEqual([
      { name: 'a', full_name: 'a' },
    ])
    expect(await returned(`update ${table} set full_name = 'd' where id = 1`)).toEqual([
      { name: 'd', full_name: 'd' },
    ])
    expect(
      await returned(
        `insert into ${table} (id, name) values (1, 'e') on conflict (id, region) do update set name = excluded.name`,
      ),
    ).toEqual([{ name: 'e', full_name: 'e' }])
  })

  test('hands the filled columns on to the rest of a query', async () => {
    const pair = await pairWith([])
    await pair.database.query(`with made as (insert into ${pair.table} (id, name) values (1, 'a') returning full_name)
      insert into ${pair.table} (id, full_name) select 2, full_name || '!' from made`)

    expect(await rowsOf(pair)).toEqual([`1 'a' 'a'`, `2 'a!' 'a!'`])
  })
})

describe('a statement on many rows', () => {
  test('judges each row by itself', async () => {
    const pair = await pairWith([
      [1, 'a', 'a'],
      [2, 'b', null],
      [3, null, null],
    ])
    await pair.database.query(`update ${pair.table} set name = case id when 1 then 'x' else name end,
      full_name = case id when 2 then 'y' else full_name end`)

    expect(await rowsOf(pair)).toEqual([`1 'x' 'x'`, `2 'y' 'y'`, '3 NULL NULL'])
  })

  test('changes no row when it is refused for one', async () => {
    const pair = await pairWith([
      [1, 'a', 'a'],
      [2, 'b', null],
    ])
    const failed = await pair.database
      .query(`update ${pair.table} set name = 'x', full_name = case id when 1 then 'x' else 'y' end`)
      .catch(describeError)

    expect(failed).toBe(TWO_VALUES)
    expect(await rowsOf(pair)).toEqual([`1 'a' 'a'`, `2 'b' NULL`])
  })

  test('swaps values between rows through either column', async () => {
    const pair = await pairWith([
      [1, 'a', 'a'],
      [2, 'b', null],
    ])
    const swap = (column: string) =>
      pair.database.query(
        `update ${pair.table} t set ${column} = o.name from ${pair.table} o where o.id = 3 - t.id`,
      )

    await swap('full_name')
    expect(await rowsOf(pair)).toEqual([`1 'b' 'b'`, `2 'a' 'a'`])
    await swap('name')
    expect(await rowsOf(pair)).toEqual([`1 'a' 'a'`, `2 'b' 'b'`])
  })

  test('that conflicts and does nothing leaves the row alone', async () => {
    const pair = await pairWith([[1, 'a', null]])
    await pair.database.query(
      `insert into ${pair.table} (id, full_name) values (1, 'x'), (2, 'y') on conflict do nothing`,
    )

    expect(await rowsOf(pair)).toEqual([`1 'a' NULL`, `2 'y' 'y'`])
  })

  test('copied in without a column list takes the columns of before or of after by their number', async () => {
    const pair = await pairWith([])
    const session = await pair.database.session()
    await copyIn(
      session,
      `copy ${pair.table} from stdin`,
      '1\t1\t0\ta\ta\n2\t1\t0\tb\t\\N\n3\t1\t0\t\\N\tc\n',
    )
    expect(await rowsOf(pair)).toEqual([`1 'a' 'a'`, `2 'b' 'b'`, `3 'c' 'c'`])

    const short = await copyIn(session, `copy ${pair.table} from stdin`, '4\t1\t0\ta\n').catch(describeError)
    expect(short).toBe('22P04: missing data for column "full_name"')
    await pair.database.query(`insert into ${pair.table} values (5, 1, 0, 'e')`)
    expect(await rowsOf(pair)).toContain(`5 'e' 'e'`)
  })

  test('of MERGE goes through each of its arms', async (context) => {
    const pair = await pairWith([
      [1, 'a', null],
      [2, 'b', 'b'],
      [3, 'c', null],
      [4, 'd', null],
      [6, 'f', null],
    ])
    const major = await majorOf(pair.database)
    if (major < 15) return context.skip('MERGE came with PostgreSQL 15')
    await pair.database.query(`merge into ${pair.table} t
      using (values (1, 'v'), (2, 'w'), (3, 'x'), (4, 'y'), (5, 'z'), (7, 'u')) s (id, value) on t.id = s.id
      when matched and s.id = 1 then update set name = s.value
      when matched and s.id = 2 then update set full_name = s.value
      when matched and s.id = 3 then delete
      when matched then do nothing
      when not matched and s.id = 5 then insert (id, full_name) values (s.id, s.value)
      when not matched then insert (id, name) values (s.id, s.value)
      ${major < 17 ? '' : 'when not matched by source then update set seen = 1'}`)

    const untouched = major < 17 ? `6 'f' NULL` : `6 'f' 'f'`
    expect(await rowsOf(pair)).toEqual([
      `1 'v' 'v'`,
      `2 'w' 'w'`,
      `4 'd' NULL`,
      `5 'z' 'z'`,
      untouched,
      `7 'u' 'u'`,
    ])
  })
})

describe('a foreign key that acts', () => {
  const actions = 'on update cascade on delete set null'
  const given = `create table teams (id integer primary key); insert into teams values (1), (2), (3);
    create table people (id integer primary key, name integer references teams ${actions});
    insert into people values (1, 1), (2, 2), (3, 3), (4, null)`

  const people = (database: TestDatabase) =>
    database.query('select id, name, full_name from people order by id')

  async function act(database: TestDatabase) {
    await database.query('update teams set id = 10 where id = 1')
    await database.query('delete from teams where id = 2')
    expect(await people(database)).toEqual([
      { id: 1, name: 10, full_name: 10 },
      { id: 2, name: null, full_name: null },
      // Nothing acted on this one.
      { id: 3, name: 3, full_name: expect.toBeOneOf([3, null]) },
      { id: 4, name: null, full_name: null },
    ])
  }

  test('on the old column fills the new one, also in rows made before', async () => {
    const database = await testDatabase(given)
    const bellows = await database.bellows()
    await bellows.change((driver) => driver.advance(migration(rename()), 'expand'))

    await act(database)
  })

  test('on both columns acts once in effect', async () => {
    const database = await testDatabase(given)
    const bellows = await database.bellows()
    await bellows.change((driver) => driver.advance(migration(rename()), 'verify'))
    const keys = await database.query(
      `select from pg_constraint where conrelid = 'people'::regclass and contype = 'f'`,
    )
    expect(keys, 'the old column and the new one').toHaveLength(2)

    await act(database)
    await database.query('update people set full_name = 3 where id = 1')
    await database.query('update teams set id = 30 where id = 3')
    expect(await people(database)).toContainEqual({ id: 1, name: 30, full_name: 30 })
    const missing = await database.query('update people set full_name = 77 where id = 1').catch(describeError)
    expect(missing).toMatch(/^23503: /)
  })

  test('on the new column alone fills the old one', async () => {
    const database = await testDatabase(
      `create table teams (id integer primary key); insert into teams values (1), (2);`,
    )
    const pair = await makePair(database, { mapping: MAPPINGS.lossless, type: 'integer' })
    await pair.install()
    await database.query(`alter table ${pair.table} add foreign key (full_name) references teams ${actions};
      insert into ${pair.table} (id, name) values (1, 1), (2, 2);
      update teams set id = 10 where id = 1; delete from teams where id = 2`)

    expect(await rowsOf(pair)).toEqual([`1 '10' '10'`, '2 NULL NULL'])
  })

  test('on the old column whose value has no way back still acts', async () => {
    const database = await testDatabase(
      `create table teams (id bigint primary key); insert into teams values (1), (2);`,
    )
    const pair = await makePair(database, { mapping: MAPPINGS.narrowing, type: 'bigint', toType: 'integer' })
    await database.query(`alter table ${pair.table} add foreign key (name) references teams ${actions}`)
    await pair.before(
      new Map([
        [1, ['1', '1']],
        [2, ['2', null]],
      ]),
    )
    await pair.install()
    await database.query(`update teams set id = 10 where id = 1; update teams set id = 20 where id = 2`)
    expect(await rowsOf(pair)).toEqual([`1 '10' '10'`, `2 '20' '20'`])
    await database.query('delete from teams')
    expect(await rowsOf(pair)).toEqual(['1 NULL NULL', '2 NULL NULL'])
  })
})

describe('in a partitioned table the trigger', () => {
  test('fires always in every partition, also in one that is added later', async () => {
    const pair = await makePair(await testDatabase(), { mapping: MAPPINGS.lossless, partitioned: true })
    await pair.install()
    await pair.database.query(
      `create table later partition of ${pair.table} for values in (3);
       set session_replication_role = replica;
       insert into ${pair.table} (id, region, name) values (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')`,
    )

    expect(await rowsOf(pair)).toEqual([`1 'a' 'a'`, `2 'b' 'b'`, `3 'c' 'c'`])
    const enabled = await pair.database.query(
      `select distinct tgenabled from pg_trigger where tgname = 'zzz_bellows'`,
    )
    expect(enabled).toEqual([{ tgenabled: 'A' }])
  })
})
