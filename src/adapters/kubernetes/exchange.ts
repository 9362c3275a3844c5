import http from 'node:http'
import https from 'node:https'
import type { Access, Credentials } from './access.ts'

/** Until the answer begins; of an answer that is read whole, until it ends. */
const ANSWER_TIMEOUT_MS = 30_000
/** 500 pods are about 5 MB. */
const ANSWER_BYTES_MAX = 64 * 2 ** 20
const SOCKETS_MAX = 8

export interface Request {
  readonly method: 'GET' | 'PATCH'
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: { readonly type: string; readonly content: unknown }
}

export interface Exchange {
  /** Sends a request, and returns when its answer begins. */
  begin(request: Request, credentials: Credentials, signal?: AbortSignal): Promise<http.IncomingMessage>
  close(): void
}

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** Connections to one server, kept open between requests. `fetch` of Node 20 takes no certificate authority. */
export function openExchange({ server, tls }: Access): Exchange {
  const { request, Agent } = server.protocol === 'http:' ? http : https
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX })
  return {
    begin: ({ method, path, query, body }, { token, cert, key }, signal) => {
      const url = new URL(server.pathname.replace(/\/$/, '') + path, server)
      url.search = new URLSearchParams(query).toString()
      const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body.content))
      const headers = {
        accept: 'application/json',
        'user-agent': 'bellows',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': body.type }),
        ...(content === undefined ? {} : { 'content-length': content.length }),
      }
      const own = { agent, method, headers, ...tls, ...defined({ cert, key, signal }) }
      return new Promise((resolve, reject) => {
        const sent = request(url, own, (answer) => {
          clearTimeout(late)
          resolve(answer)
        })
        const late = setTimeout(
          () => sent.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`)),
          ANSWER_TIMEOUT_MS,
        )
        sent.on('error', (error) => {
          clearTimeout(late)
          reject(error)
        })
        sent.end(content)
      })
    },
    close: () => agent.destroy(),
  }
}

/** The whole answer. */
export async function readAnswer(message: http.IncomingMessage): Promise<Answer> {
  const late = setTimeout(
    () => message.destroy(new Error(`the answer did not end within ${ANSWER_TIMEOUT_MS / 1000} s`)),
    ANSWER_TIMEOUT_MS,
  )
  try {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of message as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`)
      chunks.push(chunk)
    }
    const body = Buffer.concat(chunks).toString('utf8')
    return { status: message.statusCode ?? 0, headers: message.headers, body }
  } finally {
    clearTimeout(late)
  }
}

function defined<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>
  }
}
