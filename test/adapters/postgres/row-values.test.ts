import { describe, expect, test } from 'vitest'
import { introspect } from '../../../src/adapters/postgres/introspect.ts'
import { openSessions } from '../../../src/adapters/postgres/sessions.ts'
import { needsOf } from '../../../src/core/plan/needs.ts'
import { type RowValue, valueKey } from '../../../src/core/schema/facts.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../../support/database.ts'

const USERS = { namespace: 'public', name: 'Users' }
const GIVEN = `create table "Users" (id integer primary key, "Full Name" text not null, made text generated always as ('x') stored);
  insert into "Users" values (1, 'Ada');
  create table other (id integer);
  create schema app; create function app.slug(text) returns text immutable language sql as $$ select lower($1) $$;
  create function app.touched() returns text volatile language plpgsql as $$ begin insert into other values (1); return 'x'; end $$;
  create sequence numbers`

const value = (expression: string, as: RowValue['as'] = 'row', type = 'text'): RowValue => ({
  table: USERS,
  expression,
  fits: { type },
  as,
})

async function asked(database: TestDatabase, need: RowValue) {
  const sessions = openSessions({ url: database.url, application: 'bellows/test' })
  cleanUp(() => sessions.close())
  const needs = {
    ...needsOf({ name: 'nothing', operations: [] }),
    tables: [{ ...USERS, columns: [] }],
    values: [need],
  }
  return (await introspect(sessions, needs)).facts.values[valueKey(need)]
}

describe('what the server makes of the value of a column', () => {
  test.for<readonly [RowValue, string]>([
    [value('lower("Full Name")'), 'lower("Full Name")'],
    [value(`"Users"."Full Name" || id`), '("Full Name" || id)'],
    [value('app.slug("Full Name")'), 'app.slug("Full Name")'],
    // That a trigger does not see it is for the planner to say.
    [value('made'), 'made'],
    [value('gen_random_uuid()', 'default', 'uuid'), 'gen_random_uuid()'],
    [value(`nextval('public.numbers')`, 'default', 'bigint'), "nextval('public.numbers'::regclass)"],
    [value('app.touched()', 'default'), 'app.touched()'],
  ])('is read as the server prints it: %s', async ([need, text]) => {
    expect(await asked(await testDatabase(GIVEN), need)).toEqual({ text })
  })

  test.for<readonly [string, RowValue, string]>([
    ['is not immutable', value('"Full Name" || now()'), 'not immutable'],
    ['names no column', value('name'), 'column "name" does not exist'],
    ['reads another table', value('(select id::text from other)'), 'subquery'],
    ['names a function without its namespace', value('slug("Full Name")'), 'does not exist'],
    ['fits another type', value('"Full Name"', 'row', 'integer'), 'integer'],
    ['gives many', value('generate_series(1, 2)', 'row', 'integer'), 'set-returning'],
  ])('is a problem when it %s', async ([, need, problem]) => {
    const found = await asked(await testDatabase(GIVEN), need)
    expect(found !== undefined && 'problem' in found ? found.problem.toLowerCase() : '').toContain(
      problem.toLowerCase(),
    )
  })

  test('is found without a trace: no table, no number taken, nothing called', async () => {
    const database = await testDatabase(GIVEN)
    await asked(database, value('app.touched()', 'default'))
    await asked(database, value(`nextval('public.numbers')`, 'default', 'bigint'))
    await asked(database, value('lower("Full Name")'))

    expect(await database.query('select * from other')).toEqual([])
    expect(await database.query('select is_called from numbers')).toEqual([{ is_called: false }])
    expect(await database.query(`select relname from pg_class where relpersistence = 't'`)).toEqual([])
    expect(await database.query(`select attname from pg_attribute where attname = 'bellows_value'`)).toEqual(
      [],
    )
  })

  test('fits the type of a column that is there', async () => {
    const database = await testDatabase(GIVEN)
    const need: RowValue = { table: USERS, expression: 'id + 1', fits: { column: 'id' }, as: 'row' }
    expect(await asked(database, need)).toEqual({ text: '(id + 1)' })
  })
})
