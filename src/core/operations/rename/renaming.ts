import { type Mapping, mappingFor } from '../../plan/mapping.ts'
import type { Facts } from '../../schema/facts.ts'
import { type Column, findColumn, type Table } from '../../schema/model.ts'
import type { Problem } from '../retype/retype.ts'
import { type Target, targetOf } from '../retype/target.ts'
import { writtenMapping } from '../retype/written.ts'
import type { RenameColumn } from './rename.ts'

export interface Renaming {
  readonly target: Target
  readonly mapping: Mapping
  /** Does a value become another one on its way, and not just one of another type? */
  readonly changesValues: boolean
}

/** What the new column is to be and how it gets its values, or what is in the way. */
export function renamingOf(op: RenameColumn, table: Table, from: Column, facts: Facts): Renaming | Problem {
  const target = targetOf(op, from, facts, findColumn(table, op.to))
  if ('problem' in target) return target
  const { transform = 'copy', up } = op
  if (transform !== 'copy' && up !== undefined)
    return { problem: 'both "transform" and "up" say what becomes of its values', hint: 'Write one of them.' }
  const mapping = writtenMapping(op, from, target, facts) ?? mappingFor(from, target, transform, facts)
  if (!('problem' in mapping))
    return { target, mapping, changesValues: transform !== 'copy' || up !== undefined }
  if (transform !== 'copy') return mapping
  return {
    hint: `Say how: up: <expression over ${from.name} that gives ${target.type}> and down: <expression over ${op.to} that gives ${from.type}>`,
    ...mapping,
  }
}
