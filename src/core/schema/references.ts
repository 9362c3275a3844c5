import { canonical } from '../hash.ts'
import { shown } from '../sql.ts'
import { isSameName, type ReferencingKey, type Schema, type Table } from './model.ts'

/** The schema after an operation, in which every table knows anew which foreign keys of the changed ones point at it. */
export function withReferences(before: Schema, after: Schema): Schema {
  // A partition has its keys from its parent, which is asked for them.
  const of = (some: Schema, others: Schema) =>
    some.tables.filter((table, at) => others.tables[at] !== table && table.kind !== 'partition')
  const [gone, made] = [of(before, after), of(after, before)]
  const isChanged = ({ table }: ReferencingKey) => [...gone, ...made].some((one) => isSameName(one, table))
  if (canonical(gone.flatMap(foreignKeys)) === canonical(made.flatMap(foreignKeys))) return after
  return {
    ...after,
    tables: after.tables.map((table) => ({
      ...table,
      referencedBy: [
        ...table.referencedBy.filter((key) => !isChanged(key)),
        ...made.flatMap((one) => keysTo(table, one)),
      ],
    })),
  }
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
      identity: `${shown(one.name)} on ${shown(namespace)}.${shown(name)}`,
    }))
}
