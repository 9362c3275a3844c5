import type { BellowsError } from '../errors.ts'
import { shownObject } from '../objects/database-object.ts'
import { type ChangeType, changeOf } from '../operations/change-type/change.ts'
import { specOf } from '../operations/index.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import type { Touch } from '../operations/needs.ts'
import { definitionOf } from '../operations/object/definition.ts'
import { membersOf } from '../operations/remove-enum-value/removal.ts'
import type { ColumnOf } from '../operations/rules/followers.ts'
import { type Tree, visit } from '../parse.ts'
import type { Facts } from '../schema/facts.ts'
import { findColumn, findTable, isSameName, type QualifiedName, type Schema } from '../schema/model.ts'
import { relationName } from '../statements/statement.ts'
import { withFollowed } from './followed.ts'
import { refused, theTable } from './table-checks.ts'

/**
 * A view, a trigger or a policy is bound to the columns that it names as it is made. One of a column that goes in the same
 * migration would keep the contract waiting, for something that the migration itself has made.
 */
export function readColumnProblems(
  { operations }: Migration,
  schema: Schema,
  facts: Facts,
): readonly BellowsError[] {
  const isBound = ({ kind }: Operation) => kind === 'create_object' || kind === 'replace_object'
  const gone = operations.some(isBound) ? operations.flatMap((op) => leaving(op, schema, facts)) : []
  return operations.flatMap((op) => {
    if (op.kind !== 'create_object' && op.kind !== 'replace_object') return []
    const { statement, object } = definitionOf(op)
    const names = namesIn(statement, op.namespace)
    return gone
      .filter((column) => isNamed(column, names))
      .map(({ table, column }) =>
        refused(
          `The ${shownObject(object)} names "${column}" of "${table.name}", which another operation of the migration takes away: the contract would wait for it.`,
          'Have it name what is there in the end, or make it in the migration before or behind this one.',
        ),
      )
  })
}

/** Columns that are there at the start, and for which another one is there in the end, or none. */
function leaving(op: Operation, schema: Schema, facts: Facts): readonly ColumnOf[] {
  if (op.kind === 'change_type' && !isCopied(op, schema, facts)) return []
  if (op.kind === 'remove_enum_value')
    return membersOf(op, facts, schema).map(({ table, from }) => ({ table, column: from.name }))
  const isLeaving = (touch: Touch): touch is Touch & ColumnOf => {
    if ('object' in touch || touch.how !== 'replaces' || touch.column === undefined) return false
    const table = findTable(schema, touch.table)
    const isNew = op.kind === 'rename_column' && op.to === touch.column
    return table !== undefined && findColumn(table, touch.column) !== undefined && !isNew
  }
  return specOf(op)
    .needs(op)
    .touches.flatMap((touch) => withFollowed(touch, schema))
    .filter(isLeaving)
}

/** It may become another type in its place. */
function isCopied(op: ChangeType, schema: Schema, facts: Facts): boolean {
  const table = findTable(schema, theTable(op))
  const from = table === undefined ? undefined : findColumn(table, op.column)
  if (table === undefined || from === undefined) return false
  const change = changeOf(op, table, from, facts)
  return 'by' in change && change.by === 'copy'
}

/** Relations by what they are called in a text, and the columns that it names; `undefined` is all of them. */
interface Names {
  readonly relations: readonly { readonly called: readonly string[]; readonly table: QualifiedName }[]
  readonly columns: readonly { readonly of: string | undefined; readonly column: string | undefined }[]
}

function namesIn(statement: Tree.Node, namespace: string): Names {
  if ('ViewStmt' in statement) return inQuery(statement.ViewStmt.query, namespace)
  if ('CreatePolicyStmt' in statement) {
    const { table, qual, with_check } = statement.CreatePolicyStmt
    return on(table, inQuery([qual, with_check], namespace), namespace)
  }
  if ('CreateTrigStmt' in statement) {
    const { relation, columns = [], whenClause } = statement.CreateTrigStmt
    const updated = columns.map((one) => ({ of: 'new', column: nameIn(one) }))
    const { columns: asked } = inQuery(whenClause, namespace)
    return on(relation, { relations: [], columns: [...updated, ...asked] }, namespace)
  }
  return { relations: [], columns: [] }
}

function on(relation: Tree.RangeVar | undefined, names: Names, namespace: string): Names {
  const table = relationName(relation, namespace)
  return { ...names, relations: [{ called: [table.name, 'new', 'old'], table }, ...names.relations] }
}

function inQuery(query: unknown, namespace: string): Names {
  const relations: Names['relations'][number][] = []
  const columns: Names['columns'][number][] = []
  visit(query, (kind, node) => {
    if (kind === 'RangeVar') {
      const range = node as Tree.RangeVar
      const table = relationName(range, namespace)
      relations.push({ called: [range.alias?.aliasname ?? table.name], table })
    }
    // What it is made of is anybody's.
    if (MADE.has(kind)) {
      const { alias, ctename } = node as Tree.RangeSubselect & Tree.CommonTableExpr
      relations.push({ called: [alias?.aliasname ?? ctename ?? ''], table: { namespace: '', name: '' } })
    }
    if (kind === 'ColumnRef') {
      const fields = (node as Tree.ColumnRef).fields ?? []
      columns.push({ of: nameIn(fields.at(-2)), column: nameIn(fields.at(-1)) })
    }
  })
  return { relations, columns }
}

const MADE: ReadonlySet<string> = new Set(['RangeSubselect', 'RangeFunction', 'CommonTableExpr'])

function nameIn(node: Tree.Node | undefined): string | undefined {
  return node !== undefined && 'String' in node ? node.String.sval : undefined
}

/** Where it is open to which of several relations a name belongs, the contract tells. */
function isNamed({ table, column }: ColumnOf, { relations, columns }: Names): boolean {
  return columns.some((name) => {
    const owners = relations.filter(({ called }) => name.of === undefined || called.includes(name.of))
    const [owner, ...others] = owners
    if (owner === undefined || others.length > 0 || !isSameName(owner.table, table)) return false
    return name.column === undefined || name.column === column
  })
}
