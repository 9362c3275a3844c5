import type { QualifiedName } from '../schema/model.ts'
import { id, lit, qualified, type Sql, sql, trusted } from '../sql.ts'

/** Enough for transactions of an ordinary application to end; after them the whole step is tried again. */
const ATTEMPTS = 100
const PAUSE_SECONDS = 0.25

/**
 * Proves CHECK constraints: one scan under a lock that stops nobody, and then, for the moment in which the verdict becomes
 * visible, a lock that keeps writers out. PostgreSQL needs that moment to be quiet: a session that is rewriting an INSERT for a
 * table with an identity column while a CHECK of it becomes valid can read what it has just freed, when a trigger in PL/pgSQL
 * has seen the table before; the INSERT fails with "cache lookup failed for type". See decision 0007.
 */
export function validateChecksSql(table: QualifiedName, constraints: readonly string[]): readonly Sql[] {
  const validations = constraints.map((name) => `validate constraint ${id(name)}`).join(', ')
  return [sql`alter table ${qualified(table)} ${trusted(validations)}`, keepWritersOutSql(table)]
}

/** Tries within the transaction, in short attempts: starting again would mean to scan again. */
function keepWritersOutSql(table: QualifiedName): Sql {
  const body = sql`
begin
  for attempt in 1 .. ${trusted(String(ATTEMPTS))} loop
    begin
      lock table ${qualified(table)} in share row exclusive mode;
      return;
    exception when lock_not_available then
      perform pg_catalog.pg_sleep(${trusted(String(PAUSE_SECONDS))});
    end;
  end loop;
  raise lock_not_available using message = 'writers did not leave a gap';
end`
  return sql`do ${lit(body)}`
}
