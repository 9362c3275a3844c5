import { parsed, readExpression, visit } from '../../parse.ts'
import { type Sql, trusted } from '../../sql.ts'

/** Reads a condition as CHECK takes it: about one row, and nothing but that row. What the server must say comes on top. */
export function readCondition(text: string): Sql | { readonly problem: string } {
  const read = readExpression(text)
  if (typeof read !== 'string') return read
  const problem = strangerIn(parsed(`select ${read}`))
  return problem === undefined ? read : { problem }
}

const STRANGERS: Readonly<Record<string, string>> = {
  SubLink: 'it contains a subquery, which sees other rows than the one that is written',
  ParamRef: 'it contains a parameter',
  SetToDefault: 'it says DEFAULT, which is no value',
}
const SYSTEM_COLUMNS = new Set(['ctid', 'xmin', 'cmin', 'xmax', 'cmax'])

function strangerIn(tree: unknown): string | undefined {
  let problem: string | undefined
  visit(tree, (kind, node) => {
    const column = kind === 'ColumnRef' ? lastField(node) : undefined
    if (column !== undefined && SYSTEM_COLUMNS.has(column)) problem ??= `it uses the system column ${column}`
    problem ??= STRANGERS[kind]
  })
  return problem
}

/** The columns that an expression names, each once, in their order. */
export function columnsNamed(expression: string): readonly string[] {
  return namedIn(parsed(`select ${expression}\n`))
}

function namedIn(tree: unknown): readonly string[] {
  const names = new Set<string>()
  visit(tree, (kind, node) => {
    const name =
      kind === 'ColumnRef' ? lastField(node) : kind === 'IndexElem' ? (node.name as string) : undefined
    if (name !== undefined) names.add(name)
  })
  return [...names]
}

function lastField(reference: Record<string, unknown>): string | undefined {
  return (reference.fields as { String?: { sval?: string } }[]).at(-1)?.String?.sval
}

/** What stands behind EXCLUDE, when it is that and nothing else. */
export interface Exclusion {
  readonly text: Sql
  /** The columns that are compared; an expression has none. */
  readonly columns: readonly string[]
  /** Those of them that are compared with =, under no namespace but that of the server. */
  readonly equal: readonly string[]
  /** Every column that it needs, also those of expressions, of a condition and of INCLUDE. */
  readonly uses: readonly string[]
  /** `expr` for an expression: what PostgreSQL builds the default name from. */
  readonly nameParts: readonly string[]
  readonly tablespace: string | null
}

interface ExclusionItem {
  readonly IndexElem?: { readonly name?: string }
  readonly List?: { readonly items?: readonly { readonly String?: { readonly sval?: string } }[] }
}

interface ExclusionNode {
  readonly contype?: string
  readonly deferrable?: boolean
  readonly initdeferred?: boolean
  readonly indexspace?: string
  /** What the index carries along. */
  readonly including?: readonly { readonly String?: { readonly sval?: string } }[]
  /** Each is what is compared, and the name of the operator. */
  readonly exclusions?: readonly { List: { items: readonly ExclusionItem[] } }[]
}

export function readExclusion(text: string): Exclusion | { readonly problem: string } {
  const found = parsed(`alter table t add constraint c exclude ${text}`)
  if ('problem' in found) return found
  const nodes: ExclusionNode[] = []
  let commands = 0
  visit(found, (kind, node) => {
    if (kind === 'AlterTableCmd') commands += 1
    if (kind === 'Constraint') nodes.push(node)
  })
  const [node] = nodes
  if (found.length !== 1 || commands !== 1 || nodes.length !== 1 || node?.contype !== 'CONSTR_EXCLUSION')
    return { problem: 'it is more than one constraint' }
  if (/--|\/\*|;/.test(text)) return { problem: 'it contains a comment or a semicolon' }
  if (node.deferrable === true || node.initdeferred === true)
    return { problem: 'whether it can be deferred is said by the field deferrable' }
  const stranger = strangerIn(found)
  if (stranger !== undefined) return { problem: stranger }
  const carried = (node.including ?? []).flatMap((part) => part.String?.sval ?? [])
  const elements = (node.exclusions ?? []).map(({ List }) => List.items[0]?.IndexElem?.name)
  return {
    text: trusted(text.trim()),
    columns: elements.filter((name) => name !== undefined),
    equal: (node.exclusions ?? []).flatMap(({ List }) =>
      isEquality(List.items) ? (List.items[0]?.IndexElem?.name ?? []) : [],
    ),
    uses: [...new Set([...namedIn(found), ...carried])],
    nameParts: elements.map((name) => name ?? 'expr'),
    tablespace: node.indexspace ?? null,
  }
}

function isEquality([, operator]: readonly ExclusionItem[]): boolean {
  const [name, ...more] = (operator?.List?.items ?? [])
    .flatMap((part) => part.String?.sval ?? [])
    .toReversed()
  return name === '=' && more.every((namespace) => namespace === 'pg_catalog')
}
