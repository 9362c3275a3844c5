import { entriesByName } from '../../entries.ts'
import type { Table } from '../../schema/model.ts'

/** Sets what a table has beside its columns: what is not named stays. */
export interface SetTable {
  readonly kind: 'set_table'
  readonly namespace: string
  readonly table: string
  /** Null takes it away. */
  readonly comment?: string | null
  /** Storage parameters by their names, such as `fillfactor`. */
  readonly set: Readonly<Record<string, string>>
  /** Storage parameters that become what the server has by default. */
  readonly reset: readonly string[]
  readonly replicaIdentity?: ReplicaIdentity
}

export type ReplicaIdentity = 'default' | 'full' | 'nothing' | { readonly index: string }

/** The storage parameters that an operation names. */
export function parametersOf({ set, reset }: SetTable): readonly string[] {
  return [...entriesByName(set).map(([name]) => name), ...reset]
}

/** What a table has of all that. */
export type Settings = Pick<Table, 'comment' | 'options' | 'replicaIdentity' | 'indexes'>
