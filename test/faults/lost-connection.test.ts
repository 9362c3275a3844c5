import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Changing } from '../../src/engine/bellows.ts'
import { catalog, traces } from '../support/catalog.ts'
import { databaseUrl, type TestDatabase, testDatabase } from '../support/database.ts'
import { type Cut, startProxy } from '../support/proxy.ts'
import { type Clones, cloning, type OpenDatabase } from './crash/clones.ts'
import { severalAtOnce } from './crash/recoveries.ts'

const ROWS = 60
const GIVEN = `
create table teams (id integer primary key);
insert into teams select generate_series(0, 9);
create table users (id int primary key, pad text default repeat('x', 200), name text not null unique check (name <> ''),
  team integer references teams);
insert into users (id, name, team) select i, 'user ' || i, i % 10 from generate_series(1, ${ROWS}) i; analyze users`
const rename = (from: string, to: string) =>
  ({ kind: 'rename_column', namespace: 'public', table: 'users', from, to }) as const
const MIGRATION = { name: '0001_test', operations: [rename('name', 'full_name'), rename('team', 'squad')] }
const SETTINGS: SettingsChange = {
  batch: { rows: 40, verifyRows: 100 },
  driver: { pollMs: 5, reconnectsMax: 3, waitMs: 10_000 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
}
const CUTS: readonly Cut[] = ['before the request', 'before the answer']

type Call = (driver: Changing) => Promise<unknown>
const CALLS: readonly (readonly [
  string,
  { readonly before: readonly Call[]; readonly call: Call; readonly atLeast: number },
])[] = [
  ['a whole rename', { before: [], call: (driver) => driver.advance(MIGRATION, 'purge'), atLeast: 25 }],
  [
    'an undo',
    {
      before: [(driver) => driver.advance(MIGRATION, 'retire')],
      call: (driver) => driver.undo(1),
      atLeast: 3,
    },
  ],
  [
    'a rollback',
    {
      before: [(driver) => driver.advance(MIGRATION, 'retire')],
      call: (driver) => driver.rollback(1),
      atLeast: 6,
    },
  ],
]

describe('a connection that is lost at any changing request, whether or not the server has done it', () => {
  test.for(CALLS)(
    'is made again, and nothing is done twice: %s',
    { timeout: 240_000 },
    async ([, { before, call, atLeast }]) => {
      const clones = await cloning()
      const { name } = await prepared(before)
      const template = await clones.copyOf(name)
      const unharmed = await outcome(clones, template, call)
      expect(unharmed.requests).toBeGreaterThanOrEqual(atLeast)
      const places = Array.from({ length: unharmed.requests }, (_, at) =>
        CUTS.map((cut) => ({ at: at + 1, cut })),
      ).flat()

      const failures: string[] = []
      await severalAtOnce(places, async ({ at, cut }) => {
        const harmed = await outcome(clones, template, call, { at, cut })
        const differing = [
          ...harmed.seen.filter((line) => !unharmed.seen.includes(line)).map((line) => `+ ${line}`),
          ...unharmed.seen.filter((line) => !harmed.seen.includes(line)).map((line) => `- ${line}`),
        ]
        const isSame = harmed.seen.length === unharmed.seen.length && differing.length === 0
        if (!isSame) failures.push([`lost ${cut} ${at}: ${harmed.request}`, ...differing].join('\n'))
      })
      expect(failures).toEqual([])
    },
  )
})

/** The pause before each new connection is twice the one before. */
const ENDED_MAX = 8

describe('sessions that an administrator ends', () => {
  test('at any time are made anew, and the run goes on by itself', { timeout: 180_000 }, async () => {
    const database = await testDatabase(GIVEN.replaceAll(`${ROWS})`, '2000)'))
    const bellows = await database.bellows({
      application: 'bellows/the engine',
      settings: { ...SETTINGS, driver: { ...SETTINGS.driver, reconnectsMax: ENDED_MAX } },
    })
    await bellows.install()
    let isRunning = true
    let ended = 0
    const administrator = (async () => {
      while (isRunning && ended < ENDED_MAX) {
        await sleep(40 + ((ended * 37) % 90))
        const rows = await database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bellows/the engine' and datname = current_database() order by random() limit 1`,
        )
        ended += rows.length
      }
    })()

    const run = await bellows.change((driver) => driver.advance(MIGRATION, 'purge'))

    isRunning = false
    await administrator
    expect(run.state).toBe('completed')
    expect(ended).toBeGreaterThanOrEqual(3)
    expect(await doneTwice(database)).toEqual([])
    const [copied] = (await bellows.versions()).filter(({ name }) => name === 'copy_name_to_full_name')
    expect(copied?.facts.rows, 'every row is counted once').toBe(2_000)
  })

  test('before they are ready are made anew, too', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ application: 'bellows/the engine', settings: SETTINGS })
    await bellows.install()
    const second = await database.bellows({ application: 'bellows/the engine', settings: SETTINGS })
    // Its first two sessions: the one that reads and the one that drives.
    await database.query(`
      create sequence logins;
      create function end_it() returns event_trigger language plpgsql as $$ begin
        if current_setting('application_name') = 'bellows/the engine' and nextval('public.logins') in (1, 3)
          then perform pg_terminate_backend(pg_backend_pid()); end if; end $$;
      create event trigger end_it on login execute function end_it()`)

    const run = await second.change((driver) => driver.advance(MIGRATION, 'expand'))

    await database.query('drop event trigger end_it')
    expect(run.state).toBe('expanding')
    const [logins] = await database.query<{ last: number }>('select last_value::int as last from logins')
    expect(logins?.last).toBeGreaterThanOrEqual(4)
  })

  test('beside the one that works are made anew: the driver is heard of, and goes on as the same', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: { ...SETTINGS, driver: { heartbeatMs: 30 } } })
    const known = () =>
      database.query<{ pid: number; epoch: string; beat: string; works: boolean }>(`
        select a.pid, h.epoch, h.beat_at::text as beat, exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory') as works
          from bellows.heartbeat h, jsonb_to_recordset(h.backends) k (pid int, backend_start text)
          join pg_stat_activity a on a.pid = k.pid and a.backend_start::text = k.backend_start`)
    await bellows.change(async () => {
      const [before] = await known()
      await database.query(`
        select pg_terminate_backend(a.pid, 5000) from bellows.heartbeat h, jsonb_to_recordset(h.backends) k (pid int)
          join pg_stat_activity a on a.pid = k.pid where not exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory')`)
      await expect.poll(async () => (await known()).filter(({ works }) => !works)).toHaveLength(1)
      const [after] = await known()
      await expect.poll(async () => (await known())[0]?.beat).not.toBe(after?.beat)
      expect(after?.epoch).toBe(before?.epoch)
    })
  })

  test('by the server because they are idle there are none, however long a pause is', async () => {
    const database = await testDatabase(GIVEN)
    await database.query(`alter database ${database.name} set idle_session_timeout = 200`)
    const bellows = await database.bellows({ settings: SETTINGS })
    const own = async () =>
      await database.query(
        `select pid from pg_stat_activity where datname = current_database() and application_name like 'bellows/%' order by pid`,
      )
    await bellows.change(async () => {
      const before = await own()
      expect(before.length).toBeGreaterThanOrEqual(2)
      await sleep(1_000)
      expect(await own()).toEqual(before)
    })
  })

  test("between two changes are nobody's concern", async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ application: 'bellows/the engine', settings: SETTINGS })
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    const end = () =>
      database.query(
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'bellows/the engine' and datname = current_database()`,
      )

    await end()
    expect(await bellows.runs()).toHaveLength(1)
    await end()
    const run = await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))

    expect(run.state).toBe('backfilling')
  })
})

async function prepared(calls: readonly Call[]): Promise<TestDatabase> {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({ settings: SETTINGS })
  for (const call of calls) await bellows.change(call)
  return database
}

interface Outcome {
  readonly seen: readonly string[]
  readonly requests: number
  readonly request?: string | undefined
}

/** What a call brings about on a copy of a database, through a proxy that cuts a connection. */
async function outcome(
  clones: Clones,
  template: string,
  call: Call,
  place?: { readonly at: number; readonly cut: Cut },
): Promise<Outcome> {
  const name = await clones.copyOf(template)
  const proxy = await startProxy(databaseUrl(name))
  if (place !== undefined) proxy.cutAt(place.at, place.cut)
  const database = await clones.open(name)
  const bellows = await database.bellows({ database: proxy.url, settings: SETTINGS })
  try {
    const error = await bellows.change(call).then(
      () => ({}),
      (cause: unknown) => ({ error: String(cause) }),
    )
    const seen = [...Object.values(error), ...(await lookedAt(database))]
    const request = proxy.requests[(place?.at ?? 0) - 1]
    return {
      seen,
      requests: proxy.requests.length,
      request: request?.match(/"type":"[^}]*|concurrently|raised/gi)?.join(' '),
    }
  } finally {
    await database.close()
    await clones.drop(name)
  }
}

/** Everything that must not depend on a lost connection, as lines. */
async function lookedAt(database: OpenDatabase): Promise<readonly string[]> {
  const lines = await database.query<{ line: string }>(`
    select distinct 'step ' || (event ->> 'step') as line from bellows.event where event ->> 'type' = 'step_done'
    union all select format('%s %s %s %s rows', event ->> 'type', version, event ->> 'name', event #>> '{facts,rows}') from bellows.event
      where event ->> 'type' in ('version_applied', 'version_withdrawn', 'retire_undone', 'run_completed', 'rollback_started', 'run_rolled_back')
    union all select to_jsonb(u)::text from users u
    order by 1`)
  return [...lines.map(({ line }) => line), ...(await catalog(database)), ...(await traces(database))]
}

async function doneTwice(database: TestDatabase): Promise<unknown[]> {
  return await database.query(
    `select event ->> 'step' as step from bellows.event where event ->> 'type' in ('step_done', 'version_applied', 'run_completed') group by event having count(*) > 1`,
  )
}
