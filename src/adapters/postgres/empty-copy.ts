import type { AddedColumn } from '../../core/operations/needs.ts'
import type { QualifiedName } from '../../core/schema/model.ts'
import { id, join, qualified, regclass, type Sql, sql, trusted } from '../../core/sql.ts'
import { type ComingColumn, comingColumns, type Known, likeMade } from './added-columns.ts'
import type { Sessions } from './sessions.ts'

/** A table of which something is to be tried, with the columns that operations in front of that add to it; and how it is divided, if one of them makes it. */
export interface Copied {
  readonly table: QualifiedName
  readonly added: readonly AddedColumn[]
  readonly divided?: Sql
}

/** Makes the table as it will be: of one that is there, or of the columns of one that the migration makes; nothing of any other one. */
export async function emptyCopy(
  sessions: Sessions,
  { table, added, divided }: Copied,
  copy: QualifiedName,
  known: Known,
): Promise<readonly Sql[]> {
  const coming = comingColumns(added, table, known)
  if (!(await exists(sessions, table)))
    return coming.length === 0 ? [] : [likeMade(qualified(copy), coming, divided)]
  return [
    sql`create table ${qualified(copy)} (like ${qualified(table)} including generated)${await partitioning(sessions, table)}`,
    ...comingSql(copy, coming),
  ]
}

async function exists(sessions: Sessions, table: QualifiedName): Promise<boolean> {
  const [found] = await sessions.read<{ there: boolean }>(sql`select ${regclass(table)} is not null as there`)
  return found?.there === true
}

/** Has the copy of the table have the columns that are to come. */
function comingSql(copy: QualifiedName, coming: readonly ComingColumn[]): readonly Sql[] {
  if (coming.length === 0) return []
  const changes = coming.flatMap(({ column, type, collate, replaces }) => [
    ...(replaces ? [sql`drop column ${id(column)}`] : []),
    sql`add column ${id(column)} ${type}${collate}`,
  ])
  return [sql`alter table ${qualified(copy)} ${join(changes)}`]
}

/** A unique index of a partitioned table must have the key by which the table is partitioned, and so must an exclusion. */
async function partitioning(sessions: Sessions, table: QualifiedName): Promise<Sql> {
  const [found] = await sessions.read<{ key: string | null }>(
    sql`select pg_catalog.pg_get_partkeydef(${regclass(table)}) as key`,
  )
  return typeof found?.key === 'string' ? sql` partition by ${trusted(found.key)}` : sql``
}
