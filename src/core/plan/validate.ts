import type { QualifiedName } from '../schema/model.ts'
import { id, lit, qualified, type Sql, sql, trusted } from '../sql.ts'
import { USUAL_SEARCH_PATH } from './search-path.ts'

/** In which whoever queued up behind an attempt gets on: so many times as long as the attempt. */
const PAUSE_FACTOR = 9

/** The setting of a transaction that says for how long it may try, in milliseconds. */
export const LOCK_DEADLINE = 'bellows.lock_deadline'
/** Says that a lock was not had within the time for all attempts, so that nobody begins anew. */
export const LOCK_GIVEN_UP = 'BW002'

/**
 * Proves CHECK constraints: one scan under a lock that stops nobody, and then, for the moment in which the verdict becomes
 * visible, a lock that keeps writers out. PostgreSQL needs that moment to be quiet: a session that is rewriting an INSERT for a
 * table with an identity column while a CHECK of it becomes valid can read what it has just freed, when a trigger in PL/pgSQL
 * has seen the table before; the INSERT fails with "cache lookup failed for type". See decision 0007.
 */
export function validateChecksSql(table: QualifiedName, constraints: readonly string[]): readonly Sql[] {
  const validations = constraints.map((name) => `validate constraint ${id(name)}`).join(', ')
  return [
    USUAL_SEARCH_PATH,
    sql`alter table ${qualified(table)} ${trusted(validations)}`,
    keepWritersOutSql(table),
  ]
}

/** Tries within the transaction, in short attempts: starting again would mean to scan again. */
function keepWritersOutSql(table: QualifiedName): Sql {
  const body = sql`
declare
  until timestamptz := pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => pg_catalog.current_setting('${trusted(LOCK_DEADLINE)}')::double precision / 1000);
begin
  loop
    begin
      lock table ${qualified(table)} in share row exclusive mode;
      return;
    exception when lock_not_available then
      exit when pg_catalog.clock_timestamp() > until;
      perform pg_catalog.pg_sleep(${trusted(String(PAUSE_FACTOR))} * extract(epoch from pg_catalog.current_setting('lock_timeout')::interval));
    end;
  end loop;
  raise exception 'writers left no gap' using errcode = '${trusted(LOCK_GIVEN_UP)}', detail = 'lock_not_had';
end`
  return sql`do ${lit(body)}`
}
