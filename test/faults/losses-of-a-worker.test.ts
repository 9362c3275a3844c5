import { expect, test } from 'vitest'
import { openBellows } from '../../src/compose.ts'
import { cleanUp, testDatabase } from '../support/database.ts'
import { killedDriver } from './killed-driver.ts'
import { MIGRATION, ROWS, SETTINGS, table, UNLIKE } from './wide-rows.ts'

const settings = { ...SETTINGS, driver: { ...SETTINGS.driver, reconnectsMax: 1 } }

test('a worker whose session ends with each batch does not try for ever', { timeout: 30_000 }, async () => {
  const database = await testDatabase(table())
  await killedDriver(database)
  await database.query(`
create sequence tries;
create function deadly() returns trigger language plpgsql as $$ begin
  perform nextval('public.tries'); perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(1); return new; end $$;
create trigger deadly before update on users for each row when (old.id = ${ROWS}) execute function deadly()`)
  const worker = await database.bellows({ settings })

  await expect(worker.work()).rejects.toMatchObject({ code: 'connection_lost' })
  expect(await database.query('select last_value::int as tries from tries')).toEqual([{ tries: 2 }])

  await database.query('drop trigger deadly on users')
  const driver = await database.bellows({ settings: { ...settings, driver: { staleMs: 100 } } })
  await driver.change((one) => one.advance(MIGRATION, 'backfill'))
  expect(await database.query(UNLIKE)).toEqual([])
})

test('a worker says at once that there is no server where it was sent', { timeout: 5_000 }, async () => {
  const worker = await openBellows({ database: 'postgres://nobody@127.0.0.1:1/nothing' })
  cleanUp(() => worker.close())
  await expect(worker.work()).rejects.toMatchObject({ code: 'database_unreachable' })
})
