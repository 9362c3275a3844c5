import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { TestDatabase } from '../support/database.ts'

/** A session of an application that has begun a transaction. */
export interface Begun {
  readonly session: pg.Client
  /** Sends a statement and comes back when that waits for somebody. */
  waiting(text: string): Promise<{ readonly answer: Promise<string> }>
  commit(): Promise<unknown>
}

export async function begun(database: TestDatabase, name: string, how = ''): Promise<Begun> {
  const session = await database.session(name)
  await session.query(`begin ${how}`)
  const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid')
  const pid = rows[0]?.pid
  return {
    session,
    waiting: async (text) => {
      const answer = answerOf(session.query(text))
      await waits(database, `pid = ${pid}`, name)
      return { answer }
    },
    commit: () => session.query('commit'),
  }
}

/** Comes back when a session of Bellows waits for a lock that somebody else has. */
export async function bellowsWaits(database: TestDatabase): Promise<void> {
  await waits(database, `application_name like 'bellows/%'`, 'Bellows')
}

async function waits(database: TestDatabase, which: string, name: string): Promise<void> {
  const query = `select from pg_stat_activity where datname = current_database() and ${which} and wait_event_type = 'Lock'`
  const until = performance.now() + 20_000
  while ((await database.query(query)).length === 0) {
    if (performance.now() > until) throw new Error(`${name} does not wait`)
    await sleep(5)
  }
}

/** `done`, or the SQLSTATE. */
export async function answerOf(query: Promise<unknown>): Promise<string> {
  try {
    await query
    return 'done'
  } catch (error) {
    return error instanceof pg.DatabaseError ? String(error.code) : String(error)
  }
}
