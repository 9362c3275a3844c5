import { readFile, statfs } from 'node:fs/promises'
import path from 'node:path'
import { treeOf } from '../../core/plan/tree.ts'
import type { QualifiedName } from '../../core/schema/model.ts'
import { lit, qualified, type Sql, sql, trusted } from '../../core/sql.ts'
import type { Disk, SignalsAsked } from '../../core/throttle/readings.ts'
import type { Sessions } from './sessions.ts'

/** @param asked the table that grows, and how large the disk is, where somebody has said so */
export type DiskReader = (asked: Pick<SignalsAsked, 'table' | 'diskBytes'>) => Promise<Disk>

/**
 * Tells how much room is left for the server: by the file system, where its folder is one of this machine, and by the size that somebody has
 * said less what takes room there. Of two answers the smaller one counts.
 * @param measuring what it takes the server a while to say is asked on a session of its own
 */
export function diskReader(sessions: Sessions, measuring: Sessions): DiskReader {
  return async ({ table, diskBytes }) => {
    // Each time, as another server may have taken over.
    const { folders, mayListLog } = await placeOf(sessions, table)
    const seen = await Promise.all(folders.map(freeIn))
    if (diskBytes === undefined) return { freeBytes: leastOf(seen), hidden: 0 }
    const { used, hidden } = await usedOn(measuring, mayListLog)
    return { freeBytes: leastOf([...seen, diskBytes - used]), hidden }
  }
}

function leastOf(free: readonly number[]): number | null {
  return free.length === 0 ? null : Math.min(...free)
}

interface Place {
  /** Where the server writes on this machine. None where that is another one, or the role or this process may not know. */
  readonly folders: readonly string[]
  readonly mayListLog: boolean
}

interface ServerPlace {
  readonly folder: string | null
  /** Of the tablespaces that the table and its indexes are in, beside the usual one. */
  readonly tablespaces: readonly string[]
  readonly port: number
  readonly startedAt: number
  readonly mayListLog: boolean
}

async function placeOf(sessions: Sessions, table: QualifiedName): Promise<Place> {
  const [server] = await sessions.read<ServerPlace>(sql`
select (select setting from pg_catalog.pg_settings where name = 'data_directory') as folder,
    array(${tablespacesSql(table)}) as tablespaces,
    pg_catalog.current_setting('port')::integer as port, extract(epoch from pg_catalog.pg_postmaster_start_time())::double precision as ${trusted('"startedAt"')},
    pg_catalog.has_function_privilege('pg_catalog.pg_ls_waldir()', 'execute') as ${trusted('"mayListLog"')}`)
  if (server === undefined) return { folders: [], mayListLog: false }
  const { folder, tablespaces, mayListLog } = server
  const isHere = folder !== null && (await isOfThisMachine(folder, server))
  return { folders: isHere ? [folder, path.join(folder, 'pg_wal'), ...tablespaces] : [], mayListLog }
}

function tablespacesSql(table: QualifiedName): Sql {
  return sql`select distinct pg_catalog.pg_tablespace_location(c.reltablespace) from pg_catalog.to_regclass(${lit(qualified(table))}) t (oid)
    cross join lateral ${treeOf(sql`t.oid`)} part
    join pg_catalog.pg_class c on (c.oid = part.relid or c.oid in (select i.indexrelid from pg_catalog.pg_index i where i.indrelid = part.relid))
    where c.reltablespace <> 0 and pg_catalog.pg_tablespace_location(c.reltablespace) <> ''`
}

/** The server and its file about itself name moments that are this close. */
const START_SECONDS = 10

/**
 * Another machine, be it behind a tunnel or the wall of a container, may have a folder of the same name. What the server has written
 * there about itself tells: nobody else has begun at that moment on that port.
 */
async function isOfThisMachine(folder: string, { port, startedAt }: ServerPlace): Promise<boolean> {
  const lines = await readFile(path.join(folder, 'postmaster.pid'), 'utf8').then(
    (text) => text.split('\n'),
    () => [],
  )
  const [, , began, onPort] = lines
  return Number(onPort) === port && Math.abs(Number(began) - startedAt) <= START_SECONDS
}

/** For whoever is not root. */
async function freeIn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

async function usedOn(
  sessions: Sessions,
  mayListLog: boolean,
): Promise<{ readonly used: number; readonly hidden: number }> {
  const [found] = await sessions.read<{ readonly used: number; readonly hidden: number }>(sql`
select (coalesce(sum(size), 0) + ${mayListLog ? LISTED_LOG : LOG_AT_MOST})::bigint as used, count(*) filter (where size is null) as hidden
  from (select case when pg_catalog.has_database_privilege(oid, 'connect') or pg_catalog.pg_has_role('pg_read_all_stats', 'usage')
        then coalesce(pg_catalog.pg_database_size(oid), 0) end as size from pg_catalog.pg_database) d`)
  return found ?? { used: 0, hidden: 0 }
}

const LISTED_LOG: Sql = sql`coalesce((select sum(size) from pg_catalog.pg_ls_waldir()), 0)`

/** Whose files are hidden is taken to be as large as it may become, or as what a slot keeps. */
const LOG_AT_MOST: Sql = sql`greatest(pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')),
    (select max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)) from pg_catalog.pg_replication_slots))`
