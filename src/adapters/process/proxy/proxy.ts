import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { forward } from './forward.ts'
import { PROXY_LIMITS, type ProxyLimits } from './limits.ts'
import { isPassedOn, readAgain, upgrade } from './upgrade.ts'
import { createUpstreams, type Upstreams } from './upstreams.ts'

/** An address, or a socket that whoever started this process has opened for it. */
export type Listen = { readonly host: string; readonly port: number } | { readonly fd: number }

export interface ProxyOptions {
  /** What the instances are, for messages to clients. */
  readonly name: string
  readonly limits?: Partial<ProxyLimits>
}

/** One address, behind which instances come and go. Each request is routed by itself, also on a kept connection. */
export interface ReverseProxy extends Pick<Upstreams, 'admit' | 'drain' | 'cut' | 'drop' | 'inFlight'> {
  /**
   * @returns the port
   * @throws what `listen` of Node.js throws, such as EADDRINUSE
   */
  listen(where: Listen): Promise<number>
  /** Takes no new connections, and lets what is under way end, at most so long. Upgraded connections are cut at once. */
  close(timeoutMs: number): Promise<void>
}

const CLOSE_POLL_MS = 10
const FIRST_WORD_MS = 500
const KEEP_ALIVE_MS = 60_000

/** It listens only when it is told to, so that its first request finds what it was given until then. */
export function createProxy({ name, limits: changed = {} }: ProxyOptions): ReverseProxy {
  const limits = { ...PROXY_LIMITS, ...changed }
  const upstreams = createUpstreams(limits)
  const route = { name, upstreams, limits }
  const upgraded = new Set<Socket>()
  let isClosing = false
  const server = createServer({
    headersTimeout: limits.headTimeoutMs,
    // A body may take long as long as it goes on.
    requestTimeout: 0,
    keepAliveTimeout: limits.clientIdleMs,
    // A client that vanished without a word would be waited for until the drain is over.
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  })
  // A connection that cannot be accepted, as this process is out of files, is no end of the others.
  server.on('error', () => undefined)
  server.on('request', (request, response) => {
    if (isClosing) response.shouldKeepAlive = false
    forward(request, response, route)
  })
  server.on('upgrade', (request, socket: Socket, rest) => {
    if (!isPassedOn(request)) {
      readAgain({ request, socket, rest }, server)
      return
    }
    upgraded.add(socket)
    socket.once('close', () => upgraded.delete(socket))
    upgrade({ request, socket, rest }, route)
  })
  const { admit, drain, cut, drop, inFlight } = upstreams
  return {
    admit,
    drain,
    cut,
    drop,
    inFlight,
    listen: async (where) => {
      server.listen(where)
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    },
    close: async (timeoutMs) => {
      isClosing = true
      const closed = once(server, 'close')
      server.close()
      for (const socket of upgraded) socket.destroy()
      await Promise.race([closed, untilQuiet(server, upstreams, timeoutMs)])
      server.closeAllConnections()
    },
  }
}

/** Until nothing is under way, and whoever had just connected has had the time to say what for. */
async function untilQuiet(server: Server, upstreams: Upstreams, timeoutMs: number): Promise<void> {
  const began = performance.now()
  for (let spentMs = 0; spentMs < timeoutMs; spentMs = performance.now() - began) {
    server.closeIdleConnections()
    if (upstreams.underWay === 0 && spentMs > FIRST_WORD_MS) return
    await sleep(CLOSE_POLL_MS)
  }
}
