import { BellowsError } from './errors.ts'
import { canonical } from './hash.ts'
import {
  deparsed,
  expressionNode,
  parsed,
  printedStatement,
  printedStatements,
  readExpression,
  type Tree,
  visit,
} from './parse.ts'
import { isSameName, type QualifiedName } from './schema/model.ts'
import { type Sql, trusted } from './sql.ts'

export interface Renaming {
  readonly from: string
  readonly to: string
}

/** An index definition of `pg_get_indexdef` as a concurrent build under another name with one column replaced. */
export function rewriteIndex(
  definition: string,
  column: Renaming,
  indexName: string,
  tablespace: string | null = null,
): Sql {
  const statement = structuredClone(printedStatement(definition)) as { IndexStmt: Record<string, unknown> }
  statement.IndexStmt.idxname = indexName
  // Of a partitioned table an index is made alone, and its parts are built one by one.
  const { inh } = statement.IndexStmt.relation as { readonly inh?: boolean }
  if (inh === true) statement.IndexStmt.concurrent = true
  // The one thing that pg_get_indexdef leaves out.
  if (tablespace !== null) statement.IndexStmt.tableSpace = tablespace
  visit(statement, (kind, node) => {
    if (kind === 'IndexElem') replaceName(node, 'name', column)
  })
  return renamed(statement, column)
}

const OWN_LISTS = ['fk_attrs', 'keys', 'including', 'fk_del_set_cols']
/** The text after `ADD CONSTRAINT name` for a constraint of `pg_get_constraintdef` with one column of its own table replaced. */
export function rewriteConstraint(definition: string, column: Renaming, lists = OWN_LISTS): Sql {
  const statement = structuredClone(printedStatement(`ALTER TABLE t ADD CONSTRAINT c ${definition}`))
  visit(statement, (kind, node) => {
    if (kind !== 'Constraint') return
    for (const list of lists) {
      for (const entry of (node[list] as { String: Record<string, unknown> }[] | undefined) ?? []) {
        replaceName(entry.String, 'sval', column)
      }
    }
  })
  return trusted(renamed(statement, column).replace(/^ALTER TABLE t\s+ADD CONSTRAINT c\s+/, ''))
}

/** An expression of a person over one column, with another name of that. One that cannot be read stays, and whoever uses it says why. */
export function rewriteExpression(text: string, column: Renaming): string {
  if (column.from === column.to || typeof readExpression(text) !== 'string') return text
  const statement = structuredClone(printedStatement(`SELECT ${text}`))
  return renamed(statement, column).replace(/^SELECT\s+/, '')
}

/** An index definition of a person with another name of one column. One that cannot be read stays, and whoever uses it says why. */
export function rewriteWrittenIndex(text: string, column: Renaming): string {
  const found = parsed(text)
  const [statement] = 'problem' in found ? [] : structuredClone(found)
  if (statement === undefined || column.from === column.to) return text
  visit(statement, (kind, node) => {
    if (kind === 'IndexElem') replaceName(node, 'name', column)
  })
  return renamed(statement, column)
}

/** An index definition with one type of the user, wherever it is named, replaced by another one of its namespace. */
export function rewriteType(definition: string, type: QualifiedName, to: string): Sql {
  const statement = structuredClone(printedStatement(definition))
  visit(statement, (kind, node) => {
    if (kind !== 'typeName') return
    const [namespace, name] = (node.names ?? []) as { String?: Record<string, unknown> }[]
    if (namespace?.String?.sval === type.namespace && name?.String !== undefined)
      replaceName(name.String, 'sval', { from: type.name, to })
  })
  return faithful(statement, 'Drop that object for the time of the migration.')
}

/** The definition of a view as a person writes it, as that of a new one by another name. */
export function rewriteViewName(definition: string, to: QualifiedName): Sql {
  const statement = structuredClone(printedStatement(definition)) as {
    ViewStmt: { view: Record<string, unknown>; replace?: boolean }
  }
  const { ViewStmt: view } = statement
  view.view = { ...view.view, schemaname: to.namespace, relname: to.name }
  delete view.replace
  return faithful(statement, 'Write it in other words.')
}

/**
 * A view, as `create or replace view … as` the query that the server printed, with one more condition, which always holds. It stays as
 * updatable as it is. Nothing where that cannot be written down faithfully.
 */
export function rewriteView(definition: string, condition: Sql): Sql | undefined {
  const [statement] = statementsOf(definition)
  const node = expressionNode(condition)
  const query = statement !== undefined && 'ViewStmt' in statement ? statement.ViewStmt.query : undefined
  // The options of a view the deparser would write in other words.
  const [head] = HEAD.exec(definition) ?? []
  if (query === undefined || !('SelectStmt' in query) || head === undefined || 'problem' in node)
    return undefined
  const wanted = structuredClone(statement) as { ViewStmt: Tree.ViewStmt }
  wanted.ViewStmt.query = { SelectStmt: conditioned(query.SelectStmt, node) }
  const text = `${head} ${deparsed(wanted.ViewStmt.query)}`
  const [made] = statementsOf(text)
  return shape(made) === shape(wanted) ? trusted(text) : undefined
}

