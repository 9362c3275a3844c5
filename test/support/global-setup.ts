import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startEmbedded } from '../../src/adapters/postgres/embedded/start.ts'
import { matrixBinaries, matrixMajor } from './matrix.ts'
import { ROLES } from './shop-roles.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly serverUrl: string
  }
}

const SETTINGS = {
  // An analysis that begins by itself holds back the horizon of a database: whether a test sees that would be a matter of luck.
  autovacuum: 'off',
  max_connections: '400',
  max_locks_per_transaction: '256',
  max_prepared_transactions: '10',
}

/** One server for the whole run, of the major that was asked for. Each test has a database of its own on it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const binaries = matrixBinaries()
  const server = await startEmbedded({ ...(binaries === undefined ? {} : { binaries }), settings: SETTINGS })
  const major = await majorOf(server.url)
  if (major !== matrixMajor()) {
    await server.stop()
    throw new Error(`The tests were to run on PostgreSQL ${matrixMajor()}, and the server is of ${major}.`)
  }
  project.provide('serverUrl', server.url)
  return () => server.stop()
}

/** Says what the server is, and makes the roles that all tests share. */
async function majorOf(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query('show server_version_num')
  await client.query(ROLES)
  await client.end()
  return String(Math.floor(Number(rows[0].server_version_num) / 10_000))
}
