import type { AddConstraint } from '../operations/add-constraint.ts'
import type { Operation } from '../operations/migration.ts'
import { columnsNamed } from '../operations/rules/read.ts'
import { rewriteExpression, rewriteWrittenIndex } from '../rewrite.ts'
import { isSameName } from '../schema/model.ts'
import { type Copying, changesValues, newName, oldName } from './copies.ts'
import { readIndex } from './index-text.ts'
import { theTable } from './table-checks.ts'

/**
 * Of the operations in front of a copy those that build on the old column, by the name of the new one: the copy takes over what it
 * finds, and they are not there yet. What goes by their names in between keeps them where they are.
 */
export function builtBehind(
  first: readonly Operation[],
  copying: Copying,
): { readonly stays: readonly Operation[]; readonly goes: readonly Operation[] } {
  const found = first.map((op, at) => {
    const isNamed = first.slice(at + 1).some((other) => goesByName(other, copying))
    return { op, built: isNamed ? undefined : onNewColumn(op, copying) }
  })
  return {
    stays: found.flatMap(({ op, built }) => (built === undefined ? [op] : [])),
    goes: found.flatMap(({ built }) => built ?? []),
  }
}

const BY_NAME: readonly Operation['kind'][] = [
  'drop_constraint',
  'drop_index',
  'rename_constraint',
  'rename_index',
]

function goesByName(op: Operation, copying: Copying): boolean {
  return BY_NAME.includes(op.kind) && 'table' in op && isSameName(theTable(op), theTable(copying))
}

function onNewColumn(op: Operation, copying: Copying): Operation | undefined {
  if (op.kind === 'add_constraint') return constraintOnNew(op, copying)
  if (op.kind !== 'create_index') return undefined
  const index = readIndex(op.definition)
  if ('problem' in index || !isSameName(index.table, theTable(copying))) return undefined
  const [from, to] = [oldName(copying), newName(copying)]
  // What keeps the old values apart need not keep those that come of them.
  if (!index.columns.includes(from) || (index.unique && changesValues(copying))) return undefined
  return { ...op, definition: rewriteWrittenIndex(op.definition, { from, to }) }
}

function constraintOnNew(op: AddConstraint, copying: Copying): AddConstraint | undefined {
  if (!isSameName(theTable(op), theTable(copying)) || changesValues(copying)) return undefined
  const [from, to] = [oldName(copying), newName(copying)]
  const named = (columns: readonly string[]) => columns.map((one) => (one === from ? to : one))
  const { check, unique, primary_key: key, foreign_key: foreign, include } = op
  const columns = [
    ...(check === undefined ? [] : columnsNamed(check)),
    ...[unique, key, include, foreign?.columns].flatMap((some = []) => some),
  ]
  if (!columns.includes(from)) return undefined
  return {
    ...op,
    ...(check === undefined ? {} : { check: rewriteExpression(check, { from, to }) }),
    ...(unique === undefined ? {} : { unique: named(unique) }),
    ...(key === undefined ? {} : { primary_key: named(key) }),
    ...(include === undefined ? {} : { include: named(include) }),
    ...(foreign === undefined ? {} : { foreign_key: { ...foreign, columns: named(foreign.columns) } }),
  }
}
