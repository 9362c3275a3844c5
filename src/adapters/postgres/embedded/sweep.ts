import { lstatSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { isDead, processSpace, readRecord } from '../../os/lock-record.ts'
import { PGDATA, PRIVATE_LOCK_FILE, PRIVATE_PREFIX } from './layout.ts'
import { retirePostmaster } from './postmaster.ts'

/**
 * Removes the private folders of processes that were killed together with their watchdogs, and stops the servers in
 * them. Nothing else would: this is the one case in which nobody is left to clean up.
 */
export async function sweepPrivateFolders(root: string): Promise<void> {
  const names = readdirSync(root).filter((name) => name.startsWith(PRIVATE_PREFIX))
  await Promise.all(names.map((name) => sweepFolder(path.join(root, name)).catch(() => {})))
}

async function sweepFolder(folder: string): Promise<void> {
  const stats = lstatSync(folder)
  // Anybody may make a folder of such a name in a temporary one; only what we made is ours to remove.
  if (!stats.isDirectory() || stats.uid !== (process.getuid?.() ?? stats.uid)) return
  const record = await readRecord(path.join(folder, PRIVATE_LOCK_FILE))
  if (record === undefined || record.processSpace !== processSpace() || !isDead(record)) return
  if ((await retirePostmaster(path.join(folder, PGDATA))) !== undefined) return
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
}
