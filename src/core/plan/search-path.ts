import { id, lit, type Sql, sql } from '../sql.ts'

/**
 * For a transaction in which triggers and functions of the user run: they may rely on the search_path that the role has by
 * default, where our sessions have none. What we name ourselves is found first in `pg_catalog` all the same.
 */
export const USUAL_SEARCH_PATH = sql`select pg_catalog.set_config('search_path', 'pg_catalog' || coalesce(', ' || nullif(reset_val, ''), ''), true)
 from pg_catalog.pg_settings where name = 'search_path'`

/**
 * What a user wrote: names without a namespace are of the one that the operation says, and then as the role finds them. Behind it
 * nothing is found without its namespace again, so that a probe says in the transaction what it says outside.
 */
export function inSearchPath(namespace: string, statements: readonly Sql[]): readonly Sql[] {
  return [
    sql`select pg_catalog.set_config('search_path', ${lit(id(namespace))} || coalesce(', ' || nullif(reset_val, ''), ''), true)
 from pg_catalog.pg_settings where name = 'search_path'`,
    ...statements,
    sql`select pg_catalog.set_config('search_path', '', true)`,
  ]
}
