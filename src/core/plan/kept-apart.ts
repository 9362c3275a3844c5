import { printedStatement, type Tree, visit } from '../parse.ts'
import { shape } from '../rewrite.ts'
import type { Index } from '../schema/indexes.ts'
import { findColumn, type Table } from '../schema/model.ts'
import { partsOf } from '../statements/statement.ts'

type Definition = Pick<Index, 'definition'>

/** What rows a unique index takes for the same. */
export interface KeptApart {
  readonly keys: readonly Key[]
  /** Absent when every row counts. */
  readonly where: string | undefined
  readonly nullsDistinct: boolean
}

export interface Key {
  /** The expression with its collation and operator class, and no order. */
  readonly compared: string
  readonly columns: readonly string[]
  /** Is it a column, and no expression? */
  readonly isPlain: boolean
  /** Is it NULL where a column of it is, as far as its form tells? */
  readonly isStrict: boolean
}

/** INCLUDE, the order and the storage of an index say nothing of it. */
export function keptApart({ definition }: Definition): KeptApart {
  const statement = printedStatement(definition)
  const node: Tree.IndexStmt = 'IndexStmt' in statement ? statement.IndexStmt : {}
  return {
    keys: (node.indexParams ?? []).flatMap((one) => ('IndexElem' in one ? [keyOf(one.IndexElem)] : [])),
    where: node.whereClause === undefined ? undefined : shape(node.whereClause),
    nullsDistinct: node.nulls_not_distinct !== true,
  }
}

function keyOf(element: Tree.IndexElem): Key {
  const { ordering: _ordering, nulls_ordering: _nulls, ...compared } = element
  const columns = compared.name === undefined ? [] : [compared.name]
  let isStrict = true
  visit(compared.expr, (kind, node) => {
    if (kind === 'ColumnRef') columns.push(...partsOf((node as Tree.ColumnRef).fields).slice(-1))
    if (TAKES_NULL.has(kind)) isStrict = false
    const called = kind === 'FuncCall' ? partsOf((node as Tree.FuncCall).funcname).at(-1) : undefined
    if (called !== undefined && CALLED_WITH_NULL.test(called)) isStrict = false
  })
  return { compared: shape(compared), columns, isPlain: compared.name !== undefined, isStrict }
}

/** What makes a value of NULL. */
const TAKES_NULL = new Set(['CoalesceExpr', 'CaseExpr', 'NullTest', 'BooleanTest', 'MinMaxExpr', 'RowExpr'])
const CALLED_WITH_NULL = /^(?:concat|concat_ws|format|num_nulls|num_nonnulls|quote_nullable)$/

/** Does one index of a table take no two rows for the same that the other one tells apart? */
export function keepsNoMoreApart(index: Definition, than: Definition, table: Table): boolean {
  const [mine, theirs] = [keptApart(index), keptApart(than)]
  const isFilled = (name: string) => findColumn(table, name)?.nullable === false
  return (
    theirs.keys.every(({ compared }) => mine.keys.some((key) => key.compared === compared)) &&
    (theirs.where === undefined || theirs.where === mine.where) &&
    (mine.nullsDistinct ||
      !theirs.nullsDistinct ||
      theirs.keys.every(({ columns, isPlain }) => isPlain && columns.every(isFilled)))
  )
}
