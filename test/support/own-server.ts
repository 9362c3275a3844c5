import pg from 'pg'
import { type EmbeddedServer, startEmbedded } from '../../src/adapters/postgres/embedded/start.ts'
import { cleanUp } from './database.ts'
import { matrixBinaries } from './matrix.ts'

/** A server for one test: it may die, or be asked what nobody else's work is to change. */
export async function startServer(settings: Readonly<Record<string, string>> = {}): Promise<EmbeddedServer> {
  const binaries = matrixBinaries()
  const server = await startEmbedded({ settings, ...(binaries === undefined ? {} : { binaries }) })
  cleanUp(() => server.stop())
  return server
}

export async function sessionOn(url: string, application_name = 'bellows'): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name })
  client.on('error', () => undefined)
  await client.connect()
  cleanUp(() => client.end().catch(() => undefined))
  return client
}
