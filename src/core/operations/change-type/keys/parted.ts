import type { Renamed } from '../../../plan/copied.ts'
import type { StandingParts } from '../../../plan/parts.ts'
import { allStand, dropStandingStep, standingParts, standStep } from '../../../plan/standing-parts.ts'
import type { Requirement, StepDraft } from '../../../plan/step.ts'
import { swapPartKeysSql } from '../../../plan/swap-part-keys.ts'
import type { Sql } from '../../../sql.ts'
import type { KeyColumn, PrimaryKey } from './primary-key.ts'

/** Primary keys of partitioned tables: what is one index of another table is one of each partition here. */

export function isParted({ table }: Pick<PrimaryKey, 'table'>): boolean {
  return table.kind === 'partitioned'
}

export function partedOf(keys: readonly PrimaryKey[]): readonly PrimaryKey[] {
  return keys.filter(isParted)
}

/** Of the new columns, as they are called until they have their names. */
export function nextParts(key: PrimaryKey): StandingParts {
  return standingParts(
    key,
    key.next,
    key.columns.map(({ from, to }) => ({ from, to, finalName: from })),
  )
}

/** Of the old columns, before they are hidden, or behind that. */
export function spareParts(key: PrimaryKey, when: 'shown' | 'hidden' = 'shown'): StandingParts {
  return standingParts(key, key.spare, when === 'shown' ? [] : key.columns.map(asHidden))
}

function asHidden({ from, hidden }: KeyColumn): Renamed {
  return { from, to: hidden, finalName: from }
}

export function standPartsStep(
  { table }: PrimaryKey,
  parts: StandingParts,
  { does, hazards }: Pick<StepDraft, 'does' | 'hazards'>,
): StepDraft {
  return standStep(parts, table, { does: `${does}, in each partition`, hazards, phase: 'retire' })
}

export function dropSparesStep(key: PrimaryKey): StepDraft {
  return dropStandingStep(
    spareParts(key),
    key.table,
    `drop what was built for the old key of "${key.table.name}" to come back`,
  )
}

/** Besides the new key the way back has to stand: nothing else keeps the hidden column unique. */
export function standThere(keys: readonly PrimaryKey[]): Standing {
  return standing(partedOf(keys).flatMap((key) => [nextParts(key), spareParts(key)]))
}

export function standBack(keys: readonly PrimaryKey[]): Standing {
  return standing(partedOf(keys).map((key) => spareParts(key, 'hidden')))
}

interface Standing {
  readonly stands?: readonly StandingParts[]
}

function standing(parts: readonly StandingParts[]): Standing {
  return parts.length === 0 ? {} : { stands: parts }
}

export function standRequirements({ stands = [] }: Standing): readonly Requirement[] {
  return stands.map(allStand)
}

/** When the new columns have their names. */
export function takeOverPartsSql(key: PrimaryKey): Sql {
  return swapPartKeysSql(key, nextParts(key), [])
}

/** When the old columns have theirs again. */
export function giveBackPartsSql(key: PrimaryKey): Sql {
  return swapPartKeysSql(key, spareParts(key), [])
}
