import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterEach, inject } from 'vitest'
import { type OpenOptions, openBellows } from '../../src/compose.ts'
import type { Bellows } from '../../src/engine/bellows.ts'

/** A database that belongs to one test. */
export interface TestDatabase {
  readonly url: string
  readonly name: string
  /** Rows of a query, on a session of its own kind of use: nothing of Bellows runs on it. */
  query<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>
  /** A session that the test may leave in a transaction. */
  session(applicationName?: string, role?: string): Promise<pg.Client>
  /** Bellows on this database, with bounds that suit a test. */
  bellows(options?: OpenOptions): Promise<Bellows>
}

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** Runs after the test, the last one given first. */
export function cleanUp(cleanup: () => Promise<void>): void {
  cleanups.push(cleanup)
}

export function serverUrl(): string {
  return inject('serverUrl')
}

export async function testDatabase(...setUp: readonly string[]): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await onServer(`create database ${name}`)
  cleanUp(() => onServer(`drop database if exists ${name} with (force)`))
  const url = databaseUrl(name)
  const main = await connected(url)
  for (const text of setUp) await main.query(text)
  return {
    url,
    name,
    query: async (text, values) => (await main.query(text, values)).rows,
    session: (applicationName, role) => connected(url, applicationName, role),
    bellows: async (options = {}) => {
      const bellows = await openBellows({
        database: url,
        application: 'bellows/test',
        ...options,
        settings: { ...options.settings, gate: { quietMs: 0, ...options.settings?.gate } },
      })
      cleanUp(() => bellows.close())
      return bellows
    },
  }
}

export function databaseUrl(name: string): string {
  return serverUrl().replace(/\/postgres(\?|$)/, `/${name}$1`)
}

async function connected(url: string, applicationName = 'bellows', role?: string): Promise<pg.Client> {
  const address = new URL(url)
  if (role !== undefined) address.username = role
  const client = new pg.Client({ connectionString: address.href, application_name: applicationName })
  client.on('error', () => undefined)
  await client.connect()
  cleanUp(() => client.end().catch(() => undefined))
  return client
}

async function onServer(text: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl() })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}
