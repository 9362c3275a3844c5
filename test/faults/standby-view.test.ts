import type pg from 'pg'
import { expect, test } from 'vitest'
import { openBellows } from '../../src/compose.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { cleanUp } from '../support/database.ts'
import { type Pair, startPair } from '../support/standby.ts'
import { check, followed, STATEMENTS, sessionOf } from '../support/watched-pair.ts'

const GIVEN =
  'create table users (id int primary key); insert into users select generate_series(1, 20); create view v as select id from users'
const operations = [{ kind: 'drop_object', namespace: 'public', object: 'view v' }] as const

interface Waiting extends Pair {
  readonly bellows: Bellows
  readonly standbySession: pg.Client
  readonly run: number
  /** Through the view, on the standby. */
  read(): Promise<readonly object[]>
}

async function waiting(settings: Readonly<Record<string, string>>, more = ''): Promise<Waiting> {
  const pair = await startPair(settings)
  const [primary, standbySession] = [await sessionOf(pair.primary), await sessionOf(pair.standby)]
  await primary.query(`${GIVEN}; ${more}`)
  const bellows = await openBellows({
    database: pair.primary.url,
    standbys: [pair.standby.url],
    application: 'bellows/test',
    settings: { gate: { quietMs: 500, quietAloneMs: 500, version: 'v2' } },
  })
  cleanUp(() => bellows.close())
  const { id } = await bellows.change((driver) => driver.advance({ name: '0001_test', operations }, 'verify'))
  await followed(pair)
  const read = async () => (await standbySession.query('select count(*)::int as n from v')).rows
  return { ...pair, bellows, standbySession, run: id, read }
}

test('a view that is counted is read on a standby as before, is refused there on trial, and is as it was after a rollback', async () => {
  const all = await waiting({})
  const { bellows, standbySession, run, read } = all
  const { rows } = await standbySession.query(`select pg_get_viewdef('v'::regclass) as text`)
  expect(rows[0].text).toMatch(/bellows\.old_uses_/)
  expect(await read()).toEqual([{ n: 20 }])
  expect(await check(all, 'usage'), 'what is read there nobody counts').toMatchObject({
    state: 'unknown',
    because: [
      expect.stringMatching(/^the use on postgres:.* is not known: .*pg_stat_statements.*is not installed/),
      expect.anything(),
    ],
  })

  await bellows.change((driver) => driver.brownOut(run, 600_000))
  await followed(all)
  await expect(read()).rejects.toMatchObject({ code: '42P01' })
  await bellows.change((driver) => driver.brownOut(run, 0))
  await followed(all)
  expect(await read()).toEqual([{ n: 20 }])

  await bellows.change((driver) => driver.rollback(run))
  await followed(all)
  expect(await read()).toEqual([{ n: 20 }])
})

test('a view that is counted is seen to be read on a standby by its statements', async () => {
  const all = await waiting(STATEMENTS, 'create extension pg_stat_statements')
  await check(all, 'usage')
  await expect.poll(async () => (await check(all, 'usage'))?.state, { interval: 300 }).toBe('green')

  expect(await all.read()).toEqual([{ n: 20 }])
  expect(await check(all, 'usage')).toMatchObject({
    state: 'red',
    because: [expect.stringMatching(/ran on postgres:.*: select count\(\*\)::int as n from v/)],
  })
})
