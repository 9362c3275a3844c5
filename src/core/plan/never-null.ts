import { expressionNode, type Tree } from '../parse.ts'

/** Does an expression tell by its form that it is NULL for no row? Only the simplest do; of every other one nobody knows. */
export function isNeverNull(expression: string): boolean {
  const node = expressionNode(expression)
  return !('problem' in node) && hasValue(node)
}

function hasValue(node: Tree.Node): boolean {
  if ('A_Const' in node) return node.A_Const.isnull !== true
  if ('TypeCast' in node) return node.TypeCast.arg !== undefined && hasValue(node.TypeCast.arg)
  if ('CoalesceExpr' in node) return (node.CoalesceExpr.args ?? []).some(hasValue)
  return false
}
