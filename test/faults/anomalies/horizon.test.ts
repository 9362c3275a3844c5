import { describe, expect, test } from 'vitest'
import { openBellows } from '../../../src/compose.ts'
import { cleanUp, testDatabase } from '../../support/database.ts'
import { faultyBellows } from '../../support/faulty-ports.ts'
import { startPair } from '../../support/standby.ts'
import { followed, sessionOf } from '../../support/watched-pair.ts'
import { isBatch, MIGRATION, SETTINGS, table, UNLIKE } from '../wide-rows.ts'

test('between two batches, and two chunks of the comparison, no session of Bellows has a snapshot or is in a transaction', async () => {
  const database = await testDatabase(table())
  const held: unknown[] = []
  const looks = { batch: 0, chunk: 0 }
  const { bellows } = faultyBellows(
    database.url,
    {
      after: async (effect) => {
        const kind = isBatch(effect) ? 'batch' : effect.what.startsWith('with chunk') ? 'chunk' : undefined
        if (kind === undefined) return
        looks[kind] += 1
        held.push(
          ...(await database.query(`select state, query from pg_stat_activity where datname = current_database() and application_name like 'bellows/%'
            and (xact_start is not null or backend_xmin is not null or backend_xid is not null)
            -- A look that is just being answered holds nothing back.
            and (state <> 'active' or query_start < clock_timestamp() - interval '1 second')`)),
        )
      },
    },
    { settings: SETTINGS },
  )
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  expect(held).toEqual([])
  expect(Math.min(looks.batch, looks.chunk)).toBeGreaterThan(5)
  await bellows.close()
})

describe('a reader on a standby that follows at once', () => {
  test('of another table reads on while rows are filled and compared, where the standby tells the primary of it', async () => {
    const pair = await startPair({
      hot_standby_feedback: 'on',
      wal_receiver_status_interval: '1s',
      max_standby_streaming_delay: '0',
    })
    const [primary, reader] = [await sessionOf(pair.primary), await sessionOf(pair.standby)]
    await primary.query(`${table()}; create table reports (n int); insert into reports values (7)`)
    await followed(pair)
    await reader.query('begin isolation level repeatable read; select n from reports')
    await expect
      .poll(
        async () =>
          (await primary.query('select from pg_stat_replication where backend_xmin is not null')).rowCount,
      )
      .toBe(1)
    const bellows = await openBellows({
      database: pair.primary.url,
      application: 'bellows/test',
      settings: SETTINGS,
    })
    cleanUp(() => bellows.close())

    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))

    await followed(pair)
    expect((await reader.query('select n from reports')).rows).toEqual([{ n: 7 }])
    await reader.query('commit')
    expect((await reader.query(UNLIKE)).rows).toEqual([])
  })
})
