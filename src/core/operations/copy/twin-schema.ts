import { carried } from '../../plan/carry.ts'
import type { Copy, Renamed } from '../../plan/copied.ts'
import { defaultName, namesFor, notNullName } from '../../plan/names.ts'
import { rewriteConstraint, rewriteIndex } from '../../rewrite.ts'
import type { Index } from '../../schema/indexes.ts'
import {
  type Column,
  type Constraint,
  findColumn,
  type QualifiedName,
  type Table,
} from '../../schema/model.ts'
import { lit, shown } from '../../sql.ts'

/** A table after a copy: the new column has everything that the old one had, and `made` besides. */
export function twinTable(table: Table, of: Renamed, made: TwinType): Table {
  const from = findColumn(table, of.from)
  if (from === undefined) return table
  // The temporary names do not matter here: only the final ones enter the model.
  const copies = carried(table, of, namesFor('', of.from, []))
  const isAdopted = of.to !== of.from && findColumn(table, of.to) !== undefined
  const twin = { ...renamedColumn(of, table, from), ...made }
  const left = table.columns.filter(({ name }) => name !== of.from)
  return {
    ...table,
    // A column that was there before keeps its place; a new one is the last.
    columns: isAdopted ? left.map((column) => (column.name === of.to ? twin : column)) : [...left, twin],
    columnSlots: table.columnSlots + (isAdopted ? 0 : 1),
    constraints: table.constraints.map((one) =>
      renamedConstraint(one, { ...of, table: table.name }, [
        ...copies.uniques,
        ...copies.keys,
        ...copies.checks,
        ...copies.foreignKeys,
      ]),
    ),
    indexes: table.indexes.map((one) =>
      renamedIndex(one, of, [...copies.indexes, ...copies.uniques, ...copies.keys]),
    ),
  }
}

/** What the new column has of its own. */
export type TwinType = Pick<
  Column,
  'type' | 'baseType' | 'typeKind' | 'collatable' | 'typeStorage' | 'collation' | 'storage' | 'compression'
> &
  Partial<Pick<Column, 'nullable' | 'default' | 'defaultVolatility' | 'defaultText'>>

function renamedColumn({ from: old, to }: Renamed, table: Table, from: Column): Column {
  const renamed = (sequence: QualifiedName) => renamedSequence({ from: old, to }, table, sequence)
  // A default names its sequence by identity; PostgreSQL prints the new name as soon as the sequence has it.
  const printed = ({ namespace, name }: QualifiedName) => lit(`${shown(namespace)}.${shown(name)}`)
  return {
    ...from,
    name: to,
    default: from.sequences.reduce<string | null>(
      (text, sequence) => text?.replaceAll(printed(sequence), () => printed(renamed(sequence))) ?? null,
      from.default,
    ),
    sequences: from.sequences.map(renamed),
  }
}

/** The sequence of a `serial` gets the name that PostgreSQL would give it, if it has that name now. */
export function renamedSequence({ from, to }: Renamed, table: Table, sequence: QualifiedName): QualifiedName {
  const isDefault = sequence.name === defaultName(table.name, [from], 'seq')
  const name = defaultName(table.name, [to], 'seq')
  const isFree = name !== sequence.name && !table.neighbours.includes(name)
  return isDefault && isFree ? { ...sequence, name } : sequence
}

function renamedConstraint(
  one: Constraint,
  of: Renamed & { readonly table: string },
  copies: readonly Copy<Constraint>[],
): Constraint {
  const columns = one.columns.map((name) => (name === of.from ? of.to : name))
  const copy = copies.find(({ original }) => original.name === one.name)
  if (one.kind === 'not_null' && one.columns.includes(of.from))
    return { ...one, columns, name: notNullName(of, one.name) }
  if (copy === undefined) return { ...one, columns }
  const isIndexed = one.kind === 'unique' || one.kind === 'primary_key'
  const rewritten = isIndexed ? one.definition : rewriteConstraint(one.definition, of)
  return {
    ...one,
    name: copy.finalName,
    columns,
    definition: rewritten,
    index: one.index === null ? null : copy.finalName,
  }
}

function renamedIndex(one: Index, of: Renamed, copies: readonly Copy<Index | Constraint>[]): Index {
  const copy = copies.find(({ original }) => original.name === one.name || original.name === one.constraint)
  if (copy === undefined) return one
  const renamed = (names: readonly string[]) => names.map((name) => (name === of.from ? of.to : name))
  return {
    ...one,
    name: copy.finalName,
    definition: of.from === of.to ? one.definition : rewriteIndex(one.definition, of, copy.finalName),
    columns: renamed(one.columns),
    nameParts: renamed(one.nameParts),
    constraint: one.constraint === null ? null : copy.finalName,
  }
}
