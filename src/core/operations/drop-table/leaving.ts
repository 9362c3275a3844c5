import { namesFor } from '../../plan/names.ts'
import type { LeavingTable } from '../../plan/retire-table.ts'
import { findTable, isSameName, type QualifiedName, type Table } from '../../schema/model.ts'
import { constraintOn } from '../../schema/references.ts'
import type { Context } from '../operation.ts'

/** A table that goes, and the foreign keys that go before it in the same migration: `check` has seen to it that no other is left. */
export function leavingTable(table: Table, context: Context): LeavingTable {
  const { namespace, name, kind, referencedBy, dependents } = table
  const pointing = [
    ...referencedBy.map(({ identity }) => identity),
    ...dependents.flatMap((one) => (one.kind === 'foreign key' ? [one.name] : [])),
    ...hiddenKeys(table, context),
  ]
  const hidden = hiddenName(table, context.seed)
  return { table: { namespace, name }, hidden, kind, along: [...new Set(pointing)] }
}

/** What foreign keys are called whose table goes before this one, and is hidden by then. */
function hiddenKeys(table: QualifiedName, { given, droppedBefore = [] }: Context): readonly string[] {
  const keys = findTable(given, table)?.referencedBy ?? []
  return keys.flatMap(({ table: from, constraint }) =>
    droppedBefore
      .filter((one) => isSameName(one.table, from))
      .map(({ seed }) => constraintOn(hiddenName(from, seed), constraint)),
  )
}

function hiddenName({ namespace, name }: QualifiedName, seed: string): QualifiedName {
  return { namespace, name: namesFor(seed, name, []).hidden }
}
