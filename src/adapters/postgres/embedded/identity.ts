import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { BellowsError } from '../../../core/errors.ts'
import { PGDATA } from './layout.ts'

/** The user that the server runs as when it is not ours. Both numbers unsigned, as `stat` gives and `chown` takes. */
export interface Identity {
  readonly uid: number
  readonly gid: number
}

/**
 * PostgreSQL refuses to run as root, so root starts it as the owner of an existing data folder or else as `nobody`.
 * Both must be in the user database: PostgreSQL refuses a number without a name too.
 */
export function serverIdentity(dataFolder: string | undefined): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readUsers()
  const owner = dataFolder === undefined ? 0 : ownerOf(dataFolder)
  const identity =
    [...users.values()].find((user) => user.uid !== 0 && user.uid === owner) ?? users.get('nobody')
  if (identity) return identity
  throw new BellowsError(
    'embedded_unavailable',
    'PostgreSQL cannot run as root, and there is no user "nobody".',
    {
      hint: 'Run as an ordinary user, or use a server of your own: --database postgres://user@host/database',
    },
  )
}

/** `spawn` wants signed numbers: macOS has nobody at -2, which `stat` shows as 4294967294. */
export function spawnIdentity(identity: Identity | undefined): {
  readonly uid?: number
  readonly gid?: number
} {
  return identity ? { uid: identity.uid | 0, gid: identity.gid | 0 } : {}
}

export function parseUsers(passwd: string): ReadonlyMap<string, Identity> {
  const users = new Map<string, Identity>()
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid] = line.split(':')
    if (name && uid && gid) users.set(name, { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 })
  }
  return users
}

/** The data inside decides before the folder around it, which may be root's. */
function ownerOf(dataFolder: string): number {
  const found = [path.join(dataFolder, PGDATA), dataFolder].map((each) =>
    statSync(each, { throwIfNoEntry: false }),
  )
  return found.find((stats) => stats !== undefined)?.uid ?? 0
}

function readUsers(): ReadonlyMap<string, Identity> {
  try {
    return parseUsers(readFileSync('/etc/passwd', 'utf8'))
  } catch {
    return new Map()
  }
}
