import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { SUPERUSER } from './address.ts'
import { readPostmaster } from './postmaster.ts'
import { logTail, programFailed } from './program-failed.ts'
import { serverArguments } from './server-arguments.ts'
import { logOf, orderOf, pgdataOf, type Setup } from './setup.ts'
import type { Run } from './watchdog.ts'

export interface RunningServer {
  readonly pid: number
  readonly ended: Promise<string>
}

/** Recovery after a crash replays at most what `max_wal_size` holds, which takes seconds. */
const READY_TIMEOUT_MS = 60_000
const READY_POLL_MS = 5

/** Backends whose postmaster was killed end by themselves, the busy ones at their next wait. */
const ORPHANS_TIMEOUT_MS = 10_000
const ORPHANS_PAUSE_MS = 100
const ORPHANS_WORDS = 'pre-existing shared memory block'

export async function runServer(setup: Setup): Promise<RunningServer> {
  await setup.address.release()
  const args = argumentsOf(setup)
  return outliveOrphans(logOf(setup), async () => {
    const run = setup.watchdog.run(orderOf(setup, { kind: 'server', file: setup.binaries.postgres, args }))
    const pid = await run.started
    const outcome = await untilReady(run, pid, pgdataOf(setup))
    if (pid !== undefined && outcome === 'ready') return { pid, ended: run.ended }
    throw programFailed('postgres', outcome, logOf(setup))
  })
}

/** Done without a connection, as the role may have no password yet and the rules let nobody in without one. */
export async function setPassword(setup: Setup, password: string): Promise<void> {
  const args = ['--single', ...argumentsOf(setup), 'postgres']
  const input = `ALTER ROLE ${SUPERUSER} PASSWORD '${password}'\n`
  await outliveOrphans(logOf(setup), async () => {
    const program = { kind: 'tool', file: setup.binaries.postgres, args, input } as const
    const outcome = await setup.watchdog.run(orderOf(setup, program)).ended
    if (outcome !== 'exit code 0') throw programFailed('postgres --single', outcome, logOf(setup))
  })
}

function argumentsOf(setup: Setup): string[] {
  return serverArguments(pgdataOf(setup), setup.kept, setup.settings, setup.address.settings)
}

async function untilReady(run: Run, pid: number | undefined, pgdata: string): Promise<string> {
  for (const end = Date.now() + READY_TIMEOUT_MS; Date.now() < end; ) {
    const outcome = await Promise.race([run.ended, sleep(READY_POLL_MS)])
    if (outcome !== undefined) return outcome
    const postmaster = readPostmaster(pgdata)
    if (postmaster?.status === 'ready' && postmaster.pid === pid) return 'ready'
  }
  return `not ready after ${READY_TIMEOUT_MS} ms`
}

async function outliveOrphans<T>(log: string, attempt: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + ORPHANS_TIMEOUT_MS; ; await sleep(ORPHANS_PAUSE_MS)) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > end || !logTail(log).includes(ORPHANS_WORDS)) throw error
      rmSync(log, { force: true })
    }
  }
}
