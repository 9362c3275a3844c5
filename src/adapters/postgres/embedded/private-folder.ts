import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { BellowsError, messageOf } from '../../../core/errors.ts'
import type { Identity } from './identity.ts'
import { PRIVATE_PREFIX } from './layout.ts'
import { blockedFolder } from './reach.ts'

/** A name that nobody has and nobody guesses, for a folder that is made when a process watches over it already. */
export function privateFolderName(identity: Identity | undefined): string {
  return path.join(temporaryRoot(identity), PRIVATE_PREFIX + randomBytes(6).toString('hex'))
}

/**
 * A temporary folder that only we (and the server's user) can use. Root keeps the outer folder for itself and lets
 * others pass through: what the server's user writes is in folders made by `makeServerFolder`.
 */
export function makePrivateFolder(folder: string, identity: Identity | undefined): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
    if (identity) chmodSync(folder, 0o711)
  } catch (cause) {
    throw new BellowsError('embedded_unavailable', `No temporary folder can be made: ${messageOf(cause)}.`, {
      hint: 'Set TMPDIR to a folder that can be written and that every user can pass through.',
      cause,
    })
  }
}

/** A folder that belongs to the server's user and to nobody else. */
export function makeServerFolder(folder: string, identity: Identity | undefined): string {
  mkdirSync(folder, { mode: 0o700 })
  if (identity) chownSync(folder, identity.uid, identity.gid)
  return folder
}

/** Where temporary folders go: as the environment says, unless the server's user cannot get there. */
function temporaryRoot(identity: Identity | undefined): string {
  const roots = identity ? [tmpdir(), '/tmp', '/var/tmp'] : [tmpdir()]
  return roots.find((each) => blockedFolder(path.join(each, 'x'), identity) === undefined) ?? tmpdir()
}
