import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { BellowsError, messageOf } from '../../../core/errors.ts'
import { claim, type LockRecord, readRecord } from '../../os/lock-record.ts'
import { isRunning } from '../../os/process-mark.ts'
import { makeDataFolder, unusable } from './data-folder.ts'
import { retirePostmaster } from './postmaster.ts'
import { lockOf, logOf, pgdataOf, type Setup } from './setup.ts'

/** How long a watchdog whose parent died may take to stop the server. */
const FORMER_WATCHDOG_MS = 10_000
const FORMER_WATCHDOG_POLL_MS = 20

/** Makes the folder ours alone, free of what a dead owner left in it. */
export async function takeFolder(setup: Setup, record: LockRecord): Promise<void> {
  if (!setup.kept) return
  makeDataFolder(setup.folder, setup.identity)
  await claimOrRefuse(setup, record)
  // Not before the claim: until then it may be another's. A record that stays between the two is a dead one.
  setup.watchdog.removeAtEnd(lockOf(setup))
  const server = await retirePostmaster(pgdataOf(setup))
  if (server !== undefined)
    throw inUse(setup.folder, server, `server ${server}, which was not started by Bellows`)
  rmSync(logOf(setup), { force: true })
}

/** Only the record of this id: the folder may be another process's by now. */
export async function holdsFolder(setup: Setup, id: string): Promise<boolean> {
  return (await readRecord(lockOf(setup)))?.id === id
}

async function claimOrRefuse(setup: Setup, record: LockRecord): Promise<void> {
  for (const end = Date.now() + FORMER_WATCHDOG_MS; ; await sleep(FORMER_WATCHDOG_POLL_MS)) {
    const holder = await claimFile(setup, record)
    if (holder === undefined) return
    const { owner, watchdog, url } = holder
    if (isRunning(owner)) throw inUse(setup.folder, owner.pid, `process ${owner.pid}`, url)
    const stopping = `process ${watchdog.pid}, which is stopping its server`
    if (Date.now() > end) throw inUse(setup.folder, watchdog.pid, stopping)
  }
}

async function claimFile(setup: Setup, record: LockRecord): Promise<LockRecord | undefined> {
  try {
    return await claim(lockOf(setup), record)
  } catch (cause) {
    throw unusable(setup.folder, messageOf(cause), 'Name a folder that can be read and written.', cause)
  }
}

function inUse(folder: string, pid: number, user: string, url = ''): BellowsError {
  const wait = 'Wait for it to end or stop it, then try again.'
  return new BellowsError('data_folder_in_use', `The data folder "${folder}" is in use by ${user}.`, {
    hint: url === '' ? wait : `Use its server: --database "${url}"`,
    facts: { pid },
  })
}
