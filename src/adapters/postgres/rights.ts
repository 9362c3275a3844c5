import { BellowsError } from '../../core/errors.ts'
import { sql } from '../../core/sql.ts'
import type { Sessions } from './sessions.ts'

const INSUFFICIENT_PRIVILEGE = '42501'

export function isRightMissing(error: unknown): error is BellowsError {
  return error instanceof BellowsError && error.sqlstate === INSUFFICIENT_PRIVILEGE
}

/** Namespaces in which the connected role may make nothing. */
export async function readClosedNamespaces(sessions: Sessions): Promise<readonly string[]> {
  const found = await sessions.read<{ name: string }>(sql`
select nspname as name from pg_catalog.pg_namespace
  where nspname !~ '^pg_' and nspname <> 'information_schema' and not pg_catalog.has_schema_privilege(oid, 'CREATE') order by nspname`)
  return found.map(({ name }) => name)
}

/**
 * What is asked of the server before a plan is made. It looks nobody up in a namespace that the role may not use.
 * @throws BellowsError `plan_refused` with the right that is missing
 */
export async function namingRights<T>(sessions: Sessions, asking: Promise<T>): Promise<T> {
  try {
    return await asking
  } catch (error) {
    if (!isRightMissing(error)) throw error
    const unusable = await sessions.read<{ name: string; mend: string }>(sql`
select nspname as name, pg_catalog.format('grant usage on schema %I to %I', nspname, current_user) as mend
  from pg_catalog.pg_namespace where nspname !~ '^pg_' and not pg_catalog.has_schema_privilege(oid, 'USAGE')`)
    const meant = unusable.find(({ name }) => error.message.includes(name))
    throw new BellowsError(
      'plan_refused',
      `The connected role lacks a right, so the server cannot be asked what the migration needs to know: ${error.message}`,
      {
        cause: error,
        hint:
          meant === undefined
            ? 'Give it that right, or connect as the owner.'
            : `Let it, as the owner: ${meant.mend}`,
      },
    )
  }
}
