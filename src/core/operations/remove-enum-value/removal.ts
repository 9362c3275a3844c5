import { assert } from '../../errors.ts'
import type { ColumnPlace } from '../../objects/type-columns.ts'
import type { Mapping } from '../../plan/mapping.ts'
import { namesFor } from '../../plan/names.ts'
import type { Facts } from '../../schema/facts.ts'
import {
  type Column,
  findColumn,
  findTable,
  type QualifiedName,
  type Schema,
  type Table,
} from '../../schema/model.ts'
import { lit, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { labelsOf, type OfType, theType } from '../enum/enum.ts'
import type { Reasoned } from '../reasoned.ts'
import { typeQuestion } from './catalog.ts'

/** Takes a value out of an enum, by another type that takes over its name. */
export interface RemoveEnumValue extends OfType, Reasoned {
  readonly kind: 'remove_enum_value'
  readonly value: string
  /** The value that rows with it get; null for NULL. */
  readonly becomes: string | null
}

/** What the server knows of the type. */
export interface Known {
  /** May the role make such a type, for the owner of the old one? */
  readonly makes: boolean
  readonly extension: boolean
  /** Of tables. */
  readonly columns: readonly ColumnPlace[]
  /** What else is made with the type, and goes with no column of these. */
  readonly users: readonly string[]
  /** Other enums with a value of that name. */
  readonly others: readonly QualifiedName[]
}

export function knownType(op: RemoveEnumValue, facts: Facts): Known | undefined {
  const answer = facts.answers[typeQuestion(theType(op), op.value)]
  assert(answer !== undefined, 'what an operation asks is answered')
  return 'problem' in answer ? undefined : (answer[0] as unknown as Known | undefined)
}

/** The types under names of ours: the new one until it takes over the name, and the old one from then on. */
export interface Types {
  readonly type: QualifiedName
  readonly next: QualifiedName
  readonly retired: QualifiedName
  readonly labels: readonly string[]
  readonly left: readonly string[]
}

export function typesOf(op: RemoveEnumValue, facts: Facts, seed: string): Types {
  const { twin, hidden } = namesFor(seed, op.type, [])
  const labels = labelsOf(op, facts) ?? []
  return {
    type: theType(op),
    next: { namespace: op.namespace, name: twin },
    retired: { namespace: op.namespace, name: hidden },
    labels,
    left: labels.filter((label) => label !== op.value),
  }
}

/** The columns of the type, as far as the schema has their tables. */
export function membersOf(
  op: RemoveEnumValue,
  facts: Facts,
  schema: Schema,
): readonly { readonly table: Table; readonly from: Column }[] {
  const columns = knownType(op, facts)?.columns ?? []
  return columns.flatMap(({ table: name, column }) => {
    const table = findTable(schema, name)
    const from = table === undefined ? undefined : findColumn(table, column)
    return table === undefined || from === undefined ? [] : [{ table, from }]
  })
}

export function isArray({ baseType }: Column): boolean {
  return baseType.endsWith('[]')
}

/** Through texts, which both types have in common; `old` and `renewed` are what they are called then. */
export function mappingOf(
  { value, becomes }: RemoveEnumValue,
  from: Column,
  { old, renewed }: { readonly old: QualifiedName; readonly renewed: QualifiedName },
): Mapping {
  const text = trusted('pg_catalog.text')
  if (isArray(from)) {
    return {
      up: (values) =>
        sql`pg_catalog.array_replace(${values}::${text}[], ${lit(value)}, ${lit(becomes)})::${qualified(renewed)}[]`,
      down: (values) => sql`${values}::${text}[]::${qualified(old)}[]`,
    }
  }
  return {
    up: (one) =>
      sql`(case when ${one}::${text} operator(pg_catalog.=) ${lit(value)} then ${lit(becomes)} else ${one}::${text} end)::${qualified(renewed)}`,
    down: (one) => sql`${one}::${text}::${qualified(old)}`,
  }
}

/** The type of a column, under another name. */
export function asColumnOf(from: Column, type: QualifiedName): Sql {
  return isArray(from) ? sql`${qualified(type)}[]` : qualified(type)
}
