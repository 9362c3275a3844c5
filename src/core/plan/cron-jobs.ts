import type { Dependent } from '../schema/model.ts'
import { type Sql, sql } from '../sql.ts'
import { usesOf } from '../thing-use.ts'
import type { LeaverInParts } from './leaver.ts'

/** A job of pg_cron in this database. */
export interface CronJob {
  readonly name: string
  readonly command: string
}

/** Where pg_cron keeps its jobs, one row where it is there: may they be read, and all of them, or only the own ones? */
export const CRON_SIGHT: Sql = sql`
select pg_catalog.has_schema_privilege(n.oid, 'USAGE') and pg_catalog.has_table_privilege(c.oid, 'SELECT') as readable,
    pg_catalog.row_security_active(c.oid) as "ownOnly"
  from pg_catalog.pg_namespace n join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = 'job'
  where n.nspname = 'cron' and not exists (
    select from pg_catalog.unnest(array['jobid', 'command', 'database']) as needed (name)
      where not exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attname = needed.name))`

export interface CronSight {
  readonly readable: boolean
  readonly ownOnly: boolean
}

/** Those that stand still count, too: somebody may let them run again. */
export const CRON_JOBS: Sql = sql`
select coalesce(pg_catalog.to_jsonb(j) ->> 'jobname', 'number ' || j.jobid) as name, j.command
  from cron.job j where j.database = pg_catalog.current_database() order by j.jobid`

/** PostgreSQL keeps no record of what they use, so their text is read. One that cannot be read, or takes every column, may use it. */
export function jobsUsing(
  jobs: readonly CronJob[],
  of: LeaverInParts,
): readonly Pick<Dependent, 'kind' | 'name'>[] {
  const useIn = usesOf(of)
  return jobs
    .filter(({ command }) => useIn(command) !== 'none')
    .map(({ name }) => ({ kind: 'job of pg_cron', name }))
}
