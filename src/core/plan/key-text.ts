import type { Index } from '../schema/indexes.ts'
import type { Constraint } from '../schema/model.ts'
import { id, join, type Sql, sql, trusted } from '../sql.ts'
import type { Renamed } from './copied.ts'

/** A key with other columns, as it stands behind its kind. Out of its columns, because the parser's own printer leaves INCLUDE out. */
export function keyText(
  { columns }: Pick<Constraint, 'columns'>,
  index: Pick<Index, 'nameParts' | 'definition'> | undefined,
  renamed: readonly Renamed[],
): Sql {
  const list = (names: readonly string[]) =>
    join(names.map((name) => id(renamed.find(({ from }) => from === name)?.to ?? name)))
  const more = (index?.nameParts ?? []).slice(columns.length)
  // Its options are those of its index.
  const [, options] = / WITH \(([^()]*)\)$/.exec(index?.definition ?? '') ?? []
  return join(
    [
      sql`(${list(columns)})`,
      ...(more.length === 0 ? [] : [sql`include (${list(more)})`]),
      ...(options === undefined ? [] : [sql`with (${trusted(options)})`]),
    ],
    ' ',
  )
}

export function keyPlace(index: Pick<Index, 'tablespace'> | undefined): Sql {
  return index?.tablespace ? sql` using index tablespace ${id(index.tablespace)}` : sql``
}
