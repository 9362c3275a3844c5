import type { Operation } from '../operations/migration.ts'
import { upOf } from '../operations/sql/run-sql.ts'
import type { Tree } from '../parse.ts'
import { mayStandBeside } from './renamed-table.ts'

/** May an operation stand in front of what gives its table another name? */
export function mayStandBefore(op: Operation): boolean {
  return mayStandBeside(op) || areStatementsBefore(op)
}

/**
 * Statements of a person are not read as far as to give a table another name in them, so they stand in front. What is not known of them
 * the view would not have: its columns, who may do what, and which rows who sees.
 */
export function areStatementsBefore(op: Operation): boolean {
  return op.kind === 'sql' && op.phase === 'expand' && op.unsafe === undefined && upOf(op).every(isApart)
}

function isApart(statement: Tree.Node): boolean {
  if ('AlterTableStmt' in statement)
    return (statement.AlterTableStmt.cmds ?? []).every(
      (one) => 'AlterTableCmd' in one && APART.has(one.AlterTableCmd.subtype ?? ''),
    )
  return MAKING.some((kind) => kind in statement)
}

const MAKING = [
  'CommentStmt',
  'CreateStatsStmt',
  'CreateTrigStmt',
  'CreatePolicyStmt',
  'CreateFunctionStmt',
  'IndexStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'RuleStmt',
  'ViewStmt',
] as const

const APART: ReadonlySet<string> = new Set([
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_SetStatistics',
  'AT_SetOptions',
  'AT_SetStorage',
  'AT_ClusterOn',
  'AT_DropCluster',
  'AT_ReplicaIdentity',
  'AT_EnableTrig',
  'AT_EnableAlwaysTrig',
  'AT_EnableReplicaTrig',
  'AT_DisableTrig',
])
