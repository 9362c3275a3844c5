import { type Tree, visit } from '../parse.ts'
import { shape } from '../rewrite.ts'
import type { Setting } from './rule.ts'
import { partsOf, relationName } from './statement.ts'

/** Does it update or delete as good as every row of a table? */
export function changesAllRows(statement: Tree.Node, { namespace, known }: Setting): boolean {
  let found = false
  visit({ statement }, (kind, node) => {
    if (kind === 'MergeStmt' && mergesAllRows(node)) found = true
    if (kind !== 'UpdateStmt' && kind !== 'DeleteStmt') return
    const { whereClause, relation } = node as Tree.UpdateStmt
    const table = relationName(relation, namespace)
    const isFilled = (column: string) => known?.filled?.(table, column) === true
    if (isForAll(whereClause, isFilled)) found = true
  })
  return found
}

/** What the source has no row for is as good as everything; of the rest the condition of the join says how much. */
function mergesAllRows({ joinCondition, mergeWhenClauses = [] }: Tree.MergeStmt): boolean {
  return mergeWhenClauses.some((one) => {
    if (!('MergeWhenClause' in one)) return false
    const { matchKind, commandType, condition } = one.MergeWhenClause
    const isChange = commandType === 'CMD_UPDATE' || commandType === 'CMD_DELETE'
    const isJoined = matchKind !== 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE' && !isForAll(joinCondition)
    return isChange && isForAll(condition) && !isJoined
  })
}

/** Is a column of the table that is changed never NULL? */
type IsFilled = (column: string) => boolean

function isForAll(condition: Tree.Node | undefined, isFilled: IsFilled = () => false): boolean {
  return condition === undefined || comesTo(condition, isFilled) === true
}

/** What a condition is for every row, as far as its form tells. */
function comesTo(condition: Tree.Node, isFilled: IsFilled): boolean | undefined {
  if ('TypeCast' in condition && condition.TypeCast.arg !== undefined)
    return comesTo(condition.TypeCast.arg, isFilled)
  if ('A_Const' in condition) return constantComesTo(condition.A_Const)
  if ('A_Expr' in condition) return comparisonComesTo(condition.A_Expr)
  if ('NullTest' in condition) return nullTestComesTo(condition.NullTest, isFilled)
  if ('BooleanTest' in condition) {
    const { arg, booltesttype } = condition.BooleanTest
    return booltesttype === 'IS_TRUE' && arg !== undefined ? comesTo(arg, isFilled) : undefined
  }
  if (!('BoolExpr' in condition)) return undefined
  const { args = [], boolop } = condition.BoolExpr
  const each = args.map((one) => comesTo(one, isFilled))
  if (boolop === 'NOT_EXPR') return each[0] === undefined ? undefined : !each[0]
  const deciding = boolop === 'OR_EXPR'
  if (each.includes(deciding)) return deciding
  return each.every((one) => one === !deciding) ? !deciding : undefined
}

/** A text may be cast to a truth value, and nobody would write a false one. */
function constantComesTo({ isnull, boolval }: Tree.A_Const): boolean {
  return isnull !== true && (boolval === undefined || boolval.boolval === true)
}

/** The same on both sides, or two constants; a column that is equal to itself is so wherever it has a value. */
function comparisonComesTo({ kind, name, lexpr, rexpr }: Tree.A_Expr): boolean | undefined {
  if (kind !== 'AEXPR_OP' || lexpr === undefined || rexpr === undefined) return undefined
  const operator = partsOf(name).at(-1)
  const isSame = shape(lexpr) === shape(rexpr)
  const areConstants = 'A_Const' in lexpr && 'A_Const' in rexpr
  if (!areConstants && !(isSame && 'ColumnRef' in lexpr)) return undefined
  if (operator === '=') return isSame
  if (operator === '<>') return !isSame
  if (operator === '<=' || operator === '>=') return isSame ? true : undefined
  return undefined
}

function nullTestComesTo({ arg, nulltesttype }: Tree.NullTest, isFilled: IsFilled): boolean | undefined {
  if (nulltesttype !== 'IS_NOT_NULL' || arg === undefined) return undefined
  if ('A_Const' in arg) return arg.A_Const.isnull !== true
  if (!('ColumnRef' in arg)) return undefined
  const column = partsOf(arg.ColumnRef.fields).at(-1)
  return column !== undefined && isFilled(column) ? true : undefined
}
