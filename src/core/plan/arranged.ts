import type { Migration, Operation } from '../operations/migration.ts'
import type { Reasoned } from '../operations/reasoned.ts'
import { rewriteExpression } from '../rewrite.ts'
import { isSameName } from '../schema/model.ts'
import { qualified } from '../sql.ts'
import { builtBehind } from './built-behind.ts'
import { type Altering, type Copying, changesValues, isCopying, newName, oldName } from './copies.ts'
import { byOldNames, tablesSaidBy } from './renamed-table.ts'
import { theTable } from './table-checks.ts'

/**
 * The migration in the order in which its operations compose. Another name and another type of one column are one copy. What both
 * versions must find from the begin comes in front of a copy, which takes it over; what only the new version keeps to comes behind.
 */
export function arranged(migration: Migration): Migration {
  const named = byOldNames(migration.operations)
  const merged = named.reduce(withRetype, named)
  const said = new Set(merged.filter(isMoved).flatMap(tablesSaidBy).map(qualified))
  const meets = (op: Copying) => said.has(qualified(theTable(op)))
  const operations = merged.filter(isCopying).filter(meets).reduce(around, merged)
  return operations === migration.operations ? migration : { ...migration, operations }
}

type Operations = readonly Operation[]

/** What may stand elsewhere than it is written. */
function isMoved({ kind }: Operation): boolean {
  return kind === 'alter_column' || kind === 'create_index' || kind === 'add_constraint'
}

/** A `change_type` of the column that a rename makes, or that it takes the place of, becomes a part of that. */
function withRetype(operations: Operations, op: Operation): Operations {
  if (op.kind !== 'change_type') return operations
  const rename = operations.find(
    (one) =>
      one.kind === 'rename_column' && isSameName(theTable(one), theTable(op)) && joins(one, op, operations),
  )
  if (rename?.kind !== 'rename_column') return operations
  const { type, collation, nullable, up, down, overlap } = op
  const { from, to } = rename
  const more = {
    type,
    collation,
    nullable,
    up: up && rewriteExpression(up, { from: op.column, to: from }),
    down: down && rewriteExpression(down, { from: op.column, to }),
    overlap,
    unsafe: bothReasons(rename, op),
  }
  const given = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined))
  return operations.filter((one) => one !== op).map((one) => (one === rename ? { ...rename, ...given } : one))
}

/** Whoever says why of either is shown. */
function bothReasons(...of: readonly Reasoned[]): string | undefined {
  const reasons = new Set(of.flatMap(({ unsafe }) => unsafe ?? []))
  return reasons.size === 0 ? undefined : [...reasons].join('; ')
}

/** Only what a plain copy is made of: two mappings of a person are not made into one. */
function joins(
  rename: Extract<Operation, { kind: 'rename_column' }>,
  op: Extract<Operation, { kind: 'change_type' }>,
  operations: Operations,
): boolean {
  const { kind: _, namespace: __, table: ___, unsafe: ____, from, to, ...more } = rename
  const isBehind = operations.indexOf(op) > operations.indexOf(rename)
  return op.column === (isBehind ? to : from) && Object.values(more).every((value) => value === undefined)
}

function around(operations: Operations, copying: Copying): Operations {
  const at = operations.indexOf(copying)
  const split = (some: Operations, column: string, leaves: Leaves) => {
    const each = some.map((op): Halves => {
      const isOn =
        op.kind === 'alter_column' && op.column === column && isSameName(theTable(op), theTable(copying))
      return isOn ? halves(op, leaves) : { stays: [op], goes: [] }
    })
    return { stays: each.flatMap(({ stays }) => stays), goes: each.flatMap(({ goes }) => goes) }
  }
  const [first, rest] = [operations.slice(0, at), operations.slice(at + 1)]
  const built = builtBehind(first, copying)
  const before = split(built.stays, oldName(copying), (op, field) => comesBehind(copying, op, field))
  const behind = split(rest, newName(copying), (op, field) => comesBefore(copying, op, field))
  const onNew = [...before.goes.map((op) => underNewName(op, copying)), ...built.goes, ...behind.stays]
  const last = split(onNew, newName(copying), (_, field) => comesLast(copying, field))
  const moved = before.goes.length + behind.goes.length + built.goes.length
  if (moved === 0 && last.goes.length === 0) return operations
  return [
    ...before.stays,
    ...behind.goes.map((op) => ({ ...op, column: oldName(copying) })),
    copying,
    ...withLast(last.stays, last.goes, copying),
  ]
}

/** The last of all that is done to the table, whose other name comes behind that. */
function withLast(stays: Operations, goes: Operations, copying: Copying): Operations {
  const table = theTable(copying)
  const at = stays.findIndex((op) => op.kind === 'rename_table' && isSameName(theTable(op), table))
  return at < 0 ? [...stays, ...goes] : [...stays.slice(0, at), ...goes, ...stays.slice(at)]
}

function underNewName(op: Altering, copying: Copying): Altering {
  const [from, to] = [oldName(copying), newName(copying)]
  if (op.check === undefined) return { ...op, column: to }
  const constraint = rewriteExpression(op.check.constraint, { from, to })
  return { ...op, column: to, check: { ...op.check, constraint } }
}

/** NULL and a default are for the new version from the begin, and the old column holds its values, too. */
function comesBefore(copying: Copying, op: Altering, field: Field): boolean {
  if (field === 'nullable') return op.nullable === true && copying.nullable !== false
  if (field !== 'default' || typeof op.default !== 'string' || copying.kind !== 'rename_column') return false
  const { type, up, transform = 'copy' } = copying
  return type === undefined && up === undefined && transform === 'copy'
}

/** What waits for the end of the old version finds the new column. A check is of the values, so those must stay what they are. */
function comesBehind(copying: Copying, op: Altering, field: Field): boolean {
  if (field === 'nullable') return op.nullable === false
  if (field === 'default') return op.default === null
  return field === 'unique' || field === 'references' || (field === 'check' && !changesValues(copying))
}

/**
 * As long as both columns are written, the default stays on the old one: nobody could tell it from a value. What the new one has besides
 * comes before.
 */
function comesLast(copying: Copying, field: Field): boolean {
  return copying.kind === 'rename_column' && field === 'default'
}

const RULES = ['nullable', 'check', 'unique', 'references'] as const
const FIELDS = [...RULES, 'default', 'comment', 'statistics', 'storage', 'compression'] as const
type Field = (typeof FIELDS)[number]
type Leaves = (op: Altering, field: Field) => boolean

interface Halves {
  readonly stays: Operations
  readonly goes: readonly Altering[]
}

function halves(op: Altering, leaves: Leaves): Halves {
  const given = FIELDS.filter((field) => op[field] !== undefined)
  const [goes, stays] = [true, false].map((is) => given.filter((field) => leaves(op, field) === is)) as [
    Field[],
    Field[],
  ]
  if (goes.length === 0) return { stays: [op], goes: [] }
  return { stays: stays.length === 0 ? [] : [only(op, stays)], goes: [only(op, goes)] }
}

function only(op: Altering, fields: readonly Field[]): Altering {
  const { kind, namespace, table, column, when, unsafe } = op
  const isTimed = when !== undefined && fields.some((field) => RULES.some((rule) => rule === field))
  return {
    kind,
    namespace,
    table,
    column,
    ...Object.fromEntries(fields.map((field) => [field, op[field]])),
    ...(isTimed ? { when } : {}),
    ...(unsafe === undefined ? {} : { unsafe }),
  }
}
