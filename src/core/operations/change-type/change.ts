import { type Mapping, mappingFor } from '../../plan/mapping.ts'
import { rowHolders } from '../../plan/row-types.ts'
import type { Facts } from '../../schema/facts.ts'
import type { Column, Table } from '../../schema/model.ts'
import type { Problem, Retype, Retyped } from '../retype/retype.ts'
import { type Target, targetOf } from '../retype/target.ts'
import { writtenMapping } from '../retype/written.ts'
import { isFree } from './free.ts'

/** Gives a column another type, another collation or NOT NULL, under its own name. */
export interface ChangeType extends Retype {
  readonly kind: 'change_type'
  readonly column: string
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

export function retyped(op: ChangeType): Retyped {
  return { ...op, from: op.column, to: op.column }
}

/** How a change would be done, or what is in its way. */
export function changeOf(op: ChangeType, table: Table, from: Column, facts: Facts): Change | Problem {
  const target = targetOf(op, from, facts)
  if ('problem' in target) return target
  if (op.type === undefined && op.collation === undefined && op.nullable === undefined && op.up === undefined)
    return { problem: 'nothing says what of it', hint: 'Write type, collation, or nullable: false.' }
  const written = writtenMapping(retyped(op), from, target, facts)
  if (written !== undefined) return 'problem' in written ? written : { by: 'copy', target, mapping: written }
  const isOfSameCollation = JSON.stringify(target.collation) === JSON.stringify(from.collation)
  if (target.type === from.type && isOfSameCollation) return { by: 'nothing', target }
  // Where rows of the table are held elsewhere PostgreSQL changes no type of it.
  if (isOfSameCollation && isFree(table, from, target) && rowHolders(table, facts).length === 0)
    return { by: 'catalog', target }
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
