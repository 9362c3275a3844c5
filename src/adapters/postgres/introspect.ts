import { readFileSync } from 'node:fs'
import { BellowsError } from '../../core/errors.ts'
import type { Needs } from '../../core/operations/needs.ts'
import { readExpression, readType } from '../../core/parse.ts'
import {
  expressionKey,
  type Facts,
  type Schema,
  type Table,
  type TypeFacts,
} from '../../core/schema/model.ts'
import { join, lit, qualified, sql, trusted } from '../../core/sql.ts'
import { readDependentsOfEach } from './dependents.ts'
import { literalTexts, problemsOf, volatilityReader } from './expressions.ts'
import { readMentions } from './mentions.ts'
import type { Sessions } from './sessions.ts'

/**
 * Reads the tables that a migration names, and only those: a schema of ten thousand tables costs nothing. How many questions are asked
 * does not depend on how many tables those are.
 */
export async function introspect(
  sessions: Sessions,
  needs: Needs,
): Promise<{ schema: Schema; facts: Facts }> {
  const tables = await readTables(sessions, needs.tables)
  const types = await readTypes(sessions, needs.types)
  const baseTypes = [...tables.flatMap((table) => table.columns), ...Object.values(types)].map(
    (one) => one.baseType,
  )
  const [server] = await sessions.read<{ version: number }>(
    sql`select pg_catalog.current_setting('server_version_num')::integer as version`,
  )
  return {
    schema: { tables },
    facts: {
      serverVersion: server?.version ?? 0,
      types,
      casts: await readCasts(sessions, [...new Set(baseTypes)]),
      expressions: await readExpressions(sessions, needs.expressions),
    },
  }
}

const TABLE_QUERY = readFileSync(new URL('./introspect.sql', import.meta.url), 'utf8')
/** So many come in one answer: what is read at once is some megabytes. */
const TABLES_AT_ONCE_MAX = 500

/** In the order in which they are needed; what is not there is left out. */
async function readTables(sessions: Sessions, needs: Needs['tables']): Promise<readonly Table[]> {
  const read: Table[] = []
  for (let at = 0; at < needs.length; at += TABLES_AT_ONCE_MAX)
    read.push(...(await readSome(sessions, needs.slice(at, at + TABLES_AT_ONCE_MAX))))
  const byName = new Map((await withDefaults(sessions, read)).map((table) => [qualified(table), table]))
  const hanging = await readHanging(sessions, needs)
  return needs.flatMap((need) => {
    const table = byName.get(qualified(need))
    return table === undefined ? [] : [{ ...table, ...hanging.get(qualified(need)) }]
  })
}

async function readSome(sessions: Sessions, needs: Needs['tables']): Promise<readonly Table[]> {
  const oids = needs.map((need) => sql`pg_catalog.to_regclass(${lit(qualified(need))})`)
  const query = trusted(TABLE_QUERY.replaceAll('$tables', () => join(oids)))
  const found = await sessions.read<{ table: Omit<Table, 'dependents' | 'mentions'> }>(query)
  return found.map(({ table }) => ({ ...table, dependents: [], mentions: [] }))
}

/** With what is known of the defaults of the columns. */
async function withDefaults(sessions: Sessions, tables: readonly Table[]): Promise<readonly Table[]> {
  const defaults = tables
    .flatMap((table) => table.columns)
    .flatMap((column) =>
      column.default === null
        ? []
        : [{ column, expression: trusted(column.default), type: trusted(column.type) }],
    )
  const volatility = await volatilityReader(
    sessions,
    defaults.map(({ expression }) => expression),
  )
  const texts = await literalTexts(sessions, defaults)
  const known = new Map(
    defaults.map(({ column, expression }, at) => {
      const text = texts[at] ?? null
      // A literal that its own domain refuses is none that a row could have.
      const defaultText = text instanceof BellowsError ? null : text
      return [column, { ...column, defaultVolatility: volatility(expression), defaultText }]
    }),
  )
  return tables.map((table) => ({
    ...table,
    columns: table.columns.map((column) => known.get(column) ?? column),
  }))
}

/** What hangs on the columns that are to leave, by their tables. */
async function readHanging(
  sessions: Sessions,
  needs: Needs['tables'],
): Promise<ReadonlyMap<string, Pick<Table, 'dependents' | 'mentions'>>> {
  const columns = needs.flatMap((table) => table.columns.map((column) => ({ table, column })))
  const dependents = await readDependentsOfEach(sessions, columns)
  const mentions = await readMentions(sessions, columns)
  const byTable = new Map<string, Pick<Table, 'dependents' | 'mentions'>>()
  for (const [at, { table, column }] of columns.entries()) {
    const { dependents: before = [], mentions: mentioned = [] } = byTable.get(qualified(table)) ?? {}
    byTable.set(qualified(table), {
      dependents: [...before, ...(dependents[at]?.found ?? []).map((one) => ({ ...one, column }))],
      mentions: [...mentioned, ...(mentions[at] ?? [])],
    })
  }
  return byTable
}

