import { rewriteConstraint } from '../../parse.ts'
import { type Copy, carried } from '../../plan/carry.ts'
import { defaultName, namesFor, notNullName } from '../../plan/names.ts'
import { theTable } from '../../plan/table-checks.ts'
import {
  type Column,
  type Constraint,
  type Facts,
  findColumn,
  findTable,
  type Index,
  type QualifiedName,
  type Schema,
  type Table,
  withTable,
} from '../../schema/model.ts'
import { lit, shown } from '../../sql.ts'
import type { RenameColumn } from './rename.ts'
import { keptCollation } from './work.ts'

/** The schema after the contract: the new column is the last one and has everything that the old one had. */
export function renamedSchema(op: RenameColumn, schema: Schema, facts: Facts): Schema {
  const table = findTable(schema, theTable(op))
  const from = table === undefined ? undefined : findColumn(table, op.from)
  if (table === undefined || from === undefined) return schema
  // The temporary names do not matter here: only the final ones enter the model.
  const copies = carried(table, op, namesFor('', op.from, []))
  return withTable(schema, {
    ...table,
    columns: renamedColumns(table, renamedColumn(op, table, from, facts), op.from),
    columnSlots: table.columnSlots + (findColumn(table, op.to) === undefined ? 1 : 0),
    constraints: table.constraints.map((one) =>
      renamedConstraint(one, op, [...copies.uniques, ...copies.checks, ...copies.foreignKeys]),
    ),
    indexes: table.indexes.map((one) => renamedIndex(one, op, [...copies.indexes, ...copies.uniques])),
  })
}

/** A column that was there before keeps its place; a new one is the last. */
function renamedColumns(table: Table, to: Column, from: string): readonly Column[] {
  const left = table.columns.filter(({ name }) => name !== from)
  return findColumn(table, to.name) === undefined
    ? [...left, to]
    : left.map((column) => (column.name === to.name ? to : column))
}

function renamedColumn(op: RenameColumn, table: Table, from: Column, facts: Facts): Column {
  const adopted = findColumn(table, op.to)
  const type = adopted ?? (op.type === undefined ? from : facts.types[op.type]) ?? from
  const renamed = (sequence: QualifiedName) => renamedSequence(op, table, sequence)
  // A default names its sequence by identity; PostgreSQL prints the new name as soon as the sequence has it.
  const printed = ({ namespace, name }: QualifiedName) => lit(`${shown(namespace)}.${shown(name)}`)
  return {
    ...from,
    name: op.to,
    type: type.type,
    baseType: type.baseType,
    typeKind: type.typeKind,
    typeStorage: type.typeStorage,
    collation: adopted === undefined ? keptCollation(from, type) : adopted.collation,
    storage: type.baseType === from.baseType ? from.storage : type.typeStorage,
    compression: type.baseType === from.baseType ? from.compression : (adopted?.compression ?? null),
    default: from.sequences.reduce<string | null>(
      (text, sequence) => text?.replaceAll(printed(sequence), () => printed(renamed(sequence))) ?? null,
      from.default,
    ),
    sequences: from.sequences.map(renamed),
  }
}

/** The sequence of a `serial` gets the name that PostgreSQL would give it, if it has that name now. */
export function renamedSequence(op: RenameColumn, table: Table, sequence: QualifiedName): QualifiedName {
  const isDefault = sequence.name === defaultName(table.name, [op.from], 'seq')
  const name = defaultName(table.name, [op.to], 'seq')
  return isDefault && !table.neighbours.includes(name) ? { ...sequence, name } : sequence
}

function renamedConstraint(
  one: Constraint,
  op: RenameColumn,
  copies: readonly Copy<Constraint>[],
): Constraint {
  const columns = one.columns.map((name) => (name === op.from ? op.to : name))
  const copy = copies.find(({ original }) => original.name === one.name)
  if (one.kind === 'not_null' && one.columns.includes(op.from))
    return { ...one, columns, name: notNullName(op, one.name) }
  if (copy === undefined) return { ...one, columns }
  const rewritten = one.kind === 'unique' ? one.definition : rewriteConstraint(one.definition, op)
  return {
    ...one,
    name: copy.finalName,
    columns,
    definition: rewritten,
    index: one.index === null ? null : copy.finalName,
  }
}

function renamedIndex(one: Index, op: RenameColumn, copies: readonly Copy<Index | Constraint>[]): Index {
  const copy = copies.find(({ original }) => original.name === one.name || original.name === one.constraint)
  if (copy === undefined) return one
  const renamed = (names: readonly string[]) => names.map((name) => (name === op.from ? op.to : name))
  return {
    ...one,
    name: copy.finalName,
    columns: renamed(one.columns),
    nameParts: renamed(one.nameParts),
    constraint: one.constraint === null ? null : copy.finalName,
  }
}
