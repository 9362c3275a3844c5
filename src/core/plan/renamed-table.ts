import type { Operation } from '../operations/migration.ts'
import { newName, type RenameTable } from '../operations/rename-table/renaming.ts'
import { isSameName, type QualifiedName } from '../schema/model.ts'
import { indexOnTable, readIndex } from './index-text.ts'
import { hungOn, isHanging, tableHungOn } from './renamed-objects.ts'
import { withRequalified } from './renamed-texts.ts'
import { theTable } from './table-checks.ts'

/**
 * What may be done to a table that gets another name: until the contract it has the old one, so that is what the steps say. The rest
 * makes, or needs, the name itself.
 */
const BESIDE = [
  'add_column',
  'add_constraint',
  'alter_column',
  'change_type',
  'create_index',
  'create_object',
  'drop_column',
  'drop_constraint',
  'drop_index',
  'drop_object',
  'grant',
  'merge_columns',
  'move_column',
  'rename_column',
  'rename_constraint',
  'rename_index',
  'replace_index',
  'replace_object',
  'revoke',
  'set_table',
  'split_column',
] as const

type Beside = Extract<Operation, { kind: (typeof BESIDE)[number] }>

/** Behind what gives its table another name, by the new one, or in front of it. */
export function mayStandBeside(op: Operation): op is Beside {
  return BESIDE.some((kind) => kind === op.kind)
}

/**
 * The operations with a renamed table by its old name, and the one that renames it behind all that is done to it. What says the old
 * name behind that, or the new one before it, means another table.
 */
export function byOldNames(operations: readonly Operation[]): readonly Operation[] {
  return operations.filter((op) => op.kind === 'rename_table').reduce(withOldName, operations)
}

function withOldName(operations: readonly Operation[], renaming: RenameTable): readonly Operation[] {
  const at = operations.indexOf(renaming)
  const [before, behind] = [operations.slice(0, at), operations.slice(at + 1)]
  const [old, renewed] = [theTable(renaming), newName(renaming)]
  const last = behind.findLastIndex((op) => isOn(op, renewed))
  if (last < 0 || behind.some((op) => isOn(op, old)) || before.some((op) => isOn(op, renewed)))
    return operations
  const moved = behind.slice(0, last + 1)
  if (moved.some((op) => isOn(op, renewed) && !mayStandBeside(op))) return operations
  return [
    ...before,
    ...moved.map((op) => (mayStandBeside(op) ? onTable(op, renewed, old) : op)),
    renaming,
    ...behind.slice(last + 1),
  ]
}

function isOn(op: Operation, table: QualifiedName): boolean {
  return tablesSaidBy(op).some((one) => isSameName(one, table))
}

/** The tables whose names an operation says, as its own or as the one that it points at. */
export function tablesSaidBy(op: Operation): readonly QualifiedName[] {
  if (op.kind === 'create_index' || op.kind === 'replace_index') {
    const index = readIndex(op.definition)
    return 'problem' in index ? [] : [index.table]
  }
  if (op.kind === 'move_column') return [op.from, op.to].map(theTable)
  if (isHanging(op)) {
    const table = tableHungOn(op)
    return table === undefined ? [] : [table]
  }
  const own = 'table' in op ? [theTable(op)] : []
  if (op.kind === 'add_column' || op.kind === 'alter_column')
    return [...own, ...(op.references === undefined ? [] : [theTable(op.references)])]
  if (op.kind === 'add_constraint')
    return [...own, ...(op.foreign_key === undefined ? [] : [theTable(op.foreign_key.references)])]
  return own
}

/** The same operation on a table of another name, by which it may name columns, too. */
function onTable(op: Beside, from: QualifiedName, to: QualifiedName): Operation {
  const [own] = tablesSaidBy(op)
  const renamed = withTable(op, from, to)
  return own !== undefined && isSameName(own, from)
    ? withRequalified(renamed, { from, to: to.name })
    : renamed
}

function withTable(op: Beside, from: QualifiedName, to: QualifiedName): Operation {
  const named = <T extends { readonly namespace: string; readonly table: string }>(one: T): T =>
    isSameName(theTable(one), from) ? { ...one, table: to.name } : one
  if (isHanging(op)) return hungOn(op, from, to.name)
  switch (op.kind) {
    case 'move_column':
      return { ...op, from: named(op.from), to: named(op.to) }
    case 'create_index':
    case 'replace_index':
      return { ...op, definition: indexOnTable(op.definition, from, to.name) }
    case 'add_column':
    case 'alter_column':
      return op.references === undefined ? named(op) : { ...named(op), references: named(op.references) }
    case 'add_constraint': {
      const { foreign_key: key } = op
      return key === undefined
        ? named(op)
        : { ...named(op), foreign_key: { ...key, references: named(key.references) } }
    }
    default:
      return named(op)
  }
}
