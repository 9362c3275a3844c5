import { BellowsError } from '../../core/errors.ts'
import type { Needs } from '../../core/operations/needs.ts'
import type { Sql } from '../../core/sql.ts'
import { rowsOf } from './connection.ts'
import type { Sessions } from './sessions.ts'

/**
 * Sessions in which every question finds the types and the functions that the migration makes itself: each is asked in a transaction that
 * makes them first, and leaves nothing. One that cannot be made yet, such as over a table that is to come, stays unknown.
 */
export async function withOwnObjects(sessions: Sessions, objects: Needs['objects']): Promise<Sessions> {
  let made: readonly Sql[] = []
  for (const statements of objects) {
    const more = [...made, ...statements]
    if (await isTaken(sessions, more)) made = more
  }
  if (made.length === 0) return sessions
  const undone: Sessions['undone'] = async (statements, statementMs) =>
    (await sessions.undone([...made, ...statements], statementMs)).slice(made.length)
  return {
    ...sessions,
    undone,
    read: <R>(query: Sql) => rowsOf<R>({ send: (text) => undone([text]) }, query),
    describe: (query) => sessions.describe(query, made),
  }
}

async function isTaken(sessions: Sessions, statements: readonly Sql[]): Promise<boolean> {
  try {
    await sessions.undone(statements)
    return true
  } catch (error) {
    if (error instanceof BellowsError && error.code === 'connection_lost') throw error
    return false
  }
}
