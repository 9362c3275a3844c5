import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { cleanUp, type TestDatabase } from './database.ts'

/** What one version of an application does again and again while a migration runs. */
export interface Client {
  readonly name: string
  /** Statements; `$1` is a number that is different each time. One is taken after the other. */
  readonly statements: readonly string[]
  /** Does it keep what it writes prepared on its session? What it reads may be of another type later. */
  readonly prepares?: boolean
}

/** `takes back`: does all that it does and lets nothing of it stand, so that every row is what it was and yet all are written. */
export type Lasting = 'commits' | 'takes back'

export interface Workload {
  /** Statements that succeeded so far. */
  readonly count: () => number
  /** Lets what runs end, and returns the errors that the clients saw: there must be none. */
  stop(): Promise<readonly string[]>
}

/** Above what is there at the start: a row that is made with a number is none of those. */
const FIRST = 10_000
/** The number last used, by database: it goes up through all workloads of one, so that no two statements bring the same value. */
const numbers = new WeakMap<TestDatabase, number>()
/** More than these say nothing new. */
const ERRORS_KEPT = 5
/** Between two statements of a client, so that what is tested gets the processor, too. */
const PAUSE_MS = 1

/** Runs clients on sessions of their own, each some hundred statements a second, until it is stopped. */
export async function startWorkload(
  database: TestDatabase,
  clients: readonly Client[],
  lasting: Lasting = 'commits',
): Promise<Workload> {
  let isRunning = true
  let done = 0
  const errors: string[] = []
  const loops = await Promise.all(
    clients.map(async (client) => {
      const session = await database.session(`workload/${client.name}`)
      return loop(session, client)
    }),
  )
  async function loop(session: pg.Client, client: Client): Promise<() => Promise<void>> {
    const running = (async () => {
      for (let at = 0; isRunning; at = (at + 1) % client.statements.length) {
        const statement = client.statements[at] as string
        const number = (numbers.get(database) ?? FIRST) + 1
        numbers.set(database, number)
        try {
          const asked = {
            text: statement,
            values: statement.includes('$1') ? [number] : [],
            ...(client.prepares === true && !statement.startsWith('select')
              ? { name: `statement ${at}` }
              : {}),
          }
          await (lasting === 'commits' ? session.query(asked) : tryOut(session, asked))
          done += 1
        } catch (error) {
          if (errors.length < ERRORS_KEPT) errors.push(`${client.name}: ${statement}: ${whole(error)}`)
        }
        await sleep(PAUSE_MS)
      }
    })()
    return () => running
  }
  const stop = async (): Promise<readonly string[]> => {
    isRunning = false
    for (const ended of loops) await ended()
    return errors
  }
  // A test that fails does not stop what it started.
  cleanUp(async () => {
    await stop()
  })
  return { count: () => done, stop }
}

/** What would be looked at only as it is committed is looked at now. */
async function tryOut(session: pg.Client, asked: pg.QueryConfig): Promise<void> {
  await session.query('begin')
  try {
    await session.query(asked)
    await session.query('set constraints all immediate')
  } finally {
    await session.query('rollback')
  }
}

/** All that the server says of an error: one that must not happen may happen once only. */
function whole(error: unknown): string {
  if (!(error instanceof pg.DatabaseError)) return String(error)
  const { message, code, detail, where, file, line, routine } = error
  return `${message} (${JSON.stringify({ code, detail, where, file, line, routine })})`
}

/** Waits until a workload has done some more, so that a phase surely ran under traffic. */
export async function workSome(workload: Workload, statements = 30): Promise<void> {
  const until = workload.count() + statements
  while (workload.count() < until) await sleep(5)
}
