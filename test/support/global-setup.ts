import type { TestProject } from 'vitest/node'
import { startEmbedded } from '../../src/adapters/postgres/embedded/start.ts'
import { matrixBinaries } from './matrix.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly serverUrl: string
  }
}

/** One server for the whole run. Each test has a database of its own on it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const binaries = matrixBinaries()
  const server = await startEmbedded({
    ...(binaries === undefined ? {} : { binaries }),
    settings: { max_connections: '400', max_locks_per_transaction: '256', max_prepared_transactions: '10' },
  })
  project.provide('serverUrl', server.url)
  return () => server.stop()
}
