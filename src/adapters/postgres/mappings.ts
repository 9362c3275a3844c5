import { readOverRow } from '../../core/over-row.ts'
import { readType } from '../../core/parse.ts'
import type { Facts } from '../../core/schema/facts.ts'
import {
  type CollationFacts,
  collationKey,
  type MappingFacts,
  type MappingNeed,
  mappingKey,
  type TypedColumn,
} from '../../core/schema/mappings.ts'
import { findColumn, findTable, type QualifiedName, type Table } from '../../core/schema/model.ts'
import { id, join, lit, type Sql, sql, trusted } from '../../core/sql.ts'
import { type Scratch, scratchFor } from './scratch.ts'
import type { Sessions } from './sessions.ts'
import { unsteady } from './steady.ts'

/** What the server says of each expression that is to carry values. */
export async function readMappings(
  sessions: Sessions,
  tables: readonly Table[],
  needs: readonly MappingNeed[],
): Promise<Facts['mappings']> {
  const facts: Record<string, Facts['mappings'][string]> = {}
  if (needs.length === 0) return facts
  const scratch = await scratchFor(sessions)
  for (const need of needs) {
    const known = await readMapping({ sessions, scratch }, findTable({ tables }, need.table), need)
    if (known !== undefined) facts[mappingKey(need)] = known
  }
  return facts
}

/**
 * A generated column must be of the row alone, the same for everybody at all times, and of a type that fits: just what a
 * mapping must be. So the server is asked whether it would take one, in a table of a transaction that leaves nothing; see `unsteady`.
 */
async function readMapping(
  { sessions, scratch }: { readonly sessions: Sessions; readonly scratch: Scratch },
  table: Table | undefined,
  { expression, over, into }: MappingNeed,
): Promise<Facts['mappings'][string] | undefined> {
  const [types, target] = [over.map((column) => typeOf(table, column)), typeOf(table, into)]
  const read = readOverRow(
    expression,
    over.map(({ name }) => name),
  )
  if ('problem' in read || target === undefined || types.includes(undefined)) return undefined
  const hidden = await unreachable(sessions, read.foreign)
  if (hidden !== undefined) return { problem: hidden }
  const columns = over.map(({ name }, at) => sql`${id(name)} ${types[at] ?? target}`)
  const value = read.at(id)
  const made = sql`${id(madeName(over))} ${target} generated always as (${value}) stored`
  const problem = await unsteady(scratch, (name) => sql`create table ${name} (${join(columns)}, ${made})`)
  if (problem !== undefined) return { problem }
  const nulls = over.map(({ name }, at) => sql`null::${types[at] ?? target} as ${id(name)}`)
  return {
    ofNull: await ofNull(
      sessions,
      sql`select (${value}) is null as absent from (select ${join(nulls)}) as nulls`,
    ),
  }
}

function madeName(over: readonly TypedColumn[]): string {
  return over.reduce((name, column) => (column.name === name ? `${name}_` : name), 'made')
}

async function ofNull(sessions: Sessions, query: Sql): Promise<MappingFacts['ofNull']> {
  try {
    const [row] = await sessions.read<{ absent: boolean }>(query)
    return row?.absent === false ? 'value' : 'null'
  } catch {
    return 'fails'
  }
}

function typeOf(table: Table | undefined, { name, type, like = name }: TypedColumn): Sql | undefined {
  if (type === undefined) {
    const column = table === undefined ? undefined : (findColumn(table, name) ?? findColumn(table, like))
    return column === undefined ? undefined : trusted(column.type)
  }
  const read = readType(type)
  return typeof read === 'string' ? read : undefined
}

/** A mapping runs with the rights of whoever writes: what not everybody may use would fail writes. */
async function unreachable(
  sessions: Sessions,
  foreign: readonly { readonly namespace: string; readonly name: string }[],
): Promise<string | undefined> {
  if (foreign.length === 0) return undefined
  const names = join(foreign.map(({ namespace, name }) => sql`(${lit(namespace)}, ${lit(name)})`))
  const [found] = await sessions.read<{ what: string }>(sql`
select pg_catalog.format('not every writer may use the namespace %I; grant usage on it to public', n.nspname) as what
  from pg_catalog.pg_namespace n
  where n.nspname in (select f.namespace from (values ${names}) as f (namespace, name)) and not pg_catalog.has_schema_privilege('public', n.oid, 'USAGE')
union all
select pg_catalog.format('not every writer may call %s; grant execute on it to public', p.oid::pg_catalog.regprocedure)
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where (n.nspname, p.proname) in (values ${names}) and not pg_catalog.has_function_privilege('public', p.oid, 'EXECUTE')
limit 1`)
  return found?.what
}

export async function readCollations(
  sessions: Sessions,
  needs: readonly QualifiedName[],
): Promise<Facts['collations']> {
  const facts: Record<string, CollationFacts> = {}
  for (const need of needs) {
    const [found] = await sessions.read<CollationFacts>(sql`
select n.nspname as namespace, c.collname as name, c.collisdeterministic as deterministic
  from pg_catalog.pg_collation c join pg_catalog.pg_namespace n on n.oid = c.collnamespace
  where c.collname = ${lit(need.name)} and n.nspname in ('pg_catalog', ${lit(need.namespace)})
    and c.collencoding in (-1, (select encoding from pg_catalog.pg_database where datname = pg_catalog.current_database()))
  order by n.nspname = 'pg_catalog' desc, c.collencoding desc limit 1`)
    if (found !== undefined) facts[collationKey(need)] = found
  }
  return facts
}
