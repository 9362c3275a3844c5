import type { QualifiedName } from './model.ts'

/** An expression that gives a column its value, row by row. */
export interface RowValue {
  readonly table: QualifiedName
  readonly expression: string
  /** The type that it must fit: as operations write it, or the one of a column that is there. */
  readonly fits: { readonly type: string } | { readonly column: string }
  /** `row`: immutable, over columns of the row. `virtual`: the same, for a generated column. `default`: over nothing, but free to differ each time. */
  readonly as: 'row' | 'virtual' | 'default'
}

export interface ValueFacts {
  /** As the server prints it: every name with its namespace, but those of `pg_catalog`. */
  readonly text: string
}

export function valueKey({ table, expression, fits, as }: RowValue): string {
  const of = 'type' in fits ? `as ${fits.type}` : `for ${fits.column}`
  return `${as} ${expression} ${of} of ${table.namespace}.${table.name}`
}
