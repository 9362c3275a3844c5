import { readOverRow } from '../../over-row.ts'
import { readType } from '../../parse.ts'
import { castTo, cuts, type Mapping, mappingFor } from '../../plan/mapping.ts'
import { theTable } from '../../plan/table-checks.ts'
import type { Facts, TypeFacts } from '../../schema/facts.ts'
import {
  collationAsNamed,
  collationKey,
  type MappingFacts,
  type MappingNeed,
  mappingKey,
} from '../../schema/mappings.ts'
import type { Column, Table } from '../../schema/model.ts'
import type { Sql } from '../../sql.ts'
import { keptCollation } from '../copy/work.ts'
import { isFree } from './free.ts'

/** Gives a column another type, another collation or NOT NULL, under its own name. */
export interface ChangeType {
  readonly kind: 'change_type'
  readonly namespace: string
  readonly table: string
  readonly column: string
  /** As in SQL, such as `varchar(20)`; the one it has when absent. */
  readonly type?: string
  /** The name of a collation of `pg_catalog` or of the namespace of the table. */
  readonly collation?: string
  /** Makes a column NOT NULL that was not; `up` says what becomes of NULL. */
  readonly nullable?: false
  /** The new value, as an SQL expression over the old one, which it calls by the name of the column. */
  readonly up?: string
  /** The old value out of the new one, in the same way. */
  readonly down?: string
  /** `forward_only`: once the new type has taken over there is no way back. */
  readonly overlap?: 'forward_only'
}

/** How the change is done: in the catalog alone, or by a copy. */
export type Change = { readonly target: Target } & (
  | { readonly by: 'catalog' }
  // It is so already, as where a rollback has left a wider type and the migration is begun anew.
  | { readonly by: 'nothing' }
  | { readonly by: 'copy'; readonly mapping: Mapping }
)

/** What the column is to be. */
export interface Target extends TypeFacts {
  readonly collation: Column['collation']
  readonly notNull: boolean
}

export interface Problem {
  readonly problem: string
  readonly hint?: string
}

/** How a change would be done, or what is in its way. */
export function changeOf(op: ChangeType, table: Table, from: Column, facts: Facts): Change | Problem {
  const target = targetOf(op, from, facts)
  if ('problem' in target) return target
  if (op.type === undefined && op.collation === undefined && op.nullable === undefined && op.up === undefined)
    return { problem: 'nothing says what of it', hint: 'Write type, collation, or nullable: false.' }
  if (op.up !== undefined) return byHand(op, op.up, from, { target, facts })
  if (op.down !== undefined) return { problem: '"down" is given without "up"', hint: 'Write both, or none.' }
  if (target.notNull && from.nullable) {
    return {
      problem: 'nothing says what becomes of its NULLs',
      hint: `Write up, such as: up: coalesce(${from.name}, <value>)`,
    }
  }
  const isOfSameCollation = JSON.stringify(target.collation) === JSON.stringify(from.collation)
  if (target.type === from.type && isOfSameCollation) return { by: 'nothing', target }
  if (isOfSameCollation && isFree(table, from, target)) return { by: 'catalog', target }
  const mapping = mappingFor(from, target, 'copy', facts)
  if (!('problem' in mapping) && mapping.down !== undefined) return { by: 'copy', mapping, target }
  return {
    problem:
      'problem' in mapping
        ? mapping.problem
        : `not every ${from.type} has its place in ${target.type} and comes back`,
    hint: `Say how: up: <expression over ${from.name} that gives ${target.type}> and down: <expression over ${from.name} that gives ${from.type}>`,
  }
}

