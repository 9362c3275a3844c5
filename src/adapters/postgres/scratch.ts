import { BellowsError } from '../../core/errors.ts'
import { id, type Sql, sql } from '../../core/sql.ts'
import type { Row } from './connection.ts'
import type { Sessions } from './sessions.ts'

/** A namespace for tables of a transaction that leaves nothing, in which the server says what it makes of a text. */
export interface Scratch {
  readonly namespace: string
  /**
   * Runs statements within such a transaction; what they return, each by itself.
   * @param statementMs how long one may take, where they say so themselves
   */
  try(statements: readonly Sql[], statementMs?: number): Promise<readonly (readonly Row[])[]>
}

const NAMESPACE = 'bellows_scratch'

/**
 * Temporary tables, or ordinary ones in a namespace of the same transaction: where many share a server the right to the first is often
 * revoked, and whoever may install the journal has the right to the second.
 * @throws BellowsError `plan_refused` where the role has neither
 */
export async function scratchFor(sessions: Pick<Sessions, 'read' | 'undone'>): Promise<Scratch> {
  const [may] = await sessions.read<{ temporary: boolean; create: boolean; grant: string }>(sql`
select pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY') as temporary,
  pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') as create,
  pg_catalog.format('grant temporary on database %I to %I', pg_catalog.current_database(), current_user) as grant`)
  if (may?.temporary !== true && may?.create !== true)
    throw new BellowsError(
      'plan_refused',
      'The connected role may make neither temporary tables nor a namespace, so the server cannot be asked what it makes of the migration.',
      { hint: `Give it one of the two rights: ${may?.grant}` },
    )
  const [namespace, made] = may.temporary
    ? ['pg_temp', []]
    : [NAMESPACE, [sql`create schema ${id(NAMESPACE)}`]]
  return {
    namespace,
    try: async (statements, statementMs) => {
      const results = await sessions.undone([...made, ...statements], statementMs)
      return results.slice(made.length)
    },
  }
}

/** The same for what can be planned without: undefined where the role has neither right. */
export async function scratchIfAllowed(...of: Parameters<typeof scratchFor>): Promise<Scratch | undefined> {
  try {
    return await scratchFor(...of)
  } catch (error) {
    if (error instanceof BellowsError && error.code === 'plan_refused') return undefined
    throw error
  }
}
