import type { Table } from '../schema/model.ts'
import { id, qualified, type Sql, sql } from '../sql.ts'
import {
  keyPartLocks,
  looseKeyLocks,
  manyTriggers,
  ownLooseKeysSql,
  unprovedKeySql,
} from './foreign-key-parts.ts'
import { buildLocks, type IndexPartsOf } from './index-parts.ts'
import { aloneLock } from './locks.ts'
import type { PartConstraint } from './parts.ts'
import { all, indexValid } from './probes.ts'
import type { ForeignKeyPartsStep, StepDraft, TransactionStep } from './step.ts'

/** How keys come to a partitioned table, to which PostgreSQL adds them only while it reads all partitions; and how what is half done goes. */

/** A key is first of the table alone, and not valid: it becomes so with the key of the last partition. */
export function constraintPartsSteps(
  parts: IndexPartsOf & { readonly table: Table; readonly constraint: PartConstraint },
  words: { readonly make: string; readonly build: string },
  {
    hazards,
    stands,
    ...made
  }: Pick<TransactionStep, 'phase' | 'hazards' | 'probe' | 'makes' | 'requires'> & { readonly stands: Sql },
): readonly StepDraft[] {
  const { table, index, constraint } = parts
  return [
    {
      kind: 'ddl',
      ...made,
      does: words.make,
      hazards: [],
      locks: [aloneLock(table, 'access_exclusive')],
      statements: [
        sql`alter table only ${qualified(table)} add constraint ${id(index.name)} ${constraint.definition}`,
      ],
      cost: 'instant',
    },
    {
      ...parts,
      phase: made.phase,
      how: 'build',
      does: words.build,
      hazards,
      probe: all([stands, indexValid(index)]),
      locks: buildLocks(table, 'constraint'),
    },
  ]
}

/** A foreign key of a partitioned table. */
export type PartedKey = Pick<ForeignKeyPartsStep, 'other' | 'name' | 'definition' | 'columns'> & {
  readonly table: Table
}

/** Each partition gets the key and is proved by itself; the table takes these over. */
export function foreignKeyPartsStep(
  key: PartedKey,
  more: Pick<ForeignKeyPartsStep, 'phase' | 'hazards' | 'probe' | 'makes'> & {
    readonly comment?: string | null
    readonly shown?: string
  },
): StepDraft {
  const { shown = `"${key.name}"`, comment = null, ...rest } = more
  return {
    ...key,
    ...rest,
    hazards: [...more.hazards, ...manyTriggers(key.table, key.other)],
    kind: 'foreign_key_parts',
    how: 'add',
    does: `give each partition of "${key.table.name}" the foreign key ${shown}, and then the table`,
    comment,
    probe: sql`(${rest.probe} and not exists (${unprovedKeySql(key)}))`,
    locks: keyPartLocks(key.table, key),
  }
}

/** What partitions have got before their table has it. */
export function dropLooseForeignKeysStep(
  key: PartedKey,
  more: Pick<ForeignKeyPartsStep, 'phase' | 'unmakes'> & { readonly shown?: string },
): StepDraft {
  const { shown = `"${key.name}"`, ...rest } = more
  return {
    ...key,
    ...rest,
    kind: 'foreign_key_parts',
    how: 'drop',
    comment: null,
    does: `take the foreign key ${shown} from the partitions that have it before "${key.table.name}"`,
    hazards: [],
    probe: sql`not exists (${ownLooseKeysSql(key)})`,
    locks: looseKeyLocks(key.table, key),
  }
}
