import type { MappingNeed, TypedColumn } from '../../schema/mappings.ts'
import type { OperationNeeds } from '../needs.ts'
import type { Reasoned } from '../reasoned.ts'

/** What of a column is to be another, whether it keeps its name or not. */
export interface Retype extends Reasoned {
  readonly namespace: string
  readonly table: string
  /** As in SQL, such as `varchar(20)`; the one it has when absent. */
  readonly type?: string
  /** The name of a collation of `pg_catalog` or of the namespace of the table. */
  readonly collation?: string
  /** Makes a column NOT NULL that was not; `up` says what becomes of NULL. */
  readonly nullable?: false
  /** The new value, as an SQL expression over the old one, which it calls by the name of the old column. */
  readonly up?: string
  /** The old value out of the new one, which it calls by the name of the new column. */
  readonly down?: string
}

/** The same, of which column, and what that is called in the end. */
export interface Retyped extends Retype {
  readonly from: string
  readonly to: string
}

export interface Problem {
  readonly problem: string
  readonly hint?: string
}

export function retypeNeeds(of: Retyped): Pick<OperationNeeds, 'types' | 'mappings' | 'collations' | 'adds'> {
  const { namespace, table: name, type, collation } = of
  return {
    adds: [
      {
        table: { namespace, name },
        column: of.to,
        like: of.from,
        ...(type === undefined ? {} : { type }),
        ...(collation === undefined ? {} : { collation }),
      },
    ],
    types: of.type === undefined ? [] : [of.type],
    mappings: mappingNeeds(of),
    collations: of.collation === undefined ? [] : [{ namespace: of.namespace, name: of.collation }],
  }
}

/** `up`, and `down` if there is one. */
export function mappingNeeds({
  namespace,
  table: name,
  ...of
}: Omit<Retyped, 'collation' | 'nullable'>): readonly MappingNeed[] {
  const table = { namespace, name }
  const old = { name: of.from }
  const renewed: TypedColumn = {
    name: of.to,
    ...(of.type === undefined ? {} : { type: of.type }),
    ...(of.type !== undefined || of.to === of.from ? {} : { like: of.from }),
  }
  return [
    ...(of.up === undefined ? [] : [{ table, expression: of.up, over: [old], into: renewed }]),
    ...(of.down === undefined ? [] : [{ table, expression: of.down, over: [renewed], into: old }]),
  ]
}
