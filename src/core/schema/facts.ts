import { qualified } from '../sql.ts'
import type { BoundFacts } from './bounds.ts'
import type { DefinitionFacts } from './definitions.ts'
import type { ExclusionFacts } from './exclusions.ts'
import type { IndexFacts } from './indexes.ts'
import type { CollationFacts, MappingFacts } from './mappings.ts'
import type { Column, QualifiedName, Volatility } from './model.ts'

export type TypeFacts = Pick<
  Column,
  'type' | 'baseType' | 'typeKind' | 'typeConstrained' | 'collatable' | 'typeStorage'
> & {
  /** Told of a domain with a constraint or a default. */
  readonly domain?: {
    readonly hasDefault: boolean
    readonly takesNull: boolean
  }
}

/** What the planner knows about the server, gathered before so that planning stays pure. */
export interface Facts {
  /** Such as 180004; `Math.floor(version / 10_000)` is the major. */
  readonly serverVersion: number
  /**
   * By `from -> to`, both base types: how PostgreSQL would assign one to the other. `unsteady`: the value depends on settings
   * of the session, such as its time zone.
   */
  readonly casts: Readonly<Record<string, 'same' | 'implicit' | 'assignment' | 'unsteady' | 'none'>>
  /** Types that operations name, as PostgreSQL would print them; absent when there is no such type. */
  readonly types: Readonly<Record<string, TypeFacts>>
  /** Expressions that operations name, by `expressionKey`: what is known, or why the server does not take it for the column's type. */
  readonly expressions: Readonly<Record<string, ExpressionFacts | { readonly problem: string }>>
  /** Names that operations want to give to something new, by `nameKey`: why that cannot be. Absent of a name that is free. */
  readonly names: Readonly<Record<string, NameProblem>>
  /** Namespaces in which the connected role may make nothing. */
  readonly closedNamespaces: readonly string[]
  /** What columns are to hold, by `valueKey`. */
  readonly values: Readonly<Record<string, ValueFacts | { readonly problem: string }>>
  /** Expressions that carry values from columns to another one, by `mappingKey`; absent where a column or a type is not there. */
  readonly mappings: Readonly<Record<string, MappingFacts | { readonly problem: string }>>
  /** Collations that operations name, by `collationKey`; absent when there is no such collation. */
  readonly collations: Readonly<Record<string, CollationFacts>>
  /** Conditions on rows, by `conditionKey`: how steady, or why the server does not take it for its table. */
  readonly conditions: Readonly<
    Record<string, Pick<ExpressionFacts, 'volatility'> | { readonly problem: string }>
  >
  /** Index definitions, by their text: what the server makes of them, or why it does not take them. */
  readonly indexes: Readonly<Record<string, IndexFacts | { readonly problem: string }>>
  /** What stands behind EXCLUDE, by `exclusionKey`: what the server makes of it, or why it does not take it; absent of a table that it could not be asked about. */
  readonly exclusions: Readonly<Record<string, ExclusionFacts | { readonly problem: string }>>
  /** Storage parameters with their values that the server does not take, as operations write them, each with why. */
  readonly options: Readonly<Record<string, string>>
  /** Definitions of objects, by `definitionKey`: what the server makes of them, or why it does not take them; absent where it was not asked. */
  readonly definitions: Readonly<Record<string, DefinitionFacts | { readonly problem: string }>>
  /** Views that were to be made anew as they are, by `nameKey`: are they printed the same then? Absent where that could not be tried. */
  readonly reprinted: Readonly<Record<string, boolean>>
  /** Bounds of partitions, by `boundKey`: what the server makes of them, or why it does not take them. */
  readonly bounds: Readonly<Record<string, BoundFacts | { readonly problem: string }>>
  /** Rows of the queries that operations ask, by the text of the query, or why the server does not answer. */
  readonly answers: Readonly<Record<string, Answer>>
}

export type Answer = readonly Readonly<Record<string, unknown>>[] | { readonly problem: string }

/** There is no such namespace, nothing may be made in it, or a relation or a type has the name. */
export type NameProblem = 'no_namespace' | 'not_allowed' | 'taken'

export function nameKey({ namespace, name }: QualifiedName): string {
  return JSON.stringify([namespace, name])
}

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

export interface ExpressionFacts {
  readonly volatility: Volatility
  /** As `defaultText` of a column. */
  readonly text: string | null
  /** As the server prints it as a default; told of a column that the migration copies, and of a domain. */
  readonly printed?: string
}

/** An expression fits one type and not another, and other rows, so what is known of it is kept under all of them. */
export function expressionKey(expression: string, type: string, row?: RowShape): string {
  return `${expression} as ${type}${row === undefined ? '' : ` of ${JSON.stringify(row)}`}`
}

/** The columns that an expression may name, of a table that is not there yet. */
export type RowShape = readonly { readonly name: string; readonly type: string }[]

export function conditionKey(table: QualifiedName, condition: string): string {
  return `${condition} on ${qualified(table)}`
}
