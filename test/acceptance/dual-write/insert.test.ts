import { describe, expect, test } from 'vitest'
import { testDatabase } from '../../support/database.ts'
import { DATED, INSERTS } from './insert-cells.ts'
import {
  describeError,
  expectInserts,
  MAPPINGS,
  makePair,
  NO_WAY_BACK,
  outcomeOf,
  TWO_VALUES,
} from './support.ts'
import { waysOf } from './ways.ts'

describe('an INSERT of any kind', () => {
  test.for(INSERTS)('%s', async ([, shape, cells]) => {
    const database = await testDatabase('create sequence numbers minvalue 1000')
    await expectInserts(await makePair(database, shape), cells, (await waysOf(database)).toInsert)
  })

  test('reads the keyword DEFAULT as a column that was left out', async () => {
    const pair = await makePair(await testDatabase(), {
      mapping: MAPPINGS.lossless,
      default: [`'d'`, 'stable'],
    })
    await pair.install()
    const insert = (values: string) =>
      outcomeOf(pair, 1, async () => {
        await pair.database.query(`delete from ${pair.table}`)
        await pair.database.query(`insert into ${pair.table} (id, name, full_name) values (1, ${values})`)
      })

    expect(await insert('default, default')).toBe("'d' | 'd'")
    expect(await insert(`default, 'b'`)).toBe("'b' | 'b'")
    expect(await insert(`'a', default`)).toBe("'a' | 'a'")
    expect(await insert('null, default')).toBe('null | null')
  })

  test('of the stable default itself beside a new value counts as left out', async () => {
    const pair = await makePair(await testDatabase(), { ...DATED, mapping: MAPPINGS.lossless })
    await pair.install()
    const row = await outcomeOf(pair, 1, () =>
      pair.database.query(`insert into ${pair.table} (id, name, full_name) values (1, now(), '2002-02-02')`),
    )

    expect(row).toBe('2002-02-02 | 2002-02-02')
  })

  test('is refused with a message for people and facts for programs', async () => {
    const pair = await makePair(await testDatabase(), { mapping: MAPPINGS.lossless })
    await pair.install()
    const failed = await pair.database
      .query(`insert into ${pair.table} (id, name, full_name) values (1, 'a', 'b')`)
      .catch((error: unknown) => error)

    expect(describeError(failed)).toBe(TWO_VALUES)
    expect(failed).toMatchObject({
      code: '23000',
      hint: 'Write one of the two; the database fills the other.',
      schema: pair.table.split('.')[0],
      table: 'people',
      column: 'full_name',
    })
  })

  test('without a way back is refused with the column to write instead', async () => {
    const pair = await makePair(await testDatabase(), { mapping: MAPPINGS.forwardOnly })
    await pair.install()
    const failed = await pair.database
      .query(`insert into ${pair.table} (id, full_name) values (1, 'b')`)
      .catch((error: unknown) => error)

    expect(describeError(failed)).toBe(NO_WAY_BACK)
    expect(failed).toMatchObject({ hint: 'Write "name" until it is removed.', column: 'full_name' })
  })
})
