import { type Tree, visit } from '../parse.ts'
import { LOCK_LEVELS, type LockLevel } from '../plan/step.ts'
import { isSameName, type QualifiedName } from '../schema/model.ts'
import {
  columnOf,
  commandsOf,
  constraintOf,
  constraintsOf,
  createdBy,
  hasOption,
  kindOf,
  nameOf,
  partsOf,
  relationName,
  relationsIn,
  type Statements,
} from './statement.ts'

export interface StatementLock {
  readonly relation: QualifiedName
  readonly level: LockLevel
}

/** The highest lock on each relation that statements take together, what they make themselves left out. Measured on PostgreSQL 14 to 18. */
export function locksOf(statements: Statements, namespace: string): readonly StatementLock[] {
  const made = statements.flatMap((one) => createdBy(one, namespace) ?? [])
  const taken = statements.flatMap((one) => statementLocks(one, namespace))
  return highest(taken.filter(({ relation }) => !made.some((one) => isSameName(one, relation))))
}

/** Of several locks on a relation the highest. */
export function highest(all: readonly StatementLock[]): readonly StatementLock[] {
  const locks: StatementLock[] = []
  for (const lock of all) {
    const at = locks.findIndex((one) => isSameName(one.relation, lock.relation))
    if (at < 0) locks.push(lock)
    else if (isStronger(lock.level, locks[at]?.level)) locks[at] = lock
  }
  return locks
}

export function isStronger(level: LockLevel, than: LockLevel | undefined): boolean {
  return than === undefined || LOCK_LEVELS.indexOf(level) > LOCK_LEVELS.indexOf(than)
}

function statementLocks(statement: Tree.Node, namespace: string): readonly StatementLock[] {
  const named = relationsIn(statement, namespace)
  const on = (relation: Tree.RangeVar | undefined, level: LockLevel): readonly StatementLock[] => [
    ...(relation === undefined ? [] : [{ relation: relationName(relation, namespace), level }]),
    ...named.map((one) => ({ relation: one, level: 'access_share' as const })),
  ]
  if ('AlterTableStmt' in statement) return alterLocks(statement, namespace)
  if ('DropStmt' in statement) return dropLocks(statement.DropStmt, namespace)
  if ('CommentStmt' in statement) return commentLocks(statement.CommentStmt, namespace)
  if ('IndexStmt' in statement) {
    const { relation, concurrent } = statement.IndexStmt
    return on(relation, concurrent === true ? 'share_update_exclusive' : 'share')
  }
  if ('CreateTrigStmt' in statement) return on(statement.CreateTrigStmt.relation, 'share_row_exclusive')
  if ('ViewStmt' in statement) return on(statement.ViewStmt.view, 'access_exclusive')
  if ('CreateStmt' in statement) return createLocks(statement.CreateStmt, namespace)
  if ('RefreshMatViewStmt' in statement) {
    const { relation, concurrent } = statement.RefreshMatViewStmt
    return on(relation, concurrent === true ? 'exclusive' : 'access_exclusive')
  }
  if ('CopyStmt' in statement)
    return on(
      statement.CopyStmt.relation,
      statement.CopyStmt.is_from === true ? 'row_exclusive' : 'access_share',
    )
  const level = WRITES.has(kindOf(statement)) ? 'access_share' : flatLevel(statement)
  return [...writeLocks(statement, namespace), ...named.map((relation) => ({ relation, level }))]
}

const WRITES = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

/** A query may write in its WITH. */
function writeLocks(statement: Tree.Node, namespace: string): readonly StatementLock[] {
  const locks: StatementLock[] = []
  visit({ statement }, (kind, { relation }) => {
    if (WRITES.has(kind))
      locks.push({ relation: relationName(relation as Tree.RangeVar, namespace), level: 'row_exclusive' })
  })
  return locks
}

/** Of statements that lock all that they name in one way. What is not known is taken for the worst. */
function flatLevel(statement: Tree.Node): LockLevel {
  if ('VacuumStmt' in statement)
    return hasOption(statement.VacuumStmt.options, 'full') ? 'access_exclusive' : 'share_update_exclusive'
  if ('ReindexStmt' in statement)
    return hasOption(statement.ReindexStmt.params, 'concurrently')
      ? 'share_update_exclusive'
      : 'access_exclusive'
  if ('LockStmt' in statement) return LOCK_LEVELS[(statement.LockStmt.mode ?? 8) - 1] ?? 'access_exclusive'
  return FLAT_LEVELS[kindOf(statement)] ?? 'access_exclusive'
}

