import type { IncomingMessage } from 'node:http'

/** Headers that are about one connection and not about the message. Source: RFC 9110, 7.6.1. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Whoever could have these taken away would change where a message ends, or whom it is for. */
const KEPT = new Set(['content-length', 'host'])

/** Names and values in turn, as `rawHeaders` has them: what came twice goes twice, in its own letters and order. */
export type Headers = string[]

/** What an answer's head says to the client. */
export function answerHeaders(answer: IncomingMessage): Headers {
  return endToEnd(answer, HOP_BY_HOP)
}

/** What a request's head says to the instance. The host stays the one that the client named. */
export function requestHeaders(request: IncomingMessage): Headers {
  const { headers, socket } = request
  const clients = [headers['x-forwarded-for'], socket.remoteAddress ?? 'unknown'].filter(Boolean)
  return [
    // The client that expects to be told to go on was told so by this proxy.
    ...endToEnd(request, new Set([...HOP_BY_HOP, 'x-forwarded-for', 'expect'])),
    'X-Forwarded-For',
    clients.join(', '),
    // Whoever ends TLS in front of this proxy knows better.
    ...(headers['x-forwarded-proto'] === undefined ? ['X-Forwarded-Proto', 'http'] : []),
    // Only a client of HTTP/1.0 may name no host.
    ...(headers.host === undefined ? ['Host', 'localhost'] : []),
    ...(headers['x-forwarded-host'] === undefined ? ['X-Forwarded-Host', headers.host ?? 'localhost'] : []),
    ...(isChunked(request) ? ['Transfer-Encoding', 'chunked'] : []),
  ]
}

export function hasBody(request: IncomingMessage): boolean {
  return isChunked(request) || Number(request.headers['content-length'] ?? 0) > 0
}

/** As text, for a socket that no parser stands at any more. */
export function head(startLine: string, headers: Headers): string {
  const lines = headers.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${headers[at + 1]}`] : []))
  return [startLine, ...lines, '', ''].join('\r\n')
}

function isChunked(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined
}

function endToEnd({ rawHeaders, headers }: IncomingMessage, dropped: ReadonlySet<string>): Headers {
  const named = new Set(headers.connection?.toLowerCase().split(/\s*,\s*/))
  const isKept = (name: string): boolean => KEPT.has(name) || !(dropped.has(name) || named.has(name))
  return rawHeaders.filter((_, at) => isKept((rawHeaders[at - (at % 2)] ?? '').toLowerCase()))
}
