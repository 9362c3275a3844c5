import type pg from 'pg'
import { messageOf } from '../../core/errors.ts'
import type { Reached } from '../../core/run/application-diagnosis.ts'
import { id } from '../../core/sql.ts'
import { isServerError } from './sqlstate.ts'

type Pair = readonly [pg.Client, pg.Client]

/** A pooler that shares sessions gives the one that was used last to whoever asks next, so the first round shows it; most do. */
const ROUNDS = 5

/** What a client is at one moment. */
interface Seen {
  readonly pid: number
  readonly name: string
}

const SEEN = `select pg_catalog.pg_backend_pid() as pid, pg_catalog.current_setting('application_name') as name`

/**
 * The sessions of two clients by turns, the second one within a transaction. Whoever has a session of his own is always answered
 * by the same one, and no other client ever is.
 */
export async function seenSwaps(
  [first, second]: Pair,
  token: string,
): Promise<Pick<Reached, 'sessions' | 'name'>> {
  const seen: (Seen & { readonly of: number })[] = []
  const ask = async (client: pg.Client, of: number): Promise<void> => {
    const { rows } = await client.query<Seen>(SEEN)
    seen.push({ ...(rows[0] as Seen), of })
  }
  const isSwapped = (): boolean =>
    seen.some((one) => seen.some((other) => (one.of === other.of) !== (one.pid === other.pid)))
  for (let round = 0; round < ROUNDS && !isSwapped(); round += 1) {
    await ask(first, 1)
    await beside(second, async () => {
      await ask(second, 2)
      // There may be but one session for both, and then the first would wait for ever.
      if (!isSwapped()) await ask(first, 1)
    })
  }
  return { sessions: isSwapped() ? 'swapped' : 'own', name: nameOf(seen, token) }
}

function nameOf(seen: readonly (Seen & { readonly of: number })[], token: string): Reached['name'] {
  if (seen.every(({ name, of }) => name === `bellows/${token}/${of}`)) return 'arrives'
  const [fixed] = seen
  const isFixed = fixed !== undefined && fixed.name !== '' && !fixed.name.includes(token)
  return isFixed && seen.every(({ name }) => name === fixed.name) ? { fixed: fixed.name } : 'lost'
}

/** It is not there, or another client has prepared its own by that name. */
const LOST: readonly string[] = ['26000', '42P05']

/** A statement that was prepared by name must be there again when another session answers. */
export async function triedPrepared(
  [first, second]: Pair,
  sessions: Reached['sessions'],
  token: string,
): Promise<Reached['prepared']> {
  const statement = { name: `bellows_${token}`, text: 'select pg_catalog.pg_backend_pid() as pid' }
  const pid = async () => (await first.query<{ pid: number }>(statement)).rows[0]?.pid
  try {
    let before = await pid()
    for (let round = 0; round < ROUNDS; round += 1) {
      const after = await beside(second, pid)
      if (after !== before || sessions === 'own') return 'work'
      before = after
    }
    return { untried: 'always the same session answered' }
  } catch (error) {
    const isLost = isServerError(error) && LOST.includes(error.code)
    return isLost ? { fail: error.message } : { untried: messageOf(error) }
  } finally {
    await forget([first, second], statement.name)
  }
}

/** Nothing of ours stays in a session that others will have; what was prepared is in one of the two that were used last. */
async function forget([first, second]: Pair, name: string): Promise<void> {
  const here = async (client: pg.Client): Promise<void> => {
    const { rows } = await client.query('select from pg_catalog.pg_prepared_statements where name = $1', [
      name,
    ])
    if (rows.length > 0) await client.query(`deallocate ${id(name)}`)
  }
  await beside(second, async () => {
    await here(second)
    await beside(first, () => here(first))
  }).catch(() => undefined)
}

/** Keeps the session of a client busy with a transaction that does nothing. */
async function beside<R>(client: pg.Client, work: () => Promise<R>): Promise<R> {
  await client.query('begin')
  try {
    await client.query('select 1')
    return await work()
  } finally {
    await client.query('rollback').catch(() => undefined)
  }
}
