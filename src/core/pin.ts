import { parsed, visit } from './parse.ts'
import { type Sql, trusted } from './sql.ts'

/** Parts of an expression that can be pinned, or that name nothing. Whatever else occurs, the expression cannot be pinned. */
const KNOWN = new Set(
  `A_ArrayExpr A_Const A_Expr BoolExpr BooleanTest CoalesceExpr CollateClause FuncCall Integer List MinMaxExpr NullTest
  ResTarget RowExpr SQLValueFunction SelectStmt String TypeCast TypeName`.split(/\s+/),
)

interface Named {
  readonly location?: number
}

interface Edit {
  /** Bytes of the text. */
  readonly at: number
  readonly length: number
  readonly by: string
}

const SELECT = 'select '

/**
 * The same expression with every name that it leaves to the `search_path` pinned to `pg_catalog`, which is where PostgreSQL
 * found it when it printed the text. Nothing when it needs objects of the user, or cannot be pinned.
 */
export function pinned(expression: Sql): Sql | undefined {
  const { text, isPinned } = rewritten(expression, 'impossible')
  return isPinned ? text : undefined
}

/**
 * An expression, as PostgreSQL printed it for a table, as it stands in a trigger: columns are fields of the record. Where it is
 * not pinned, the writer's `search_path` could make one of its names mean something else.
 */
export function ofRecord(
  expression: Sql,
  record: 'new' | 'old',
): { readonly text: Sql; readonly isPinned: boolean } {
  return rewritten(expression, record)
}

function rewritten(expression: Sql, columns: 'new' | 'old' | 'impossible') {
  const statements = parsed(`${SELECT}${expression}`)
  if ('problem' in statements) return { text: expression, isPinned: false }
  const edits: Edit[] = []
  let isPinned = true
  visit(statements, (kind, node) => {
    if (!/^[A-Z]/.test(kind) && kind !== 'typeName') return
    const edit = KNOWN.has(kind) || kind === 'typeName' ? editOf(kind, node) : otherEdit(kind, node, columns)
    if (edit === 'impossible') isPinned = false
    else if (edit !== undefined) edits.push(edit)
  })
  return { text: trusted(edited(`${SELECT}${expression}`, edits).slice(SELECT.length)), isPinned }
}

function otherEdit(kind: string, { location }: Named, columns: string): Edit | 'impossible' {
  if (kind !== 'ColumnRef' || columns === 'impossible' || location === undefined) return 'impossible'
  return { at: location, length: 0, by: `${columns}.` }
}

/** What must be changed so that a node names its object in full; nothing when it does already, or names none. */
function editOf(kind: string, node: Record<string, unknown>): Edit | 'impossible' | undefined {
  switch (kind) {
    case 'FuncCall':
      return prefix(partsOf(node.funcname), node)
    case 'typeName':
      return prefix(partsOf(node.names), node)
    case 'CollateClause':
      return partsOf(node.collname)[0] === 'pg_catalog' ? undefined : 'impossible'
    case 'A_Expr':
      return operator(partsOf(node.name), node)
    default:
      return undefined
  }
}

function prefix(parts: readonly string[], { location }: Named): Edit | 'impossible' | undefined {
  if (parts[0] === 'pg_catalog' && parts.length > 1) return undefined
  if (parts.length !== 1 || location === undefined) return 'impossible'
  return { at: location, length: 0, by: 'pg_catalog.' }
}

function operator(
  parts: readonly string[],
  node: Named & { readonly kind?: unknown },
): Edit | 'impossible' | undefined {
  const [only = ''] = parts
  if (parts.length === 2 && only === 'pg_catalog') return undefined
  // IN, LIKE, BETWEEN and their like find their operator by themselves, and there is no way to say which.
  if (parts.length !== 1 || node.kind !== 'AEXPR_OP' || node.location === undefined) return 'impossible'
  return { at: node.location, length: only.length, by: `operator(pg_catalog.${only})` }
}

function partsOf(names: unknown): readonly string[] {
  return ((names as { String?: { sval?: string } }[] | undefined) ?? []).map(
    (part) => part.String?.sval ?? '',
  )
}

/** The parser counts bytes of UTF-8, so the text is cut as bytes. */
function edited(text: string, edits: readonly Edit[]): string {
  const bytes = new TextEncoder().encode(text)
  const decoder = new TextDecoder()
  let from = 0
  let result = ''
  for (const { at, length, by } of edits.toSorted((a, b) => a.at - b.at)) {
    result += decoder.decode(bytes.slice(from, at)) + by
    from = at + length
  }
  return result + decoder.decode(bytes.slice(from))
}

/** A type as PostgreSQL prints it, pinned in the same way; nothing for a type of the user. */
export function pinnedType(type: string): Sql | undefined {
  const cast = pinned(trusted(`null::${type}`))
  return cast === undefined ? undefined : trusted(cast.slice('null::'.length))
}
