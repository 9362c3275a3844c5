import type { StandingParts } from '../../plan/parts.ts'
import { type CarriedKey, dropStandingStep, standingParts, standStep } from '../../plan/standing-parts.ts'
import type { StepDraft } from '../../plan/step.ts'
import { swapPartKeysSql } from '../../plan/swap-part-keys.ts'
import { qualified, type Sql, sql } from '../../sql.ts'
import type { Work } from './work.ts'

/** The primary key of a partitioned table, as it goes over to a column of another name. */
export interface PartKey extends CarriedKey {
  /** The unique index of the whole table that guards the new column until then. */
  readonly guard: string
  readonly parts: StandingParts
  /** The new column. */
  readonly to: string
  readonly from: string
}

export function partKeysOf({
  table,
  things,
  from,
  to,
}: Pick<Work, 'table' | 'things' | 'from' | 'to'>): readonly PartKey[] {
  if (table.kind !== 'partitioned') return []
  return things.keys.flatMap(({ original: key, copyName: guard }) => {
    const index = table.indexes.find(({ constraint }) => constraint === key.name)
    if (index === undefined) return []
    const carried = { table, key, index }
    return [{ ...carried, guard, from, to, parts: standingParts(carried, guard, [{ from, to }]) }]
  })
}

/** Behind the rollout, when nobody waits for it, and before the purge, which uses it up. */
export function standPartKeyStep({ table, key, to, parts }: PartKey): StepDraft {
  return standStep(parts, table, {
    phase: 'retire',
    does: `build in each partition of "${table.name}" the index that is to be the primary key "${key.name}" with "${to}"`,
    hazards: [],
  })
}

export function dropPartKeyStep({ table, key, to, parts }: PartKey): StepDraft {
  return dropStandingStep(parts, table, `drop what was built for the primary key "${key.name}" with "${to}"`)
}

/** Before the old column goes, with which its key would go. */
export function takeOverPartKeySql({ guard, from, to, parts, ...carried }: PartKey): readonly Sql[] {
  return [
    swapPartKeysSql(carried, parts, [{ from, to }]),
    sql`drop index ${qualified({ namespace: carried.table.namespace, name: guard })} restrict`,
  ]
}
