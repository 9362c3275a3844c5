import type { Node, TypeName } from '@pgsql/types'
import { parsePlPgSQLSync, parseSync, scanSync } from 'libpg-query'
import { deparseSync } from 'pgsql-deparser'
import { BellowsError, messageOf } from './errors.ts'
import { remembered } from './remembered.ts'
import { type Sql, trusted } from './sql.ts'

export type * as Tree from '@pgsql/types'

/** The parser's own message, or the statements. The parser must have been loaded once, by `compose.ts` or the test set-up. */
export function parsed(text: string): readonly Node[] | { readonly problem: string } {
  try {
    return (parseSync(text).stmts ?? []).map((raw) => raw.stmt as Node)
  } catch (error) {
    return { problem: messageOf(error) }
  }
}

/** Every query and expression, as a statement, within the function of PL/pgSQL that a command makes; none where it cannot be read. */
export function plpgsqlQueries(definition: string): readonly string[] {
  const queries: string[] = []
  try {
    visit(parsePlPgSQLSync(definition), (kind, { query }) => {
      if (kind !== 'PLpgSQL_expr' || typeof query !== 'string') return
      queries.push('problem' in parsed(query) ? `select ${query}` : query)
    })
  } catch {
    return []
  }
  return queries
}

/** The types of all variables of such a function, as they are written. */
export function plpgsqlTypes(definition: string): readonly string[] {
  const types: string[] = []
  try {
    visit(parsePlPgSQLSync(definition), (kind, { typname }) => {
      if (kind === 'PLpgSQL_type' && typeof typname === 'string') types.push(typname)
    })
  } catch {
    return []
  }
  return types
}

/** A word or sign of a text, with the bytes of its UTF-8 form that it stands on. */
export interface Token {
  /** `IDENT` for a name that is no keyword. */
  readonly kind: string
  readonly text: string
  readonly start: number
  readonly end: number
}

/** The words and signs of a text that the parser reads, without its comments. */
export function tokensOf(text: string): readonly Token[] {
  return scanSync(text)
    .tokens.filter(({ tokenName }) => !COMMENTS.has(tokenName))
    .map(({ tokenName, text: word, start, end }) => ({ kind: tokenName, text: word, start, end }))
}

const COMMENTS: ReadonlySet<string> = new Set(['SQL_COMMENT', 'C_COMMENT'])

/** A text with another word in the places of some of its tokens, which are given in their order. */
export function withTokens(text: string, tokens: readonly Token[], word: string): string {
  const bytes = new TextEncoder().encode(text)
  const ends = [0, ...tokens.map(({ end }) => end)]
  return ends.map((end, at) => new TextDecoder().decode(bytes.subarray(end, tokens[at]?.start))).join(word)
}

/** The only statement in a text that PostgreSQL itself printed. */
export function printedStatement(text: string): Node {
  const found = printedStatements(text)
  if (found.length !== 1) throw unread(text)
  return found[0] as Node
}

/** Of an object that one statement does not bring back as it was. */
export function printedStatements(text: string): readonly Node[] {
  const found = parsed(text)
  if ('problem' in found) throw unread(text)
  return found
}

function unread(text: string): BellowsError {
  return new BellowsError('plan_refused', `The parser does not read PostgreSQL's own text: ${text}`)
}

type Target = Node | { readonly problem: string }

/** The operations of a migration say the same texts again and again, and each text is asked about several times. */
const onlyTarget = remembered(readTarget)

