import { describe, expect, test } from 'vitest'
import { agreementOf } from './agreement.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import type { Twin } from './twins.ts'

const TWIN: Twin = {
  tables: [{ namespace: 'public', name: 'users' }],
  olds: [{ name: 'age', hidden: 'old age' }],
  news: [{ until: 'twin', name: 'age' }],
  up: ['(age::integer)::text'],
  down: ['(age::text)::text'],
  isKept: true,
}
const MOVED: Twin = {
  tables: [TWIN.tables[0], { namespace: 'public', name: 'profiles' }],
  on: 'old_row.id = new_row.user_id',
  olds: [{ name: 'age', hidden: '' }],
  news: [{ until: 'years', name: 'years' }],
  up: ['age::text'],
  isKept: false,
}
const SEEN = 'create table users (id integer, age text, twin integer);'
const HIDDEN = 'create table users (id integer, "old age" text, age integer);'
const BOTH = 'create table users (id integer, age text); create table profiles (user_id integer, years text);'

describe('the agreement of old and new', () => {
  test.for<[string, string, Twin, 'seen' | 'hidden']>([
    ['of a value that comes of the old', `${SEEN} insert into users values (1, ' 4', 4)`, TWIN, 'seen'],
    [
      'while it is hidden',
      `${HIDDEN} insert into users values (1, ' 4', 4), (2, null, null)`,
      TWIN,
      'hidden',
    ],
    [
      'of two tables',
      `${BOTH} insert into users values (1, '4'); insert into profiles values (1, '4')`,
      MOVED,
      'seen',
    ],
  ])('is found: %s', async ([, given, twin, must]) => {
    const { watch } = await agreementOf(await testDatabase(given), [twin])
    expect(await watch('all')(must)).toEqual([])
  })

  test.for<[string, string, Twin]>([
    ['seen', `${SEEN} insert into users values (1, '4', 5)`, TWIN],
    ['seen', `${SEEN} insert into users values (1, '4', null)`, TWIN],
    ['hidden', `${HIDDEN} insert into users values (1, '4', 5)`, TWIN],
    ['seen', `${BOTH} insert into users values (1, '4'); insert into profiles values (1, '5')`, MOVED],
  ])('is missed while the old is %s: %s', async ([when, given, twin]) => {
    const { watch } = await agreementOf(await testDatabase(given), [twin])
    const [wrong] = await watch('all')()
    expect(wrong).toContain(`old and new disagree while the old is ${when}: {"id": 1`)
  })

  test('is asked of a row that is not filled yet when all are to be', async () => {
    const { watch } = await agreementOf(
      await testDatabase(`${SEEN} insert into users values (1, '4', null)`),
      [TWIN],
    )
    expect(await watch('filled')('seen')).toEqual([])
    expect(await watch('all')('seen')).not.toEqual([])
  })

  test('is of nothing where one of the two is not there, and that is told where both must be', async () => {
    const { watch } = await agreementOf(await testDatabase('create table users (id integer, age text)'), [
      TWIN,
    ])
    expect(await watch('all')()).toEqual([])
    expect(await watch('all')('seen')).toEqual([expect.stringContaining('there are no two of them')])
    expect(await watch('all')('hidden')).toEqual([expect.stringContaining('no hidden column is there')])
  })

  test('is that of a table by whatever name it has', async () => {
    const database = await testDatabase(`${SEEN} insert into users values (1, '4', 5)`)
    const { watch } = await agreementOf(database, [TWIN])
    await renamed(database, 'users', 'people')
    expect(await watch('all')('seen')).toEqual([expect.stringContaining('disagree')])
    await renamed(database, 'people', 'users')
    await database.query('create view people as select 1 as age, 2 as twin; update users set twin = 4')
    expect(await watch('all')('seen')).toEqual([])
  })
})

async function renamed(database: TestDatabase, from: string, to: string): Promise<void> {
  await database.query(`alter table ${from} rename to ${to}`)
}
