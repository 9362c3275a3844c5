import { messageOf } from '../core/errors.ts'
import type { ServerUse, StatementUse, UsageFacts } from '../core/gate/watch.ts'
import { isOwnText } from '../core/own-text.ts'
import type { LeaverInParts } from '../core/plan/leaver.ts'
import { folded, isNamedIn } from '../core/plan/named-in.ts'
import { partsOfEach, treeOf } from '../core/plan/tree.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import { id, join, lit, qualified, regclass, type Sql, sql, trusted } from '../core/sql.ts'
import { nameInUse, showsInReads, usesOf } from '../core/thing-use.ts'
import type { Engine } from './context.ts'
import { readCounted } from './counted.ts'
import { besideArgument, columnArguments, type Gated } from './gated.ts'
import type { Standby } from './ports.ts'

/** As it is called among the servers. */
export const PRIMARY = 'the primary'

/** What is seen of the use of a column, on every server that is watched. */
export async function readUse(
  engine: Engine,
  run: number | undefined,
  of: Gated,
  staying: string | undefined,
): Promise<UsageFacts> {
  const { database, standbys } = engine
  const table = [{ at: 0, table: of.table }]
  const parts = of.column === undefined ? [] : await database.read<QualifiedName>(partsOfEach(table))
  const sought = { ...of, parts }
  const servers = await Promise.all([
    readServer({ name: PRIMARY, read: (query) => database.read(query) }, sought),
    ...standbys.map((standby) => readServer(standby, sought)),
  ])
  const counted = run === undefined ? {} : await readCounted(engine, run, of)
  const [moments] = await database.read<{ nowMs: number; now: string; lastThereMs: number | null }>(sql`
select extract(epoch from now) * 1000 as "nowMs", now,
    -- One that was killed says nothing: it may have been there until its lease ended.
    (select max(extract(epoch from coalesce(i.released_at, case when l.over <= pg_catalog.clock_timestamp() then l.over end))) * 1000
      from bellows.instance i cross join lateral (select i.renewed_at + pg_catalog.make_interval(secs => i.lease_ms / 1000.0) as over) l
      where i.instance in (select bellows.users_of(${columnArguments(of)}${besideArgument(of, staying)}))) as "lastThereMs"
  from pg_catalog.clock_timestamp() now`)
  const { nowMs = 0, now = '', lastThereMs = null } = moments ?? {}
  return {
    nowMs,
    now,
    servers,
    ...counted,
    ...(lastThereMs === null ? {} : { lastThereMs }),
  }
}

type Sought = Gated & LeaverInParts

/** A server that cannot be asked is told as such, so that nobody takes it for quiet. */
async function readServer({ name, read }: Pick<Standby, 'name' | 'read'>, of: Sought): Promise<ServerUse> {
  try {
    const [found] = await read<{ identity: string; extension: string | null }>(sql`
select bellows.server_identity() as identity, (select n.nspname from pg_catalog.pg_extension e
    join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_stat_statements') as extension`)
    const { identity = '', extension = null } = found ?? {}
    const { still = [], ...seen } = await readSeen({ name, read }, extension, of)
    const same = sql`bellows.server_identity() = ${lit(identity)}`
    return { server: name, identity, ...seen, still: [same, ...still] }
  } catch (error) {
    return { server: name, identity: '', unreadable: messageOf(error) }
  }
}

type Seen = Pick<ServerUse, 'statements' | 'unseen' | 'still'>

/** By the statements that name it, and by the counter of what nobody names. */
async function readSeen(
  { name: server, read }: Pick<Standby, 'name' | 'read'>,
  extension: string | null,
  of: Sought,
): Promise<Seen> {
  const name = nameInUse(of)
  const index = of.thing?.shows?.find((one) => one.by === 'scans')?.index
  const isStandby = server !== PRIMARY
  if (isStandby && name !== undefined && !showsInReads(of))
    return index === undefined ? { statements: { epoch: '', used: [] } } : await readScans(read, index)
  // Nothing else tells of readers there, and whoever lists a standby says that there are some.
  if (isStandby && name !== undefined && extension === null) return { unseen: NOT_INSTALLED }
  const named =
    name === undefined || extension === null ? {} : await readStatements(read, extension, of, name)
  // What shows in both ways is not seen where one of them is closed.
  if (index === undefined || (name !== undefined && named.statements === undefined)) return named
  const scans = await readScans(read, index)
  const { epoch = '', used = [] } = named.statements ?? {}
  if (scans.statements === undefined) return scans
  return {
    statements: { epoch: `${epoch}${scans.statements.epoch}`, used: [...used, ...scans.statements.used] },
    still: [...(named.still ?? []), ...(scans.still ?? [])],
  }
}

/** An index of a partitioned table is read in each of its partitions. */
async function readScans(read: Standby['read'], index: QualifiedName): Promise<Seen> {
  const count = sql`(select coalesce(sum(s.idx_scan), 0) from pg_catalog.pg_stat_all_indexes s
    where s.indexrelid in ${treeOf(regclass(index))})`
  const epoch = sql`(select coalesce(stats_reset::text, '') from pg_catalog.pg_stat_database where datname = pg_catalog.current_database())`
  const [scans] = await read<{ count: number; epoch: string; counted: boolean }>(
    sql`select ${count} as count, pg_catalog.current_setting('track_counts')::boolean as counted, ${epoch} as epoch`,
  )
  if (scans?.counted !== true)
    return { unseen: 'nobody counts there how often an index is read (track_counts = off)' }
  const text = `${scans.count} reads of the index ${qualified(index)}`
  const seen: StatementUse = {
    id: 'scans',
    role: 'somebody',
    calls: scans.count,
    text,
    certainty: 'definite',
  }
  return {
    statements: { epoch: scans.epoch, used: [seen] },
    still: [sql`${count} = ${lit(scans.count)}`, sql`${epoch} = ${lit(scans.epoch)}`],
  }
}

