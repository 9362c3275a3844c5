import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import pg from 'pg'
import { BellowsError } from '../../core/errors.ts'
import { join, OWN_READ, type Sql, sql } from '../../core/sql.ts'
import { answerMsOf, SLACK_MS, STATEMENT_MS, within } from './answer-time.ts'
import { isServerError, toBellowsError } from './sqlstate.ts'

/** Where to connect: a URL, or absent for the PG* variables of the environment. */
export interface Target {
  readonly url?: string
  /** Shown in `pg_stat_activity`, such as `bellows/0.1.0 contract`. */
  readonly application: string
  /** How long any answer may take, where that is less than the server may. */
  readonly answerMs?: number
}

export type Row = Readonly<Record<string, unknown>>

/** One session of the server. What is sent while something runs waits for it. */
export interface Connection {
  readonly pid: number
  /**
   * Sends a text as one message and returns the rows of each of its statements. After an error nothing of it remains.
   * @param answerMs how long the answer may take, where one statement may take otherwise: then the connection counts as lost
   */
  send(text: Sql, answerMs?: number): Promise<readonly (readonly Row[])[]>
  /** The type of a query's only column, as the server announces it. The query is planned and yields no row, and nothing is left of what is made for it. */
  describe(query: Sql, made?: readonly Sql[]): Promise<{ readonly oid: number; readonly modifier: number }>
  close(): Promise<void>
}

export const CONNECT_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 10_000
/** The server gives up on whoever does not take an answer. */
const UNTAKEN_MS = 25_000
/** To say farewell is a courtesy. */
const CLOSE_MS = 1_000
/** A setting of our own that only a session which is made for this connection can have. */
const TOKEN = 'bellows.session'
/** A session that is idle within a transaction is a driver that was stopped; the server ends it. */
const IDLE_IN_TRANSACTION_MS = 5_000

/**
 * Settings of every session of ours. The empty search_path makes the server print every name with its namespace. Under a stricter
 * isolation a look that waited for a lock would see what was before the wait. A driver may be paused for a day, and holds its lock by its session.
 */
const SESSION = `
select pg_catalog.set_config('search_path', '', false),
       pg_catalog.set_config('default_transaction_isolation', 'read committed', false),
       pg_catalog.set_config('default_transaction_read_only', 'off', false),
       pg_catalog.set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', false),
       pg_catalog.set_config('idle_session_timeout', '0', false),
       pg_catalog.set_config('statement_timeout', '${STATEMENT_MS}', false),
       pg_catalog.set_config('lock_timeout', '5000', false),
       pg_catalog.set_config('standard_conforming_strings', 'on', false),
       pg_catalog.set_config('DateStyle', 'ISO, YMD', false),
       pg_catalog.set_config('IntervalStyle', 'postgres', false),
       pg_catalog.set_config('TimeZone', 'UTC', false),
       pg_catalog.set_config('extra_float_digits', '1', false),
       pg_catalog.set_config('tcp_keepalives_idle', '10', false),
       pg_catalog.set_config('tcp_keepalives_interval', '5', false),
       pg_catalog.set_config('tcp_keepalives_count', '3', false),
       pg_catalog.set_config('tcp_user_timeout', '${UNTAKEN_MS}', false)
`
/** The server is to give up first: its session would stay behind, and at work. */
export const ANSWER_MARGIN_MS = 1_000
/** The server notices a client that is gone while a statement runs. Not on every platform, hence apart and forgiven. */
const CHECK_CLIENT = `select pg_catalog.set_config('client_connection_check_interval', '1000', false)`

export async function openConnection(target: Target): Promise<Connection> {
  const token = randomUUID()
  const socket = new Socket()
  const client = new pg.Client({
    ...addressed(target.url, `-c ${TOKEN}=${token}`),
    application_name: target.application,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    stream: () => socket,
    // A way that is cut without a word is noticed within minutes, not hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    // Every value stays as the server prints it; figures and truth values are asked for as JSON.
    types: {
      getTypeParser: (oid: number) => (JSON_OIDS.has(oid) ? JSON.parse : (text: string) => text),
    },
  })
  // Without a listener the loss of an idle connection would end the process. The next statement reports it.
  client.on('error', () => undefined)
  const pid = await within(CONNECT_TIMEOUT_MS + SLACK_MS, socket, () => connect(client, target, token))
  const most = (ms: number) => Math.min(ms, target.answerMs ?? ms)
  let before: Promise<unknown> = Promise.resolve()
  const inTurn = <R>(work: () => Promise<R>): Promise<R> => {
    const done = before.then(work)
    before = done.catch(() => undefined)
    return done
  }
  return {
    pid,
    send: (text, answerMs = answerMsOf(1)) =>
      inTurn(() => within(most(answerMs), socket, () => send(client, text))),
    describe: (query, made = []) =>
      inTurn(() => within(most(answerMsOf(made.length + 1)), socket, () => describe(client, query, made))),
    close: async () => {
      await within(CLOSE_MS, socket, () => client.end()).catch(() => undefined)
    },
  }
}

