import type { IncomingMessage } from 'node:http'
import { BellowsError } from '../../core/errors.ts'
import type { Clock } from '../../engine/ports.ts'
import type { Access } from './access.ts'
import { type Answer, type Exchange, openExchange, type Request, readAnswer } from './exchange.ts'
import type { Objects } from './objects.ts'
import { isAboutTrust, isGone, refusal, unreachable } from './refusal.ts'
import { type Intent, pathOf, type ResourceKind } from './resources.ts'
import { eventsOf, type WatchEvent } from './watch.ts'

const ATTEMPTS_MAX = 5
const PAUSE_FIRST_MS = 200
/** A server that asks for a longer pause is asked again after this one. */
const PAUSE_MAX_MS = 10_000
const PAGE_ITEMS = 500
/** A list that is read for so long that its beginning is forgotten is begun anew. */
const LIST_ATTEMPTS_MAX = 3
/** The server ends a watch after this; the next one goes on where it ended. */
const WATCH_SECONDS = 240

/** Something read, and when, in milliseconds by the clock of the server (to the second): no other clock tells ages. */
export interface Read<T> {
  readonly value: T
  readonly atMs: number
}

export type Patch =
  | { readonly type: 'strategic-merge'; readonly content: Readonly<Record<string, unknown>> }
  | { readonly type: 'json'; readonly content: readonly Readonly<Record<string, unknown>>[] }

/** The few calls that are needed. Each throws a BellowsError: `cluster_refused` or `cluster_unreachable`. */
export interface Client {
  get<K extends ResourceKind>(kind: K, name: string): Promise<Read<Objects[K]>>
  /** All of them, page by page. */
  list<K extends ResourceKind>(kind: K, labelSelector?: string): Promise<Read<readonly Objects[K][]>>
  patch<K extends ResourceKind>(kind: K, name: string, patch: Patch): Promise<Read<Objects[K]>>
  /** Where a watch that misses nothing from now on begins. */
  position(kind: ResourceKind): Promise<string>
  /** Ends when the server or the signal ends it. `isGone` says of its error whether its beginning is forgotten. */
  watch(kind: ResourceKind, from: string, signal: AbortSignal): AsyncIterable<WatchEvent>
  close(): void
}

interface List {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string }
  readonly items: readonly unknown[]
}

type Query = Readonly<Record<string, string>>
type ReadPage = (query: Query) => Promise<Read<List>>

export function openClient(access: Access, namespace: string, clock: Clock): Client {
  const connection: Connection = { access, exchange: openExchange(access), clock }
  const pageOf =
    (kind: ResourceKind): ReadPage =>
    async (query) => {
      const request: Request = { method: 'GET', path: pathOf(kind, namespace), query }
      return (await answered(connection, { verb: 'list', kind, namespace }, request)) as Read<List>
    }
  return {
    get: async <K extends ResourceKind>(kind: K, name: string) => {
      const request: Request = { method: 'GET', path: pathOf(kind, namespace, name) }
      return (await answered(connection, { verb: 'get', kind, namespace, name }, request)) as Read<Objects[K]>
    },
    list: async <K extends ResourceKind>(kind: K, labelSelector?: string) =>
      (await allPages(pageOf(kind), labelSelector === undefined ? {} : { labelSelector })) as Read<
        readonly Objects[K][]
      >,
    patch: async <K extends ResourceKind>(kind: K, name: string, { type, content }: Patch) => {
      const body = { type: `application/${type}-patch+json`, content }
      const request: Request = { method: 'PATCH', path: pathOf(kind, namespace, name), body }
      return (await answered(connection, { verb: 'patch', kind, namespace, name }, request)) as Read<
        Objects[K]
      >
    },
    position: async (kind) => (await pageOf(kind)({ limit: '1' })).value.metadata.resourceVersion ?? '0',
    watch: (kind, from, signal) => watched(connection, { verb: 'watch', kind, namespace }, from, signal),
    close: () => connection.exchange.close(),
  }
}

