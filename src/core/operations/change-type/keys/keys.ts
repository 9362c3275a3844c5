import { assert } from '../../../errors.ts'
import { keepsEveryValue, type Mapping, mappingFor } from '../../../plan/mapping.ts'
import type { Requirement } from '../../../plan/step.ts'
import { theTable } from '../../../plan/table-checks.ts'
import type { Facts } from '../../../schema/facts.ts'
import {
  type Column,
  findColumn,
  findTable,
  isSameName,
  primaryKeyOf,
  type QualifiedName,
  type Schema,
  type Table,
} from '../../../schema/model.ts'
import { type Sql, shown } from '../../../sql.ts'
import { type Copy, keptCollation, twinColumn, type Work, workUnderOneName } from '../../copy/work.ts'
import { identityOf } from '../../keys/identity.ts'
import { type Link, type Linked, linkedBy, linkOf } from '../../keys/links.ts'
import { comesAnew } from '../../keys/links-again.ts'
import type { Context } from '../../operation.ts'
import type { Target } from '../../retype/target.ts'
import { type ColumnOf, withFollowing } from '../../rules/followers.ts'
import type { ChangeType } from '../change.ts'
import { besides, ownThings } from './neighbours.ts'
import { isParted, spareParts } from './parted.ts'
import type { PrimaryKey } from './primary-key.ts'

/** A column whose rows are known by it, and all that changes with it. */
export interface Keys {
  /** The column itself, and those of foreign keys that point at it. */
  readonly members: readonly Member[]
  readonly primaryKeys: readonly PrimaryKey[]
  /** The foreign keys between them, which have twins. */
  readonly links: readonly Link[]
  /** Those that come anew with the primary key that they stand on. */
  readonly anew: readonly Link[]
  readonly along?: Along
}

/** What changes its name at the same time, and before the columns do. */
export interface Along {
  /** By the names that functions know. */
  readonly types: readonly QualifiedName[]
  readonly requires: readonly Requirement[]
  readonly requiresBack: readonly Requirement[]
  readonly there: readonly Sql[]
  readonly back: readonly Sql[]
  readonly isThere: Sql
  readonly isBack: Sql
}

/** One of several columns that change at once: what it is to be, and how its values get there. */
export interface Changing
  extends ColumnOf,
    Pick<Copy, 'toColumn' | 'mapping' | 'mappingHidden' | 'notNull' | 'asOwner'> {
  readonly seed: string
}

export interface Member extends Work {
  /** Of a primary key, or an identity: NOT NULL as soon as it has the name. */
  readonly isFilled: boolean
  /** The sequence of an identity. */
  readonly identity: QualifiedName | undefined
}

/** The columns that change: one of a foreign key that takes every value of the new type already stays, and what points at that, too. */
export function changing(op: ChangeType, schema: Schema, target: Target): readonly ColumnOf[] {
  return withFollowing(schema, { table: theTable(op), column: op.column }, (table, name) => {
    const column = findColumn(table, name)
    return column !== undefined && column.type !== target.type && !keepsEveryValue(target, column)
  })
}

/** How the values of a column that follows get to the new type. */
export function followingMapping(
  from: Column,
  target: Target,
  facts: Facts,
): Mapping | { readonly problem: string } {
  const mapping = mappingFor(from, target, 'copy', facts)
  if ('problem' in mapping || mapping.down !== undefined) return mapping
  return { problem: `not every ${from.type} has its place in ${target.type} and comes back` }
}

/** What a column that follows is to be: of the new type, and for the rest as it was. */
export function followingTarget(from: Column, target: Target): Target {
  return { ...target, collation: keptCollation(from, target), notNull: !from.nullable }
}

export function keysOf(
  op: ChangeType,
  { schema, facts, seed }: Context,
  change: { readonly target: Target; readonly mapping: Mapping },
): Keys {
  const each = changing(op, schema, change.target).map((column, at): Changing => {
    const { from } = found(schema, column)
    const target = at === 0 ? change.target : followingTarget(from, change.target)
    const mapping = at === 0 ? change.mapping : followingMapping(from, target, facts)
    assert(!('problem' in mapping), 'steps come after check')
    const { notNull, collation, ...type } = target
    const toColumn = twinColumn(from, type, { name: from.name, collation })
    return { ...column, toColumn, mapping, notNull, seed: at === 0 ? seed : seedOf(seed, column) }
  })
  return together(each, schema, identityOf(op, facts))
}

