import { canonical } from '../hash.ts'

/** As `QualifiedName` of the model, which has these facts. */
interface Named {
  readonly namespace: string
  readonly name: string
}

/** What a person writes to make the value of one column out of others of its row. */
export interface MappingNeed {
  readonly table: Named
  readonly expression: string
  readonly over: readonly TypedColumn[]
  readonly into: TypedColumn
}

export interface TypedColumn {
  readonly name: string
  /** As a person writes it; the one that the column of the table has when absent. */
  readonly type?: string
  /** The column whose type it has where neither is there. */
  readonly like?: string
}

export interface MappingFacts {
  /** What it makes of a row of NULLs. */
  readonly ofNull: 'null' | 'value' | 'fails'
}

export function mappingKey({ table, expression, over, into }: MappingNeed): string {
  return canonical([table.namespace, table.name, expression, over, into])
}

export interface CollationFacts extends Named {
  /** Are two texts the same to it only if they are so to the last bit? */
  readonly deterministic: boolean
}

/** The collation of the database is that of the type, which no column has of its own. */
export function collationAsNamed({ namespace, name }: Named): Named | null {
  return namespace === 'pg_catalog' && name === 'default' ? null : { namespace, name }
}

/** A collation is looked for in `pg_catalog`, and then in the namespace of the table. */
export function collationKey({ namespace, name }: Named): string {
  return canonical([namespace, name])
}