interface Connection {
  readonly access: Access
  readonly exchange: Exchange
  readonly clock: Clock
}

/** Sends a request until it is answered, and never more often than is safe for it. */
async function answered(connection: Connection, intent: Intent, request: Request): Promise<Read<unknown>> {
  const { access } = connection
  for (let attempt = 1; ; attempt += 1) {
    let answer: Answer
    try {
      answer = await readAnswer(await begun(connection, request))
    } catch (error) {
      // Of a change that was not answered nobody knows whether it was made: its caller looks.
      if (request.method !== 'GET' || attempt >= ATTEMPTS_MAX || !isWorthRepeating(error))
        throw unreachable(intent, access.server, error)
      await pause(connection, attempt)
      continue
    }
    const { status, headers, body } = answer
    if (status < 300) return { value: parsed(answer, intent, access), atMs: timeIn(headers.date) }
    // A 429 says that nothing was done, whatever was asked for.
    const mayRepeat = status === 429 || (status >= 500 && request.method === 'GET')
    if (!mayRepeat || attempt >= ATTEMPTS_MAX) throw refusal(intent, status, body, access.name)
    await pause(connection, attempt, headers['retry-after'])
  }
}

function isWorthRepeating(error: unknown): boolean {
  return !(error instanceof BellowsError) && !isAboutTrust(error)
}

/** Credentials that are no longer accepted are replaced once. */
async function begun(
  { access, exchange }: Connection,
  request: Request,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  const message = await exchange.begin(request, await access.credentials(), signal)
  if (message.statusCode !== 401 || !access.renew()) return message
  message.resume()
  return await exchange.begin(request, await access.credentials(), signal)
}

async function* watched(
  connection: Connection,
  intent: Intent,
  from: string,
  signal: AbortSignal,
): AsyncIterable<WatchEvent> {
  const { access } = connection
  const query = {
    watch: '1',
    resourceVersion: from,
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(WATCH_SECONDS),
  }
  const request: Request = { method: 'GET', path: pathOf(intent.kind, intent.namespace), query }
  try {
    yield* eventsOf(await begun(connection, request, signal), intent, access)
  } catch (error) {
    if (!signal.aborted) throw unreachable(intent, access.server, error)
  }
}

async function pause({ clock }: Connection, attempt: number, retryAfter?: string): Promise<void> {
  const askedMs = Number(retryAfter ?? 0) * 1000
  const ownMs = PAUSE_FIRST_MS * 2 ** (attempt - 1) * (0.75 + clock.random() / 2)
  await clock.sleep(Math.min(askedMs > 0 ? askedMs : ownMs, PAUSE_MAX_MS))
}

function parsed({ body }: Answer, intent: Intent, { server }: Access): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    throw unreachable(
      intent,
      server,
      new Error('its answer is not JSON: is it an API server?', { cause: error }),
    )
  }
}

/** A proxy that drops the header leaves our own clock. */
function timeIn(date: string | undefined): number {
  const ms = Date.parse(date ?? '')
  return Number.isNaN(ms) ? Date.now() : ms
}

async function allPages(page: ReadPage, query: Query): Promise<Read<readonly unknown[]>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await pages(page, { ...query, limit: String(PAGE_ITEMS) })
    } catch (error) {
      if (!isGone(error) || attempt >= LIST_ATTEMPTS_MAX) throw error
    }
  }
}

/** As of its first page, whose position all others share. */
async function pages(page: ReadPage, query: Query): Promise<Read<readonly unknown[]>> {
  const first = await page(query)
  const items = [...first.value.items]
  for (let next = first.value.metadata.continue; next; ) {
    const { value } = await page({ ...query, continue: next })
    items.push(...value.items)
    next = value.metadata.continue
  }
  return { value: items, atMs: first.atMs }
}
