import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import path from 'node:path'

/** Holds the processes of the demo: those that it starts, and those that they start. */
export interface Leash {
  /** For the environment of Node.js processes: with it they end when this process does, or when it lets go. */
  readonly env: NodeJS.ProcessEnv
  release(): Promise<void>
}

/** Names the socket to the processes. */
export const LEASH = 'BELLOWS_DEMO_LEASH'

export async function openLeash(folder: string): Promise<Leash> {
  const held = new Set<Socket>()
  const server = createServer((socket) => {
    held.add(socket)
    socket.on('error', () => undefined).on('close', () => held.delete(socket))
    socket.resume()
  })
  const socket = path.join(folder, 'leash.sock')
  server.listen(socket)
  await once(server, 'listening')
  const preload = `--import=${new URL('./leashed.js', import.meta.url).href}`
  return {
    env: { [LEASH]: socket, NODE_OPTIONS: [process.env.NODE_OPTIONS, preload].filter(Boolean).join(' ') },
    release: async () => {
      server.close()
      for (const each of held) each.destroy()
      await once(server, 'close')
    },
  }
}
