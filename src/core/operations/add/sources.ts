import { columnsNamed } from '../../parse.ts'
import { isNeverNull } from '../../plan/never-null.ts'
import type { AddColumn } from './add.ts'
import { isNullable } from './values.ts'

/** Columns that fill a NOT NULL column for whoever leaves it out: as long as nothing else does, they must not be NULL themselves. */
export function sourcesOf(op: AddColumn): readonly string[] {
  if (op.up === undefined || op.default !== undefined || isNullable(op) || isNeverNull(op.up)) return []
  return columnsNamed(op.up)
}
