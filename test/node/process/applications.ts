import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { TestDatabase } from '../../support/database.ts'

/** What a version of the application calls the column of the names. */
export type Column = 'name' | 'full_name'

export type Rows = ReadonlyMap<number, string>

/** An instance of an application, on a session of its own. It reads and writes through the column that it registered. */
export interface Instance {
  readonly name: string
  /** Begins its work, with rows of its own and what they hold. */
  serve(rows: Rows): void
  /** Lets its statement end, and says that it is gone. Returns its rows, and what they must hold. */
  stop(): Promise<Rows>
}

export interface Fleet {
  /** Statements that failed, and values that were not those that had been written. */
  readonly failures: readonly string[]
  readonly statements: () => number
  /** An instance that was let in. It waits until the column is offered, as a deployment does. */
  join(name: string, column: Column): Promise<Instance>
}

const PAUSE_MS = 4
const LEASE_MS = 60_000

export function createFleet(database: TestDatabase, random: () => number): Fleet {
  const failures: string[] = []
  let statements = 0

  async function join(name: string, column: Column): Promise<Instance> {
    const session = await database.session(`app/${name}`)
    await registered(session, name, column)
    const rows = new Map<number, string>()
    let isRunning = true
    let running: Promise<void> = Promise.resolve()

    async function serve(): Promise<void> {
      for (let count = 0; isRunning; count += 1) {
        try {
          await oneRound(session, column, rows, `${name} ${count}`)
        } catch (error) {
          failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
        }
        await sleep(PAUSE_MS)
      }
    }

    return {
      name,
      serve(given) {
        for (const [id, value] of given) rows.set(id, value)
        running = serve()
      },
      async stop() {
        isRunning = false
        await running
        await session.query('select bellows.release($1)', [name])
        await session.end()
        return rows
      },
    }
  }

  /** Writes a row of its own and reads it back; reads any other; and now and then adds one. */
  async function oneRound(
    session: pg.Client,
    column: Column,
    rows: Map<number, string>,
    value: string,
  ): Promise<void> {
    const ids = [...rows.keys()]
    const own = ids[Math.floor(random() * ids.length)] as number
    const before = await session.query(`select ${column} as value from users where id = $1`, [own])
    if (before.rows[0]?.value !== rows.get(own))
      failures.push(
        `row ${own}: "${rows.get(own)}" was written, and ${column} is ${JSON.stringify(before.rows[0])}`,
      )
    await session.query(`update users set ${column} = $1 where id = $2`, [value, own])
    rows.set(own, value)
    const any = await session.query(`select count(*) as n from users where ${column} is null`)
    // Before its column is offered nobody reads through it, so that no row may lack a value any more.
    if (any.rows[0]?.n !== '0') failures.push(`${any.rows[0]?.n} rows have no ${column}`)
    statements += 3
    if (random() < 0.2) {
      const added = await session.query(`insert into users (${column}) values ($1) returning id`, [value])
      rows.set(Number(added.rows[0]?.id), value)
      statements += 1
    }
  }

  return { failures, statements: () => statements, join }
}

/** Says what it uses again and again, until it is let in and the column is ready. */
async function registered(session: pg.Client, name: string, column: Column): Promise<void> {
  for (;;) {
    const ready = await session
      .query('select bellows.register($1, $2, $3, null, $4) as answer', [
        name,
        [`users.${column}`],
        LEASE_MS,
        `app/${name}`,
      ])
      .then(({ rows }) => rows[0]?.answer?.not_ready === undefined)
      .catch(() => false)
    if (ready) return
    await sleep(20)
  }
}
