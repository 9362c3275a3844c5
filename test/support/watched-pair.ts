import pg from 'pg'
import { expect } from 'vitest'
import { type OpenOptions, openBellows } from '../../src/compose.ts'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { cleanUp } from './database.ts'
import { rename } from './rename.ts'
import { type Pair, startPair } from './standby.ts'

/** What is on its way to its contract there. */
export const MIGRATION = { name: '0001_test', operations: [rename()] } as const
export const STATEMENTS = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track': 'top',
}

/** A primary and a listed standby, with a rename that waits for its contract. */
export interface Watched extends Pair {
  readonly bellows: Bellows
  /** An application's session, as the instance new-1 unless it is called otherwise. */
  session(of: 'primary' | 'standby', name?: string): Promise<pg.Client>
}

export async function watched(
  settings: Readonly<Record<string, string>>,
  options: OpenOptions = {},
): Promise<Watched> {
  const pair = await startPair(settings)
  const session = (of: 'primary' | 'standby', name = 'shop/new-1') => sessionOf(pair[of], name)
  const primary = await session('primary')
  await primary.query(`create table users (id int primary key, name text not null);
    insert into users select i, 'user ' || i from generate_series(1, 20) i`)
  if (settings === STATEMENTS) await primary.query('create extension pg_stat_statements')
  const bellows = await openBellows({
    database: pair.primary.url,
    standbys: [pair.standby.url],
    application: 'bellows/test',
    ...options,
    settings: {
      driver: { pollMs: 20 },
      gate: { quietMs: 0, transactionsMs: 100, ...options.settings?.gate },
    },
  })
  cleanUp(() => bellows.close())
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  await bellows.instances.register({
    instance: 'new-1',
    uses: ['users.full_name'],
    applicationName: 'shop/new-1',
  })
  await followed(pair)
  return { ...pair, bellows, session }
}

export async function sessionOf(
  { url }: { readonly url: string },
  name = 'the application',
): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: name })
  client.on('error', () => undefined)
  await client.connect()
  cleanUp(() => client.end().catch(() => undefined))
  return client
}

/** The standby has what the primary has by now. */
export async function followed({ primary, standby }: Pair): Promise<void> {
  const [at, there] = [await sessionOf(primary), await sessionOf(standby)]
  const { rows } = await at.query('select pg_current_wal_lsn() as lsn')
  await expect
    .poll(async () => {
      const answer = await there.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as is', [rows[0].lsn])
      return answer.rows[0].is
    })
    .toBe(true)
  await Promise.all([at.end(), there.end()])
}

export async function check(
  { bellows }: Pick<Watched, 'bellows'>,
  name: GateCheck['check'],
): Promise<GateCheck | undefined> {
  const [run] = await bellows.runs()
  const [report] = run === undefined ? [] : await bellows.gates(run)
  return report?.checks.find((one) => one.check === name)
}
