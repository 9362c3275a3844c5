import { expect, test } from 'vitest'
import { openBellows } from '../../src/compose.ts'
import { cleanUp } from '../support/database.ts'
import { startPair } from '../support/standby.ts'
import { followed, sessionOf } from '../support/watched-pair.ts'

test('a view that is counted is read on a standby as before, is refused there on trial, and is as it was after a rollback', async () => {
  const pair = await startPair()
  const [primary, standby] = [await sessionOf(pair.primary), await sessionOf(pair.standby)]
  await primary.query(
    'create table users (id int primary key); insert into users select generate_series(1, 20); create view v as select id from users',
  )
  const bellows = await openBellows({ database: pair.primary.url, application: 'bellows/test' })
  cleanUp(() => bellows.close())
  const operations = [{ kind: 'drop_object', namespace: 'public', object: 'view v' }] as const
  const { id } = await bellows.change((driver) => driver.advance({ name: '0001_test', operations }, 'verify'))
  const read = async () => (await standby.query('select count(*)::int as n from v')).rows
  await followed(pair)
  const { rows } = await standby.query(`select pg_get_viewdef('v'::regclass) as text`)
  expect(rows[0].text).toMatch(/bellows\.old_uses_/)
  expect(await read()).toEqual([{ n: 20 }])

  await bellows.change((driver) => driver.brownOut(id, 600_000))
  await followed(pair)
  await expect(read()).rejects.toMatchObject({ code: '42P01' })
  await bellows.change((driver) => driver.brownOut(id, 0))
  await followed(pair)
  expect(await read()).toEqual([{ n: 20 }])

  await bellows.change((driver) => driver.rollback(id))
  await followed(pair)
  expect(await read()).toEqual([{ n: 20 }])
})
