import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { serverIdentity, spawnIdentity } from '../../src/adapters/postgres/embedded/identity.ts'
import { cleanUp, type TestDatabase } from './database.ts'

/** Debian has it where an ordinary user has no path to. */
const PROGRAM = ['pgbouncer', '/usr/sbin/pgbouncer'].find(
  (program) => spawnSync(program, ['--version']).status === 0,
)
export const HAS_PGBOUNCER = PROGRAM !== undefined

/** What stands behind the title of tests that are skipped. */
export const WITHOUT_PGBOUNCER = HAS_PGBOUNCER ? '' : ' (skipped: the program "pgbouncer" is not installed)'

/** Is it of this minor version or newer: 21 for 1.21? */
export function isPgBouncer(minor: number): boolean {
  const said = spawnSync(PROGRAM ?? 'pgbouncer', ['--version'], { encoding: 'utf8' }).stdout ?? ''
  return Number(/^PgBouncer 1\.(\d+)/.exec(said)?.[1] ?? 0) >= minor
}

export type PoolMode = 'session' | 'transaction'

export interface PgBouncer {
  /** Where an application connects that logs in as this role. */
  url(role?: string): string
  /** A command of its console, such as `reconnect`. */
  admin(command: string): Promise<void>
}

/** The socket is the only one in its folder, so the port is but a part of its name. */
const PORT = 6432
const READY_ATTEMPTS_MAX = 400
const ADMIN = 'postgres'

/** PgBouncer in front of the database of a test, with a socket of its own. */
export async function startPgBouncer(
  database: TestDatabase,
  mode: PoolMode,
  { roles = [], settings = {} }: { roles?: readonly string[]; settings?: Record<string, string> } = {},
): Promise<PgBouncer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bellows-pooler-'))
  cleanUp(async () => rmSync(folder, { recursive: true, force: true }))
  const lines = {
    pool_mode: mode,
    unix_socket_dir: folder,
    listen_port: PORT,
    auth_type: 'trust',
    auth_file: path.join(folder, 'users'),
    admin_users: ADMIN,
    // Less than vitest waits for a test.
    query_wait_timeout: 10,
    ...settings,
  }
  const { searchParams } = new URL(database.url)
  const file = path.join(folder, 'pgbouncer.ini')
  writeFileSync(
    file,
    `[databases]\n${database.name} = host=${searchParams.get('host')} port=${searchParams.get('port') ?? 5432}\n[pgbouncer]\n${Object.entries(
      lines,
    )
      .map(([name, value]) => `${name} = ${value}`)
      .join('\n')}\n`,
  )
  writeFileSync(path.join(folder, 'users'), [ADMIN, ...roles].map((role) => `"${role}" ""\n`).join(''))
  await run(folder, file)

  const address = (name: string, role: string) =>
    `postgres://${role}@/${name}?host=${encodeURIComponent(folder)}&port=${PORT}`
  const admin = (command: string) => onConsole(address('pgbouncer', ADMIN), command)
  for (let attempt = 0; !(await answers(admin)); attempt += 1) {
    if (attempt === READY_ATTEMPTS_MAX) throw new Error('PgBouncer does not answer.')
    await sleep(50)
  }
  return { url: (role = ADMIN) => address(database.name, role), admin }
}

/** Like PostgreSQL it refuses to run as root. */
async function run(folder: string, file: string): Promise<void> {
  const identity = serverIdentity(undefined)
  if (identity !== undefined) chownSync(folder, identity.uid, identity.gid)
  const child: ChildProcess = spawn(PROGRAM ?? 'pgbouncer', ['-q', file], {
    stdio: 'ignore',
    ...spawnIdentity(identity),
  })
  const kill = () => void child.kill('SIGKILL')
  process.on('exit', kill)
  cleanUp(async () => {
    process.off('exit', kill)
    if (child.exitCode !== null || child.signalCode !== null) return
    kill()
    await once(child, 'exit')
  })
}

async function answers(admin: PgBouncer['admin']): Promise<boolean> {
  return await admin('show version').then(
    () => true,
    () => false,
  )
}

async function onConsole(url: string, command: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(command)
  } finally {
    await client.end().catch(() => undefined)
  }
}
