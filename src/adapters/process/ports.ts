import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Gives each instance a port of its own. */
export interface Ports {
  /** @throws when none is free */
  take(): Promise<number>
  /** Somebody has it already. */
  keep(port: number): void
  release(port: number): void
}

/** Below those that systems give to outgoing connections (from 32768, or 49152): one of these could have it for a moment. */
const FIRST = 20_000
const LAST = 29_999
const ATTEMPTS_MAX = 200

export function loopbackPorts(): Ports {
  const taken = new Set<number>()
  return {
    keep: (port) => void taken.add(port),
    release: (port) => void taken.delete(port),
    take: async () => {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
        const port = randomInt(FIRST, LAST + 1)
        if (taken.has(port)) continue
        taken.add(port)
        if (await isFree(port)) return port
        taken.delete(port)
      }
      throw new Error(`no port from ${FIRST} to ${LAST} is free`)
    },
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
