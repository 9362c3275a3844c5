import { canonical } from '../hash.ts'
import { qualified, shown } from '../sql.ts'
import {
  findTable,
  isSameName,
  type QualifiedName,
  type ReferencingKey,
  type Schema,
  type Table,
  withTable,
} from './model.ts'
import { takeChanges } from './table-places.ts'

/** The schema after an operation, in which every table knows anew which foreign keys of the changed ones point at it. */
export function withReferences(after: Schema, [gone, made]: Changed): Schema {
  if (canonical(gone.flatMap(foreignKeys)) === canonical(made.flatMap(foreignKeys))) return after
  const changed = new Set([...gone, ...made].map(qualified))
  const isOfChanged = ({ table }: ReferencingKey) => changed.has(qualified(table))
  return withEach(after, [...gone, ...made].flatMap(targetsOf), (table) => ({
    ...table,
    referencedBy: [
      ...table.referencedBy.filter((key) => !isOfChanged(key)),
      ...made.flatMap((one) => keysTo(table, one)),
    ],
  }))
}

/** The schema with each of these tables changed, once; those that it has not stay away. */
export function withEach(
  schema: Schema,
  names: readonly QualifiedName[],
  changed: (table: Table) => Table,
): Schema {
  const distinct = new Map(names.map((name) => [qualified(name), name]))
  return [...distinct.values()].reduce((so, name) => {
    const table = findTable(so, name)
    return table === undefined ? so : withTable(so, changed(table))
  }, schema)
}

/** The tables that an operation changed: as they were, and as they are. */
export type Changed = readonly [readonly Table[], readonly Table[]]

/** What differs: the tables before, and those after. A partition has its keys from its parent, which is asked for them. */
export function changedTables(before: Schema, after: Schema): Changed {
  const [gone, made]: [Table[], Table[]] = [[], []]
  const places = takeChanges(before.tables, after.tables) ?? [
    ...Array(Math.max(before.tables.length, after.tables.length)).keys(),
  ]
  for (const at of places) {
    const was = before.tables[at]
    const is = after.tables[at]
    if (was === is) continue
    if (was !== undefined && was.kind !== 'partition') gone.push(was)
    if (is !== undefined && is.kind !== 'partition') made.push(is)
  }
  return [gone, made]
}

function targetsOf({ constraints }: Table): readonly QualifiedName[] {
  return constraints.flatMap(({ references }) => (references === null ? [] : [references]))
}

/** All that is kept of them where they point. */
function foreignKeys({ namespace, name, constraints }: Table): readonly unknown[] {
  return constraints
    .filter(({ kind }) => kind === 'foreign_key')
    .map((one) => [namespace, name, one.name, one.references])
}

function keysTo(table: Table, of: Table): readonly ReferencingKey[] {
  if (isSameName(table, of)) return []
  const { namespace, name } = of
  return of.constraints
    .filter(({ references }) => references !== null && isSameName(references, table))
    .map((one) => ({
      table: { namespace, name },
      constraint: one.name,
      identity: constraintOn(of, one.name),
    }))
}

/** A constraint as dependents are called: `orders_user_id_fkey on public.orders`. */
export function constraintOn({ namespace, name }: QualifiedName, constraint: string): string {
  return `${shown(constraint)} on ${shown(namespace)}.${shown(name)}`
}
