import { describe, expect, test } from 'vitest'
import type { RenameColumn } from '../../../src/core/operations/rename/rename.ts'
import type { Phase } from '../../../src/core/plan/step.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { describeError, MAPPINGS, makePair, migration, outcomeOf, rename } from './support.ts'

async function begin(given: string, more: Partial<RenameColumn> = {}) {
  const database = await testDatabase(given)
  const bellows = await database.bellows({ settings: { batch: { rows: 100, verifyRows: 100 } } })
  return {
    database,
    advance: (until: Phase) => bellows.change((driver) => driver.advance(migration(rename(more)), until)),
  }
}

const people = (columns: string, rows: string) =>
  `create table people (id integer primary key, seen integer not null default 0, ${columns}); insert into people (id, name) ${rows}`

/** One figure for all old values, byte by byte, with the rows that are NULL. */
async function fingerprint(database: TestDatabase): Promise<unknown> {
  return database.query(
    `select md5(string_agg(id || ':' || coalesce(encode(convert_to(name::text, 'UTF8'), 'hex'), 'null'), ',' order by id)) as all_names,
       count(*) from people`,
  )
}

const SPACED = people(
  'name text',
  `select i, case i % 7 when 0 then null when 1 then '' when 2 then ' ' else repeat(' ', i % 3) || 'Name ' || i || repeat(' ', i % 5) end
     from generate_series(1, 1000) i`,
)

describe('the backfill', () => {
  test.for([
    ['a copy', SPACED, {}],
    ['trim, which loses blanks', SPACED, { transform: 'trim', overlap: 'forward_only' }],
    ['upper, which loses case', SPACED, { transform: 'upper', overlap: 'forward_only' }],
    [
      'trim of varchar, whose values the function returns as text',
      SPACED.replace('name text', 'name varchar(40)'),
      { transform: 'trim', overlap: 'forward_only' },
    ],
    [
      'a narrower number',
      people('name bigint', 'select i, nullif(i * 1000, 7000) from generate_series(1, 1000) i'),
      { type: 'integer', overlap: 'forward_only' },
    ],
    [
      'a rounded number',
      people('name numeric', 'select i, i::numeric / 7 from generate_series(1, 1000) i'),
      { type: 'numeric(8,2)', overlap: 'forward_only' },
    ],
  ] as const)('leaves every old value byte-identical: %s', async ([, given, more]) => {
    const { database, advance } = await begin(given, more)
    const before = await fingerprint(database)
    await advance('backfill')

    expect(await fingerprint(database)).toEqual(before)
    expect(
      await database.query('select id from people where full_name is null and name is not null'),
    ).toEqual([])
    await advance('verify')
    expect(await fingerprint(database)).toEqual(before)
  })

  test('by the trigger alone leaves old values with a lossy pair, too', async () => {
    const pair = await makePair(await testDatabase(), { mapping: MAPPINGS.lossy })
    await pair.before(new Map([[1, [' a ', null]]]))
    await pair.install()
    const row = await outcomeOf(pair, 1, () =>
      pair.database.query(
        `update ${pair.table} set full_name = pg_catalog.btrim(name) where full_name is null`,
      ),
    )

    expect(row).toBe("' a ' | 'a'")
  })

  test('does not end a write of another column in a row that it has not reached', async () => {
    const { database, advance } = await begin(people('name text', `values (1, 'a'), (2, 'b'), (3, null)`))
    await advance('expand')
    await database.query('update people set seen = 1 where id in (1, 3)')
    const rows = () => database.query('select id, name, full_name from people order by id')

    expect(await rows()).toEqual([
      { id: 1, name: 'a', full_name: 'a' },
      { id: 2, name: 'b', full_name: null },
      { id: 3, name: null, full_name: null },
    ])
    await advance('backfill')
    expect(await rows()).toEqual([
      { id: 1, name: 'a', full_name: 'a' },
      { id: 2, name: 'b', full_name: 'b' },
      { id: 3, name: null, full_name: null },
    ])
  })

  test('names the row whose value does not fit, and goes on when it is corrected', async () => {
    const narrow = { type: 'integer', overlap: 'forward_only' } as const
    const { database, advance } = await begin(
      people(
        'name bigint',
        'select i, case i when 77 then 3000000000 else i end from generate_series(1, 200) i',
      ),
      narrow,
    )
    const lenient = await database.bellows({ settings: { batch: { onBadRow: 'quarantine' } } })
    await lenient.change((driver) => driver.advance(migration(rename(narrow)), 'expand'))
    await expect(advance('backfill')).rejects.toMatchObject({
      code: 'backfill_failed',
      facts: { row: 'id=77' },
    })
    await database.query('update people set name = 77 where id = 77')
    await advance('verify')

    expect(await database.query('select from people where full_name is distinct from name')).toEqual([])
  })
})

