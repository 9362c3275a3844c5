import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { RETRY_AFTER_S } from './forward.ts'
import { answerHeaders, type Headers, hasBody, head, requestHeaders } from './headers.ts'
import { type Route, send } from './send.ts'
import type { Lease } from './upstreams.ts'

/** The client's side of an upgrade: Node.js has taken its parser off the socket, and hands over what it had read too far. */
export interface Upgrading {
  readonly request: IncomingMessage
  readonly socket: Socket
  readonly rest: Buffer
}

/** A client whose upgrade was refused may leave its side open for so long. */
const LINGER_MS = 5_000

/** HTTP/2 is not spoken by the proxy, and an upgrade with a body is one that the server is free to overlook (RFC 9110, 7.8). */
export function isPassedOn(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() !== 'h2c' && !hasBody(request)
}

/** Takes a request for what it is without its offer to change the protocol: an ordinary one. */
export function readAgain({ request, socket, rest }: Upgrading, server: Server): void {
  const { method, url, httpVersion, rawHeaders } = request
  const isOffer = (name = ''): boolean => /^(connection|upgrade|http2-settings)$/i.test(name)
  const headers = rawHeaders.filter((_, at) => !isOffer(rawHeaders[at - (at % 2)]))
  const text = head(`${method} ${url} HTTP/${httpVersion}`, headers)
  socket.unshift(Buffer.concat([Buffer.from(text, 'latin1'), rest]))
  server.emit('connection', socket)
}

/** Passes an upgrade on, such as that of a WebSocket. From then on the bytes go through as they are. */
export function upgrade({ request, socket, rest }: Upgrading, route: Route): void {
  const { method = 'GET', url: path = '/', headers } = request
  const offer = ['Connection', 'Upgrade', 'Upgrade', headers.upgrade ?? '']
  const message = { method, path, headers: [...requestHeaders(request), ...offer], hasBody: false }
  socket.on('error', () => undefined)
  const stopLooking = lookForEnd(socket)
  const sending = send(message, route, {
    connected: (outgoing) => void outgoing.end(),
    upgraded: (answer, upstream, begun, lease) => {
      stopLooking()
      writeHead(socket, answer, answer.rawHeaders)
      socket.write(begun)
      upstream.write(rest)
      join(socket, upstream, lease)
    },
    answered: (answer) => {
      stopLooking()
      writeHead(socket, answer, [...answerHeaders(answer), 'Connection', 'close'])
      answer.once('error', () => socket.destroy())
      answer.pipe(socket)
      linger(socket)
    },
    failed: ({ status, because }) => {
      stopLooking()
      const retry = status === 503 ? ['Retry-After', String(RETRY_AFTER_S)] : []
      const type = ['Content-Type', 'text/plain; charset=utf-8', 'Connection', 'close']
      writeHead(socket, { statusCode: status, statusMessage: STATUS_CODES[status] }, [...type, ...retry])
      socket.end(`${because}\n`)
      linger(socket)
    },
  })
  socket.once('close', () => sending.abort())
}

function writeHead(
  socket: Socket,
  { statusCode, statusMessage }: Pick<IncomingMessage, 'statusCode' | 'statusMessage'>,
  headers: Headers,
): void {
  socket.write(head(`HTTP/1.1 ${statusCode} ${statusMessage}`, headers), 'latin1')
}

/** A client may go before its upgrade was answered. Until then nobody reads from it, so its end would not be seen. */
function lookForEnd(socket: Socket): () => void {
  const look = (): void => {
    if (socket.readableLength === 0) socket.read(0)
  }
  const end = (): void => void socket.destroy()
  socket.on('readable', look).once('end', end)
  return () => void socket.off('readable', look).off('end', end)
}

/** What the client still sends is thrown away, so that its end is noticed. */
function linger(socket: Socket): void {
  socket.resume()
  socket.once('finish', () => socket.setTimeout(LINGER_MS, () => socket.destroy()))
}

/** The end of one side is the end of both, as soon as what it sent has been passed on. */
function join(client: Socket, upstream: Socket, lease: Lease): void {
  lease.upgraded(() => upstream.destroy())
  upstream.on('error', () => undefined)
  upstream.once('finish', () => upstream.destroy())
  upstream.once('close', () => {
    lease.end()
    client.end(() => client.destroy())
  })
  client.once('close', () => upstream.destroy())
  client.pipe(upstream).pipe(client)
}
