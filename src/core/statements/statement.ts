import { parsed, printedStatement, type Tree, visit } from '../parse.ts'
import { isSameName, type QualifiedName } from '../schema/model.ts'

/** Statements of a user's text, as the parser of PostgreSQL reads them. */
export type Statements = readonly Tree.Node[]

/** @returns the statements, or why the text cannot be used */
export function readStatements(text: string): Statements | { readonly problem: string } {
  // The parser stops there, and would not tell of the rest.
  if (text.includes('\0')) return { problem: 'it contains a NUL' }
  const found = parsed(text)
  if ('problem' in found) return found
  return found.length === 0 ? { problem: 'it holds no statement' } : found
}

/** Such as `AlterTableStmt`. */
export function kindOf(statement: Tree.Node): string {
  return Object.keys(statement)[0] ?? ''
}

/** Every relation that a tree names, each once, in its order; a name without a namespace is of the one that is given. */
export function relationsIn(tree: unknown, namespace: string): readonly QualifiedName[] {
  const names: QualifiedName[] = []
  for (const node of relationNodes(tree, new Set())) {
    const name = relationName(node, namespace)
    if (!names.some((one) => isSameName(one, name))) names.push(name)
  }
  return names
}

/** The query of a WITH hides a relation of its name only from what comes behind it, and never from what is written to. */
function relationNodes(tree: unknown, hidden: ReadonlySet<string>): readonly Tree.RangeVar[] {
  if (tree === null || typeof tree !== 'object') return []
  if (Array.isArray(tree)) return tree.flatMap((one) => relationNodes(one, hidden))
  const node = tree as { readonly relname?: string; readonly withClause?: Tree.WithClause }
  if (typeof node.relname === 'string') {
    const { schemaname, relname } = node as Tree.RangeVar
    return schemaname === undefined && hidden.has(relname ?? '') ? [] : [node]
  }
  const { withClause, ...rest } = node
  const { found, seen } = withNodes(withClause, hidden)
  return [
    ...found,
    ...Object.entries(rest).flatMap(([kind, part]) =>
      kind === 'relation' ? relationNodes(part, new Set()) : relationNodes(part, seen),
    ),
  ]
}

/** The queries of a WITH, and what they hide from the statement. With RECURSIVE they see one another. */
function withNodes(
  clause: Tree.WithClause | undefined,
  hidden: ReadonlySet<string>,
): { readonly found: readonly Tree.RangeVar[]; readonly seen: ReadonlySet<string> } {
  const queries = (clause?.ctes ?? []).flatMap((one) =>
    'CommonTableExpr' in one ? [one.CommonTableExpr] : [],
  )
  const names = queries.map(({ ctename = '' }) => ctename)
  const found = queries.flatMap((query, at) =>
    relationNodes(query, new Set([...hidden, ...(clause?.recursive === true ? names : names.slice(0, at))])),
  )
  return { found, seen: new Set([...hidden, ...names]) }
}

export function relationName(of: Tree.RangeVar | undefined, namespace: string): QualifiedName {
  return { namespace: of?.schemaname ?? namespace, name: of?.relname ?? '' }
}

/** Does every relation that a tree names come with its namespace? */
export function isQualified(tree: unknown): boolean {
  let qualified = true
  visit(tree, (_kind, node) => {
    if (typeof node.relname === 'string' && node.schemaname === undefined) qualified = false
  })
  return qualified
}

/** The parts of a name such as `public.users`, however the tree holds them. */
export function partsOf(name: Tree.Node | readonly Tree.Node[] | undefined): readonly string[] {
  if (name === undefined) return []
  if (Array.isArray(name)) return name.flatMap((part: Tree.Node) => partsOf(part))
  const node = name as Tree.Node
  if ('String' in node) return [node.String.sval ?? '']
  if ('List' in node) return partsOf(node.List.items)
  if ('TypeName' in node) return partsOf(node.TypeName.names)
  if ('ObjectWithArgs' in node) return partsOf(node.ObjectWithArgs.objname)
  return []
}

/** A name of parts, the last of which is the object's own. */
export function nameOf(parts: readonly string[], namespace: string): QualifiedName {
  return { namespace: parts.at(-2) ?? namespace, name: parts.at(-1) ?? '' }
}

/** The actions of an ALTER TABLE. */
export function commandsOf(statement: Tree.Node): readonly Tree.AlterTableCmd[] {
  if (!('AlterTableStmt' in statement)) return []
  return (statement.AlterTableStmt.cmds ?? []).flatMap((one) =>
    'AlterTableCmd' in one ? [one.AlterTableCmd] : [],
  )
}

export function columnOf({ def }: Tree.AlterTableCmd): Tree.ColumnDef | undefined {
  return def !== undefined && 'ColumnDef' in def ? def.ColumnDef : undefined
}

export function constraintOf({ def }: Tree.AlterTableCmd): Tree.Constraint | undefined {
  return def !== undefined && 'Constraint' in def ? def.Constraint : undefined
}

/** A constraint as PostgreSQL prints it. */
export function printedConstraint(definition: string): Tree.Constraint | undefined {
  const [command] = commandsOf(printedStatement(`alter table t add constraint c ${definition}`))
  return command === undefined ? undefined : constraintOf(command)
}

export function constraintsOf(column: Tree.ColumnDef | undefined): readonly Tree.Constraint[] {
  return (column?.constraints ?? []).flatMap((one) => ('Constraint' in one ? [one.Constraint] : []))
}

/** Has a statement such as VACUUM or REINDEX an option of that name? */
export function hasOption(options: readonly Tree.Node[] | undefined, name: string): boolean {
  return (options ?? []).some((one) => 'DefElem' in one && one.DefElem.defname === name)
}

/**
 * What a statement makes anew: on that, no lock and no scan hurts anybody. With IF NOT EXISTS it may be there already, and a
 * temporary relation is not the one that others call so.
 */
export function createdBy(statement: Tree.Node, namespace: string): QualifiedName | undefined {
  const [made] = Object.values(statement) as readonly { readonly if_not_exists?: boolean }[]
  if (made?.if_not_exists === true || isTemporary(statement)) return undefined
  if ('CreateStmt' in statement) return relationName(statement.CreateStmt.relation, namespace)
  if ('CreateTableAsStmt' in statement) return relationName(statement.CreateTableAsStmt.into?.rel, namespace)
  if ('ViewStmt' in statement && statement.ViewStmt.replace !== true)
    return relationName(statement.ViewStmt.view, namespace)
  if ('CompositeTypeStmt' in statement) return relationName(statement.CompositeTypeStmt.typevar, namespace)
  if ('CreateSeqStmt' in statement) return relationName(statement.CreateSeqStmt.sequence, namespace)
  return undefined
}

function isTemporary(statement: Tree.Node): boolean {
  let found = false
  visit({ statement }, (_kind, node) => {
    if (node.relpersistence === 't') found = true
  })
  return found
}
