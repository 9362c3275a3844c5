import { diagnoseApplication } from '../core/run/application-diagnosis.ts'
import { diagnose, type Finding, type ServerFacts } from '../core/run/diagnosis.ts'
import { givingWay } from '../core/run/give-way.ts'
import { lit, type Sql, sql, trusted } from '../core/sql.ts'
import type { Engine } from './context.ts'
import { DEADLOCK_TIMEOUT } from './give-way.ts'

const LONG_TRANSACTION_SECONDS = 60

/** Looks at the server and judges whether a migration can be done there now, and at the application's way to it. Changes nothing. */
export async function examine(engine: Engine): Promise<readonly Finding[]> {
  const [server] = await engine.database.read<Omit<ServerFacts, 'isInstalled' | 'batchMs'>>(serverFacts())
  if (server === undefined) return []
  const { lockTimeoutMs, statementTimeoutMs } = givingWay(engine.settings.batch, server.deadlockTimeoutMs)
  const isInstalled = await engine.journal.isInstalled()
  const found = diagnose({ ...server, isInstalled, batchMs: lockTimeoutMs + statementTimeoutMs })
  if (engine.application === undefined) return found
  return [...found, ...diagnoseApplication(await engine.application.look())]
}

function serverFacts(): Sql {
  const named = (name: string) => trusted(`"${name}"`)
  return sql`
select pg_catalog.current_setting('server_version_num')::integer as ${named('serverVersion')},
  pg_catalog.pg_is_in_recovery() as ${named('isReplica')},
  ${DEADLOCK_TIMEOUT} as ${named('deadlockTimeoutMs')},
  exists (select from pg_catalog.pg_roles where rolname = 'bellows') as ${named('hasRoleOfOurName')},
  pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') as ${named('mayCreateNamespace')},
  pg_catalog.current_setting('max_connections')::integer
    - (select count(*) from pg_catalog.pg_stat_activity where backend_type = 'client backend') as ${named('connectionsLeft')},
  (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('pid', pid, 'application', application_name,
      'seconds', extract(epoch from pg_catalog.clock_timestamp() - xact_start))), '[]')
    from pg_catalog.pg_stat_activity
    where datname = pg_catalog.current_database() and xact_start < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${lit(LONG_TRANSACTION_SECONDS)})
      and backend_type = 'client backend') as ${named('longTransactions')},
  (select count(*) from pg_catalog.pg_prepared_xacts where database = pg_catalog.current_database()) as ${named('preparedTransactions')},
  (select coalesce(pg_catalog.json_agg(query), '[]') from pg_catalog.pg_stat_activity
    where datname = pg_catalog.current_database() and query like 'autovacuum:%(to prevent wraparound)') as ${named('wraparoundVacuums')}`
}
