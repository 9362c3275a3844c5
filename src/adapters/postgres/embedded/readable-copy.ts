import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import path from 'node:path'

/**
 * A copy of the binaries that every user can read, for a package below a folder such as /root. It is made once and
 * kept beside the private folders, because copying takes longer than everything else together.
 * @param privateFolder where a half-made copy lies, so that it goes away with it
 */
export function readableCopy(native: string, privateFolder: string): string {
  const stamp = `${native} ${statSync(path.join(native, 'bin', 'postgres')).mtimeMs}`
  const key = createHash('sha256').update(stamp).digest('hex').slice(0, 12)
  const kept = path.join(path.dirname(privateFolder), `bellows-binaries-${key}`)
  if (isOurs(kept) && countFiles(kept) === countFiles(native)) return kept
  const fresh = path.join(privateFolder, 'native')
  copyFolder(native, fresh)
  try {
    // What a cleaner of old files has been at is replaced; what is not ours is left alone, and the copy stays private.
    if (isOurs(kept)) rmSync(kept, { recursive: true, force: true })
    renameSync(fresh, kept)
    return kept
  } catch {
    return fresh
  }
}

/** Anybody may make a folder of this name in a temporary one. */
function isOurs(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false })
  return stats?.isDirectory() === true && stats.uid === process.getuid?.() && (stats.mode & 0o022) === 0
}

/** Links are left out: they are made in the copy, whether the original has them or not. */
function countFiles(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .length
}

function copyFolder(from: string, to: string): void {
  mkdirSync(to)
  chmodSync(to, 0o755)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)]
    if (entry.isDirectory()) copyFolder(source, target)
    if (!entry.isFile()) continue
    copyFileSync(source, target)
    chmodSync(target, 0o755)
  }
}
