import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { cleanUp } from './database.ts'

const READY = 'Z'.charCodeAt(0)
const IDLE = 'I'.charCodeAt(0)
const TERMINATE = 'X'.charCodeAt(0)

/** A message of PostgreSQL's protocol: its type, its length, its body. */
function message(type: string, body: Buffer | string): Buffer {
  const content = Buffer.from(body)
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeInt32BE(content.length + 4, 1)
  return Buffer.concat([head, content])
}

const GREETING = Buffer.concat([
  message('R', Buffer.alloc(4)),
  message('S', ['server_version', '18.0', ''].join('\0')),
  message('K', Buffer.alloc(8)),
  message('Z', 'I'),
])

/** Cuts a stream into messages; the first of a client has no type. */
function messages(startsBare: boolean, take: (whole: Buffer, isStart: boolean) => void) {
  let rest = Buffer.alloc(0)
  let isStart = startsBare
  return (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const at = isStart ? 0 : 1
      if (rest.length < at + 4) return
      const length = rest.readInt32BE(at) + at
      if (rest.length < length) return
      take(rest.subarray(0, length), isStart)
      rest = rest.subarray(length)
      isStart = false
    }
  }
}

/**
 * A transaction pooler with one session, which everybody shares: what one client sets in it, the next one has. What a client says
 * as it connects goes nowhere.
 */
export async function startPooler(url: string): Promise<string> {
  const { searchParams, port, pathname, username } = new URL(url)
  const host = decodeURIComponent(searchParams.get('host') ?? '')
  const session = connect(`${host}/.s.PGSQL.${port}`)
  const waiting: [Socket, Buffer][] = []
  let owner: Socket | undefined
  let isOpen = false
  const next = (): void => {
    const [client, text] = isOpen && owner === undefined ? (waiting.shift() ?? []) : []
    if (client === undefined || text === undefined) return
    owner = client
    session.write(text)
  }
  const startup = Buffer.concat([
    Buffer.from([0, 3, 0, 0]),
    Buffer.from(`user\0${username}\0database\0${pathname.slice(1)}\0\0`),
  ])
  const length = Buffer.alloc(4)
  length.writeInt32BE(startup.length + 4)
  session.write(Buffer.concat([length, startup]))
  session.on(
    'data',
    messages(false, (whole) => {
      if (isOpen) owner?.write(whole)
      if (whole[0] !== READY || whole[5] !== IDLE) return
      isOpen = true
      owner = undefined
      next()
    }),
  )
  const server = createServer((client) => {
    client.on('error', () => undefined)
    client.on(
      'data',
      messages(true, (whole, isStart) => {
        if (isStart) client.write(GREETING)
        else if (whole[0] === TERMINATE) client.end()
        else if (owner === client) session.write(whole)
        else {
          waiting.push([client, whole])
          next()
        }
      }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUp(async () => {
    session.destroy()
    server.close()
  })
  return `postgres://${username}@127.0.0.1:${(server.address() as AddressInfo).port}${pathname}?sslmode=disable`
}
