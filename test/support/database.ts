import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { type OpenOptions, openBellows } from '../../src/compose.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { APPLICATION, OWNER, rightsIn, rightsOn } from './shop-roles.ts'

/** A database that belongs to one test. */
export interface TestDatabase {
  /** Logs in as whoever Bellows is. */
  readonly url: string
  readonly name: string
  /** Rows of a query, on a session of a superuser that sees all: nothing of Bellows runs on it. */
  query<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>
  /** A session of the application, or of another role, that the test may leave in a transaction. */
  session(applicationName?: string, role?: string): Promise<pg.Client>
  /** Bellows on this database, with bounds that suit a test. */
  bellows(options?: OpenOptions): Promise<Bellows>
}

export interface MadeDatabase extends TestDatabase {
  /** Those that its owner has besides `public`, and in which the application may work. */
  readonly namespaces: readonly string[]
}

const cleanups: (() => Promise<void>)[] = []

/** After each test: see setup.ts. */
export async function cleanedUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
}

/** Runs after the test, the last one given first. */
export function cleanUp(cleanup: () => Promise<void>): void {
  cleanups.push(cleanup)
}

export function serverUrl(): string {
  return inject('serverUrl')
}

/** Everybody is the superuser of the test server. */
export async function testDatabase(...setUp: readonly string[]): Promise<MadeDatabase> {
  return await made({}, setUp)
}

/** Bellows is the owner of what is set up, the application may work with it, and neither is more than that. */
export async function shopDatabase(...setUp: readonly string[]): Promise<MadeDatabase> {
  return await made({ owner: OWNER, application: APPLICATION }, setUp)
}

/** The same, where of the namespaces that are set up the application may work only in those that another database has. */
export async function shopDatabaseLike(
  { namespaces }: MadeDatabase,
  ...setUp: readonly string[]
): Promise<MadeDatabase> {
  return await made({ owner: OWNER, application: APPLICATION, namespaces }, setUp)
}

interface Roles {
  readonly owner?: string
  readonly application?: string
  /** All of the owner when absent. */
  readonly namespaces?: readonly string[]
}

async function made(
  { owner, application, ...roles }: Roles,
  setUp: readonly string[],
): Promise<MadeDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await onServer(`create database ${name}`)
  cleanUp(() => onServer(`drop database if exists ${name} with (force)`))
  const superuser = databaseUrl(name)
  const url = as(superuser, owner)
  const main = await connected(superuser)
  if (owner !== undefined) await main.query(`${rightsOn(name)} set session authorization ${owner}`)
  for (const text of setUp) await main.query(text)
  const { rows } = await main.query<{ name: string }>(
    'select quote_ident(nspname) as name from pg_namespace where nspowner = $1::regrole',
    [owner ?? '-'],
  )
  const namespaces = rows.map((row) => row.name).filter((one) => roles.namespaces?.includes(one) !== false)
  if (owner !== undefined)
    await main.query(`${namespaces.map(rightsIn).join('')} reset session authorization`)
  await handOnPath(main, name)
  return {
    namespaces,
    url,
    name,
    query: async (text, values) => (await main.query(text, values)).rows,
    session: (applicationName, role = application) => connected(as(superuser, role), applicationName),
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

/** Every session has the search_path that the set-up has chosen. */
async function handOnPath(main: pg.Client, database: string): Promise<void> {
  const { rows } = await main.query<{ setting: string }>(
    `select setting from pg_settings where name = 'search_path' and source = 'session'`,
  )
  for (const { setting } of rows) await main.query(`alter database ${database} set search_path = ${setting}`)
}

function as(url: string, role: string | undefined): string {
  const address = new URL(url)
  if (role !== undefined) address.username = role
  return address.href
}

export function databaseUrl(name: string): string {
  return serverUrl().replace(/\/postgres(\?|$)/, `/${name}$1`)
}

async function connected(url: string, applicationName = 'bellows'): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: applicationName })
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
