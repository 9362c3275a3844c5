import { BellowsError } from '../../core/errors.ts'
import type { Sql } from '../../core/sql.ts'
import { answerMsOf } from './answer-time.ts'
import { type Connection, openConnection, type Row, rowsOf, type Target, undone } from './connection.ts'

/** The one session for everything that needs no fence: reading, the registry, installing. Made when it is first needed. */
export interface Sessions {
  read<R>(query: Sql): Promise<readonly R[]>
  send: Connection['send']
  describe: Connection['describe']
  /** Runs statements in a transaction that leaves nothing; what they return, each by itself. */
  undone(statements: readonly Sql[], statementMs?: number): Promise<readonly (readonly Row[])[]>
  /** Does a large piece of work with further sessions beside this one, which are closed behind it. */
  beside<T>(further: number, work: (all: readonly Sessions[]) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export function openSessions(target: Target): Sessions {
  let opened: Promise<Connection> | undefined
  let isClosed = false

  const connection = (): Promise<Connection> => {
    // What is on its way when it is closed must not open another one, which nobody would close.
    if (isClosed) throw new BellowsError('connection_lost', 'The connection was closed.')
    opened ??= openConnection(target).catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return opened
  }

  /** A lost session is replaced by the next call; whether this one may be repeated, only its caller knows. */
  const using = async <R>(work: (session: Connection) => Promise<R>): Promise<R> => {
    const mine = connection()
    const session = await mine
    try {
      return await work(session)
    } catch (error) {
      if (error instanceof BellowsError && error.code === 'connection_lost') {
        // Another call that lost the same session may have replaced it already.
        if (opened === mine) opened = undefined
        await session.close()
      }
      throw error
    }
  }

  const sessions: Sessions = {
    // The session may have ended long ago, while nobody needed it. What only reads, or says the same again, may be repeated.
    read: async <R>(query: Sql) => {
      const attempt = () => using((session) => rowsOf<R>(session, query))
      return await attempt().catch((error: unknown) => {
        if (error instanceof BellowsError && error.code === 'connection_lost') return attempt()
        throw error
      })
    },
    send: (text, answerMs) => using((session) => session.send(text, answerMs)),
    describe: (query, made) => using((session) => session.describe(query, made)),
    undone: async (statements, statementMs) => {
      const all = undone(statements)
      const answers = await using((session) => session.send(all, answerMsOf(statements.length, statementMs)))
      return answers.slice(1, -1)
    },
    beside: async (further, work) => {
      const more = Array.from({ length: further }, () => openSessions(target))
      try {
        return await work([sessions, ...more])
      } finally {
        await Promise.all(more.map((one) => one.close()))
      }
    },
    close: async () => {
      isClosed = true
      const session = await opened?.catch(() => undefined)
      opened = undefined
      await session?.close()
    },
  }
  return sessions
}
