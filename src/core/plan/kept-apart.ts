import { printedStatement, type Tree } from '../parse.ts'
import { shape } from '../rewrite.ts'
import type { Index } from '../schema/indexes.ts'

/** What rows a unique index takes for the same. */
export interface KeptApart {
  /** Each by what it compares: the expression with its collation and operator class, and no order. */
  readonly keys: readonly string[]
  /** A key that is a column, by its name. */
  readonly columns: readonly string[]
  /** Absent when every row counts. */
  readonly where: string | undefined
  readonly nullsDistinct: boolean
}

/** INCLUDE, the order and the storage of an index say nothing of it. */
export function keptApart({ definition }: Pick<Index, 'definition'>): KeptApart {
  const statement = printedStatement(definition)
  const node: Tree.IndexStmt = 'IndexStmt' in statement ? statement.IndexStmt : {}
  const elements = (node.indexParams ?? []).flatMap((one) => ('IndexElem' in one ? [one.IndexElem] : []))
  return {
    keys: elements.map(({ ordering: _, nulls_ordering: __, ...compared }) => shape(compared)),
    columns: elements.flatMap(({ name }) => name ?? []),
    where: node.whereClause === undefined ? undefined : shape(node.whereClause),
    nullsDistinct: node.nulls_not_distinct !== true,
  }
}

/** Does one index take no two rows for the same that the other one tells apart? */
export function keepsNoMoreApart(index: Pick<Index, 'definition'>, than: Pick<Index, 'definition'>): boolean {
  const [mine, theirs] = [keptApart(index), keptApart(than)]
  return (
    theirs.keys.every((key) => mine.keys.includes(key)) &&
    (theirs.where === undefined || theirs.where === mine.where) &&
    (mine.nullsDistinct || !theirs.nullsDistinct)
  )
}
