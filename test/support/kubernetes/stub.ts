import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https, { type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { RESOURCES, type ResourceKind } from '../../../src/adapters/kubernetes/resources.ts'
import { cleanUp } from '../database.ts'
import { selects } from './selector.ts'
import { type AnyObject, type Patched, Store, type StoredEvent } from './store.ts'

export interface Received {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly body: string
  readonly authorization: string | undefined
  /** Common name of the client's certificate. */
  readonly certificate: string | undefined
}

/**
 * An answer in place of the stub's own. `cut`: the connection breaks, after the request was done or before. `silence`: nothing
 * comes, or nothing more than the beginning.
 */
export type Scripted =
  | { readonly status: number; readonly headers?: http.OutgoingHttpHeaders; readonly message?: string }
  | { readonly text: string }
  | 'cut before'
  | 'cut after'
  | 'silence'
  | 'silence in the answer'

export interface Stub {
  readonly url: string
  readonly store: Store
  readonly requests: readonly Received[]
  /** The next requests that match get these answers, one each; then the stub answers again itself. */
  script(matches: (request: Received) => boolean, ...answers: readonly Scripted[]): void
  /** Absent: everybody is let in. */
  accept: ((request: Received) => boolean) | undefined
  /** Watches that are open now. */
  readonly watches: number
  cutWatches(): void
  bookmark(): void
}

interface Watching {
  readonly kind: ResourceKind
  readonly response: ServerResponse
}

/** An API server for one namespace, in this process: real sockets, real patches, real watches, and no controller. */
export async function startKubernetesStub(tls?: ServerOptions): Promise<Stub> {
  const store = new Store()
  const requests: Received[] = []
  const scripts: { matches: (request: Received) => boolean; answers: Scripted[] }[] = []
  const watching = new Set<Watching>()

  const handle = async (message: IncomingMessage, response: ServerResponse) => {
    const received = await receivedFrom(message)
    requests.push(received)
    response.setHeader('date', new Date(store.nowMs).toUTCString())
    const script = scripts.find(({ matches, answers }) => answers.length > 0 && matches(received))
    if (stub.accept?.(received) === false) status(response, 401, 'Unauthorized')
    else if (script === undefined) own(store, received, response, watching)
    else play(script.answers.shift() ?? 'cut before', { store, received, message, response })
  }

  const listener = (message: IncomingMessage, response: ServerResponse) => void handle(message, response)
  const server = tls === undefined ? http.createServer(listener) : https.createServer(tls, listener)
  const onChange = (event: StoredEvent) => {
    for (const { kind, response } of watching) if (kind === event.kind) response.write(lineOf(event))
  }
  store.changes.on('change', onChange)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUp(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const stub: Stub = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    store,
    requests,
    script: (matches, ...answers) => {
      scripts.push({ matches, answers: [...answers] })
    },
    accept: undefined,
    get watches() {
      return watching.size
    },
    cutWatches: () => {
      for (const { response } of watching) response.socket?.destroy()
    },
    bookmark: () => {
      for (const { response } of watching)
        response.write(
          `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(store.version) } } })}\n`,
        )
    },
  }
  return stub
}

async function receivedFrom(message: IncomingMessage): Promise<Received> {
  const url = new URL(message.url ?? '/', 'http://stub')
  const body = Buffer.concat(await message.toArray()).toString('utf8')
  const peer = (message.socket as TLSSocket).getPeerCertificate?.()
  return {
    method: message.method ?? '',
    path: url.pathname,
    query: { ...Object.fromEntries(url.searchParams), contentType: message.headers['content-type'] ?? '' },
    body,
    authorization: message.headers.authorization,
    certificate: peer?.subject === undefined ? undefined : String(peer.subject.CN),
  }
}

function play(
  answer: Scripted,
  at: {
    readonly store: Store
    readonly received: Received
    readonly message: IncomingMessage
    readonly response: ServerResponse
  },
): void {
  if (answer === 'cut after') changed(at.store, at.received)
  if (answer === 'silence') return
  if (answer === 'silence in the answer') at.response.write('{')
  else if (typeof answer === 'string') at.message.socket.destroy()
  else if ('text' in answer) at.response.end(answer.text)
  else {
    for (const [name, value] of Object.entries(answer.headers ?? {})) at.response.setHeader(name, value ?? '')
    status(at.response, answer.status, answer.message ?? `scripted ${answer.status}`)
  }
}

function own(store: Store, received: Received, response: ServerResponse, watching: Set<Watching>): void {
  const { kind, name } = addressed(received.path)
  if (kind === undefined) status(response, 404, 'the server could not find the requested resource')
  else if (received.method === 'PATCH') answerPatch(changed(store, received), response)
  else if (name !== undefined) {
    const object = store.get(kind, name)
    if (object === undefined) status(response, 404, `${RESOURCES[kind].plural} "${name}" not found`)
    else json(response, 200, object)
  } else if (received.query.watch === '1') watch(store, kind, received, { response, watching })
  else list(store, kind, received, response)
}

function answerPatch(patched: Patched, response: ServerResponse): void {
  if ('object' in patched) json(response, 200, patched.object)
  else if ('conflict' in patched) status(response, 409, patched.conflict)
  else status(response, patched.invalid === 'not found' ? 404 : 422, patched.invalid)
}

function changed(store: Store, { path, query, body }: Received): Patched {
  const { kind, name } = addressed(path)
  if (kind === undefined || name === undefined) return { invalid: 'not found' }
  return store.patch(kind, name, query.contentType ?? '', JSON.parse(body === '' ? '{}' : body))
}

function addressed(path: string): { readonly kind?: ResourceKind; readonly name?: string } {
  const kinds = Object.keys(RESOURCES) as ResourceKind[]
  for (const kind of kinds) {
    const { api, plural } = RESOURCES[kind]
    const match = new RegExp(`^${api}/namespaces/[^/]+/${plural}(?:/([^/]+))?$`).exec(path)
    if (match !== null) return match[1] === undefined ? { kind } : { kind, name: match[1] }
  }
  return {}
}

function list(store: Store, kind: ResourceKind, { query }: Received, response: ServerResponse): void {
  const token =
    query.continue === undefined ? undefined : (JSON.parse(query.continue) as { at: number; from: number })
  if (token !== undefined && token.at < store.oldest) {
    status(response, 410, 'The provided continue parameter is too old')
    return
  }
  const all = store.list(kind).filter(({ metadata }) => selects(query.labelSelector, metadata.labels ?? {}))
  const from = token?.from ?? 0
  const to = Math.min(from + Number(query.limit ?? all.length), all.length)
  const at = token?.at ?? store.version
  json(response, 200, {
    kind: `${kind}List`,
    metadata: {
      resourceVersion: String(at),
      ...(to < all.length ? { continue: JSON.stringify({ at, from: to }) } : {}),
    },
    items: all.slice(from, to),
  })
}

function watch(
  store: Store,
  kind: ResourceKind,
  { query }: Received,
  { response, watching }: { readonly response: ServerResponse; readonly watching: Set<Watching> },
): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  const from = Number(query.resourceVersion)
  if (from < store.oldest) {
    const gone = {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: `too old resource version: ${from}`,
    }
    response.end(`${JSON.stringify({ type: 'ERROR', object: gone })}\n`)
    return
  }
  for (const event of store.since(kind, from)) response.write(lineOf(event))
  const mine: Watching = { kind, response }
  watching.add(mine)
  response.on('close', () => watching.delete(mine))
}

function lineOf({ type, object }: { readonly type: string; readonly object: AnyObject }): string {
  return `${JSON.stringify({ type, object })}\n`
}

function status(response: ServerResponse, code: number, message: string): void {
  json(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message })
}

function json(response: ServerResponse, code: number, value: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
