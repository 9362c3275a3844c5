import { compareBytes } from '../identifier.ts'
import { type Tree, visit } from '../parse.ts'
import { LOCK_LEVELS } from '../plan/step.ts'
import { isSameName } from '../schema/model.ts'
import type { Setting } from './rule.ts'
import { commandsOf, constraintOf, hasOption, kindOf, partsOf } from './statement.ts'
import { locksOf } from './statement-locks.ts'

/** What the rules look for in a statement. */

export function altersBy(statement: Tree.Node, ...subtypes: readonly string[]): boolean {
  return commandsOf(statement).some(({ subtype = '' }) => subtypes.includes(subtype))
}

const SESSION_KINDS = new Set(
  `ClosePortalStmt DeallocateStmt DeclareCursorStmt DiscardStmt FetchStmt ListenStmt LoadStmt PrepareStmt UnlistenStmt`.split(
    /\s+/,
  ),
)
const BOUNDS =
  /^(?:.*_timeout|search_path|session_replication_role|role|session_authorization|transaction.*|bellows\..*)$/i
const SESSION_CALLS = /^(?:set_config|pg_advisory_unlock.*|pg_(?:terminate|cancel)_backend)$/

/** What stays behind in the session of the driver, or takes its bounds away. */
export function setsOfSession(statement: Tree.Node): boolean {
  if ('VariableSetStmt' in statement) {
    const { is_local, name = '' } = statement.VariableSetStmt
    return is_local !== true || BOUNDS.test(name)
  }
  return SESSION_KINDS.has(kindOf(statement)) || calls(statement).some((name) => SESSION_CALLS.test(name))
}

/** The names of all functions in a tree, without their namespaces. */
export function calls(tree: unknown): readonly string[] {
  const names: string[] = []
  visit(tree, (kind, node) => {
    if (kind !== 'FuncCall') return
    const last = (node as Tree.FuncCall).funcname?.at(-1)
    if (last !== undefined && 'String' in last) names.push(last.String.sval ?? '')
  })
  return names
}

/** Does it name anything in the namespace of the journal? */
export function namesJournal(statement: Tree.Node): boolean {
  const text = JSON.stringify(statement)
  let found = text.includes(`"${JOURNAL}"`) && /"OBJECT_SCHEMA"|"newschema"/.test(text)
  visit({ statement }, (_kind, node) => {
    const lists = Object.values(node).filter((value) => Array.isArray(value)) as Tree.Node[][]
    const isFirst = (list: readonly Tree.Node[]) =>
      list.length > 1 && partsOf(list.slice(0, 1))[0] === JOURNAL
    if (node.schemaname === JOURNAL || node.schemaName === JOURNAL || lists.some(isFirst)) found = true
  })
  return found
}

const JOURNAL = 'bellows'

/** Does PostgreSQL take it only outside a transaction? */
export function isOutside(statement: Tree.Node): boolean {
  if ('IndexStmt' in statement) return statement.IndexStmt.concurrent === true
  if ('DropStmt' in statement) return statement.DropStmt.concurrent === true
  if ('ReindexStmt' in statement) {
    const { kind, params } = statement.ReindexStmt
    return hasOption(params, 'concurrently') || !/_(?:INDEX|TABLE)$/.test(kind ?? '')
  }
  if ('VacuumStmt' in statement) return statement.VacuumStmt.is_vacuumcmd === true
  if ('ClusterStmt' in statement) return statement.ClusterStmt.relation === undefined
  const isDetached = commandsOf(statement).some(
    ({ def }) => def !== undefined && 'PartitionCmd' in def && def.PartitionCmd.concurrent === true,
  )
  return isDetached || OUTSIDE_KINDS.has(kindOf(statement))
}

const OUTSIDE_KINDS = new Set(
  `AlterSystemStmt CreatedbStmt CreateTableSpaceStmt DropdbStmt DropTableSpaceStmt`.split(/\s+/),
)

