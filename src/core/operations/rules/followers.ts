import {
  type Constraint,
  findTable,
  isSameName,
  primaryKey,
  type QualifiedName,
  type Schema,
  type Table,
} from '../../schema/model.ts'
import { nameOf } from '../../schema/name-of.ts'
import { constraintOn } from '../../schema/references.ts'
import { qualified } from '../../sql.ts'
import { ruleOf } from './known.ts'

/** A foreign key that points at a table, and of which columns each takes its values from which. */
export interface Follower {
  readonly table: Table
  readonly key: Constraint
  readonly pairs: readonly { readonly column: string; readonly of: string }[]
  /** As a dependent is called. */
  readonly identity: string
}

/** The foreign keys that point at a column of a table, also those of the table itself, as far as the schema knows their tables. */
export function followersOf(schema: Schema, of: Table, column: string): readonly Follower[] {
  const names = new Map(
    [of, ...of.referencedBy.map((key) => key.table)].map((name) => [qualified(name), name]),
  )
  return [...names.values()]
    .flatMap((name) => findTable(schema, name) ?? [])
    .flatMap((table) =>
      table.constraints
        .filter(({ references }) => references !== null && isSameName(references, of))
        .map((key) => follower(table, key, of)),
    )
    .filter(({ pairs }) => pairs.some((pair) => pair.of === column))
}

function follower(table: Table, key: Constraint, of: Table): Follower {
  const targets = columnsPointedAt(key, of)
  return {
    table,
    key,
    pairs: key.columns.map((column, at) => ({ column, of: targets[at] ?? '' })),
    identity: constraintOn(table, key.name),
  }
}

/** The columns that a foreign key points at: those of the primary key, where none are named, as far as its table is known. */
export function columnsPointedAt(key: Constraint, other: Table | undefined): readonly string[] {
  const rule = ruleOf(key)
  const named = rule?.kind === 'foreign_key' ? rule.otherColumns : []
  return named.length > 0 ? named : other === undefined ? [] : primaryKey(other)
}

export interface ColumnOf {
  readonly table: QualifiedName
  readonly column: string
}

/** A column, and behind it those of foreign keys that point at it, and at these, each once; `isMeant` says which of them. */
export function withFollowing(
  schema: Schema,
  start: ColumnOf,
  isMeant: (table: Table, column: string) => boolean = () => true,
): readonly ColumnOf[] {
  const found: ColumnOf[] = [start]
  // The list grows while it is gone through.
  for (const { table: name, column } of found) {
    const table = findTable(schema, name)
    if (table === undefined) continue
    const following = followersOf(schema, table, column).flatMap((one) =>
      one.pairs.flatMap((pair) => (pair.of === column ? [{ table: one.table, column: pair.column }] : [])),
    )
    for (const one of following) {
      const isKnown = found.some((other) => other.column === one.column && isSameName(other.table, one.table))
      if (!isKnown && isMeant(one.table, one.column))
        found.push({ table: nameOf(one.table), column: one.column })
    }
  }
  return found
}
