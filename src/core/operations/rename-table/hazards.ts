import type { Hazard } from '../../plan/hazard.ts'
import type { Facts } from '../../schema/facts.ts'
import type { Table } from '../../schema/model.ts'

const MERGE_SINCE = 170_000

/** What the new version cannot do yet; measured, see decision 0027. */
export function viewHazard(
  { table, to }: { readonly table: string; readonly to: string },
  { serverVersion }: Facts,
): Hazard {
  const merge = serverVersion < MERGE_SINCE ? ', MERGE' : ''
  return {
    code: 'narrow_until_contract',
    because: `Until the contract "${to}" is a view of "${table}": COPY, TRUNCATE${merge}, ON CONFLICT ON CONSTRAINT, TABLESAMPLE, system columns such as ctid, and GROUP BY of its key alone fail on it.`,
  }
}

/** PostgreSQL keeps no record of what texts name: they go on under the old name until the contract, and no longer. */
export function textHazards({ name, dependents, mentions }: Table, to: string): readonly Hazard[] {
  const byText = dependents.filter((one) => one.bound !== true)
  const isSure = (other: string) => byText.some((one) => one.name === other)
  return [
    ...byText.map((one) => ({
      code: 'blocks_contract' as const,
      because: `The ${one.kind} ${one.name} says "${name}". Change it to "${to}" before the contract.`,
    })),
    ...mentions
      .filter((one) => one.column === undefined && !isSure(one.name))
      .map((one) => ({
        code: 'may_break' as const,
        because: `The ${one.kind} ${one.name} may use "${name}" in its text.`,
      })),
  ]
}

/** What PostgreSQL knows by the table and not by its name. */
export function followerHazards({ name, dependents, publications }: Table, to: string): readonly Hazard[] {
  return [
    ...dependents
      .filter((one) => one.bound === true && one.kind !== 'publication')
      .map((one) => ({
        code: 'follows_rename' as const,
        because: `The ${one.kind} ${one.name} follows "${name}" to "${to}" without a word.`,
      })),
    ...publications.map((publication) => ({
      code: 'may_break' as const,
      because: `The publication ${publication} tells of "${to}" from then on: a subscriber must have a table of that name.`,
    })),
  ]
}
