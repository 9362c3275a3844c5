import type { BellowsError } from '../../errors.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { refused } from '../../plan/table-checks.ts'
import { findColumn, type Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import { behindTable } from './likeness.ts'

/**
 * Beside a default partition rows come to one that is attached which were taken by the default one before. What it has of its own, and
 * its table has not, may refuse them.
 */
export function ownRuleProblems(table: Table, part: Table): readonly BellowsError[] {
  const filled = part.columns.filter(
    ({ name, nullable }) =>
      !nullable && !table.keyedBy.includes(name) && findColumn(table, name)?.nullable === true,
  )
  const rules = part.constraints.filter(
    ({ kind, definition }) =>
      (kind === 'foreign_key' || kind === 'exclusion') &&
      !table.constraints.some((one) => one.definition === definition),
  )
  const of = [
    ...filled.map(({ name }) => `NOT NULL of ${shown(name)}`),
    ...rules.map(({ name }) => `the constraint ${shown(name)}`),
  ]
  return of.map((rule) =>
    refused(
      `"${part.name}" has ${rule}, and "${table.name}" has not: rows that the default partition takes would be refused when they belong to "${part.name}".`,
      `Take it from "${part.name}" first, or give it to "${table.name}".`,
    ),
  )
}

/** Of these nobody can tell whether a row breaks them that is written to the table: a check may say no more than the bounds. */
export function ownRuleHazards(table: Table, part: Table): readonly Hazard[] {
  const checks = part.constraints.filter(
    ({ kind, name }) =>
      kind === 'check' && !table.constraints.some((one) => one.kind === 'check' && one.name === name),
  )
  const unique = part.indexes.filter(
    (mine) =>
      mine.unique && !table.indexes.some((one) => one.unique && behindTable(one) === behindTable(mine)),
  )
  const of = [
    ...checks.map(({ name }) => `the check ${shown(name)}`),
    ...unique.map(({ name }) => `the unique index ${shown(name)}`),
    ...part.triggers.filter(({ enabled }) => enabled).map(({ name }) => `the trigger ${shown(name)}`),
  ]
  return of.map((rule) => ({
    code: 'old_writers_may_fail',
    because: `From this step on rows that the default partition took go to "${part.name}" where they belong there, and ${rule} of its own may refuse them or change them.`,
  }))
}
