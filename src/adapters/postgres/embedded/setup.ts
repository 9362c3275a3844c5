import path from 'node:path'
import type { Address } from './address.ts'
import type { Binaries } from './binaries.ts'
import { type Identity, spawnIdentity } from './identity.ts'
import { LOCK_FILE, LOG_FILE, PGDATA, PRIVATE_LOCK_FILE } from './layout.ts'
import type { Watchdog } from './watchdog.ts'
import type { Order } from './watchdog-program.ts'

/** What the stages of one start share. */
export interface Setup {
  /** Holds the data, the lock record and the log: the caller's folder, or else the private one. */
  readonly folder: string
  readonly privateFolder: string
  readonly kept: boolean
  readonly identity: Identity | undefined
  readonly binaries: Binaries
  readonly address: Address
  readonly watchdog: Watchdog
  /** Passed on to PostgreSQL as they are. */
  readonly settings: Readonly<Record<string, string>>
}

export const pgdataOf = (setup: Setup): string => path.join(setup.folder, PGDATA)
export const lockOf = (setup: Setup): string =>
  path.join(setup.folder, setup.kept ? LOCK_FILE : PRIVATE_LOCK_FILE)
export const logOf = (setup: Setup): string => path.join(setup.folder, LOG_FILE)

export function orderOf(setup: Setup, program: Pick<Order, 'kind' | 'file' | 'args' | 'input'>): Order {
  return {
    ...program,
    env: setup.binaries.env,
    identity: spawnIdentity(setup.identity),
    log: logOf(setup),
  }
}
