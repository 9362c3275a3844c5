import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import { testDatabase } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { pastTheTrigger, rewritingAt, triggerNames } from './mishaps.ts'

const ROWS = 400
const GIVEN = `
create table users (id int primary key, pad text default repeat('x', 200), name text, price numeric, at timestamptz default '2026-03-29 01:30+00');
insert into users (id, name, price) select i, 'Usér ' || i, i / 10.0 from generate_series(1, ${ROWS}) i;
update users set name = null where id % 50 = 0; cluster users using users_pkey`
const rename = (from: string, to: string) =>
  ({ kind: 'rename_column', namespace: 'public', table: 'users', from, to }) as const
const MIGRATION = {
  name: '0001_test',
  operations: [rename('name', 'full_name'), rename('price', 'cost'), rename('at', 'seen_at')],
}
/** How a row is said to be wrong. */
const NAME = '"name" and "full_name"'
const SETTINGS = {
  batch: { rows: 60, verifyRows: 60 },
  driver: { pollMs: 20 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} satisfies SettingsChange

interface Corruption {
  /** Whose values do not agree; those of the name where it is not said. */
  readonly between?: string
  readonly corrupt: string
  readonly samples: readonly string[]
  /** What an application does about it. */
  readonly correct: string
}

const CORRUPTIONS: readonly (readonly [string, Corruption])[] = [
  [
    'a stale value',
    {
      corrupt: `update users set name = 'Changed' where id = 7`,
      samples: ['id=7'],
      correct: `update users set full_name = 'Changed' where id = 7`,
    },
  ],
  [
    'a value where there should be none',
    {
      corrupt: `update users set full_name = 'Extra' where id = 50`,
      samples: ['id=50'],
      correct: 'update users set full_name = null where id = 50',
    },
  ],
  [
    'an empty text for NULL',
    {
      corrupt: `update users set full_name = '' where id in (50, 100)`,
      samples: ['id=50', 'id=100'],
      correct: `update users set full_name = null where full_name = ''`,
    },
  ],
  [
    'another case',
    {
      corrupt: 'update users set full_name = lower(name) where id = 9',
      samples: ['id=9'],
      correct: 'update users set full_name = name where id = 9',
    },
  ],
  [
    'a blank at the end',
    {
      corrupt: `update users set full_name = name || ' ' where id = 399`,
      samples: ['id=399'],
      correct: 'update users set full_name = name where id = 399',
    },
  ],
  [
    'two rows that have changed places',
    {
      corrupt: `update users set full_name = case id when 11 then 'Usér 12' else 'Usér 11' end where id in (11, 12)`,
      samples: ['id=11', 'id=12'],
      correct: 'update users set full_name = name where id in (11, 12)',
    },
  ],
  [
    'a text that was cut',
    {
      corrupt: 'update users set full_name = left(name, 3) where id = 200 + 1',
      samples: ['id=201'],
      correct:
        'update users set name = full_name || 1 where id = 201; update users set full_name = name where id = 201',
    },
  ],
  [
    'a number of another scale',
    {
      between: '"price" and "cost"',
      corrupt: 'update users set cost = cost::numeric(9, 5) where id = 13',
      samples: ['id=13'],
      correct: 'update users set cost = price where id = 13',
    },
  ],
  [
    'a moment that was read in another zone',
    {
      between: '"at" and "seen_at"',
      corrupt: `update users set seen_at = at at time zone 'Europe/Berlin' at time zone 'UTC' where id = 17`,
      samples: ['id=17'],
      correct: 'update users set seen_at = at where id = 17',
    },
  ],
  [
    'the same letters, encoded in another way',
    {
      corrupt: 'update users set full_name = normalize(name, nfd) where id = 19',
      samples: ['id=19'],
      correct: 'update users set full_name = name where id = 19',
    },
  ],
]

describe('the verification', () => {
  test.for(CORRUPTIONS)(
    'finds %s, however often it is begun anew, until it is corrected',
    async ([, { between = NAME, corrupt, samples, correct }]) => {
      const database = await testDatabase(GIVEN)
      const first = await database.bellows({ settings: SETTINGS })
      await first.change((driver) => driver.advance(MIGRATION, 'backfill'))
      await pastTheTrigger(database, corrupt)
      const found = {
        code: 'verification_failed',
        facts: {
          diverged_rows: samples.length,
          unfilled_rows: 0,
          samples: samples.map((row) => `${row} in ${between}`),
        },
        hint: expect.stringContaining(samples[0] ?? ''),
      }

      await expect(first.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject(found)
      const second = await database.bellows({ settings: SETTINGS })
      await expect(second.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject(found)
      expect((await second.runs())[0]?.standsBecause).toContain(`${samples.length} diverged`)

      await database.query(correct)
      await second.change((driver) => driver.advance(MIGRATION, 'purge'))
    },
  )

  test('finds a value that came from a row of another partition', async () => {
    const database = await testDatabase(`
create table users (id int primary key, name text) partition by range (id);
create table users_low partition of users for values from (0) to (100);
create table users_high partition of users for values from (100) to (200);
insert into users select i, 'User ' || i % 100 from generate_series(1, 199) i`)
    const bellows = await database.bellows({ settings: SETTINGS })
    const migration = { name: '0001_test', operations: [rename('name', 'full_name')] }
    await bellows.change((driver) => driver.advance(migration, 'backfill'))
    await pastTheTrigger(
      database,
      `update users set full_name = case id when 5 then 'User 6' else 'User 5' end where id in (5, 106)`,
    )
    await expect(bellows.change((driver) => driver.advance(migration, 'verify'))).rejects.toMatchObject({
      code: 'verification_failed',
      facts: { diverged_rows: 2, samples: ['id=5', 'id=106'] },
    })
  })

  test('does not lose what it found to an interruption: the verdict is kept with the place', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    await pastTheTrigger(database, `update users set full_name = 'wrong' where id = 3`)

    const codes: unknown[] = []
    for (let attempt = 1; attempt <= 50 && codes.at(-1) !== 'verification_failed'; attempt += 1) {
      let chunks = 0
      const faulty = faultyBellows(
        database.url,
        {
          after: ({ what }) => {
            if (what.startsWith('with chunk')) chunks += 1
          },
        },
        { settings: SETTINGS, isStopping: () => chunks > 0 },
      )
      const change = faulty.bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
      codes.push(
        await change.then(
          () => 'verified',
          (error: { code?: string }) => error.code,
        ),
      )
      await faulty.bellows.close()
    }

    expect(codes.length, 'it was interrupted on the way').toBeGreaterThan(4)
    expect(new Set(codes.slice(0, -1))).toEqual(new Set(['interrupted']))
    expect(codes.at(-1)).toBe('verification_failed')
  })

  test('begins anew when the table is rewritten under way, and misses no row', async () => {
    const database = await testDatabase(GIVEN)
    const rewrite = rewritingAt(database, '0001_test/verify/1')
    const { bellows } = faultyBellows(database.url, rewrite.around, { settings: SETTINGS })
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    await pastTheTrigger(database, `update users set full_name = 'wrong' where id = 350`)
    // The blocks that come first are empty now, and the rewrite puts the other rows there: behind the verification.
    await database.query('delete from users where id <= 300')

    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'verify'))).rejects.toMatchObject({
      code: 'verification_failed',
      facts: { diverged_rows: 1, samples: [`id=350 in ${NAME}`] },
    })
    expect(rewrite.times()).toBe(1)
    await bellows.close()
  })

  test.for([
    ['in a table with rows', GIVEN],
    ['in a table that was empty when it was filled', `${GIVEN}; truncate users`],
  ] as const)(
    'finds rows that were written while the trigger was off, and has them filled: %s',
    async ([, given]) => {
      const database = await testDatabase(given)
      const bellows = await database.bellows({ settings: SETTINGS })
      await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
      await pastTheTrigger(
        database,
        `insert into users (id, name, at) values (1000, 'past the trigger', null)`,
      )

      await expect(bellows.change((driver) => driver.advance(MIGRATION, 'verify'))).rejects.toMatchObject({
        code: 'verification_failed',
        facts: { diverged_rows: 0, unfilled_rows: 1, samples: [`id=1000 in ${NAME}`] },
      })
      await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))

      expect(await database.query('select full_name from users where id = 1000')).toEqual([
        { full_name: 'past the trigger' },
      ])
      const versions = (await bellows.versions()).map(({ version, name }) => `${version} ${name}`)
      expect(versions, 'a version that stands is not given a second number').toEqual([
        '1 add_full_name_column',
        '2 add_cost_column',
        '3 add_seen_at_column',
        '4 copy_name_to_full_name',
        '5 copy_price_to_cost',
        '6 copy_at_to_seen_at',
      ])
    },
  )

  test('has its own rows filled, beside a column that is filled and settled already', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    const add = {
      kind: 'add_column',
      namespace: 'public',
      table: 'users',
      column: 'token',
      type: 'text',
      nullable: false,
      default: 'gen_random_uuid()::text',
    } as const
    const migration = { name: '0001_test', operations: [add, rename('name', 'full_name')] }
    await bellows.change((driver) => driver.advance(migration, 'backfill'))
    await pastTheTrigger(database, `update users set full_name = null where id = 3`)
    await expect(bellows.change((driver) => driver.advance(migration, 'verify'))).rejects.toMatchObject({
      code: 'verification_failed',
      facts: { unfilled_rows: 1, samples: ['id=3'] },
    })

    const run = await bellows.change((driver) => driver.advance(migration, 'purge'))

    expect(run.state).toBe('completed')
    expect(await database.query('select full_name from users where id = 3')).toEqual([
      { full_name: 'Usér 3' },
    ])
  })

  test('does not vouch for a table whose trigger is off', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    const [trigger] = await triggerNames(database)
    await database.query(`alter table users disable trigger ${trigger}`)

    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'verify'))).rejects.toMatchObject({
      code: 'drift_found',
      message: expect.stringContaining('missing, disabled or not as it was installed'),
    })

    await database.query(`alter table users enable always trigger ${trigger}`)
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  })
})
