import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import { BellowsError } from '../../src/core/errors.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { rename } from '../support/rename.ts'
import { LAPSE } from './legacy.ts'

const GIVEN = `create table users (id int primary key, name text not null, legacy text);
  insert into users (id, name) select i, 'user ' || i from generate_series(1, 50) i`

const MIGRATION = {
  name: '0001_test',
  operations: [rename()],
} as const

const SETTINGS = {
  driver: { pollMs: 20 },
  gate: { whenNoneRegistered: 'refuse', unregistered: 'allow', quietMs: 0, doorMs: 30_000 },
} satisfies SettingsChange

const contract = (bellows: Bellows) => bellows.change((driver) => driver.advance(MIGRATION, 'purge'))

const CHANGES: readonly (readonly [string, string, (bellows: Bellows) => Promise<{ state: string }>])[] = [
  ['contract', 'name', contract],
  ['rollback', 'full_name', (bellows) => bellows.change((driver) => driver.rollback(1))],
]

describe('an instance that is registered', () => {
  const WAYS: readonly (readonly [string, (session: pg.Client, register: string) => Promise<unknown>])[] = [
    ['at once', (session, register) => session.query(register)],
    [
      'in a transaction',
      (session, register) => session.query(`begin; ${register}; select pg_sleep(0.002); commit`),
    ],
    [
      'in a transaction that saw the database before',
      async (session, register) => {
        await session.query('begin isolation level repeatable read')
        await session.query(`select count(*) from pg_attribute where attname = 'name'`)
        await session.query(`${register}; commit`)
      },
    ],
    [
      'in a serializable transaction that saw the registry before',
      async (session, register) => {
        await session.query('begin isolation level serializable')
        await session.query(`select count(*) from bellows.instance`)
        await session.query(`${register}; commit`)
      },
    ],
  ]
  test.for(CHANGES)('never finds its column gone, however it races the %s', async ([, column, change]) => {
    const { database, bellows } = await verified()
    const racers = await Promise.all(
      WAYS.flatMap((way) => [1, 2, 3].map((at) => startRacer(database, `${way[0]} ${at}`, column, way[1]))),
    )
    await expect.poll(() => racers.every((racer) => racer.registered() > 2), { timeout: 30_000 }).toBe(true)

    // One stays until the change was refused, so that it has met somebody.
    await bellows.instances.register({ instance: 'held', uses: [`users.${column}`] })
    const until = Date.now() + 30_000
    let refusals = 0
    for (let state = ''; state !== 'completed' && state !== 'rolled_back'; ) {
      if (Date.now() > until) for (const racer of racers) racer.rest()
      state = await change(bellows).then(
        (run) => run.state,
        async (error: unknown) => {
          if (!(error instanceof BellowsError && error.code === 'instances_blocking')) throw error
          refusals += 1
          if (refusals === 1) await bellows.instances.release('held')
          // From time to time nobody is there, or the race would never end.
          if (refusals % 3 === 0) for (const racer of racers) racer.rest()
          return 'refused'
        },
      )
    }

    const said = await Promise.all(racers.map((racer) => racer.stop()))
    expect(said.flat(), 'what happened to an instance that was registered').toEqual([])
    expect(refusals, 'the gate met some of them').toBeGreaterThan(0)
    expect(await database.query(`select from bellows.needing('public', 'users', '${column}', 0)`)).toEqual([])
  })
})

describe('a registration that is under way', () => {
  test.for(CHANGES)('is waited for, and then met, by the %s', async ([, column, change]) => {
    const { database, bellows } = await verified()
    const app = await database.session('the application')
    await app.query(`begin; select bellows.register('app-1', '{users.${column}}')`)
    const changing = change(bellows).catch((error: unknown) => error)
    await expect
      .poll(() =>
        database.query(
          `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        ),
      )
      .toHaveLength(1)
    expect(await opened(database), 'the gate does not open meanwhile').toEqual([])

    await app.query('commit')

    expect(await changing).toMatchObject({
      code: 'instances_blocking',
      message: expect.stringContaining('app-1'),
    })
    await app.query(`update users set ${column} = 'still there' where id = 1`)
    await app.query(`select bellows.release('app-1')`)
    await change(bellows)
  })

  test.for(CHANGES)(
    'comes too late when it begins while the %s is being done',
    async ([, column, change]) => {
      const { database, bellows } = await verified()
      const app = await database.session('the application')
      // As slow as a catalog on a busy disk, so that the door opens by itself meanwhile.
      await database.query(`
      create function public.slow() returns event_trigger language plpgsql as $$ begin perform pg_sleep(1.2); end $$;
      create event trigger slow on ddl_command_end when tag in ('ALTER TABLE') execute function public.slow()`)
      const changing = change(bellows)
      await expect
        .poll(
          () =>
            database.query(
              `select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`,
            ),
          { interval: 10 },
        )
        .toHaveLength(1)
      await database.query(LAPSE)

      const registering = app.query(`select bellows.register('app-1', '{users.${column}}')`)

      await expect(registering).rejects.toMatchObject({ code: 'BW003' })
      await changing
      expect(await database.query('select instance from bellows.instance_use')).toEqual([
        { instance: 'earlier' },
      ])
      await database.query('drop event trigger slow')
    },
  )
})

async function verified(): Promise<{ database: TestDatabase; bellows: Bellows }> {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({ settings: SETTINGS })
  await bellows.instances.register({ instance: 'earlier', uses: ['users.legacy'] })
  await bellows.instances.release('earlier')
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  return { database, bellows }
}

async function opened(database: TestDatabase): Promise<unknown[]> {
  return await database.query(`select from bellows.event where event ->> 'type' = 'gate_opened'`)
}

/** Registers again and again, each time using the column for a moment while it is registered. */
async function startRacer(
  database: TestDatabase,
  instance: string,
  column: string,
  way: (session: pg.Client, register: string) => Promise<unknown>,
) {
  const session = await database.session('racer')
  const errors: string[] = []
  let isRunning = true
  let registered = 0
  let restUntil = 0
  const attempt = async (): Promise<void> => {
    try {
      await way(session, `select bellows.register('${instance}', '{users.${column}}')`)
    } catch (error) {
      // Refused, or in a transaction that came too late.
      if (!['BW003', '40001', '40P01'].includes((error as { code: string }).code)) errors.push(String(error))
      await session.query('rollback')
      return
    }
    registered += 1
    for (let use = 1; use <= 3; use += 1) {
      await session
        .query(`update users set ${column} = ${column} where id = 1 + ${registered} % 50`)
        .catch((error: unknown) => errors.push(`${instance}: ${String(error)}`))
    }
    await session.query(`select bellows.release('${instance}')`)
  }
  const running = (async () => {
    while (isRunning) {
      if (Date.now() >= restUntil) await attempt()
      await sleep(Math.random() * 5)
    }
  })()
  return {
    registered: () => registered,
    rest: () => {
      restUntil = Date.now() + 50
    },
    stop: async () => {
      isRunning = false
      await running
      return errors
    },
  }
}