const FLAT_LEVELS: Readonly<Record<string, LockLevel>> = {
  AlterPublicationStmt: 'share_update_exclusive',
  AlterSeqStmt: 'share_row_exclusive',
  CreateFunctionStmt: 'access_share',
  CreatePublicationStmt: 'share_update_exclusive',
  CreateSeqStmt: 'access_share',
  CreateStatsStmt: 'share_update_exclusive',
  CreateTableAsStmt: 'access_share',
  GrantStmt: 'access_share',
  SelectStmt: 'row_share',
}

/** The strictest of its actions counts for the whole statement. */
function alterLocks(statement: Tree.Node, namespace: string): readonly StatementLock[] {
  if (!('AlterTableStmt' in statement)) return []
  const { relation } = statement.AlterTableStmt
  const commands = commandsOf(statement)
  const levels = commands.map(commandLevel)
  const level = levels.reduce((most, one) => (isStronger(one, most) ? one : most), 'share_update_exclusive')
  return [
    { relation: relationName(relation, namespace), level },
    ...commands.flatMap((command) => partnerLocks(command, namespace)),
  ]
}

function commandLevel(command: Tree.AlterTableCmd): LockLevel {
  const { subtype = '', def } = command
  if (subtype === 'AT_AddConstraint')
    return constraintOf(command)?.contype === 'CONSTR_FOREIGN' ? 'share_row_exclusive' : 'access_exclusive'
  if (subtype === 'AT_DetachPartition')
    return def !== undefined && 'PartitionCmd' in def && def.PartitionCmd.concurrent === true
      ? 'share_update_exclusive'
      : 'access_exclusive'
  if (/^AT_(?:Enable|Disable)(?:Always|Replica)?Trig/.test(subtype)) return 'share_row_exclusive'
  return GENTLE_COMMANDS.has(subtype) ? 'share_update_exclusive' : 'access_exclusive'
}

const GENTLE_COMMANDS = new Set([
  'AT_AttachPartition',
  'AT_ClusterOn',
  'AT_DropCluster',
  'AT_ResetOptions',
  'AT_ResetRelOptions',
  'AT_SetOptions',
  'AT_SetRelOptions',
  'AT_SetStatistics',
  'AT_ValidateConstraint',
])

/** Of the table at the other end of a foreign key, and of a partition. */
function partnerLocks(command: Tree.AlterTableCmd, namespace: string): readonly StatementLock[] {
  const { def } = command
  if (def !== undefined && 'PartitionCmd' in def && def.PartitionCmd.name !== undefined)
    return [{ relation: relationName(def.PartitionCmd.name, namespace), level: 'access_exclusive' }]
  return [constraintOf(command), ...constraintsOf(columnOf(command))].flatMap((one) =>
    one?.pktable === undefined
      ? []
      : [{ relation: relationName(one.pktable, namespace), level: 'share_row_exclusive' as const }],
  )
}

function createLocks(statement: Tree.CreateStmt, namespace: string): readonly StatementLock[] {
  const parents = relationsIn(statement.inhRelations, namespace)
  const level = statement.partbound === undefined ? 'share_update_exclusive' : 'access_exclusive'
  return [
    ...parents.map((relation) => ({ relation, level: level as LockLevel })),
    ...relationsIn(statement.tableElts, namespace).map((relation) => ({
      relation,
      level: 'share_row_exclusive' as const,
    })),
  ]
}

const ON_TABLES = new Set(['OBJECT_TRIGGER', 'OBJECT_POLICY', 'OBJECT_RULE'])
const RELATIONS = new Set([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_INDEX',
  'OBJECT_SEQUENCE',
  'OBJECT_FOREIGN_TABLE',
])

function dropLocks(statement: Tree.DropStmt, namespace: string): readonly StatementLock[] {
  const { removeType = '', objects = [], concurrent } = statement
  const level = concurrent === true ? 'share_update_exclusive' : 'access_exclusive'
  return objects.flatMap((object) => {
    const parts = partsOf(object)
    if (ON_TABLES.has(removeType)) return [{ relation: nameOf(parts.slice(0, -1), namespace), level }]
    return RELATIONS.has(removeType) ? [{ relation: nameOf(parts, namespace), level }] : []
  })
}

function commentLocks(statement: Tree.CommentStmt, namespace: string): readonly StatementLock[] {
  const parts = partsOf(statement.object)
  const { objtype = '' } = statement
  const level = 'share_update_exclusive'
  if (RELATIONS.has(objtype)) return [{ relation: nameOf(parts, namespace), level }]
  const isPart = objtype === 'OBJECT_COLUMN' || ON_TABLES.has(objtype) || objtype === 'OBJECT_TABCONSTRAINT'
  return isPart ? [{ relation: nameOf(parts.slice(0, -1), namespace), level }] : []
}