/** Types as PostgreSQL prints them, by the text of the migration; one that it does not know is left out. */
async function readTypes(sessions: Sessions, texts: readonly string[]): Promise<Record<string, TypeFacts>> {
  const types: Record<string, TypeFacts> = {}
  for (const text of texts) {
    const read = readType(text)
    const described =
      typeof read === 'string'
        ? await sessions.describe(sql`select null::${read}`).catch(() => undefined)
        : undefined
    if (described === undefined) continue
    const [type] = await sessions.read<TypeFacts>(sql`
select pg_catalog.format_type(oid, ${lit(described.modifier)}) as type,
    pg_catalog.format_type(oid, null) as ${trusted('"baseType"')},
    case typtype when 'b' then 'base' when 'd' then 'domain' when 'c' then 'composite' else 'other' end as ${trusted('"typeKind"')},
    typtype = 'd' and (typnotnull or typdefault is not null or exists (select from pg_catalog.pg_constraint where contypid = t.oid)) as ${trusted('"typeConstrained"')},
    case typstorage when 'p' then 'plain' when 'e' then 'external' when 'x' then 'extended' else 'main' end as ${trusted('"typeStorage"')}
  from pg_catalog.pg_type t where oid = ${lit(described.oid)}`)
    if (type !== undefined) types[text] = type
  }
  return types
}

/** How each type would be assigned to each other one. */
async function readCasts(sessions: Sessions, baseTypes: readonly string[]): Promise<Facts['casts']> {
  if (baseTypes.length === 0) return {}
  const names = join(
    baseTypes.map((type) => sql`(${lit(type)}, pg_catalog.to_regtype(${lit(type)})::pg_catalog.oid)`),
  )
  const pairs = await sessions.read<{ pair: string; cast: Facts['casts'][string] }>(sql`
with types (name, oid) as (values ${names})
select a.name || ' -> ' || b.name as pair,
    case when a.oid = b.oid then 'same'
      when coalesce(f.provolatile::text, case when c.castmethod = 'b' then 'i' end,
        -- Through the text form: as steady as what writes it and what reads it.
        (select case when bool_and(p.provolatile = 'i') then 'i' else 's' end from pg_catalog.pg_proc p where p.oid in (s.typoutput, t.typinput))) <> 'i'
        -- The text of a float has as many digits as a setting says, whatever the catalog says of its output.
        or c.castfunc is null and s.typname in ('float4', 'float8')
        then 'unsteady'
      when c.castcontext = 'i' then 'implicit'
      -- Every type can be assigned to a string type, through its text form.
      when c.castcontext = 'a' or t.typcategory = 'S' then 'assignment'
      else 'none' end as cast
  from types a cross join types b join pg_catalog.pg_type t on t.oid = b.oid
  join pg_catalog.pg_type s on s.oid = a.oid
  left join pg_catalog.pg_cast c on c.castsource = a.oid and c.casttarget = b.oid
  left join pg_catalog.pg_proc f on f.oid = c.castfunc`)
  return Object.fromEntries(pairs.map(({ pair, cast }) => [pair, cast]))
}

/** Whether the server takes an expression for a type, and how steady its value is. It is described; only a literal is evaluated. */
async function readExpressions(
  sessions: Sessions,
  needs: Needs['expressions'],
): Promise<Facts['expressions']> {
  const read = needs.flatMap((need) => {
    const [expression, type] = [readExpression(need.expression), readType(need.type)]
    return typeof expression === 'string' && typeof type === 'string'
      ? [{ key: expressionKey(need.expression, need.type), expression, type }]
      : []
  })
  const distinct = [...new Map(read.map((one) => [one.key, one])).values()]
  const problems = await problemsOf(sessions, distinct)
  const sound = distinct.filter((_, at) => problems[at] === undefined)
  const texts = await literalTexts(sessions, sound)
  const volatility = await volatilityReader(
    sessions,
    sound.map(({ expression }) => expression),
  )
  const problem = (error: BellowsError) => ({ problem: error.message })
  const known = new Map<string, Facts['expressions'][string]>()
  for (const [at, error] of problems.entries())
    if (error !== undefined) known.set(distinct[at]?.key ?? '', problem(error))
  for (const [at, { key, expression }] of sound.entries()) {
    const text = texts[at] ?? null
    known.set(
      key,
      text instanceof BellowsError ? problem(text) : { volatility: volatility(expression), text },
    )
  }
  return Object.fromEntries(known)
}
