import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { BellowsError, messageOf } from '../../../core/errors.ts'
import { codeOf } from '../../os/error-parts.ts'
import type { Identity } from './identity.ts'
import { PGDATA } from './layout.ts'
import { blockedFolder } from './reach.ts'

/** What may be in a folder that we take for empty: our own files, and what file systems and desktops put there. */
const OVERLOOKED = /^(bellows\.|pgdata\.new\.|lost\+found$|\.DS_Store$)/

/** Refuses a folder that cannot hold the data, without touching anything. */
export function inspectDataFolder(folder: string): void {
  const version = readVersion(folder)
  if (version !== undefined) return
  const others = listFolder(folder).filter((name) => !OVERLOOKED.test(name))
  if (others.length === 0) return
  throw unusable(
    folder,
    `it holds something else (${others.slice(0, 3).join(', ')})`,
    'Name an empty or a new folder.',
  )
}

/** Refuses data that these binaries cannot read. */
export function checkVersion(folder: string, major: number): void {
  const version = readVersion(folder)
  if (version === undefined || version === String(major)) return
  throw unusable(
    folder,
    `its data is of PostgreSQL ${version}, and this is PostgreSQL ${major}`,
    `Name another folder, or run a PostgreSQL ${version} on it and use that: --database postgres://user@host/database`,
  )
}

/** Makes the folder if it is not there, and makes sure that the server's user can pass through it. */
export function makeDataFolder(folder: string, identity: Identity | undefined): void {
  const blocked = blockedFolder(folder, identity)
  if (blocked !== undefined) {
    const reason = `the server does not run as root, and its user cannot pass through "${blocked}"`
    throw unusable(folder, reason, `Name a folder elsewhere, or allow it: chmod o+x "${blocked}"`)
  }
  try {
    mkdirSync(folder, { recursive: true, mode: identity ? 0o711 : 0o700 })
    letPass(folder, identity)
  } catch (cause) {
    throw unusable(folder, messageOf(cause), 'Name a folder that can be written.', cause)
  }
}

/**
 * Opens what still is in the way: the folder itself, when root made it as `mkdtemp` does, and new ones above it that the
 * umask has closed. The data inside stays closed to others.
 */
function letPass(folder: string, identity: Identity | undefined): void {
  let opened: string | undefined
  for (;;) {
    const closed = blockedFolder(path.join(folder, PGDATA), identity)
    // Some file systems take no modes; what comes of it, PostgreSQL will say.
    if (closed === undefined || closed === opened) return
    chmodSync(closed, (statSync(closed).mode & 0o777) | 0o011)
    opened = closed
  }
}

export function unusable(folder: string, reason: string, hint: string, cause?: unknown): BellowsError {
  return new BellowsError('data_folder_unusable', `The data folder "${folder}" cannot be used: ${reason}.`, {
    hint,
    cause,
  })
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return []
    throw unusable(folder, messageOf(cause), 'Name a folder that can be read and written.', cause)
  }
}

function readVersion(folder: string): string | undefined {
  try {
    return readFileSync(path.join(folder, PGDATA, 'PG_VERSION'), 'utf8').trim()
  } catch {
    return undefined
  }
}

export function hasCluster(folder: string): boolean {
  return readVersion(folder) !== undefined
}
