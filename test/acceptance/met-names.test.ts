import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const GIVEN = `create schema app; create schema old; create table old.orders (id int); create table old.notes (id int);
  create table app.parts (at date) partition by range (at); create table app.things (id int);`
const made = (namespace: string, table: string): Operation => ({
  kind: 'create_table',
  namespace,
  table,
  columns: [{ name: 'id', type: 'integer', nullable: true }],
  constraints: [],
})

async function told(database: TestDatabase, operation: Operation): Promise<readonly string[]> {
  const bellows = await database.bellows()
  const { steps } = await bellows.plan({ name: '0001_test', operations: [operation] })
  return steps.flatMap(({ hazards }) =>
    hazards.filter(({ code }) => code === 'may_break').map(({ because }) => because),
  )
}

const path = (role: string, value: string) =>
  `do $$ begin execute format('alter role %I in database %I set search_path = ${value}', ${role}, current_database()); end $$;`
const NEW_ONE = `means the new one from this step on, and old.orders no longer: the search_path of the role`

describe('a new name that another namespace has', () => {
  test.each<[string, Operation]>([
    ['of a table', made('app', 'orders')],
    [
      'of a view',
      { kind: 'create_object', namespace: 'app', definition: 'create view app.orders as select 1 as one' },
    ],
    ['of a renamed table', { kind: 'rename_table', namespace: 'app', table: 'things', to: 'orders' }],
    [
      'of a partition',
      {
        kind: 'create_table',
        namespace: 'app',
        table: 'orders',
        columns: [],
        constraints: [],
        partitionOf: { table: 'parts', bounds: `for values from ('2020-01-01') to ('2021-01-01')` },
      },
    ],
  ])('is told where a search_path has both: %s', async (_what, operation) => {
    const database = await testDatabase(GIVEN, path('current_user', '"app", old'))
    await database.query('set search_path = app, old; insert into orders values (1)')
    const found = await told(database, operation)
    expect(found.filter((one) => one.includes(NEW_ONE))).toHaveLength(1)
    expect(found.find((one) => one.includes(NEW_ONE))).toMatch(/search_path of the role \S+ is app, old\.$/)
  })

  test('is told where the statements of the new version would go on to mean the other one', async () => {
    const database = await testDatabase(GIVEN, path('current_user', 'old, app'))
    expect(await told(database, made('app', 'orders'))).toEqual([
      expect.stringContaining(
        '"orders" without its namespace goes on to mean old.orders, and not the new one',
      ),
    ])
  })

  test('is nothing to tell where no search_path has both, or no other namespace has the name', async () => {
    const database = await testDatabase(GIVEN, path('current_user', 'app, "OLD"'))
    expect(await told(database, made('app', 'orders'))).toEqual([])
    expect(await told(database, made('app', 'invoices'))).toEqual([])
  })
})

describe('a new column with the name of a variable', () => {
  const add: Operation = {
    kind: 'add_column',
    namespace: 'app',
    table: 'things',
    column: 'slug',
    type: 'text',
    nullable: true,
  }
  const body = (name: string, head: string, text: string) =>
    `create function app.${name} language plpgsql as $$ ${head} begin ${text} end $$;`
  const FUNCTIONS = [
    body(
      'by_argument(slug text) returns int',
      '',
      'return (select count(*) from app.things where slug is not null);',
    ),
    body(
      'by_variable() returns int',
      'DECLARE n int; Slug text;',
      'return (select count(*) from app.things where Slug is null);',
    ),
    body(
      'chosen(slug text) returns int',
      '#variable_conflict use_variable',
      'return (select count(*) from app.things where slug is null);',
    ),
    body(
      'of_another(slug text) returns int',
      '',
      'return (select count(*) from old.orders where slug is null);',
    ),
    body('without() returns int', '', 'return (select count(*) from app.things);'),
  ].join(' ')

  test('is told, because queries of the function fail from then on', async () => {
    const database = await testDatabase(GIVEN, FUNCTIONS)
    await database.query(`select app.by_argument('x'), app.by_variable(), app.chosen('x')`)
    const found = await told(database, add)
    expect(found).toEqual([
      expect.stringMatching(
        /^The function app\.by_argument\(text\) names "things" and has a variable "slug"/,
      ),
      expect.stringMatching(/^The function app\.by_variable\(\) names/),
    ])
    const bellows = await database.bellows()
    await bellows.change((driver) => driver.advance({ name: '0001_test', operations: [add] }, 'expand'))
    for (const call of [`by_argument('x')`, 'by_variable()'])
      await expect(database.query(`select app.${call}`)).rejects.toMatchObject({ code: '42702' })
    await database.query(`select app.chosen('x')`)
  })
})
