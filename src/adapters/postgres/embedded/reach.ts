import { realpathSync, type Stats, statSync } from 'node:fs'
import path from 'node:path'
import type { Identity } from './identity.ts'

export const READ_AND_EXECUTE = 0o5
export const EXECUTE = 0o1

/** The first folder on the way to `target` that the identity cannot pass through, or undefined when it can. */
export function blockedFolder(target: string, identity: Identity | undefined): string | undefined {
  if (!identity) return undefined
  const folders: string[] = []
  let folder = path.dirname(resolveLinks(target))
  for (; folder !== path.dirname(folder); folder = path.dirname(folder)) folders.unshift(folder)
  return [folder, ...folders].find((each) => {
    const stats = statSync(each, { throwIfNoEntry: false })
    return stats && !permits(stats, identity, EXECUTE)
  })
}

/** Access lists are not looked at: what they grant beyond the mode is not found, what they deny shows later. */
export function permits(stats: Stats, identity: Identity, access: number): boolean {
  const shift = stats.uid === identity.uid ? 6 : stats.gid === identity.gid ? 3 : 0
  return ((stats.mode >> shift) & access) === access
}

/** As `realpath`, but the last parts of the path need not exist. */
function resolveLinks(target: string): string {
  try {
    return realpathSync(target)
  } catch {
    const parent = path.dirname(target)
    return parent === target ? target : path.join(resolveLinks(parent), path.basename(target))
  }
}
