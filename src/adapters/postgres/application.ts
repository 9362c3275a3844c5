import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { BellowsError, messageOf } from '../../core/errors.ts'
import type { ApplicationFacts, Place, Reached } from '../../core/run/application-diagnosis.ts'
import { sql } from '../../core/sql.ts'
import type { Application } from '../../engine/ports.ts'
import { askedOptions } from './asked-options.ts'
import { addressed, CONNECT_TIMEOUT_MS, withLibpqSsl, withoutPassword } from './connection.ts'
import type { Sessions } from './sessions.ts'
import { isServerError } from './sqlstate.ts'
import { seenSwaps, triedPrepared } from './swaps.ts'

const PLACE = sql`
select pg_catalog.current_database() as database, d.oid::text as oid, pg_catalog.pg_is_in_recovery() as "isStandby",
    (select system_identifier::text from pg_catalog.pg_control_system()) as system, session_user::text as role,
    extract(epoch from pg_catalog.pg_postmaster_start_time())::text as "startedAt"
  from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()`

/** Longer than a pooler that is not full makes anybody wait; no longer, because a session that others need may be held meanwhile. */
const QUERY_TIMEOUT_MS = 5_000

/** Connects with the application's own URL, beside the sessions of Bellows. */
export function applicationAt(url: string, sessions: Sessions): Application {
  return {
    look: async () => {
      if (!isConnectable(url)) throw notConnectable(url)
      const [own] = await sessions.read<Place>(PLACE)
      if (own === undefined) throw new Error('the database does not say where it is')
      return await look(url, own)
    },
  }
}

function isConnectable(url: string): boolean {
  try {
    // Reads the URL, and connects to nothing.
    const { host } = new pg.Client({ connectionString: url })
    return /^postgres(ql)?:\/\//.test(url) && typeof host === 'string'
  } catch {
    return false
  }
}

function notConnectable(url: string): BellowsError {
  return new BellowsError(
    'config_invalid',
    `"${withoutPassword(url)}" is no URL that an application connects with.`,
    {
      hint: 'Say it as the application has it: --app-url postgres://user:password@host:port/database',
    },
  )
}

async function look(url: string, own: Place): Promise<ApplicationFacts> {
  const address = withoutPassword(url)
  const opened: pg.Client[] = []
  const token = randomUUID()
  const open = async (config: pg.ClientConfig): Promise<pg.Client> => {
    const client = new pg.Client({
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      ...config,
    })
    // Without a listener the loss of an idle connection would end the process.
    client.on('error', () => undefined)
    opened.push(client)
    await client.connect()
    return client
  }
  const connect = (which: number) =>
    open({ connectionString: withLibpqSsl(url), application_name: `bellows/${token}/${which}` })
  try {
    const first = await connect(1)
    const { rows } = await first.query<Place>(PLACE)
    const place = rows[0] as Place
    const tried = await triedOptions(() => open(addressed(url, `-c bellows.doctor=${token}`)), token)
    const beside = await seenBeside(first, () => connect(2), token)
    // By now another session may answer.
    const options = askedOptions(url)
    const asked = { options: Object.keys(options), lost: await lost(first, options) }
    // Last, because a pooler that wants no transaction ends the session that asks for one.
    const registry = place.isStandby ? 'missing' : await triedRegistry(first, token)
    return { address, own, place, asked, options: tried, ...beside, registry }
  } catch (error) {
    return { address, unreachable: messageOf(error) || String((error as { code?: unknown }).code) }
  } finally {
    await Promise.all(opened.map((client) => client.end().catch(() => undefined)))
  }
}

/** What only shows when somebody else is connected, too. */
async function seenBeside(
  first: pg.Client,
  another: () => Promise<pg.Client>,
  token: string,
): Promise<Pick<Reached, 'sessions' | 'name' | 'prepared'>> {
  try {
    const pair = [first, await another()] as const
    const { sessions, name } = await seenSwaps(pair, token)
    return { sessions, name, prepared: await triedPrepared(pair, sessions, token) }
  } catch (error) {
    const why = messageOf(error)
    const untried = { untried: `beside a first client a second one was not served: ${why}` }
    return { sessions: NO_TRANSACTIONS.test(why) ? 'swapped' : untried, name: untried, prepared: untried }
  }
}

/** What PgBouncer says in statement mode. */
const NO_TRANSACTIONS = /transaction blocks not allowed/

/** A setting has arrived when it came from the client, or is what was asked for anyway. */
async function lost(client: pg.Client, asked: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select a.key as name from pg_catalog.json_each_text($1) a
       left join pg_catalog.pg_settings s on lower(s.name) = lower(a.key)
       where s.source is distinct from 'client' and s.source is distinct from 'session'
         and pg_catalog.current_setting(a.key, true) is distinct from a.value`,
    [JSON.stringify(asked)],
  )
  return rows.map(({ name }) => `${name}=${asked[name]}`)
}

async function triedOptions(open: () => Promise<pg.Client>, token: string): Promise<Reached['options']> {
  try {
    const client = await open()
    const { rows } = await client.query(`select pg_catalog.current_setting('bellows.doctor', true) as token`)
    return rows[0]?.token === token ? 'arrive' : 'swallowed'
  } catch (error) {
    const why = messageOf(error)
    return why.includes('startup parameter') ? 'refused' : { untried: why }
  }
}

const MISSING: readonly string[] = ['3F000', '42883']
const DENIED = '42501'

/** The three calls as the application makes them, taken back. */
async function triedRegistry(client: pg.Client, token: string): Promise<Reached['registry']> {
  try {
    await client.query('begin')
    await client.query(`select bellows.register($1, '{}')`, [token])
    await client.query('select bellows.renew($1)', [token])
    await client.query('select bellows.release($1)', [token])
    return 'usable'
  } catch (error) {
    if (isServerError(error) && MISSING.includes(error.code)) return 'missing'
    if (isServerError(error) && error.code === DENIED) return { denied: error.message }
    return { untried: messageOf(error) }
  } finally {
    await client.query('rollback').catch(() => undefined)
  }
}
