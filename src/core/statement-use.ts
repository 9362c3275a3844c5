import { parsed, visit } from './parse.ts'
import type { QualifiedName } from './schema/model.ts'

/**
 * Does a statement use a column, or a table where no column is named? `definite`: it names it. `possible`: it takes all columns of
 * the table, or names a column that may be of another table. Understands the texts that `pg_stat_statements` keeps, with `$1` where a constant was.
 */
export function columnUse(
  text: string,
  table: QualifiedName,
  column?: string,
): 'definite' | 'possible' | 'none' {
  const statements = parsed(text)
  // A text that was cut short: what cannot be read may use anything.
  if ('problem' in statements)
    return text.toLowerCase().includes(table.name.toLowerCase()) ? 'possible' : 'none'
  const seen = { ofTable: new Set<string>(), others: 0, named: false, ambiguous: false, all: false }
  let hasBlock = false
  visit(statements, (kind, node) => {
    if (kind === 'DoStmt') hasBlock = true
    // Whoever casts to the type of its rows needs the table, and may do without a column.
    if (column === undefined && TYPES.has(kind) && isType(node, table)) seen.named = true
    if (!RELATIONS.has(kind)) return
    const { relname, schemaname, alias } = node as unknown as RangeVar
    if (relname !== table.name || (schemaname ?? table.namespace) !== table.namespace) {
      seen.others += 1
      return
    }
    seen.ofTable.add(alias?.aliasname ?? relname)
    // Its columns are called otherwise in this statement.
    if (alias?.colnames !== undefined) seen.all = true
  })
  // The parser does not look into a block of another language.
  if (hasBlock && mentions(text, table.name) && (column === undefined || mentions(text, column)))
    return 'possible'
  if (column === undefined) return seen.named || seen.ofTable.size > 0 ? 'definite' : 'none'
  if (seen.ofTable.size === 0) return 'none'
  visit(statements, (kind, node) => judge(kind, node, column, seen))
  if (seen.named) return 'definite'
  return seen.all || seen.ambiguous ? 'possible' : 'none'
}

/** Does the type of a variable of PL/pgSQL name the table: `users`, `public.users%rowtype`, `users.name%type`? */
export function isTypeOf(type: string, table: QualifiedName): boolean {
  const parts = [...type.matchAll(/"((?:[^"]|"")+)"|([^\s."%[]+)/g)].map(
    ([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain.toLowerCase(),
  )
  return parts[0] === table.name || (parts[0] === table.namespace && parts[1] === table.name)
}

interface TypeName {
  readonly names?: readonly Field[]
}

function isType({ names = [] }: TypeName, table: QualifiedName): boolean {
  const [name, namespace] = names.map(({ String: part }) => part?.sval).toReversed()
  return name === table.name && (namespace ?? table.namespace) === table.namespace
}

/** Has a text the name as a word? One that is no plain word may stand anywhere. */
function mentions(text: string, name: string): boolean {
  const [said, sought] = [text.toLowerCase(), name.toLowerCase()]
  return /\W/.test(name) ? said.includes(sought) : said.split(/\W+/).includes(sought)
}

/** How the parser calls a table: in a list, and as the target of a statement. */
const RELATIONS = new Set(['RangeVar', 'relation'])
/** And a type. */
const TYPES = new Set(['TypeName', 'typeName'])

interface Seen {
  readonly ofTable: ReadonlySet<string>
  readonly others: number
  named: boolean
  ambiguous: boolean
  all: boolean
}

interface RangeVar {
  readonly relname: string
  readonly schemaname?: string
  readonly alias?: { readonly aliasname: string; readonly colnames?: readonly unknown[] }
}

type Field = { readonly String?: { readonly sval?: string }; readonly A_Star?: object }

interface Named {
  readonly relation?: RangeVar
  readonly fields?: readonly Field[]
  readonly cols?: readonly Target[]
  readonly targetList?: readonly Target[]
  readonly attlist?: readonly Field[]
  readonly name?: string
  readonly isNatural?: boolean
  readonly usingClause?: readonly Field[]
  readonly mergeWhenClauses?: readonly { readonly MergeWhenClause: MergeAction }[]
}

interface MergeAction {
  readonly commandType: string
  readonly targetList?: readonly Target[]
}

type Target = { readonly ResTarget?: { readonly name?: string } }

function judge(kind: string, node: Named, column: string, seen: Seen): void {
  const targets = (list: readonly Target[] = []) => list.some(({ ResTarget }) => ResTarget?.name === column)
  const fields = (list: readonly Field[] = []) => list.some(({ String: name }) => name?.sval === column)
  const isElsewhere = node.relation !== undefined && !isOurs(node.relation, seen)
  if (isElsewhere) return
  switch (kind) {
    case 'ColumnRef':
      judgeReference(node.fields ?? [], column, seen)
      break
    case 'InsertStmt':
      // Without a list of columns it gives a value to every one.
      if (node.cols === undefined) seen.all = true
      seen.named ||= targets(node.cols)
      break
    case 'CopyStmt':
      if (node.attlist === undefined) seen.all = true
      seen.named ||= fields(node.attlist)
      break
    case 'UpdateStmt':
    case 'onConflictClause':
      seen.named ||= targets(node.targetList)
      break
    case 'MergeStmt':
      for (const { MergeWhenClause: action } of node.mergeWhenClauses ?? []) {
        if (action.commandType === 'CMD_INSERT' && action.targetList === undefined) seen.all = true
        seen.named ||= targets(action.targetList)
      }
      break
    case 'IndexElem':
      seen.named ||= node.name === column
      break
    case 'JoinExpr':
      if (node.isNatural === true) seen.all = true
      seen.named ||= fields(node.usingClause)
  }
}

function isOurs({ relname, alias }: RangeVar, seen: Seen): boolean {
  return seen.ofTable.has(alias?.aliasname ?? relname)
}

/** `name`, `u.name`, `public.users.name`, `*`, `u.*`, and `u` for the whole row. */
function judgeReference(fields: readonly Field[], column: string, seen: Seen): void {
  const last = fields.at(-1)
  const qualifier = fields.at(-2)?.String?.sval
  const isOfTable = qualifier === undefined || seen.ofTable.has(qualifier) || qualifier === 'excluded'
  if (!isOfTable) return
  if (last?.A_Star !== undefined) seen.all = true
  else if (last?.String?.sval === column) {
    if (qualifier === undefined && seen.others > 0) seen.ambiguous = true
    else seen.named = true
  } else if (qualifier === undefined && seen.ofTable.has(last?.String?.sval ?? '')) seen.all = true
}
