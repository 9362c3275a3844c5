import { BellowsError } from '../../core/errors.ts'
import type { Needs } from '../../core/operations/needs.ts'
import { readType } from '../../core/parse.ts'
import { type Facts, type NameProblem, nameKey, type TypeFacts } from '../../core/schema/facts.ts'
import type { QualifiedName, Schema } from '../../core/schema/model.ts'
import { join, lit, type Sql, sql, trusted } from '../../core/sql.ts'
import { typedDefaults } from './added-columns.ts'
import { readAnswers } from './answers.ts'
import { readConditions } from './conditions.ts'
import { IS_CONSTRAINED } from './constrained.ts'
import { withDomainDefaults } from './domain-defaults.ts'
import { readExpressions } from './expressions.ts'
import { readCollations, readMappings } from './mappings.ts'
import { withOwnObjects } from './own-objects.ts'
import { withPrinted } from './printed-defaults.ts'
import { readClosedNamespaces } from './rights.ts'
import { readValues } from './row-values.ts'
import type { Sessions } from './sessions.ts'
import { writtenBySettings } from './steady.ts'
import { readTables } from './tables.ts'
import { withTablesOfTypes } from './tables-of-types.ts'
import { tryBounds } from './try-bound.ts'
import { tryDefinitions } from './try-definition.ts'
import { tryExclusions } from './try-exclusion.ts'
import { tryIndexes } from './try-index.ts'
import { tryOptions } from './try-options.ts'
import { tryViews } from './try-views.ts'

/**
 * Reads the tables that a migration names, and only those: a schema of ten thousand tables costs nothing. How many questions are asked
 * does not depend on how many tables those are.
 */
export async function introspect(
  sessions: Sessions,
  needs: Needs,
): Promise<{ schema: Schema; facts: Facts }> {
  const tables = await readTables(sessions, await withTablesOfTypes(sessions, needs))
  const asking = await withOwnObjects(sessions, needs.objects)
  const types = await readTypes(asking, needs.types)
  const baseTypes = [...tables.flatMap((table) => table.columns), ...Object.values(types)].map(
    (one) => one.baseType,
  )
  const collations = await readCollations(sessions, needs.collations)
  const known = { tables, types, collations }
  const defaults = typedDefaults(needs.defaults, known)
  const asked = [...needs.expressions, ...defaults.map(({ expression, type }) => ({ expression, type }))]
  const [server] = await sessions.read<{ version: number }>(
    sql`select pg_catalog.current_setting('server_version_num')::integer as version`,
  )
  return {
    schema: { tables },
    facts: {
      serverVersion: server?.version ?? 0,
      types,
      casts: await readCasts(asking, [...new Set(baseTypes)]),
      names: await readNames(sessions, needs.names),
      closedNamespaces: await readClosedNamespaces(sessions),
      indexes: await tryIndexes(asking, needs.indexes, known),
      exclusions: await tryExclusions(asking, needs.exclusions, known),
      expressions: await withDomainDefaults(
        asking,
        await withPrinted(await readExpressions(asking, asked), defaults, asking, known),
        needs.expressions,
      ),
      values: await readValues(asking, needs.values, known),
      mappings: await readMappings(asking, tables, needs.mappings),
      collations,
      conditions: await readConditions(asking, needs.conditions, known),
      options: await tryOptions(sessions, needs.options),
      bounds: await tryBounds(sessions, needs.bounds),
      definitions: await tryDefinitions(sessions, needs.definitions),
      reprinted: await tryViews(sessions, needs.views),
      answers: await readAnswers(sessions, needs.questions),
    },
  }
}

/** Types as PostgreSQL prints them, by the text of the migration; one that it does not know is left out. */
async function readTypes(sessions: Sessions, texts: readonly string[]): Promise<Record<string, TypeFacts>> {
  const types: Record<string, TypeFacts> = {}
  for (const text of texts) {
    const read = readType(text)
    if (typeof read !== 'string') continue
    const described = await sessions.describe(sql`select null::${read}`).catch(() => undefined)
    if (described === undefined) continue
    // A domain is announced as what it is of, with the modifier of that.
    const [type] = await sessions.read<TypeFacts>(sql`
select pg_catalog.format_type(oid, case typtype when 'd' then -1 else ${lit(described.modifier)} end) as type,
    pg_catalog.format_type(oid, null) as ${trusted('"baseType"')},
    case typtype when 'b' then 'base' when 'd' then 'domain' when 'c' then 'composite' else 'other' end as ${trusted('"typeKind"')},
    ${IS_CONSTRAINED} as ${trusted('"typeConstrained"')},
    typcollation <> 0 as collatable,
    case typstorage when 'p' then 'plain' when 'e' then 'external' when 'x' then 'extended' else 'main' end as ${trusted('"typeStorage"')}
  from pg_catalog.pg_type t where oid = pg_catalog.to_regtype(${lit(read)})`)
    if (type !== undefined)
      types[text] = type.typeConstrained ? { ...type, domain: await readDomain(sessions, read) } : type
  }
  return types
}

async function readDomain(sessions: Sessions, type: Sql): Promise<NonNullable<TypeFacts['domain']>> {
  const [found] = await sessions.read<{ byDefault: boolean }>(
    sql`select typdefault is not null as ${trusted('"byDefault"')} from pg_catalog.pg_type where oid = pg_catalog.to_regtype(${lit(type)})`,
  )
  const takesNull = await sessions.read(sql`select null::${type}`).then(
    () => true,
    (error: unknown) => {
      if (error instanceof BellowsError && error.code === 'connection_lost') throw error
      return false
    },
  )
  return { hasDefault: found?.byDefault === true, takesNull }
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
        or c.castfunc is null and ${writtenBySettings(sql`s`)}
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

/** Why something new cannot have a name; one that is free is left out. */
async function readNames(sessions: Sessions, names: Needs['names']): Promise<Record<string, NameProblem>> {
  if (names.length === 0) return {}
  const asked = names.map(({ namespace, name }) => sql`(${lit(namespace)}, ${lit(name)})`)
  const found = await sessions.read<QualifiedName & { problem: NameProblem | null }>(sql`
select asked.namespace, asked.name,
    case when n.oid is null then 'no_namespace' when not pg_catalog.has_schema_privilege(n.oid, 'CREATE') then 'not_allowed'
      when exists (select from pg_catalog.pg_class where relnamespace = n.oid and relname = asked.name)
        or exists (select from pg_catalog.pg_type where typnamespace = n.oid and typname = asked.name and typcategory <> 'A') then 'taken' end as problem
  from (values ${join(asked)}) asked (namespace, name) left join pg_catalog.pg_namespace n on n.nspname = asked.namespace`)
  return Object.fromEntries(
    found.flatMap(({ problem, ...name }) => (problem === null ? [] : [[nameKey(name), problem]])),
  )
}
