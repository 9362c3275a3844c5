import { once } from 'node:events'
import {
  type Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
  type ServerOptions,
} from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { cleanUp } from './database.ts'

export interface Instance {
  readonly port: number
  readonly server: Server
  /** Connections that were made to it so far. */
  readonly connections: () => number
  /** As if its process were killed. */
  readonly kill: () => void
}

/** A server on a port of its own, in this process. */
export async function instance(
  listener: (...asked: Parameters<RequestListener>) => unknown,
  options: ServerOptions = {},
): Promise<Instance> {
  const server = createServer(options, (...asked) => void listener(...asked)).listen(0, '127.0.0.1')
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
  })
  await once(server, 'listening')
  const kill = (): void => {
    server.close()
    for (const socket of sockets) socket.resetAndDestroy()
  }
  cleanUp(async () => kill())
  return { port: (server.address() as AddressInfo).port, server, connections: () => connections, kill }
}

/** Answers with its name. */
export const named =
  (name: string): RequestListener =>
  (asked, response) => {
    asked.resume().once('end', () => response.end(name))
  }

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: string
  /** Was it sent on a connection that had served before? */
  readonly reused: boolean
}

export interface Asked {
  readonly path?: string
  readonly method?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: string | Buffer
  readonly agent?: Agent
}

/** One request to a port of this machine, and its whole answer. */
export async function ask(port: number, asked: Asked = {}): Promise<Answer> {
  const { path = '/', method = 'GET', headers = {}, body, agent } = asked
  const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent: agent ?? false })
  outgoing.end(body)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks = await answer.toArray()
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    rawHeaders: answer.rawHeaders,
    body: Buffer.concat(chunks).toString(),
    reused: outgoing.reusedSocket,
  }
}

/** A connection that shows every byte. */
export interface Wire {
  readonly socket: Socket
  write(text: string): void
  /** What came so far. */
  read(): string
  /** Waits until that matches. */
  until(pattern: RegExp): Promise<RegExpExecArray>
  readonly closed: Promise<void>
}

export async function wire(port: number): Promise<Wire> {
  const socket = connect(port, '127.0.0.1')
  cleanUp(async () => void socket.destroy())
  let text = ''
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const look of waiting) look()
  }
  socket.on('error', () => undefined).setEncoding('latin1')
  socket.on('data', (more: string) => {
    text += more
    wake()
  })
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve()
      wake()
    })
  })
  await once(socket, 'connect')
  return {
    socket,
    write: (more) => void socket.write(more, 'latin1'),
    read: () => text,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(text)
          if (found === null && !socket.destroyed) return
          waiting.delete(look)
          if (found === null) reject(new Error(`closed before ${pattern}: ${text}`))
          else resolve(found)
        }
        waiting.add(look)
        look()
      }),
    closed,
  }
}