function readTarget(text: string): Target {
  if (text.trim() === '') return { problem: 'it is empty' }
  // The parser stops at a NUL, and its scanner does not tell of other control characters.
  if (hasControlCharacter(text)) return { problem: 'it contains a control character' }
  const found = parsed(`select ${text}\n`)
  if ('problem' in found) return found
  const tokens = MAY_BE_MORE.test(text)
    ? new Set(scanSync(text).tokens.map((token) => token.tokenName))
    : new Set<string>()
  // A comment would swallow whatever Bellows writes behind the text on the same line, and a semicolon would cut it off.
  if (tokens.has('SQL_COMMENT') || tokens.has('C_COMMENT')) return { problem: 'it contains a comment' }
  const select =
    found.length === 1 && found[0] !== undefined && 'SelectStmt' in found[0] ? found[0].SelectStmt : undefined
  const { targetList, limitOption: _limit, op: _op, ...clauses } = select ?? {}
  const target = targetList?.length === 1 ? targetList[0] : undefined
  if (target === undefined || !('ResTarget' in target) || Object.keys(clauses).length > 0) {
    return { problem: 'it is more than one expression' }
  }
  if (tokens.has('ASCII_59')) return { problem: 'it is more than one expression' }
  if (target.ResTarget.name !== undefined) return { problem: 'it carries a name (AS)' }
  return target.ResTarget.val ?? { problem: 'it is empty' }
}

/** Without one of these there is neither a comment nor a second statement; inside a literal they are harmless. */
const MAY_BE_MORE = /;|--|\/\*/

export function hasControlCharacter(text: string): boolean {
  return text.split('').some((character) => character < ' ' && !'\t\n\r'.includes(character))
}

/** Reads a type as a person writes it, such as `varchar(20)`. */
export function readType(text: string): Sql | { readonly problem: string } {
  const target = onlyTarget(`null::${text}`)
  if ('problem' in target) return target
  const cast = 'TypeCast' in target ? target.TypeCast : undefined
  const isPlain = cast?.arg !== undefined && 'A_Const' in cast.arg && cast.arg.A_Const.isnull === true
  return isPlain ? trusted(text.trim()) : { problem: 'it is not just the name of a type' }
}

/** Reads one expression, such as a default; subqueries and column references are refused by the server, as always. */
export function readExpression(text: string): Sql | { readonly problem: string } {
  const target = onlyTarget(text)
  return 'problem' in target ? target : trusted(text.trim())
}

/** The tree of one expression as a person writes it. */
export function expressionNode(text: string): Node | { readonly problem: string } {
  return onlyTarget(text)
}

/** Reads one query, or one expression, whose value somebody wants to know. */
export function readQuery(text: string): Sql | { readonly problem: string } {
  const target = onlyTarget(`(${text}\n)`)
  return 'problem' in target ? target : trusted(`(${text.trim()})`)
}

/** Is it a literal, perhaps with a sign or a cast: the same value whenever and by whomever it is evaluated? */
export function isConstant(expression: Sql): boolean {
  const target = onlyTarget(expression)
  if ('problem' in target) return false
  const bare = 'TypeCast' in target ? target.TypeCast.arg : target
  return bare !== undefined && 'A_Const' in bare
}

/** The names of all functions that an expression calls, without their namespaces. */
export function functionsCalled(expression: Sql): readonly string[] {
  const called = new Set<string>()
  visit(parsed(`select ${expression}`), (kind, node) => {
    if (kind !== 'FuncCall') return
    const last = (node as { funcname?: readonly { String?: { sval?: string } }[] }).funcname?.at(-1)
    if (last?.String?.sval !== undefined) called.add(last.String.sval)
  })
  return [...called].sort()
}

/** The columns that an expression names, each once, in the order in which it names them. */
export function columnsNamed(expression: string): readonly string[] {
  const named = new Set<string>()
  visit(parsed(`select ${expression}`), (kind, node) => {
    if (kind !== 'ColumnRef') return
    const last = (node.fields as { String?: { sval?: string } }[]).at(-1)?.String?.sval
    if (last !== undefined) named.add(last)
  })
  return [...named]
}

/** Calls back for every node below a tree, with the node's kind. */
export function visit(tree: unknown, seen: (kind: string, node: Record<string, unknown>) => void): void {
  if (tree === null || typeof tree !== 'object') return
  for (const [kind, node] of Object.entries(tree)) {
    if (node !== null && typeof node === 'object' && !Array.isArray(node))
      seen(kind, node as Record<string, unknown>)
    visit(node, seen)
  }
}

/** A type of a statement, as text. */
export function typeText(typeName: TypeName): Sql {
  return trusted(deparsed({ TypeName: typeName }))
}

/** A tree as one line of text. */
export function deparsed(tree: unknown): string {
  return deparseSync(tree as Node, { pretty: false })
}
