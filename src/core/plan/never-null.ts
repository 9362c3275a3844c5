import { expressionNode, type Tree } from '../parse.ts'

/**
 * Does an expression tell by its form that it is NULL for no row? Only the simplest do; of every other one nobody knows.
 * @param filled columns that are NOT NULL
 */
export function isNeverNull(expression: string, filled: readonly string[] = []): boolean {
  const node = expressionNode(expression)
  return !('problem' in node) && hasValue(node, filled)
}

function hasValue(node: Tree.Node, filled: readonly string[]): boolean {
  const has = (one: Tree.Node) => hasValue(one, filled)
  if ('A_Const' in node) return node.A_Const.isnull !== true
  if ('TypeCast' in node) return node.TypeCast.arg !== undefined && has(node.TypeCast.arg)
  if ('CoalesceExpr' in node) return (node.CoalesceExpr.args ?? []).some(has)
  if (!('ColumnRef' in node)) return false
  const [field, ...more] = node.ColumnRef.fields ?? []
  const name = field !== undefined && 'String' in field ? field.String.sval : undefined
  return more.length === 0 && name !== undefined && filled.includes(name)
}
