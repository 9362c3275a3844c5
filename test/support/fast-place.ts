import { existsSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const MEMORY = '/dev/shm'
const BYTES_NEEDED = 4 * 2 ** 30

/** Where tests put servers that nobody wants to keep: in memory, where there is a file system with room for it. */
export function fastPlace(): string {
  if (process.env.TMPDIR !== undefined) return process.env.TMPDIR
  if (!existsSync(MEMORY)) return tmpdir()
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize >= BYTES_NEEDED ? MEMORY : tmpdir()
}