/** Names of ours are told apart by it. */
export function seedOf(seed: string, { table, column }: ColumnOf): string {
  return `${seed} ${shown(table.namespace)}.${table.name}.${column}`
}

/** Columns that change their names at once, whatever tables they are of. */
export function together(
  columns: readonly Changing[],
  schema: Schema,
  identity?: QualifiedName,
): Omit<Keys, 'along'> {
  const linked = linkedBy(schema, columns)
  const copied = (changed: Changing, besides: (table: Table) => Table): Work => {
    const { table: _, column: __, seed, ...how } = changed
    const { table, from } = found(schema, changed)
    return workUnderOneName({
      ...how,
      table: besides(table),
      fromColumn: from,
      adopted: false,
      changesValues: false,
      context: { seed },
    })
  }
  const alone = columns.map((column) => copied(column, (table) => table))
  const primaryKeys = primaryKeysOf(schema, alone)
  const links = linked.map((one) => linkOf(one, alone, (alone[0] as Work).names.copy(one.key.name)))
  return {
    members: alone.map((work, at) => {
      const others = alone.filter((one) => one !== work && isSameName(one.table, work.table))
      const later = alone.slice(at + 1).filter((one) => isSameName(one.table, work.table))
      const key = primaryKeys.find(({ table }) => isSameName(table, work.table))
      const mine = copied(columns[at] as Changing, (table) => besides(table, others, linked))
      return {
        ...mine,
        things: ownThings(mine, later, linked),
        leaving: {
          ...mine.leaving,
          known: [...mine.leaving.known, ...knownOn(work, linked, key)],
          ...(key !== undefined && isParted(key) ? { standing: spareParts(key).prefix } : {}),
        },
        isFilled: work.fromColumn.identity !== 'no' || key?.columns.some(({ to }) => to === work.to) === true,
        identity: work.fromColumn.identity === 'no' ? undefined : identity,
      }
    }),
    primaryKeys,
    links: links.filter((one) => !comesAnew(one)),
    anew: links.filter(comesAnew),
  }
}

/** All foreign keys between the columns. */
export function linksOf({ links, anew }: Pick<Keys, 'links' | 'anew'>): readonly Link[] {
  return [...links, ...anew]
}

function found(schema: Schema, of: ColumnOf): { readonly table: Table; readonly from: Column } {
  const table = findTable(schema, of.table)
  const from = table === undefined ? undefined : findColumn(table, of.column)
  assert(table !== undefined && from !== undefined, 'steps come after check')
  return { table, from }
}

function primaryKeysOf(schema: Schema, works: readonly Work[]): readonly PrimaryKey[] {
  const tables = [...new Set(works.map(({ table }) => findTable(schema, table) as Table))]
  return tables.flatMap((table) => {
    const key = primaryKeyOf(table)
    const index = table.indexes.find(({ constraint }) => constraint === key?.name)
    const mine = works.filter((one) => isSameName(one.table, table) && index?.columns.includes(one.from))
    const [first] = mine
    if (key === undefined || index === undefined || first === undefined) return []
    return [
      {
        table,
        key,
        index,
        columns: mine.map(({ from, to, leaving }) => ({ from, to, hidden: leaving.hidden })),
        next: first.names.copy(key.name),
        spare: first.names.copy(`${key.name} spare`),
      },
    ]
  })
}

function knownOn(
  { table, from }: Work,
  linked: readonly Linked[],
  key: PrimaryKey | undefined,
): readonly string[] {
  return [
    ...linked
      .filter(({ other, pairs }) => isSameName(other, table) && pairs.some(({ of }) => of === from))
      .map((one) => one.key.name),
    ...(key === undefined ? [] : [key.spare]),
  ]
}
