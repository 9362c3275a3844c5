import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type OpenOptions, openBellows } from '../../../src/compose.ts'
import { cleanUp, databaseUrl, serverUrl, type TestDatabase } from '../../support/database.ts'

/** Makes databases as copies of others, which takes a twentieth of a second, and drops them all after the test. */
export interface Clones {
  /** Ends every session of a database at once, as the kernel does with those of a killed process, and copies it. */
  copyOf(database: string): Promise<string>
  /** The same of one whose engine lives on: until the copy is there it comes back with no session, not even with a heartbeat. */
  copyOfLive(database: string): Promise<string>
  /** The database as tests see it. Call `close` before it is copied. */
  open(database: string): Promise<OpenDatabase>
  drop(database: string): Promise<void>
}

export interface OpenDatabase extends TestDatabase {
  close(): Promise<void>
}

const AT_ONCE = 6
const END_TIMEOUT_MS = 5_000
const END_POLL_MS = 3

export async function cloning(): Promise<Clones> {
  const admin = new pg.Pool({ connectionString: serverUrl(), max: AT_ONCE })
  const made = new Set<string>()
  const drop = async (name: string): Promise<void> => {
    made.delete(name)
    await admin.query(`drop database if exists ${name} with (force)`)
  }
  cleanUp(async () => {
    for (const name of made) await drop(name)
    await admin.end()
  })
  const copyOf = async (database: string): Promise<string> => {
    const name = `copy_${randomUUID().replaceAll('-', '')}`
    made.add(name)
    await endSessions(admin, database)
    await admin.query(`create database ${name} template ${database}`)
    return name
  }
  return {
    copyOf,
    copyOfLive: async (database) => {
      await admin.query(`alter database ${database} allow_connections false`)
      try {
        return await copyOf(database)
      } finally {
        await admin.query(`alter database ${database} allow_connections true`)
      }
    },
    open: (database) => opened(database),
    drop,
  }
}

/** Waits in steps that are shorter than those in which the server looks for itself. */
async function endSessions(admin: pg.Pool, database: string): Promise<void> {
  const until = Date.now() + END_TIMEOUT_MS
  while (Date.now() < until) {
    const { rowCount } = await admin.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
      [database],
    )
    if (rowCount === 0) return
    await sleep(END_POLL_MS)
  }
  throw new Error(`sessions of ${database} did not end`)
}

async function opened(name: string): Promise<OpenDatabase> {
  const url = databaseUrl(name)
  const closings: (() => Promise<unknown>)[] = []
  const session = async (application = 'bellows'): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url, application_name: application })
    client.on('error', () => undefined)
    await client.connect()
    closings.push(() => client.end().catch(() => undefined))
    return client
  }
  const main = await session()
  return {
    url,
    name,
    session,
    query: async (text, values) => (await main.query(text, values)).rows,
    bellows: async (options: OpenOptions = {}) => {
      const bellows = await openBellows({ database: url, application: 'bellows/test', ...options })
      closings.push(() => bellows.close())
      return bellows
    },
    close: async () => {
      for (const close of closings.splice(0).toReversed()) await close()
    },
  }
}
