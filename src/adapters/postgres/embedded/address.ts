import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import path from 'node:path'
import type { Identity } from './identity.ts'
import { RUN_FOLDER } from './layout.ts'
import { makeServerFolder } from './private-folder.ts'

/** Where the server listens and who may come in. */
export interface Address {
  readonly settings: Readonly<Record<string, string>>
  /** Present when the server listens on TCP, where every user of the machine can knock. */
  readonly password?: string
  url(database: string): string
  /** Gives the reserved port free for the server to take. */
  release(): Promise<void>
}

export const SUPERUSER = 'postgres'

/** A unix socket's path has 104 bytes on macOS and 108 on Linux, with its end. */
const SOCKET_PATH_BYTES = 100
const SOCKET_PORT = 5432

/** A unix socket in the private folder; a port of the loopback interface where that cannot be. */
export async function chooseAddress(privateFolder: string, identity: Identity | undefined): Promise<Address> {
  const folder = path.join(privateFolder, RUN_FOLDER)
  const socketPath = path.join(folder, `.s.PGSQL.${SOCKET_PORT}`)
  if (process.platform === 'win32' || Buffer.byteLength(socketPath) > SOCKET_PATH_BYTES) {
    return tcpAddress(writeRules(privateFolder, 'host', '127.0.0.1/32 scram-sha-256'))
  }
  makeServerFolder(folder, identity)
  return socketAddress(folder, writeRules(privateFolder, 'local', 'trust'))
}

function socketAddress(folder: string, rules: string): Address {
  return {
    settings: {
      listen_addresses: '',
      unix_socket_directories: folder,
      unix_socket_permissions: '0700',
      port: String(SOCKET_PORT),
      hba_file: rules,
    },
    // Port and sslmode are in it so that PGPORT and PGSSLMODE of the environment do not come between.
    url: (database) =>
      `postgres://${SUPERUSER}@localhost:${SOCKET_PORT}/${encodeName(database)}` +
      `?host=${encodeURIComponent(folder)}&sslmode=disable`,
    release: async () => {},
  }
}

async function tcpAddress(rules: string): Promise<Address> {
  const password = randomBytes(24).toString('hex')
  const reserved = createServer().listen(0, '127.0.0.1')
  await once(reserved, 'listening')
  const { port } = reserved.address() as AddressInfo
  return {
    settings: {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      port: String(port),
      hba_file: rules,
    },
    password,
    url: (database) =>
      `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${encodeName(database)}?sslmode=disable`,
    release: async () => {
      if (reserved.listening) await once(reserved.close(), 'close')
    },
  }
}

/**
 * The rules come from here and not from the data folder, as another start may need the other kind of address. A standby is
 * let in, too: it comes for no database, which `all` does not cover.
 */
function writeRules(privateFolder: string, kind: 'local' | 'host', from: string): string {
  const file = path.join(privateFolder, 'pg_hba.conf')
  const rules = ['all', 'replication'].map((database) => `${kind} ${database} all ${from}\n`)
  writeFileSync(file, rules.join(''), { mode: 0o644 })
  return file
}

/** As far as pg understands it: it decodes the path with `decodeURI`, which leaves %2F and %3F as they are. */
function encodeName(database: string): string {
  return encodeURI(database).replaceAll('?', '%3F').replaceAll('#', '%23')
}