describe('rows that differed before the run began', () => {
  const DIVERGED = `create table people (id integer primary key, seen integer not null default 0, name text, full_name text);
    insert into people values (1, 0, 'a', 'a'), (2, 0, 'b', 'B'), (3, 0, null, 'c'), (4, 0, 'd', null), (5, 0, 'e', 'e ')`
  const rowsOf = async (database: TestDatabase) =>
    (
      await database.query<{ row: string }>(
        `select concat_ws(' ', id, quote_nullable(name), quote_nullable(full_name)) as row from people order by id`,
      )
    ).map(({ row }) => row)

  test('are reported, and neither the backfill nor a write of another column touches them', async () => {
    const { database, advance } = await begin(DIVERGED)
    await advance('expand')
    await database.query('update people set seen = seen + 1 where id <> 4')
    const kept = [`1 'a' 'a'`, `2 'b' 'B'`, `3 NULL 'c'`]
    expect(await rowsOf(database)).toEqual([...kept, `4 'd' NULL`, `5 'e' 'e '`])
    await advance('backfill')
    expect(await rowsOf(database)).toEqual([...kept, `4 'd' 'd'`, `5 'e' 'e '`])

    await expect(advance('verify')).rejects.toMatchObject({
      code: 'verification_failed',
      facts: { diverged_rows: 3, unfilled_rows: 0, samples: ['id=2', 'id=3', 'id=5'] },
    })
    await database.query('update people set seen = seen + 1')
    expect(await rowsOf(database)).toEqual([...kept, `4 'd' 'd'`, `5 'e' 'e '`])
  })

  test('fail the verification again until each is decided, and then for good keep to the decision', async () => {
    const { database, advance } = await begin(DIVERGED)
    await expect(advance('verify')).rejects.toMatchObject({ facts: { diverged_rows: 3 } })
    await database.query(`update people set name = 'B' where id = 2`)
    await database.query(`update people set full_name = 'f' where id = 3`)
    await expect(advance('verify')).rejects.toMatchObject({ facts: { diverged_rows: 1, samples: ['id=5'] } })
    await database.query(`update people set name = 'e' || ' ', full_name = 'e ' where id = 5`)
    await advance('verify')

    expect(await rowsOf(database)).toEqual([
      `1 'a' 'a'`,
      `2 'B' 'B'`,
      `3 'f' 'f'`,
      `4 'd' 'd'`,
      `5 'e ' 'e '`,
    ])
    await database.query('update people set seen = seen + 1')
    await database.query('alter table people disable trigger all')
    const past = await database.query(`update people set name = 'x' where id = 1`).catch(describeError)
    expect(past, 'the database keeps the verdict true, also without the trigger').toMatch(/^23514: /)
  })

  test('are told from rows that a lossy pair explains', async () => {
    const { database, advance } = await begin(DIVERGED.replace(`(5, 0, 'e', 'e ')`, `(5, 0, 'e ', 'e')`), {
      transform: 'trim',
      overlap: 'forward_only',
    })
    await expect(advance('verify')).rejects.toMatchObject({
      facts: { diverged_rows: 2, samples: ['id=2', 'id=3'] },
    })

    expect(await rowsOf(database)).toContain(`5 'e ' 'e'`)
  })
})