const HEAD = /^create or replace view (?:"(?:[^"]|"")+"|[^\s"])+(?: with \([^()]*\))? as/

/** What combines queries, or lists rows, has no place for a condition: it is wrapped, and was never updatable. */
function conditioned(query: Tree.SelectStmt, condition: Tree.Node): Tree.SelectStmt {
  if (query.op !== 'SETOP_NONE' || query.valuesLists !== undefined) {
    const [all] = statementsOf('select *') as [{ SelectStmt: Tree.SelectStmt }]
    const wrapped = { subquery: { SelectStmt: query }, alias: { aliasname: 'wrapped' } }
    return { ...all.SelectStmt, fromClause: [{ RangeSubselect: wrapped }], whereClause: condition }
  }
  const { whereClause } = query
  if (whereClause === undefined) return { ...query, whereClause: condition }
  const isList = 'BoolExpr' in whereClause && whereClause.BoolExpr.boolop === 'AND_EXPR'
  const others = isList ? (whereClause.BoolExpr.args ?? []) : [whereClause]
  return { ...query, whereClause: { BoolExpr: { boolop: 'AND_EXPR', args: [condition, ...others] } } }
}

function statementsOf(text: string): readonly Tree.Node[] {
  const found = parsed(text)
  return 'problem' in found ? [] : found
}

/** The texts that stand in it as constants; those that are written as values of some types of the user left out. */
export function constantsIn(text: string, except: readonly QualifiedName[] = []): readonly string[] {
  const statement = printedStatement(text)
  const isLeftOut = ({ namespace, name }: QualifiedName) =>
    except.some((one) => isSameName(one, { namespace, name }))
  const others = new Set(
    castsIn(statement).flatMap(({ type, constant }) => (isLeftOut(type) ? [constant] : [])),
  )
  const found: string[] = []
  visit(statement, (kind, node) => {
    const { sval } = (kind === 'A_Const' ? node : {}) as { sval?: { sval?: string } }
    if (sval !== undefined && !others.has(node)) found.push(sval.sval ?? '')
  })
  return found
}

/** Of what the server printed: the texts that stand in it as values of types which are not PostgreSQL's own. */
export function ownConstantsIn(text: string): readonly string[] {
  return castsIn(printedStatements(text))
    .filter(({ type }) => type.namespace !== 'pg_catalog')
    .flatMap(({ constant }) => (constant as { sval?: { sval?: string } }).sval?.sval ?? [])
}

interface Cast {
  readonly type: QualifiedName
  readonly constant: Record<string, unknown>
}

/** Constants that are cast to a type which stands there with its namespace: the server prints its own without, or by a word of the grammar. */
function castsIn(tree: unknown): readonly Cast[] {
  const found: Cast[] = []
  visit(tree, (kind, node) => {
    if (kind !== 'TypeCast') return
    const { arg, typeName } = node as {
      arg?: { A_Const?: Record<string, unknown> }
      typeName?: { names?: unknown }
    }
    const [namespace, name] = (typeName?.names ?? []) as readonly { String?: { sval?: string } }[]
    const constant = arg?.A_Const
    if (constant === undefined || name === undefined) return
    found.push({
      type: { namespace: namespace?.String?.sval ?? '', name: name.String?.sval ?? '' },
      constant,
    })
  })
  return found
}

function renamed(statement: unknown, column: Renaming): Sql {
  visit(statement, (kind, node) => {
    if (kind !== 'ColumnRef') return
    const last = (node.fields as { String?: Record<string, unknown> }[]).at(-1)?.String
    if (last !== undefined) replaceName(last, 'sval', column)
  })
  return faithful(
    statement,
    `Drop that object for the time of the migration, or rename the column "${column.from}" by hand.`,
  )
}

function faithful(statement: unknown, hint: string): Sql {
  const text = deparsed(statement)
  if (shape(printedStatement(text)) === shape(statement)) return trusted(text)
  throw new BellowsError(
    'plan_refused',
    `The definition "${text}" cannot be carried to another column faithfully.`,
    { hint },
  )
}

/** A tree without what does not change its meaning: places in the text, and whether a storage option is '70' or 70. */
export function shape(tree: unknown): string {
  const isPlace = (key: string) => /(?:^|_)(?:location|len|list_start|list_end)$/.test(key)
  const plain = (key: string, value: unknown) => {
    if (isPlace(key)) return undefined
    const number = value as { Integer?: { ival?: number }; Float?: { fval?: string } } | null
    if (number?.Integer !== undefined) return { String: { sval: String(number.Integer.ival ?? 0) } }
    if (number?.Float !== undefined) return { String: { sval: number.Float.fval } }
    return value
  }
  return canonical(JSON.parse(JSON.stringify(tree, plain)))
}

function replaceName(node: Record<string, unknown>, key: string, column: Renaming): void {
  if (node[key] === column.from) node[key] = column.to
}