const [BEFORE, INSERT_OR_UPDATE] = [2, 4 + 16]
/** Where the names of the dual write's triggers begin; see `names.ts`. */
const DUAL_WRITE_NAMES = 'zzz_bellows'

export function sortsBehindDualWrite(statement: Tree.Node): boolean {
  if (!('CreateTrigStmt' in statement)) return false
  const { row, timing, events = 0, trigname = '' } = statement.CreateTrigStmt
  const isMet = row === true && timing === BEFORE && (events & INSERT_OR_UPDATE) !== 0
  return isMet && compareBytes(trigname, DUAL_WRITE_NAMES) >= 0
}

/** Does it switch off, change or drop a trigger that keeps two shapes in step? */
export function touchesDualWrite(statement: Tree.Node): boolean {
  const isOurs = (name = '') => name.includes(DUAL_WRITE_NAMES)
  if ('CreateTrigStmt' in statement)
    return statement.CreateTrigStmt.replace === true && isOurs(statement.CreateTrigStmt.trigname)
  if ('DropStmt' in statement && statement.DropStmt.removeType === 'OBJECT_TRIGGER')
    return JSON.stringify(statement.DropStmt.objects).includes(DUAL_WRITE_NAMES)
  if ('RenameStmt' in statement) return isOurs(statement.RenameStmt.subname)
  return commandsOf(statement).some(({ subtype = '', name }) => subtype.endsWith('Trig') && isOurs(name))
}

/** What is known to hurt nobody, or has a rule of its own. Everything else may do anything to clients. */
const KNOWN_KINDS = new Set(
  `AlterDomainStmt AlterEnumStmt AlterObjectSchemaStmt AlterTableStmt CallStmt ClusterStmt CommentStmt CompositeTypeStmt ConstraintsSetStmt CopyStmt
  CreateDomainStmt CreateEnumStmt CreateExtensionStmt CreateFunctionStmt CreateRangeStmt CreateSchemaStmt CreateSeqStmt CreateStatsStmt CreateStmt
  CreateTableAsStmt CreateTrigStmt DeleteStmt DoStmt DropStmt ExecuteStmt GrantStmt IndexStmt InsertStmt LockStmt MergeStmt RefreshMatViewStmt ReindexStmt
  RenameStmt SelectStmt TruncateStmt UpdateStmt VacuumStmt VariableSetStmt ViewStmt`.split(/\s+/),
)
const KNOWN_ALTERATIONS = new Set(
  `AT_AddColumn AT_AddConstraint AT_AlterColumnType AT_AttachPartition AT_ClusterOn AT_ColumnDefault AT_DropCluster AT_DropColumn
  AT_DropNotNull AT_ResetOptions AT_ResetRelOptions AT_SetAccessMethod AT_SetCompression AT_SetExpression AT_SetLogged AT_SetNotNull AT_SetOptions
  AT_SetRelOptions AT_SetStatistics AT_SetStorage AT_SetTableSpace AT_SetUnLogged AT_ValidateConstraint`.split(
    /\s+/,
  ),
)

/** Nobody has said yet what it does to clients. */
export function isUnknown(statement: Tree.Node): boolean {
  if (!KNOWN_KINDS.has(kindOf(statement))) return true
  if ('CreateFunctionStmt' in statement) return statement.CreateFunctionStmt.replace === true
  if ('ViewStmt' in statement) return statement.ViewStmt.replace === true
  if ('CreateTrigStmt' in statement) return statement.CreateTrigStmt.replace === true
  return commandsOf(statement).some(
    ({ subtype = '', def }) =>
      !KNOWN_ALTERATIONS.has(subtype) ||
      (subtype === 'AT_ColumnDefault' && def === undefined) ||
      (/^AT_(?:Set|Reset)RelOptions$/.test(subtype) && isOfView(statement, def)),
  )
}

