import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type EmbeddedServer, startEmbedded } from '../../src/adapters/postgres/embedded/start.ts'
import { cleanUp } from './database.ts'
import { fastPlace } from './fast-place.ts'
import { matrixBinaries } from './matrix.ts'

/** A primary, and a server that follows it as a stream. */
export interface Pair {
  readonly primary: EmbeddedServer
  readonly standby: EmbeddedServer
}

/**
 * Two servers of our own, with settings for both. The standby is a copy of the stopped primary, which needs no program but the
 * server's own.
 */
export async function startPair(settings: Readonly<Record<string, string>> = {}): Promise<Pair> {
  const place = mkdtempSync(path.join(fastPlace(), 'bellows-pair-'))
  // A server that must not run as root has another user.
  chmodSync(place, 0o755)
  cleanUp(async () => rmSync(place, { recursive: true, force: true }))
  const [first, second] = [path.join(place, 'primary'), path.join(place, 'standby')]
  await (await startIn(first, settings)).stop()
  // With the owners of the files, which cpSync does not keep.
  execFileSync('cp', ['-a', first, second])
  const primary = await startIn(first, settings)
  writeFileSync(path.join(second, 'pgdata', 'standby.signal'), '')
  const standby = await startIn(second, {
    ...settings,
    primary_conninfo: conninfo(primary.url),
    hot_standby: 'on',
  })
  return { primary, standby }
}

/** A server on the files of a folder, which are made where there are none. */
export async function startIn(
  dataFolder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<EmbeddedServer> {
  const binaries = matrixBinaries()
  const server = await startEmbedded({
    dataFolder,
    settings,
    ...(binaries === undefined ? {} : { binaries }),
  })
  cleanUp(() => server.stop())
  return server
}

/** The URL as libpq's key words. */
export function conninfo(url: string): string {
  const { searchParams, hostname, port, username, password } = new URL(url)
  const host = searchParams.get('host') ?? hostname
  const words = {
    host,
    port: searchParams.get('port') ?? port,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  }
  return Object.entries(words)
    .filter(([, value]) => value !== '')
    .map(([word, value]) => `${word}='${value}'`)
    .join(' ')
}
