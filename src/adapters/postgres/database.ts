import { conflictsWith, lockMode } from '../../core/plan/locks.ts'
import { USUAL_SEARCH_PATH } from '../../core/plan/search-path.ts'
import type { Lock } from '../../core/plan/step.ts'
import type { Blocker } from '../../core/run/blocker.ts'
import { lit, regclass, type Sql, sql, trusted } from '../../core/sql.ts'
import type { Database } from '../../engine/ports.ts'
import { answerMsOf } from './answer-time.ts'
import type { Target } from './connection.ts'
import { readDependents } from './dependents.ts'
import { endSilentDriver, holderOf, mateOf, tryToDrive } from './driver.ts'
import { introspect } from './introspect.ts'
import { namingRights } from './rights.ts'
import { scratchFor } from './scratch.ts'
import type { Sessions } from './sessions.ts'

export function postgresDatabase(target: Target, sessions: Sessions): Database {
  return {
    read: (query) => sessions.read(query),
    write: async (statement) => {
      await sessions.send(statement)
    },
    readOnly: (query, timeoutMs, before) => readOnly(sessions, timeoutMs, query, before),
    readMade: (query, timeoutMs, made) => readMade(sessions, timeoutMs, query, made),
    introspect: (needs) => namingRights(sessions, introspect(sessions, needs)),
    dependents: (of) => readDependents(sessions, of),
    blockers: (locks) => blockers(sessions, locks),
    tryToDrive: () => tryToDrive(target, sessions),
    helpDriver: (epoch) => mateOf(target, epoch),
    holder: () => holderOf(sessions),
    takeOver: (staleMs) => endSilentDriver(target, staleMs),
    close: () => sessions.close(),
  }
}

async function readOnly<R>(
  sessions: Sessions,
  timeoutMs: number,
  query: Sql,
  before?: Sql,
): Promise<readonly R[]> {
  const text = sql`begin read only;
set local statement_timeout = ${lit(`${timeoutMs}ms`)};
${USUAL_SEARCH_PATH};
${before === undefined ? sql`` : sql`${before};\n`}select coalesce(pg_catalog.json_agg(r), '[]') as rows from (${query}\n) r;
commit`
  const answer = await sessions.send(text, answerMsOf(before === undefined ? 1 : 2, timeoutMs))
  return answer.at(-2)?.[0]?.rows as readonly R[]
}

/** A table without a namespace is made in the first one of the search_path. */
async function readMade<R>(
  sessions: Sessions,
  timeoutMs: number,
  query: Sql,
  made: readonly Sql[],
): Promise<readonly R[]> {
  const scratch = await scratchFor(sessions)
  const statements = [
    sql`set local statement_timeout = ${lit(`${timeoutMs}ms`)}`,
    USUAL_SEARCH_PATH,
    sql`select pg_catalog.set_config('search_path', ${lit(`${scratch.namespace}, `)} || pg_catalog.current_setting('search_path'), true)`,
    ...made,
    sql`select coalesce(pg_catalog.json_agg(r), '[]') as rows from (${query}\n) r`,
  ]
  const answer = await scratch.try(statements, timeoutMs)
  return answer.at(-1)?.[0]?.rows as readonly R[]
}

const QUERY_SHOWN_CHARACTERS = 120

/** Sessions with a granted lock that conflicts, our own excluded; also those that hold it for a prepared transaction. */
async function blockers(sessions: Sessions, locks: readonly Lock[]): Promise<readonly Blocker[]> {
  if (locks.length === 0) return []
  const conflicting = locks.map(({ relation, level }) => {
    const modes = conflictsWith(level).map((one) => lit(lockMode(one)))
    return sql`(l.relation = ${regclass(relation)} and l.mode in (${trusted(modes.join(', '))}))`
  })
  return sessions.read<Blocker>(sql`
select distinct coalesce(l.pid, 0) as pid, coalesce(a.usename, p.owner, '?') as user,
    coalesce(nullif(a.application_name, ''), a.backend_type, 'the prepared transaction ' || pg_catalog.quote_literal(p.gid)) as application,
    coalesce(extract(epoch from pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared)), 0) as ${trusted('"transactionSeconds"')},
    left(coalesce(a.query, ''), ${lit(QUERY_SHOWN_CHARACTERS)}) as query
  from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
  left join (pg_catalog.pg_locks own join pg_catalog.pg_prepared_xacts p on p.transaction = own.transactionid)
    on l.pid is null and own.pid is null and own.virtualtransaction = l.virtualtransaction
  where l.granted and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    and l.pid is distinct from pg_catalog.pg_backend_pid() and (${orOf(conflicting)})
  order by ${trusted('"transactionSeconds"')} desc
  limit 5`)
}

function orOf(conditions: readonly Sql[]): Sql {
  return trusted(conditions.join(' or '))
}