/** They say whose rights count, and which rows a view takes. ALTER TABLE sets them as well. */
const VIEW_OPTIONS = new Set(['security_invoker', 'security_barrier', 'check_option'])

function isOfView(statement: Tree.Node, options: Tree.Node | undefined): boolean {
  if ('AlterTableStmt' in statement && statement.AlterTableStmt.objtype === 'OBJECT_VIEW') return true
  const all = options !== undefined && 'List' in options ? (options.List.items ?? []) : []
  return all.some((one) => 'DefElem' in one && VIEW_OPTIONS.has(one.DefElem.defname ?? ''))
}

/**
 * `checked`: against all rows, at once; `unproved`: against new rows alone; `built`: with an index that is not there yet; `filled`: with
 * NOT NULL, which a key brings.
 */
export function addsConstraint(
  statement: Tree.Node,
  how: 'checked' | 'unproved' | 'built' | 'filled',
): boolean {
  return commandsOf(statement).some((command) => {
    const { contype = '', skip_validation, indexname } = constraintOf(command) ?? {}
    if (how === 'filled') return contype === 'CONSTR_PRIMARY' && indexname !== undefined
    if (how === 'unproved') return skip_validation === true
    return how === 'checked'
      ? /_(?:CHECK|FOREIGN|NOTNULL)$/.test(contype) && skip_validation !== true
      : /_(?:UNIQUE|PRIMARY|EXCLUSION)$/.test(contype) && indexname === undefined
  })
}

export function drops(statement: Tree.Node, what: 'table' | 'index' | 'other'): boolean {
  if (!('DropStmt' in statement)) return false
  const { removeType = '', concurrent } = statement.DropStmt
  if (/_(?:FOREIGN_)?TABLE$/.test(removeType)) return what === 'table'
  if (removeType === 'OBJECT_INDEX') return what === 'index' && concurrent !== true
  return what === 'other'
}

export function cascades(statement: Tree.Node): boolean {
  let found = false
  visit({ statement }, (_kind, node) => {
    if (node.behavior === 'DROP_CASCADE') found = true
  })
  return found
}

/** Volatile functions of PostgreSQL whose effect is known, and hurts nobody. */
export const SAFE_CALLS: ReadonlySet<string> = new Set(
  `clock_timestamp currval gen_random_uuid lastval nextval pg_notify random random_normal setval timeofday uuidv4 uuidv7`.split(
    ' ',
  ),
)
/** Statements that work on rows, as they evaluate expressions. */
export const EVALUATED: ReadonlySet<string> = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'CreateTableAsStmt',
])

/** The functions that a statement calls as it runs. */
export function callsOf(statement: Tree.Node): readonly string[] {
  return EVALUATED.has(kindOf(statement)) ? calls(statement) : []
}

/** Runs code of which the statement says nothing. */
export function isOpaque(statement: Tree.Node, { known }: Setting): boolean {
  const isActing = (name: string) => !SAFE_CALLS.has(name) && known?.acting?.has(name) !== false
  return OPAQUE_KINDS.has(kindOf(statement)) || callsOf(statement).some(isActing)
}

const OPAQUE_KINDS = new Set(['DoStmt', 'CallStmt', 'ExecuteStmt'])

/** Takes a lock that stops writers while an earlier statement holds one on another table. */
export function locksAnother(statement: Tree.Node, { statements, namespace }: Setting): boolean {
  const at = statements.indexOf(statement)
  const strong = (of: readonly Tree.Node[]) =>
    locksOf(of, namespace)
      .filter(({ level }) => LOCK_LEVELS.indexOf(level) >= LOCK_LEVELS.indexOf('share'))
      .map(({ relation }) => relation)
  const before = strong(statements.slice(0, at))
  const made = strong(statements.slice(0, at + 1))
  return (
    before.length > 0 &&
    strong([statement]).some(
      (one) =>
        made.some((other) => isSameName(one, other)) && !before.some((other) => isSameName(one, other)),
    )
  )
}