const ADMIN_SHUTDOWN = '57P01'
const JSON_OIDS = new Set([114, 3802])

/** What `sslmode` says, as libpq understands it; `pg` alone takes `require` for `verify-full`. */
export function withLibpqSsl(url: string): string {
  return /[?&]sslmode=/.test(url) && !url.includes('uselibpqcompat') ? `${url}&uselibpqcompat=true` : url
}

/** The address, and options that the server is given as the session begins, behind those that are asked for already. */
export function addressed(url: string | undefined, option: string): pg.ClientConfig {
  const general = process.env.PGOPTIONS ?? ''
  if (url === undefined) return { options: `${general} ${option}` }
  const asked = /([?&]options=)([^&]*)/
  const given = asked.exec(url)?.[2] ?? encodeURIComponent(general)
  const options = `${given}${encodeURIComponent(` ${option}`)}`
  const separator = url.includes('?') ? '&' : '?'
  return {
    connectionString: withLibpqSsl(
      asked.test(url)
        ? url.replace(asked, (_, field: string) => `${field}${options}`)
        : `${url}${separator}options=${options}`,
    ),
  }
}

/**
 * A pooler hands out sessions that others use as well: what we set there would stay and break them. So the first thing is to see
 * that the session is our own.
 */
async function connect(client: pg.Client, target: Target, token: string): Promise<number> {
  let isConnected = false
  try {
    await client.connect()
    isConnected = true
    const { rows } = await client.query(
      `select pg_catalog.pg_backend_pid() as pid, pg_catalog.current_setting('${TOKEN}', true) as token`,
    )
    if (rows[0]?.token !== token) throw pooled()
    await client.query(SESSION)
    if (target.answerMs !== undefined)
      await client.query(`set statement_timeout = ${target.answerMs - ANSWER_MARGIN_MS}`)
    await client.query(CHECK_CLIENT).catch(() => undefined)
    return Number(rows[0]?.pid)
  } catch (error) {
    await client.end().catch(() => undefined)
    if (error instanceof BellowsError) throw error
    if (error instanceof Error && error.message.includes('startup parameter')) throw pooled(error)
    // Ended before it was ready, such as by an administrator: a session that is lost, as it would be a moment later.
    if (isServerError(error) ? error.code === ADMIN_SHUTDOWN : isConnected) throw toBellowsError(error)
    const message =
      error instanceof Error ? error.message || String((error as { code?: unknown }).code) : String(error)
    throw new BellowsError('database_unreachable', `The database cannot be reached: ${message}.`, {
      cause: error,
      hint: `Tried ${target.url === undefined ? 'what the PG* variables say' : withoutPassword(target.url)}. Check the address, the user and that the server runs.`,
    })
  }
}

function pooled(cause?: unknown): BellowsError {
  return new BellowsError('connection_pooled', 'A pooler stands between Bellows and the server.', {
    cause,
    hint: 'The driver needs sessions of its own: set DIRECT_URL, or --database, to the server itself. Nothing was changed.',
  })
}

/** A URL that may be printed. */
export function withoutPassword(url: string): string {
  return url.replace(/^(\w+:\/\/[^:/@]*):[^@]*@/, '$1:***@').replace(/([?&]password=)[^&]*/, '$1***')
}

/** The rows of a query, with numbers and truth values as such. */
export async function rowsOf<R>(connection: Pick<Connection, 'send'>, query: Sql): Promise<readonly R[]> {
  const answer = await connection.send(sql`${OWN_READ}'[]') as rows from (${query}\n) r`)
  return answer[0]?.[0]?.rows as readonly R[]
}

async function send(client: pg.Client, text: Sql): Promise<readonly (readonly Row[])[]> {
  return (await resultsOf(client, text)).map((one) => one.rows as Row[])
}

async function describe(
  client: pg.Client,
  query: Sql,
  made: readonly Sql[],
): Promise<{ oid: number; modifier: number }> {
  const asked = sql`${query} limit 0`
  const results = await resultsOf(client, made.length === 0 ? asked : undone([...made, asked]))
  const [field] = results.at(made.length === 0 ? 0 : -2)?.fields ?? []
  return { oid: field?.dataTypeID ?? 0, modifier: field?.dataTypeModifier ?? -1 }
}

async function resultsOf(client: pg.Client, text: Sql): Promise<readonly pg.QueryResult[]> {
  try {
    const result = (await client.query(text)) as unknown as pg.QueryResult | pg.QueryResult[]
    return Array.isArray(result) ? result : [result]
  } catch (error) {
    // A failed transaction stays open until it is told to end; ours are one message, so nobody else would.
    if (isServerError(error)) await client.query('rollback').catch(() => undefined)
    throw toBellowsError(error)
  }
}

/** A transaction that leaves nothing. */
export function undone(statements: readonly Sql[]): Sql {
  return join([sql`begin`, ...statements, sql`rollback`], ';\n')
}
