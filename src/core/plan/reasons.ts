import type { Operation } from '../operations/migration.ts'
import type { Reasoned } from '../operations/reasoned.ts'

/** With these `unsafe` is no word for what many partitions take: it is of a statement, or of a name that instances say. */
type OtherMeaning = 'sql' | 'rename_enum_value'

type ReasonedKind = {
  [K in Operation['kind']]: 'unsafe' extends keyof Extract<Operation, { readonly kind: K }> ? K : never
}[Operation['kind']]

/** Those of which a step may change all partitions of a table. One that is missing here does not compile, nor does one that has no such field. */
const REASONED: Readonly<Record<Exclude<ReasonedKind, OtherMeaning>, true>> = {
  add_column: true,
  add_constraint: true,
  alter_column: true,
  change_type: true,
  create_index: true,
  create_object: true,
  create_table: true,
  drop_column: true,
  drop_constraint: true,
  drop_index: true,
  drop_object: true,
  drop_table: true,
  merge_columns: true,
  remove_enum_value: true,
  rename_column: true,
  rename_constraint: true,
  replace_index: true,
  replace_object: true,
  split_column: true,
}

export function takesReason(op: Operation): op is Operation & Reasoned {
  return op.kind in REASONED
}

export function reasonOf(op: Operation): string | undefined {
  return takesReason(op) ? op.unsafe : undefined
}
