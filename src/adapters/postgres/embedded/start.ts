import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { lockRecord, writeRecord } from '../../os/lock-record.ts'
import { chooseAddress } from './address.ts'
import { packageBinaries, prepareBinaries } from './binaries.ts'
import { checkVersion, hasCluster, inspectDataFolder } from './data-folder.ts'
import { serverIdentity } from './identity.ts'
import { PRIVATE_LOCK_FILE } from './layout.ts'
import { makeCluster } from './make-cluster.ts'
import { retirePostmaster } from './postmaster.ts'
import { makePrivateFolder, privateFolderName } from './private-folder.ts'
import { runServer, setPassword } from './run-server.ts'
import { lockOf, pgdataOf, type Setup } from './setup.ts'
import { sweepPrivateFolders } from './sweep.ts'
import { holdsFolder, takeFolder } from './take-folder.ts'
import { spawnWatchdog, WATCHDOG_GONE } from './watchdog.ts'

export interface EmbeddedOptions {
  /** A folder that keeps the data; absent: a new temporary one that is removed at the end. */
  readonly dataFolder?: string
  /** Folder with bin/, lib/ and share/, for other majors; absent: that of the installed platform package. */
  readonly binaries?: string
  /** Extra server settings, such as `{ max_connections: '200' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface EmbeddedServer {
  /** URL of the maintenance database `postgres` for the superuser `postgres`. */
  readonly url: string
  /** URL of another database on the same server. */
  databaseUrl(database: string): string
  readonly dataFolder: string
  readonly pid: number
  /** May be called more than once. Without it the server stops when this process ends, however it ends. */
  stop(): Promise<void>
}

/**
 * Starts a PostgreSQL server of our own.
 * @throws BellowsError `embedded_unavailable`, `embedded_failed`, `data_folder_in_use` or `data_folder_unusable`
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const id = randomBytes(8).toString('hex')
  const setup = await prepare(options, id)
  try {
    checkVersion(setup.folder, setup.binaries.major)
    await takeFolder(setup, lockRecord(id, setup.watchdog.mark, setup.address.url('postgres')))
    if (!hasCluster(setup.folder)) await makeCluster(setup)
    if (setup.address.password !== undefined) await setPassword(setup, setup.address.password)
    const server = await runServer(setup)
    let stopped: Promise<void> | undefined
    const stop = (): Promise<void> => (stopped ??= tearDown(setup, id))
    // A server that ends by itself leaves a folder that may be started again.
    void server.ended.then((outcome) => (outcome === WATCHDOG_GONE ? undefined : stop().catch(() => {})))
    setup.watchdog.release()
    const databaseUrl = (database: string): string => setup.address.url(database)
    return { url: databaseUrl('postgres'), databaseUrl, dataFolder: setup.folder, pid: server.pid, stop }
  } catch (error) {
    await tearDown(setup, id)
    throw error
  }
}

async function prepare(options: EmbeddedOptions, id: string): Promise<Setup> {
  const native = options.binaries ?? packageBinaries(process.platform, process.arch)
  const dataFolder = options.dataFolder === undefined ? undefined : path.resolve(options.dataFolder)
  if (dataFolder !== undefined) inspectDataFolder(dataFolder)
  const identity = serverIdentity(dataFolder)
  const privateFolder = privateFolderName(identity)
  const watchdog = spawnWatchdog(privateFolder)
  try {
    makePrivateFolder(privateFolder, identity)
    // The sweep of a later process goes by this record, should both of ours be killed.
    writeRecord(path.join(privateFolder, PRIVATE_LOCK_FILE), lockRecord(id, watchdog.mark, ''))
    void sweepPrivateFolders(path.dirname(privateFolder)).catch(() => {})
    return {
      folder: dataFolder ?? privateFolder,
      privateFolder,
      kept: dataFolder !== undefined,
      identity,
      binaries: await prepareBinaries(path.resolve(native), privateFolder, identity),
      address: await chooseAddress(privateFolder, identity),
      watchdog,
      settings: options.settings ?? {},
    }
  } catch (error) {
    await watchdog.end()
    throw error
  }
}

/** The watchdog does it all; what follows is for one that was killed before it could. */
async function tearDown(setup: Setup, id: string): Promise<void> {
  await setup.address.release()
  await setup.watchdog.end()
  if (await holdsFolder(setup, id)) {
    await retirePostmaster(pgdataOf(setup))
    rmSync(lockOf(setup), { force: true })
  }
  rmSync(setup.privateFolder, { recursive: true, force: true })
}
