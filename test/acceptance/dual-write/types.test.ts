import { describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import {
  bare,
  type Cells,
  expectInserts,
  expectUpdates,
  MAPPINGS,
  makePair,
  migration,
  rename,
  TWO_VALUES,
} from './support.ts'
import { type Ways, waysOf } from './ways.ts'

interface Kind {
  readonly type: string
  /** Makes what the type needs; false where the server lacks it. */
  readonly needs?: (database: TestDatabase) => Promise<boolean>
  /** As text: a value, one that the type takes for the same where it has an equality, and another. */
  readonly value: string
  readonly twin: string
  readonly other: string
}

const made = (statement: string) => async (database: TestDatabase) => {
  await database.query(statement)
  return true
}
const available =
  (view: string, statement: string) =>
  async (database: TestDatabase): Promise<boolean> => {
    const [found] = await database.query(`select from ${view}`)
    return found !== undefined && made(statement)(database)
  }

const KINDS: readonly Kind[] = [
  { type: 'numeric', value: '1.0', twin: '1.00', other: '2' },
  { type: 'text', value: 'a', twin: 'a ', other: 'b' },
  { type: 'varchar(5)', value: 'a', twin: 'a ', other: 'b' },
  { type: 'char(3)', value: 'a', twin: 'b', other: 'c' },
  { type: 'json', value: '{"a":1}', twin: '{"a": 1}', other: '[]' },
  { type: 'jsonb', value: '{"a": 1.0}', twin: '{"a": 1.00}', other: '[]' },
  {
    type: 'xml',
    value: '<a/>',
    twin: '<a />',
    other: '<b/>',
    needs: async (database) => {
      const read = await database.query(`select '<a/>'::xml`).catch(() => [])
      return read.length > 0
    },
  },
  { type: 'float8', value: '0', twin: '-0', other: 'NaN' },
  { type: 'float4', value: '-0', twin: '0', other: 'Infinity' },
  { type: 'interval', value: '1 day', twin: '24:00:00', other: '1 mon' },
  { type: 'numeric[]', value: '{1.0}', twin: '{1.00}', other: '{NULL,2}' },
  { type: 'text[]', value: '{a}', twin: '[0:0]={a}', other: '{}' },
  { type: 'json[]', value: '{"{\\"a\\":1}"}', twin: '{"{\\"a\\": 1}"}', other: '{null}' },
  { type: 'point', value: '(0,0)', twin: '(-0,0)', other: '(1,2)' },
  { type: 'box', value: '(1,1),(0,0)', twin: '(2,0.5),(1,-0.5)', other: '(3,3),(0,0)' },
  {
    type: 'timestamptz',
    value: '2001-01-01 00:00:00+00',
    twin: '2001-01-01 00:00:00.000001+00',
    other: 'infinity',
  },
  { type: 'bytea', value: '\\x00', twin: '\\x0000', other: '\\x' },
  { type: 'bit varying', value: '1', twin: '10', other: '0' },
  { type: 'tsvector', value: `'a':1`, twin: `'a':1A`, other: `'b'` },
  { type: 'int4range', value: '[1,3)', twin: '[1,4)', other: 'empty' },
  { type: 'numrange', value: '[1.0,2)', twin: '[1.00,2)', other: '(,)' },
  { type: 'inet', value: '10.0.0.0/8', twin: '10.0.0.0/9', other: '::1' },
  {
    type: 'mood',
    value: 'good',
    twin: 'bad',
    other: 'odd',
    needs: made(`create type mood as enum ('good', 'bad', 'odd')`),
  },
  {
    type: 'citext',
    value: 'a',
    twin: 'A',
    other: 'b',
    needs: available(`pg_available_extensions where name = 'citext'`, 'create extension citext'),
  },
  {
    type: 'text collate blind',
    value: 'a',
    twin: 'Á',
    other: 'b',
    needs: available(
      `pg_collation where collprovider = 'i'`,
      `create collation blind (provider = icu, locale = 'und-u-ks-level1', deterministic = false)`,
    ),
  },
]

/** How a value gets in makes no difference to its type beyond whether it comes as text. */
function only({ toInsert, toUpdate }: Ways): Ways {
  const some = (ways: Ways['toInsert'], names: readonly string[]) =>
    Object.fromEntries(Object.entries(ways).filter(([name]) => names.includes(name)))
  return {
    toInsert: some(toInsert, ['INSERT', 'INSERT with parameters', 'COPY of two rows']),
    toUpdate: some(toUpdate, ['UPDATE', 'upsert that updates']),
  }
}

describe('a change that the equality of the type does not see', () => {
  test.for(KINDS)('goes over to the other column: $type', async (kind, context) => {
    const database = await testDatabase()
    if (kind.needs !== undefined && !(await kind.needs(database))) return context.skip('the server lacks it')
    const { type, value, twin, other } = kind
    const seen = async (text: string) => {
      const [row] = await database.query<{ shown: string }>(
        `select quote_literal($1::text::${bare(type)}) as shown`,
        [text],
      )
      return row?.shown ?? 'null'
    }
    const both = async (text: string) => `${await seen(text)} | ${await seen(text)}`
    const { toInsert, toUpdate } = only(await waysOf(database))
    expect(await seen(value), 'the two can be told apart').not.toBe(await seen(twin))

    await expectInserts(
      await makePair(database, { mapping: MAPPINGS.lossless, type }),
      [
        [{ name: value }, await both(value)],
        [{ full_name: twin }, await both(twin)],
        [{ name: value, full_name: value }, await both(value)],
        [{ name: value, full_name: twin }, TWO_VALUES],
        [{ name: value, full_name: other }, TWO_VALUES],
        [{ name: null, full_name: other }, await both(other)],
      ],
      toInsert,
    )
    const inStep: Cells = [
      [{}, await both(value)],
      [{ name: twin }, await both(twin)],
      [{ full_name: twin }, await both(twin)],
      [{ name: other }, await both(other)],
      [{ full_name: other }, await both(other)],
      [{ full_name: null }, 'null | null'],
      [{ name: twin, full_name: value }, await both(twin)],
      [{ name: value, full_name: twin }, await both(twin)],
      [{ name: twin, full_name: twin }, await both(twin)],
      [{ name: twin, full_name: other }, TWO_VALUES],
      [{ name: value, full_name: value }, await both(value)],
    ]
    const unfilled: Cells = [
      [{}, await both(value)],
      [{ full_name: twin }, await both(twin)],
    ]
    const diverged: Cells = [[{}, `${await seen(value)} | ${await seen(twin)}`]]
    await expectUpdates(
      await makePair(database, { mapping: MAPPINGS.lossless, type }),
      [
        [[value, value], inStep],
        [[value, null], unfilled],
        [[value, twin], diverged],
      ],
      toUpdate,
    )
  })

  test('does not go unnoticed where there is none: char(n) pads both sides to one value', async () => {
    const database = await testDatabase()
    await expectUpdates(
      await makePair(database, { mapping: MAPPINGS.lossless, type: 'char(3)' }),
      [
        [
          ['a', 'a'],
          [
            [{ name: 'b', full_name: 'b  ' }, "'b' | 'b'"],
            [{ name: 'a  ', full_name: 'c' }, "'c' | 'c'"],
            [{ full_name: 'a ' }, "'a' | 'a'"],
          ],
        ],
      ],
      (await waysOf(database)).toUpdate,
    )
  })

  test('counts in the verification, too', async () => {
    const database =
      await testDatabase(`create table people (id integer primary key, name numeric, full_name numeric);
      insert into people values (1, 1.0, 1.0), (2, 2.0, 2.00), (3, 3.0, null)`)
    const bellows = await database.bellows()

    await expect(
      bellows.change((driver) => driver.advance(migration(rename()), 'verify')),
    ).rejects.toMatchObject({ code: 'verification_failed', facts: { diverged_rows: 1, samples: ['id=2'] } })
  })

  test('is seen in values that are stored out of line', async () => {
    const database =
      await testDatabase(`create table people (id integer primary key, seen integer, name text);
      insert into people select 1, 0, string_agg(md5(i::text), '') from generate_series(1, 5000) i`)
    const bellows = await database.bellows()
    await bellows.change((driver) => driver.advance(migration(rename()), 'verify'))
    await database.query(`update people set full_name = full_name || '.'`)
    await database.query(`update people set name = name || '.'; update people set seen = 1`)

    expect(
      await database.query(
        'select right(name, 3) = right(full_name, 3) as same, name = full_name as equal, length(name) from people',
      ),
    ).toEqual([{ same: true, equal: true, length: 160_002 }])
  })
})

describe('a default of any type', () => {
  test.for([
    ['char(3)', "'d'", 'a'],
    ['varchar(3)', "'d'", 'a'],
    ['numeric(4,1)', '1.25', '2'],
    ['json', `'{"a": 1}'`, '[]'],
    ['date', 'now()', '2001-01-01'],
    ['timestamp(0)', 'localtimestamp', '2001-01-01'],
    ['float8', `'-0'`, '0'],
    ['text', 'current_user', 'a'],
    ['text', 'null', 'a'],
    ['integer[]', `'{1}'`, '{2}'],
  ] as const)('is told from a value: %s default %s', async ([type, expression, value]) => {
    const database = await testDatabase(
      `create table people (id integer primary key, name ${type} default ${expression})`,
    )
    const bellows = await database.bellows()
    await bellows.change((driver) => driver.advance(migration(rename()), 'expand'))
    await database.query(
      `insert into people (id) values (1); insert into people (id, full_name) values (2, '${value}')`,
    )

    expect(
      await database.query(
        `select id, name::text = full_name::text as same, full_name::text = '${value}'::${type}::text as given from people order by id`,
      ),
    ).toEqual([
      { id: 1, same: expression === 'null' ? null : true, given: expression === 'null' ? null : false },
      { id: 2, same: true, given: true },
    ])
  })
})
