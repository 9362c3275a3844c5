import pg from 'pg'
import { openBellows } from '../../src/compose.ts'
import type { SettingsChange } from '../../src/config.ts'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { Migration } from '../../src/core/operations/migration.ts'
import { cleanUp } from './database.ts'

/** Runs a text in a session that is over then, so that all it did is counted. */
export async function passing(
  url: string,
  text: string,
  application_name = 'shop/new-1',
): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url, application_name })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end()
  }
}

/** What the gate says of the use of the old shape. Nobody is connected to the database behind that. */
export async function usageOn(url: string, settings: SettingsChange): Promise<GateCheck | undefined> {
  const bellows = await openBellows({ database: url, application: 'bellows/test', settings })
  try {
    const [run] = await bellows.runs()
    const [report] = run === undefined ? [] : await bellows.gates(run)
    return report?.checks.find(({ check }) => check === 'usage')
  } finally {
    await bellows.close()
  }
}

/** A run that waits at its gate, and has been looked at for an hour in which nothing was used. */
export async function quietForAnHour(
  url: string,
  migration: Migration,
  settings: SettingsChange,
): Promise<void> {
  const bellows = await openBellows({ database: url, application: 'bellows/test', settings })
  cleanUp(() => bellows.close())
  await bellows.change((driver) => driver.advance(migration, 'verify'))
  await bellows.instances.register({
    instance: 'new-1',
    version: 'v2',
    uses: ['users.id'],
    applicationName: 'shop/new-1',
  })
  await bellows.close()
  await setBack(url, settings)
}

/** As if it had been looked at for an hour, and nothing had been used. */
export async function setBack(url: string, settings: SettingsChange): Promise<void> {
  await usageOn(url, settings)
  await passing(
    url,
    `update bellows.watch set state = jsonb_set(state, '{sinceMs}', to_jsonb((state ->> 'sinceMs')::numeric - 3600000))`,
    'bellows',
  )
}
