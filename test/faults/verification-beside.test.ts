import { describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { pastTheTrigger, rewritingAt } from './mishaps.ts'
import { MIGRATION, SETTINGS } from './wide-rows.ts'

const ROWS = 6_000
/** Some two hundred blocks: a small table is compared by one. */
const TABLE = `
create table users (id int primary key, pad text default repeat('x', 200), name text not null, seen int default 0);
insert into users (id, name) select i, 'user ' || i from generate_series(1, ${ROWS}) i; analyze users`
const STEP = '0001_test/verify/1'
const settings = { ...SETTINGS, batch: { ...SETTINGS.batch, workers: 3, verifyRows: 150 } }
const EVERY_500TH = { diverged_rows: 12, unfilled_rows: 0 }

/** Filled, with a wrong value in every stretch of the table. */
async function corrupted(): Promise<TestDatabase> {
  const database = await testDatabase(TABLE)
  const bellows = await database.bellows({ settings })
  await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  await pastTheTrigger(database, `update users set full_name = 'wrong' where id % 500 = 7`)
  return database
}

const rowsCompared = async (database: TestDatabase) =>
  (
    await database.query<{ rows: number }>(
      `select (event #>> '{verdict,rows}')::int as rows from bellows.event where event ->> 'type' = 'verification_failed'`,
    )
  ).map(({ rows }) => rows)

describe('a comparison by several', () => {
  test('finds every row that is wrong, also when connections of it are lost', async () => {
    const database = await corrupted()
    const bellows = await database.bellows({ settings, application: 'bellows/comparing' })
    let [seen, ended] = [0, 0]
    let isRunning = true
    const administrator = (async () => {
      while (isRunning) {
        const [{ at } = { at: 0 }] = await database.query<{ at: number }>(
          `select count(*)::int as at from pg_stat_activity where application_name like 'bellows/comparing%' and datname = current_database() and query like '%with chunk%'`,
        )
        seen = Math.max(seen, at)
        if (at > 1 && ended < 3) {
          // Any but the driver's own, whose loss begins the attempt anew.
          const gone = await database.query(
            `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'bellows/comparing%worker' and datname = current_database() limit 1`,
          )
          ended += gone.length
        }
      }
    })()
    const verified = bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await expect(verified).rejects.toMatchObject({ code: 'verification_failed', facts: EVERY_500TH })
    isRunning = false
    await administrator
    expect(seen, 'several were at it').toBeGreaterThan(1)
    expect(ended).toBeGreaterThan(0)
    expect(await rowsCompared(database)).toEqual([ROWS])
  })

  test('goes on where it stood, and leaves out no chunk that was not done', async () => {
    const database = await corrupted()
    const codes: unknown[] = []
    for (let attempt = 1; attempt <= 60 && codes.at(-1) !== 'verification_failed'; attempt += 1) {
      let chunks = 0
      const { bellows } = faultyBellows(
        database.url,
        {
          after: ({ what }) => {
            if (what.startsWith('with chunk')) chunks += 1
          },
        },
        {
          settings: { ...settings, batch: { ...settings.batch, verifyRows: 400 } },
          isStopping: () => chunks > 0,
        },
      )
      codes.push(
        await bellows
          .change((driver) => driver.advance(MIGRATION, 'verify'))
          .then(
            () => 'verified',
            ({ code }: { code?: string }) => code,
          ),
      )
      if (attempt === 1) {
        const progress = await (await database.bellows()).progress(1)
        expect(progress, 'whoever asks sees how far it is').toMatchObject({
          step: STEP,
          growth: 1,
          rowsTotal: ROWS,
        })
        expect(progress?.rowsDone).toBeGreaterThan(0)
        expect(progress?.rowsDone).toBeLessThan(ROWS)
      }
      await bellows.close()
    }
    expect(codes.length, 'it was interrupted on the way').toBeGreaterThan(4)
    expect(codes.at(-1)).toBe('verification_failed')
    expect(await rowsCompared(database), 'each row once').toEqual([ROWS])
  })

  test('comes to an end when somebody does not let go of the table', async () => {
    const database = await corrupted()
    // One chunk for three: those who find none wait for the one who has it.
    const batch = { ...settings.batch, verifyRows: 10_000, lockTimeoutMs: 50, attemptsMax: 3 }
    const holder = await database.session('somebody')
    let isHeld = false
    const { bellows } = faultyBellows(
      database.url,
      {
        before: async ({ what }) => {
          if (isHeld || !what.startsWith('with chunk')) return
          isHeld = true
          await holder.query('begin; lock table users in access exclusive mode')
        },
      },
      { settings: { ...settings, batch } },
    )
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'verify'))).rejects.toMatchObject({
      step: STEP,
      hint: expect.stringContaining('somebody'),
    })
    await holder.query('rollback')
    await bellows.close()
  })

  test('begins anew when the table is rewritten under way', async () => {
    const database = await corrupted()
    // The blocks that come first are empty now, and the rewrite puts the other rows there.
    await database.query('delete from users where id <= 3000')
    const rewrite = rewritingAt(database, STEP)
    const { bellows } = faultyBellows(database.url, rewrite.around, { settings })
    const verified = bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await expect(verified).rejects.toMatchObject({ code: 'verification_failed', facts: { diverged_rows: 6 } })
    expect(rewrite.times()).toBe(1)
    expect(await rowsCompared(database)).toEqual([ROWS - 3_000])
    await bellows.close()
  })
})
