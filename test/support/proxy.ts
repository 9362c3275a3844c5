import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { cleanUp } from './database.ts'

/** Where a connection is cut: the request never arrives, or it is done and the answer never arrives. */
export type Cut = 'before the request' | 'before the answer'

export interface Proxy {
  /** The URL of the database through the proxy. */
  readonly url: string
  /** Changing requests that arrived so far: transactions, concurrent index builds, and becoming the driver. */
  readonly requests: readonly string[]
  /** Cuts the connection once, at one of these requests; they count from 1. */
  cutAt(request: number, cut: Cut): void
  /** Lets nothing more through of the connections that are there, or of those that have said something so far, and ends none: nobody is told. */
  goSilent(have?: RegExp): void
}

const QUERY = 'Q'.charCodeAt(0)
/** Of what a connection begins with. */
const REMEMBERED_CHARACTERS = 10_000
const READY = 'Z'.charCodeAt(0)
const CHANGING = /^\s*(begin;|(create|drop).* index concurrently|with raised as)/i

/** Stands between a client and the server that a URL with a unix socket names, and understands who says what. */
export async function startProxy(url: string): Promise<Proxy> {
  const { host, port } = serverOf(url)
  const requests: string[] = []
  const open = new Map<Socket, { said: string }>()
  let planned: { readonly at: number; readonly cut: Cut } | undefined

  const server = createServer((client) => {
    const upstream = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
    const ends = [client, upstream]
    const way = { said: '' }
    for (const end of ends) {
      open.set(end, way)
      end.setNoDelay(true)
      end.on('error', () => undefined)
      end.on('close', () => {
        open.delete(end)
        for (const each of ends) each.destroy()
      })
    }
    let isSwallowing = false
    const fromClient = messages(true, (message) => {
      if (way.said.length < REMEMBERED_CHARACTERS) way.said += message.toString('utf8')
      const text = message[0] === QUERY ? message.toString('utf8', 5, message.length - 1) : ''
      if (CHANGING.test(text)) {
        requests.push(text)
        if (planned?.at === requests.length) {
          if (planned.cut === 'before the request') {
            client.destroy()
            return
          }
          isSwallowing = true
        }
      }
      upstream.write(message)
    })
    const fromServer = messages(false, (message) => {
      if (!isSwallowing) client.write(message)
      else if (message[0] === READY) client.destroy()
    })
    client.on('data', fromClient)
    upstream.on('data', fromServer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUp(async () => {
    for (const socket of open.keys()) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String((server.address() as AddressInfo).port)
  through.searchParams.delete('host')
  return {
    url: through.href,
    requests,
    goSilent: (have) => {
      for (const [socket, { said }] of open) if (have?.test(said) ?? true) socket.pause()
    },
    cutAt: (at, cut) => {
      planned = { at, cut }
    },
  }
}

function serverOf(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port, searchParams } = new URL(url)
  return { host: searchParams.get('host') ?? hostname, port: Number(port) }
}

/** Cuts a stream into the messages of PostgreSQL's protocol. Only the first one of a client has no letter in front. */
function messages(isClient: boolean, take: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  let isFirst = isClient
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const start = isFirst ? 0 : 1
      if (rest.length < start + 4) return
      const length = start + rest.readUInt32BE(start)
      if (rest.length < length) return
      take(rest.subarray(0, length))
      rest = rest.subarray(length)
      isFirst = false
    }
  }
}