/** The extension may be there without being loaded, or show this role nothing. */
async function readStatements(
  read: Standby['read'],
  extension: string,
  of: Sought,
  name: string,
): Promise<Seen> {
  try {
    const rows = await read<KeptStatement>(statementsQuery(extension, name, of.parts ?? []))
    if (rows.some(({ text }) => text === HIDDEN)) return { unseen: NO_RIGHT }
    if (rows.some(({ text }) => text === LOST)) return { unseen: NO_TEXT }
    const epochSql = sql`(select stats_reset || '/' || dealloc from ${id(extension)}.pg_stat_statements_info)`
    const [info] = await read<{ epoch: string; off: string | null; most: number }>(
      sql`select ${epochSql} as epoch, (${UNTRACKED}) as off, pg_catalog.current_setting('pg_stat_statements.max')::integer as most`,
    )
    if (typeof info?.off === 'string') return { unseen: `they are not kept there (${info.off})` }
    const useIn = usesOf(of)
    const used = rows.flatMap(({ isCut, ...row }): StatementUse[] => {
      if (isOwnText(row.text)) return []
      const certainty = isCut ? 'possible' : useIn(row.text)
      return certainty === 'none' ? [] : [{ ...row, certainty }]
    })
    const { epoch = '', most = 0 } = info ?? {}
    const calls = sql`${callsSql(extension, used)} = ${lit(callsOf(used))}`
    const still = [sql`${epochSql} = ${lit(epoch)}`, ...(most > CHEAP_STATEMENTS_MAX ? [] : [calls])]
    return { statements: { epoch, used }, still }
  } catch (error) {
    return { unseen: messageOf(error) }
  }
}

interface KeptStatement extends Omit<StatementUse, 'certainty'> {
  /** Is there more of its text, which names the table somewhere? */
  readonly isCut: boolean
}

/** Takes about 4 µs for each that is kept; of more than so many the look right before the lock is the last one. */
const CHEAP_STATEMENTS_MAX = 10_000

/** A list of values may be longer; whoever selects columns by the hundred is not. */
const TEXT_CHARACTERS_MAX = 100_000

/** A statement that functions run as well, where those are tracked, is there twice. */
const STATEMENT_ID = sql`s.userid || '/' || s.queryid || case when s.toplevel then '' else '/nested' end`
const IN_THIS_DATABASE = sql`s.dbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`

/** How often some statements ran. Their texts, which are kept in a file that may be large, are not read for that. */
function callsSql(extension: string, of: readonly StatementUse[]): Sql {
  const ids = join(of.map((one) => lit(one.id)))
  return sql`(select coalesce(sum(s.calls), 0) from ${id(extension)}.pg_stat_statements(false) s where ${IN_THIS_DATABASE} and ${STATEMENT_ID} = any (array[${ids}]::text[]))`
}

function callsOf(used: readonly StatementUse[]): number {
  return used.reduce((sum, { calls }) => sum + calls, 0)
}

function statementsQuery(extension: string, name: string, parts: readonly QualifiedName[]): Sql {
  const isNamed = isNamedIn(
    sql`said.text`,
    name,
    parts.map((part) => part.name),
  )
  return sql`
select ${STATEMENT_ID} as id,
    coalesce(r.rolname, s.userid::text) as role, s.calls, s.queryid::text as ${trusted('"queryId"')},
    coalesce(left(s.query, ${lit(TEXT_CHARACTERS_MAX)}), ${lit(LOST)}) as text, length(s.query) > ${lit(TEXT_CHARACTERS_MAX)} as ${trusted('"isCut"')}
  from ${id(extension)}.pg_stat_statements s left join pg_catalog.pg_roles r on r.oid = s.userid
  -- Once, and not for each name.
  cross join lateral (select ${folded(sql`s.query`)} as text offset 0) said
  where ${IN_THIS_DATABASE} and (${isNamed} or s.query = ${lit(HIDDEN)} or s.query is null)`
}

/** The setting by which the statements of everybody, or of a role, are not kept; null where there is none. */
const UNTRACKED = sql`
select min(setting) from (
  select name || ' = ' || setting as setting from pg_catalog.pg_settings
    where (name, setting) in (('pg_stat_statements.track', 'none'), ('compute_query_id', 'off'))
  union all
  select one || coalesce(' for ' || r.rolname, '') from pg_catalog.pg_db_role_setting s
    cross join pg_catalog.unnest(s.setconfig) as one left join pg_catalog.pg_roles r on r.oid = s.setrole
    where one in ('pg_stat_statements.track=none', 'compute_query_id=off')
      and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
) settings`

/** What the extension shows in place of a text that the role may not see. */
const HIDDEN = '<insufficient privilege>'
/** For a text that the extension could not keep, or could not read again. */
const LOST = ''
const NOT_INSTALLED =
  'on a standby nothing but pg_stat_statements tells who reads, and it is not installed (name it in shared_preload_libraries of both servers, start them anew, and on the primary: create extension pg_stat_statements)'
const NO_TEXT = 'the texts of some are lost there (select pg_stat_statements_reset() begins anew)'
const NO_RIGHT = 'this role may not read the statements of others (grant pg_read_all_stats to it)'
