import type { BellowsError } from '../errors.ts'
import { madeObject } from '../objects/database-object.ts'
import { parsed, type Tree } from '../parse.ts'
import type { Facts } from '../schema/facts.ts'
import { findTable, primaryKey, type QualifiedName, type Schema } from '../schema/model.ts'
import { type Sql, shown } from '../sql.ts'
import {
  columnOf,
  commandsOf,
  constraintOf,
  constraintsOf,
  createdBy,
  nameOf,
  partsOf,
  relationName,
} from '../statements/statement.ts'
import { addKeySql } from './foreign-key-parts.ts'
import type { StepDraft } from './step.ts'
import { notOwned, refused } from './table-checks.ts'

/** What the server said of the connected role. Of what a migration makes itself it has every right. */
interface Known {
  readonly schema: Schema
  readonly facts: Facts
}

/** Is there anything that the role may not do? Most often there is nothing, and then no plan is read for it. */
export function mayLackRights({ schema, facts }: Known): boolean {
  return (
    facts.closedNamespaces.length > 0 ||
    schema.tables.some((one) => !one.owned || !one.mayReference || one.closedPartners.length > 0)
  )
}

/**
 * The rights that a plan needs, by its statements, forth and back: where one is missing PostgreSQL would say so in the middle of the
 * run. What is ours is in a namespace of our own.
 * @param namespace where names without one are
 */
export function rightProblems(
  drafts: readonly StepDraft[],
  namespace: string,
  known: Known,
): readonly BellowsError[] {
  const statements = [...new Set(drafts.flatMap(textsOf))].flatMap((text) => {
    const read = parsed(text)
    return 'problem' in read ? [] : read
  })
  const parts = drafts
    .flatMap((draft) => (draft.kind === 'index_parts' ? [draft.table] : []))
    .flatMap((table) => [table, ...(findTable(known.schema, table)?.parts ?? [])])
  const made = [...parts.map((one) => one.namespace), ...statements.flatMap((one) => madeIn(one, namespace))]
  const problems = [
    ...[...new Set(made)].flatMap((one) => namespaceProblems(one, known.facts)),
    ...statements.flatMap((one) => ownerProblems(one, namespace, known.schema)),
    ...statements.flatMap((one) => referenceProblems(one, namespace, known.schema)),
  ]
  return [...new Map(problems.map((one) => [one.message, one])).values()]
}

function textsOf(draft: StepDraft): readonly Sql[] {
  if (draft.kind === 'concurrent_index') return [draft.statement]
  if (draft.kind === 'foreign_key_parts') return [addKeySql(draft, draft.table)]
  return 'statements' in draft ? draft.statements : []
}

function namespaceProblems(namespace: string, { closedNamespaces }: Facts): readonly BellowsError[] {
  if (!closedNamespaces.includes(namespace)) return []
  return [
    refused(
      `The connected role may make nothing in the namespace ${shown(namespace)}: no index or sequence either, and no other name.`,
      `Let it, as the owner of the namespace: grant create on schema ${shown(namespace)} to <role>`,
    ),
  ]
}

/** The namespaces in which a statement makes something, or gives it another name. */
function madeIn(statement: Tree.Node, namespace: string): readonly string[] {
  const object = madeObject(statement, namespace)
  if (object !== undefined) return object.on === undefined ? [object.name.namespace] : []
  if ('IndexStmt' in statement) return [relationName(statement.IndexStmt.relation, namespace).namespace]
  if ('RenameStmt' in statement) {
    const { renameType = '', relation } = statement.RenameStmt
    return RELATIONS.test(renameType) ? [relationName(relation, namespace).namespace] : []
  }
  if ('AlterTableStmt' in statement) {
    const { namespace: of } = relationName(statement.AlterTableStmt.relation, namespace)
    return commandsOf(statement).some(makesRelation) ? [of] : []
  }
  const made = createdBy(statement, namespace)
  return made === undefined ? [] : [made.namespace]
}

const RELATIONS = /^OBJECT_(?:TABLE|INDEX|SEQUENCE|VIEW|MATVIEW)$/

/** The index of a key, or the sequence of an identity. */
function makesRelation(command: Tree.AlterTableCmd): boolean {
  if (command.subtype === 'AT_AddIdentity') return true
  const constraints = [constraintOf(command) ?? [], ...constraintsOf(columnOf(command))].flat()
  return constraints.some(
    ({ contype = '', indexname }) =>
      contype === 'CONSTR_IDENTITY' ||
      (/_(?:UNIQUE|PRIMARY|EXCLUSION)$/.test(contype) && indexname === undefined),
  )
}

function ownerProblems(statement: Tree.Node, namespace: string, schema: Schema): readonly BellowsError[] {
  const table = changedTable(statement, namespace)
  if (table === undefined || findTable(schema, table)?.owned !== false) return []
  const name = `${shown(table.namespace)}.${shown(table.name)}`
  return [notOwned(name, `table ${name}`)]
}

/** What only its owner may do to a table. */
function changedTable(statement: Tree.Node, namespace: string): QualifiedName | undefined {
  if ('AlterTableStmt' in statement) return relationName(statement.AlterTableStmt.relation, namespace)
  if ('IndexStmt' in statement) return relationName(statement.IndexStmt.relation, namespace)
  if ('RenameStmt' in statement && statement.RenameStmt.relation !== undefined)
    return relationName(statement.RenameStmt.relation, namespace)
  if ('CommentStmt' in statement && statement.CommentStmt.objtype === 'OBJECT_TABLE')
    return nameOf(partsOf(statement.CommentStmt.object), namespace)
  return madeObject(statement, namespace)?.on
}

function referenceProblems(statement: Tree.Node, namespace: string, schema: Schema): readonly BellowsError[] {
  if (!('AlterTableStmt' in statement)) return []
  const table = findTable(schema, relationName(statement.AlterTableStmt.relation, namespace))
  return commandsOf(statement).flatMap((command) => {
    const { contype, pktable, pk_attrs } = constraintOf(command) ?? {}
    if (contype !== 'CONSTR_FOREIGN') return []
    const name = relationName(pktable, namespace)
    const other = findTable(schema, name)
    const columns = pk_attrs === undefined ? other && primaryKey(other) : partsOf(pk_attrs)
    const isClosed =
      other === undefined
        ? table?.closedPartners.some((one) => one.namespace === name.namespace && one.name === name.name)
        : !other.mayReference && columns?.some((one) => other.closed.includes(one))
    if (isClosed !== true) return []
    const shownName = `${shown(name.namespace)}.${shown(name.name)}`
    return [
      refused(
        `The connected role may not make foreign keys that point at ${shownName}, and this migration makes one, forth or back.`,
        `Let it, as the owner: grant references on ${shownName} to <role>`,
      ),
    ]
  })
}
