import type { Schema } from '../../src/core/schema/model.ts'

/** The model without what differs between two databases of one schema: sizes, slots used up, and how a definition is written. */
export function comparable({ tables }: Schema): unknown {
  return tables.toSorted(byName).map((table) => ({
    ...table,
    columns: table.columns.map((column) => ({ ...column, default: column.default !== null })),
    constraints: table.constraints.toSorted(byName).map((one) => ({
      ...one,
      definition: undefined,
      dependents: undefined,
      partnerParts: undefined,
      under: undefined,
    })),
    indexes: table.indexes.toSorted(byName).map((one) => ({
      ...one,
      definition: undefined,
      foreignKeys: undefined,
      markedParts: undefined,
      columns: one.columns.toSorted(),
    })),
    parts: table.parts.toSorted(byName),
    bytes: undefined,
    columnSlots: undefined,
    rowsEstimate: undefined,
    neighbours: undefined,
    dependents: undefined,
    mentions: undefined,
    grants: undefined,
    options: table.options.toSorted(),
    referencedBy: table.referencedBy.toSorted((a, b) => (a.identity < b.identity ? -1 : 1)),
  }))
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1
}