function targetOf(op: ChangeType, from: Column, facts: Facts): Target | Problem {
  const type = op.type === undefined ? from : facts.types[op.type]
  if (type === undefined || (op.type !== undefined && typeof readType(op.type) !== 'string'))
    return { problem: `there is no type "${op.type}"` }
  if (type.typeConstrained)
    return { problem: `${type.type} is a domain with constraints; adding such a column rewrites the table` }
  if (type.typeKind === 'composite') return { problem: `${type.type} is a composite type` }
  const named = op.collation === undefined ? undefined : { namespace: op.namespace, name: op.collation }
  const found = named === undefined ? undefined : facts.collations[collationKey(named)]
  if (named !== undefined && found === undefined)
    return { problem: `there is no collation "${op.collation}"` }
  if (named !== undefined && !type.collatable)
    return { problem: `${type.type} has no order of texts, so it takes no collation` }
  const { baseType, typeKind, typeConstrained, collatable, typeStorage } = type
  return {
    type: type.type,
    baseType,
    typeKind,
    typeConstrained,
    collatable,
    typeStorage,
    collation: found === undefined ? keptCollation(from, type) : collationAsNamed(found),
    notNull: op.nullable === false || !from.nullable,
  }
}

/** By expressions that a person wrote, which the server has seen. */
function byHand(
  op: ChangeType,
  up: string,
  from: Column,
  { target, facts }: { readonly target: Target; readonly facts: Facts },
): Change | Problem {
  // An explicit cast to these cuts a value that is too long, and nobody is told.
  if (from.type !== target.type && cuts(target))
    return { problem: `values cannot be assigned to ${target.type} without being cut` }
  const [there, back] = mappingNeeds(op).map((need) => wayOf(need, facts))
  if (there === undefined || 'problem' in there)
    return { problem: `"up" (${up}) cannot be used: ${there?.problem}` }
  if (back !== undefined && 'problem' in back)
    return { problem: `"down" (${op.down}) cannot be used: ${back.problem}` }
  const nulls = nullProblem(op, from, target, { there, back })
  if (nulls !== undefined) return nulls
  const [cast, castBack] = [castTo(target), castTo(from)]
  return {
    by: 'copy',
    target,
    mapping: {
      up: (old) => cast(there.at(old)),
      down: back === undefined ? undefined : (renewed) => castBack(back.at(renewed)),
    },
  }
}

/** One direction, by an expression that the server takes. */
interface Way extends MappingFacts {
  readonly at: (value: Sql) => Sql
}

function wayOf(need: MappingNeed, facts: Facts): Way | Problem {
  const read = readOverRow(
    need.expression,
    need.over.map(({ name }) => name),
  )
  if ('problem' in read) return read
  const known = facts.mappings[mappingKey(need)]
  if (known === undefined) return { problem: 'the server was not asked about it' }
  return 'problem' in known ? known : { ...known, at: (value) => read.at(() => value) }
}

/** NULL is a value that every writer of a nullable column may write. */
function nullProblem(
  op: ChangeType,
  from: Column,
  target: Target,
  { there, back }: { readonly there: Way; readonly back: Way | undefined },
): Problem | undefined {
  if (from.nullable && target.notNull && there.ofNull !== 'value') {
    return {
      problem: `it is to be NOT NULL, and "up" (${op.up}) makes no value of NULL`,
      hint: `Write such as: up: coalesce(${op.up}, <value>)`,
    }
  }
  if (from.nullable && there.ofNull === 'fails') return { problem: `"up" (${op.up}) fails for NULL` }
  if (!target.notNull && back?.ofNull === 'fails') return { problem: `"down" (${op.down}) fails for NULL` }
  return undefined
}

/** `up`, and `down` if there is one. */
export function mappingNeeds(op: ChangeType): readonly MappingNeed[] {
  const [table, old] = [theTable(op), { name: op.column }]
  const renewed = op.type === undefined ? old : { ...old, type: op.type }
  return [
    ...(op.up === undefined ? [] : [{ table, expression: op.up, over: [old], into: renewed }]),
    ...(op.down === undefined ? [] : [{ table, expression: op.down, over: [renewed], into: old }]),
  ]
}
