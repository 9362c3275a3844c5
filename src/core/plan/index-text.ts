import { identifierProblem } from '../identifier.ts'
import { hasControlCharacter, parsed, type Token, tokensOf, visit, withTokens } from '../parse.ts'
import type { QualifiedName } from '../schema/model.ts'
import { id, type Sql, sql, trusted } from '../sql.ts'

/** What a person wrote as CREATE INDEX, taken apart. */
export interface IndexText {
  readonly table: QualifiedName
  /** Absent when PostgreSQL is to choose it. */
  readonly name?: string
  readonly unique: boolean
  /** All that stands behind the table, as it was written. */
  readonly rest: Sql
  readonly tablespace: string | null
  /** Every column that it names. */
  readonly columns: readonly string[]
}

/** The fields of the parser's node that we look at. */
interface IndexNode {
  readonly idxname?: string
  readonly relation: {
    readonly catalogname?: string
    readonly schemaname?: string
    readonly relname: string
    readonly inh?: boolean
    readonly location?: number
  }
  readonly unique?: boolean
  readonly if_not_exists?: boolean
  readonly tableSpace?: string
}

/** Reads one CREATE INDEX as a person writes it; CONCURRENTLY may stand there and goes without saying. */
export function readIndex(text: string): IndexText | { readonly problem: string } {
  if (hasControlCharacter(text)) return { problem: 'it contains a control character' }
  const found = parsed(text)
  if ('problem' in found) return found
  const [statement, ...more] = found
  if (statement === undefined || more.length > 0 || !('IndexStmt' in statement))
    return { problem: 'it is not one CREATE INDEX statement' }
  const node = statement.IndexStmt as IndexNode
  const problem = problemOf(node) ?? lengthProblem(text)
  return problem === undefined ? takenApart(text, statement, node) : { problem }
}

function problemOf({ relation, if_not_exists: ifNotExists }: IndexNode): string | undefined {
  if (relation.catalogname !== undefined) return 'it names a database'
  if (relation.inh !== true) return 'it says ONLY, but Bellows builds the index of every partition'
  return ifNotExists === true
    ? 'it says IF NOT EXISTS, which takes an index for granted that is invalid or another one'
    : undefined
}

/** The parser cuts a name, too; so what was written is looked at. */
function lengthProblem(text: string): string | undefined {
  for (const token of tokensOf(text)) {
    const name = token.text.replace(/^"(.*)"$/su, '$1').replaceAll('""', '"')
    const problem = token.kind === 'IDENT' ? identifierProblem(name) : undefined
    if (problem !== undefined) return `the name "${name}" ${problem}`
  }
  return undefined
}

function takenApart(text: string, statement: unknown, node: IndexNode): IndexText {
  const columns = new Set<string>()
  visit(statement, (kind, of) => {
    if (kind === 'IndexElem' && typeof of.name === 'string') columns.add(of.name)
    if (kind !== 'ColumnRef') return
    const last = (of.fields as readonly { readonly String?: { readonly sval?: string } }[]).at(-1)
    if (last?.String?.sval !== undefined) columns.add(last.String.sval)
  })
  return {
    table: { namespace: node.relation.schemaname ?? 'public', name: node.relation.relname },
    ...(node.idxname === undefined ? {} : { name: node.idxname }),
    unique: node.unique === true,
    rest: trusted(behindTable(text, node)),
    tablespace: node.tableSpace ?? null,
    columns: [...columns],
  }
}

/** From the name of the table to the end, but for semicolons: what may follow the name of another table as well. */
function behindTable(text: string, node: IndexNode): string {
  const tokens = tokensOf(text).filter((token) => token.text !== ';')
  return bytesBetween(text, tableToken(tokens, node)?.end ?? 0, tokens.at(-1)?.end ?? 0)
}

/** A statement with a table, of which the parser has told the place, under another name. */
export function withNameOfTable(text: string, relation: Partial<IndexNode['relation']>, to: string): string {
  const token = tableToken(tokensOf(text), { relation })
  return token === undefined ? text : withTokens(text, [token], id(to))
}

/** The name of the table, without its namespace. */
function tableToken(
  tokens: readonly Token[],
  { relation }: { readonly relation: Partial<IndexNode['relation']> },
): Token | undefined {
  const at = tokens.findIndex(({ start }) => start === (relation.location ?? 0))
  return tokens[at + (relation.schemaname === undefined ? 0 : 2)]
}

/** The definition of an index with its table under another name, if it is on that one. */
export function indexOnTable(text: string, from: QualifiedName, to: string): string {
  const found = parsed(text)
  const [statement] = 'problem' in found ? [] : found
  if (statement === undefined || !('IndexStmt' in statement)) return text
  const node = statement.IndexStmt as IndexNode
  const { schemaname = 'public', relname } = node.relation
  const token = tableToken(tokensOf(text), node)
  if (token === undefined || schemaname !== from.namespace || relname !== from.name) return text
  return withTokens(text, [token], id(to))
}

function bytesBetween(text: string, start: number, end: number): string {
  return new TextDecoder().decode(new TextEncoder().encode(text).subarray(start, end)).trim()
}

/** The statement that builds an index, from what PostgreSQL prints of it, which names no tablespace. */
export function createIndexSql(
  index: { readonly name: string; readonly tablespace: string | null },
  table: QualifiedName,
  using: string,
  how: 'concurrently' | 'only',
): Sql {
  const unique = using.startsWith(UNIQUE) ? sql` unique` : sql``
  const [concurrently, only] = how === 'only' ? [sql``, sql` only`] : [sql` concurrently`, sql``]
  const on = sql`${id(table.namespace)}.${id(table.name)}`
  return sql`create${unique} index${concurrently} ${id(index.name)} on${only} ${on} ${trusted(inTablespace(behindUnique(using), index.tablespace))}`
}

const UNIQUE = 'UNIQUE '

export function behindUnique(using: string): string {
  return using.startsWith(UNIQUE) ? using.slice(UNIQUE.length) : using
}

/** TABLESPACE stands before the predicate, which is the only WHERE that is in no parentheses. */
export function inTablespace(using: string, tablespace: string | null, words = sql`tablespace`): string {
  if (tablespace === null) return using
  const where = topLevel(tokensOf(using)).find(({ text }) => text.toLowerCase() === 'where')
  const at = where?.start ?? new TextEncoder().encode(using).length
  const [before, after] = [bytesBetween(using, 0, at), bytesBetween(using, at, Number.MAX_SAFE_INTEGER)]
  return `${before} ${words} ${id(tablespace)}${after === '' ? '' : ` ${after}`}`
}

function topLevel(tokens: readonly Token[]): readonly Token[] {
  let depth = 0
  return tokens.filter(({ text }) => {
    if (text === '(') depth += 1
    if (text === ')') depth -= 1
    return depth === 0
  })
}
