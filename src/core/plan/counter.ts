import { id, lit, type Sql, sql, trusted } from '../sql.ts'

/**
 * Where use of an old shape is counted. Counting makes nobody wait and lets nothing fail: the number comes from a sequence, and of each
 * session and minute there is at most one row, in a table without a unique index.
 * @param unlogged what is not to be written to the log
 */
export function counterSql(
  counter: string,
  unlogged: readonly ('sequence' | 'table')[] = [],
): readonly Sql[] {
  const made = (what: 'sequence' | 'table') =>
    sql`create ${unlogged.includes(what) ? sql`unlogged ` : sql``}${trusted(what)}`
  return [
    sql`${made('sequence')} bellows.${id(numberOf(counter))}`,
    sql`${made('table')} bellows.${id(counter)} (at timestamptz not null default pg_catalog.clock_timestamp(), role text not null default session_user, application text not null default pg_catalog.current_setting('application_name'), address inet default pg_catalog.inet_client_addr(), pid integer not null default pg_catalog.pg_backend_pid())`,
    sql`create index on bellows.${id(counter)} (at)`,
  ]
}

export function dropCounterSql(counter: string): readonly Sql[] {
  return [
    sql`drop table if exists bellows.${id(counter)}`,
    sql`drop sequence if exists bellows.${id(numberOf(counter))}`,
    sql`delete from bellows.brownout where counter = ${lit(counter)}`,
  ]
}

/**
 * Lets every use that is counted fail for so long: a trial of what comes with the contract. It ends by itself, on the clock of the
 * server, whoever is there to see it; 0 ends it now.
 */
export function brownoutSql(counter: string, ms: number): Sql {
  return sql`insert into bellows.brownout values (${lit(counter)}, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => ${lit(ms / 1000)}), ${countSql(counter)})
 on conflict (counter) do update set until = excluded.until${ms === 0 ? sql`` : sql`, began = excluded.began, writes = excluded.writes`}`
}

/** How many statements were counted. */
export function countSql(counter: string): Sql {
  return sql`coalesce(pg_catalog.pg_sequence_last_value(pg_catalog.to_regclass(${lit(`bellows.${id(numberOf(counter))}`)})), 0)`
}

/** Parts of a function in PL/pgSQL that counts. Every name is qualified, so that no search path has to be set. */
export function nextNumber(counter: string): Sql {
  return sql`pg_catalog.nextval(${lit(`bellows.${id(numberOf(counter))}`)}::pg_catalog.regclass)`
}

export function isOnTrial(counter: string): Sql {
  return sql`exists (select from bellows.brownout b where b.counter operator(pg_catalog.=) ${lit(counter)} and b.until operator(pg_catalog.>) pg_catalog.clock_timestamp())`
}

/** Who is told of once: the minute, the role and the application. */
export const WHO = sql`pg_catalog.concat_ws(' ', pg_catalog.date_trunc('minute', pg_catalog.statement_timestamp()), session_user, pg_catalog.current_setting('application_name'))`

/**
 * A row of who comes, unless one of this minute says so already: sessions may be short, and each would leave one. Only the newest are
 * looked at, so that it costs the same where everybody has another name. Of two at once both tell, rather than that one waits. Where
 * transactions are serializable nothing is looked at: two that look and tell would be in each other's way.
 */
export function tellSql(counter: string): Sql {
  const isSame = (column: Sql, value: Sql) =>
    sql`coalesce(w.${column}::pg_catalog.text, '') operator(pg_catalog.=) coalesce(${value}::pg_catalog.text, '')`
  return sql`insert into bellows.${id(counter)} (at) select pg_catalog.clock_timestamp()
      where pg_catalog.current_setting('transaction_isolation') operator(pg_catalog.=) 'serializable' or not exists (select from (
        select n.role, n.application, n.address from bellows.${id(counter)} n
          where n.at operator(pg_catalog.>=) (select pg_catalog.date_trunc('minute', pg_catalog.clock_timestamp())) order by n.at desc limit 100) w
        where ${isSame(sql`role`, sql`session_user`)} and ${isSame(sql`application`, sql`pg_catalog.current_setting('application_name')`)}
          and ${isSame(sql`address`, sql`pg_catalog.inet_client_addr()`)})`
}

/** Nobody came since the gate looked, for the transaction that goes on. */
export function nobodyCameSql(counter: string, seen: number, otherwise: string): Sql {
  const noted = sql`pg_catalog.set_config(${lit(settingsOf(counter).seen)}, ${lit(String(seen))}, true)`
  return sql`select bellows.require(${countSql(counter)} = ${lit(seen)}, 'gate_closed', ${lit(otherwise)}), ${noted}`
}

/** The same once more, where the lock on what is used comes later. Nothing where the gate did not ask for it. */
export function nobodyCameAgainSql(counter: string, otherwise: string): Sql {
  const seen = sql`nullif(pg_catalog.current_setting(${lit(settingsOf(counter).seen)}, true), '')::pg_catalog.int8`
  return sql`select bellows.require(coalesce(${countSql(counter)} = ${seen}, true), 'gate_closed', ${lit(otherwise)})`
}

/**
 * Settings by which a session knows which statement it has counted last, and whom it has told of; and the transaction behind a gate,
 * what that has seen.
 */
export function settingsOf(counter: string): Record<'counted' | 'told' | 'seen', string> {
  return {
    counted: `bellows.${counter}`,
    told: `bellows.${counter}_told`,
    seen: `bellows.${counter}_seen`,
  }
}

function numberOf(counter: string): string {
  return `${counter}_number`
}
