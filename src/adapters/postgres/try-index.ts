import { BellowsError } from '../../core/errors.ts'
import type { Needs } from '../../core/operations/needs.ts'
import { indexNames } from '../../core/plan/index-names.ts'
import { type IndexText, readIndex } from '../../core/plan/index-text.ts'
import { USING } from '../../core/plan/probes.ts'
import { USUAL_SEARCH_PATH } from '../../core/plan/search-path.ts'
import type { Facts } from '../../core/schema/facts.ts'
import type { IndexFacts, Namesake } from '../../core/schema/indexes.ts'
import type { QualifiedName, Table } from '../../core/schema/model.ts'
import { id, join, lit, qualified, regclass, type Sql, sql, trusted } from '../../core/sql.ts'
import type { Known } from './added-columns.ts'
import { emptyCopy } from './empty-copy.ts'
import { type Scratch, scratchFor } from './scratch.ts'
import type { Sessions } from './sessions.ts'
import { tablesQuery } from './table-query.ts'

type Need = Needs['indexes'][number]

/**
 * Makes each index on an empty copy of its table, in a transaction that is taken back. Only the server knows which operator class
 * an expression has, which of several functions is meant, and whether that one is immutable.
 */
export async function tryIndexes(
  sessions: Sessions,
  needs: readonly Need[],
  known: Known,
): Promise<Facts['indexes']> {
  const facts: Record<string, Facts['indexes'][string]> = {}
  if (needs.length === 0) return facts
  const scratch = await scratchFor(sessions)
  for (const need of needs) {
    const read = readIndex(need.definition)
    if ('problem' in read) continue
    const copy = { namespace: scratch.namespace, name: need.table.name }
    const empty = await emptyCopy(sessions, need, copy, known)
    if (empty.length === 0) continue
    const trying = tried({ sessions, scratch, read, copy }, need, empty)
    facts[need.definition] = await trying.catch((error: unknown) => {
      if (error instanceof BellowsError && error.code === 'statement_failed')
        return { problem: error.message }
      throw error
    })
  }
  return facts
}

interface Trial {
  readonly sessions: Sessions
  readonly scratch: Scratch
  readonly read: IndexText
  readonly copy: QualifiedName
}

async function tried(
  { sessions, scratch, read, copy }: Trial,
  need: Need,
  empty: readonly Sql[],
): Promise<IndexFacts> {
  const unique = read.unique ? sql` unique` : sql``
  const named = read.name === undefined ? sql`` : sql` ${id(read.name)}`
  const results = await scratch.try([
    ...empty,
    USUAL_SEARCH_PATH,
    sql`create${unique} index${named} on ${qualified(copy)} ${read.rest}`,
    sql`select pg_catalog.set_config('search_path', '', true)`,
    tablesQuery([qualified(copy)]),
    moreOf(copy),
  ])
  const table = results.at(-2)?.[0]?.table as Table
  const more = results.at(-1)?.[0]?.more as Omit<IndexFacts, 'index' | 'namesakes'>
  const [made] = table.indexes
  if (made === undefined) throw new BellowsError('statement_failed', 'The server made no index.')
  // Where nothing is said, a temporary index goes where temporary tables go.
  const index = { ...made, tablespace: read.tablespace === null ? null : made.tablespace }
  const names = read.name === undefined ? indexNames(need.table.name, index) : [read.name]
  return { ...more, index, namesakes: await namesakes(sessions, need.table.namespace, names) }
}

/** What index `i` is made of, as expressions, each with its collation where that is not the database's. */
export const KEYS: Sql = sql`(select pg_catalog.json_agg('(' || pg_catalog.pg_get_indexdef(i.indexrelid, k.at, false) || ')'
        || coalesce((select pg_catalog.format(' collate %I.%I', n.nspname, c.collname) from pg_catalog.pg_collation c
          join pg_catalog.pg_namespace n on n.oid = c.collnamespace where c.oid = i.indcollation[k.at - 1] and c.collname <> 'default'), '')
        order by k.at) from pg_catalog.generate_series(1, i.indnkeyatts::integer) as k (at))`

function moreOf(table: QualifiedName): Sql {
  return sql`
select pg_catalog.json_build_object(
    'using', ${USING},
    'keys', ${KEYS},
    'predicate', pg_catalog.pg_get_expr(i.indpred, i.indrelid),
    'nullsDistinct', not coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)) as more
  from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid join pg_catalog.pg_class t on t.oid = i.indrelid
  where i.indrelid = ${regclass(table)}`
}

async function namesakes(
  sessions: Sessions,
  namespace: string,
  names: readonly string[],
): Promise<readonly Namesake[]> {
  return sessions.read<Namesake>(sql`
select x.relname as name, t.relname as ${trusted('"table"')}, coalesce(i.indisvalid, true) as valid,
    case when i.indexrelid is not null then ${USING} end as ${trusted('"using"')}
  from pg_catalog.pg_class x left join pg_catalog.pg_index i on i.indexrelid = x.oid
  left join pg_catalog.pg_class t on t.oid = i.indrelid and t.relnamespace = x.relnamespace
  where x.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = ${lit(namespace)})
    and x.relname in (${join(names.map((name) => lit(name)))})`)
}
