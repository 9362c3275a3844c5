import type { QualifiedName } from '../core/schema/model.ts'
import { id, lit, qualified, regclass, type Sql, sql } from '../core/sql.ts'
import type { Engine } from './context.ts'

/** A table as far as a person who names columns needs to know it. */
export interface TableShape {
  readonly columns: readonly {
    readonly name: string
    readonly type: string
    readonly nullable: boolean
    /** Does it belong to the primary key? */
    readonly key: boolean
  }[]
}

export async function describeTable(engine: Engine, name: QualifiedName): Promise<TableShape | undefined> {
  const relation: Sql = regclass(name)
  const columns = await engine.database.read<TableShape['columns'][number]>(sql`
select a.attname as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as nullable,
    coalesce(a.attnum = any (k.conkey), false) as key
  from pg_catalog.pg_attribute a
  left join pg_catalog.pg_constraint k on k.conrelid = a.attrelid and k.contype = 'p'
  where a.attrelid = ${relation} and a.attnum > 0 and not a.attisdropped
  order by a.attnum`)
  if (columns.length > 0) return { columns }
  const [there] = await engine.database.read<{ there: boolean }>(sql`select ${relation} is not null as there`)
  return there?.there === true ? { columns } : undefined
}

/** Would dropping the column lose anything? Reads until it finds the first such row. */
export async function holdsMore(
  engine: Engine,
  table: QualifiedName,
  column: string,
  run: number | undefined,
): Promise<boolean> {
  const [stored] = run === undefined ? [] : await engine.journal.runs({ id: run })
  const compared = stored?.plan.steps.find((step) => step.kind === 'verify')
  const unlike = compared === undefined ? sql`` : sql` and not ${compared.relation}`
  const [answer] = await engine.database.read<{ more: boolean }>(
    sql`select exists (select from ${qualified(table)} where ${id(column)} is not null${unlike}) as more`,
  )
  return answer?.more === true
}

export async function tablesWith(
  engine: Engine,
  namespace: string,
  column: string,
): Promise<readonly string[]> {
  const tables = await engine.database.read<{ name: string }>(sql`
select c.relname as name
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p') and not c.relispartition
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = ${lit(namespace)} and a.attname = ${lit(column)} and a.attnum > 0 and not a.attisdropped
  order by c.relname`)
  return tables.map((table) => table.name)
}

export async function databaseName(engine: Engine): Promise<string> {
  const [answer] = await engine.database.read<{ name: string }>(
    sql`select pg_catalog.current_database() as name`,
  )
  return answer?.name ?? ''
}
