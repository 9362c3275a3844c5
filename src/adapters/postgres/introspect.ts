import { readFileSync } from 'node:fs'
import { messageOf } from '../../core/errors.ts'
import type { Needs } from '../../core/operations/needs.ts'
import { functionsCalled, isConstant, readExpression, readType } from '../../core/parse.ts'
import {
  type Dependent,
  expressionKey,
  type Facts,
  type Schema,
  type Table,
  type TypeFacts,
  type Volatility,
} from '../../core/schema/model.ts'
import { join, lit, pattern, qualified, type Sql, sql, trusted } from '../../core/sql.ts'
import { readAnswers } from './answers.ts'
import { readDependents } from './dependents.ts'
import type { Sessions } from './sessions.ts'

/** Reads the tables that a migration names, and only those: a schema of ten thousand tables costs nothing. */
export async function introspect(
  sessions: Sessions,
  needs: Needs,
): Promise<{ schema: Schema; facts: Facts }> {
  const tables: Table[] = []
  for (const need of needs.tables) {
    const table = await readTable(sessions, need)
    if (table !== undefined) tables.push(table)
  }
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
      answers: await readAnswers(sessions, needs.questions),
    },
  }
}

const TABLE_QUERY = readFileSync(new URL('./introspect.sql', import.meta.url), 'utf8')

async function readTable(sessions: Sessions, need: Needs['tables'][number]): Promise<Table | undefined> {
  const oid = sql`pg_catalog.to_regclass(${lit(qualified(need))})`
  const [found] = await sessions.read<{ table: Table }>(trusted(TABLE_QUERY.replaceAll('$table', () => oid)))
  if (found === undefined) return undefined
  const { table } = found
  const defaults = table.columns.flatMap((column) =>
    column.default === null ? [] : [trusted(column.default)],
  )
  const volatility = await volatilityReader(sessions, defaults)
  const dependents: Dependent[] = []
  for (const column of need.columns) {
    const { found: hanging } = await readDependents(sessions, table, column)
    dependents.push(...hanging.map((one) => ({ ...one, column })))
  }
  return {
    ...table,
    columns: await Promise.all(
      table.columns.map(async (column) => ({
        ...column,
        defaultVolatility: column.default === null ? null : volatility(trusted(column.default)),
        defaultText:
          column.default === null
            ? null
            : await literalText(sessions, trusted(column.default), trusted(column.type)),
      })),
    ),
    dependents,
    mentions: await readMentions(sessions, need),
  }
}

/** What a literal default comes to. Nothing else is evaluated: it could do something. */
async function literalText(sessions: Sessions, expression: Sql, type: Sql): Promise<string | null> {
  if (!isConstant(expression)) return null
  const [row] = await sessions.read<{ text: string | null }>(
    sql`select (${expression})::${type}::pg_catalog.text as text`,
  )
  return row?.text ?? null
}

/** Functions whose text names the table and a column. Text is all there is: PostgreSQL keeps no record of what they use. */
async function readMentions(
  sessions: Sessions,
  need: Needs['tables'][number],
): Promise<readonly Dependent[]> {
  if (need.columns.length === 0) return []
  const names = join(need.columns.map((column) => sql`(${lit(column)}, ${lit(word(column))})`))
  return sessions.read<Dependent>(sql`
select 'function' as kind, p.oid::pg_catalog.regprocedure::text as name, c.name as ${trusted('"column"')}
  from pg_catalog.pg_proc p cross join (values ${names}) as c (name, word)
  where p.pronamespace not in (select oid from pg_catalog.pg_namespace where nspname in ('pg_catalog', 'information_schema', 'bellows'))
    and p.prosrc ~ ${lit(word(need.name))} and p.prosrc ~ c.word
  order by 2, 3`)
}

/** A regular expression that finds a name as a whole word. */
function word(name: string): string {
  return `(?<!\\w)${pattern(name)}(?!\\w)`
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
  const facts: Record<string, Facts['expressions'][string]> = {}
  for (const { expression, type } of needs) {
    const [read, target] = [readExpression(expression), readType(type)]
    if (typeof read !== 'string' || typeof target !== 'string') continue
    const volatility = await volatilityReader(sessions, [read])
    facts[expressionKey(expression, type)] = await sessions
      .describe(sql`select (${read})::${target}`)
      .then(async () => ({
        volatility: volatility(read),
        text: await literalText(sessions, read, target),
      }))
      .catch((error: unknown) => ({ problem: messageOf(error) }))
  }
  return facts
}

/** Judges by the functions that an expression calls; of several functions of one name by the least steady one. */
async function volatilityReader(
  sessions: Sessions,
  expressions: readonly Sql[],
): Promise<(of: Sql) => Volatility> {
  const names = [...new Set(expressions.flatMap((expression) => functionsCalled(expression)))]
  const known =
    names.length === 0
      ? []
      : await sessions.read<{ name: string; volatile: boolean; stable: boolean }>(sql`
select proname as name, bool_or(provolatile = 'v') as volatile, bool_or(provolatile = 's') as stable
  from pg_catalog.pg_proc where proname in (${join(names.map((name) => lit(name)))}) group by proname`)
  return (of) => {
    const called = known.filter(({ name }) => functionsCalled(of).includes(name))
    if (called.some((one) => one.volatile)) return 'volatile'
    // CURRENT_TIMESTAMP and its like are not functions for the parser; no harm in calling every other expression stable.
    return 'stable'
  }
}
