import { assert } from '../../errors.ts'
import type { Inspection } from '../../plan/inspection.ts'
import { all, columnExists, type Hidden } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import { cameLate } from '../../plan/telling.ts'
import type { Table } from '../../schema/model.ts'
import { nameOf } from '../../schema/name-of.ts'
import { id, join, qualified, type Sql, sql } from '../../sql.ts'
import { type Look, offendersOf, rowsWhere, withoutValue } from './offenders.ts'
import type { Rule } from './rule.ts'
import { RULE_WORDS } from './words.ts'

const LOOK_AGAIN =
  'Change or delete these rows, and run the same command again. Find out who writes such rows: it must not do so any more.'

/** When somebody looks: as the migration begins, and right before something comes up. */
type Phases = readonly ('expand' | 'retire')[]

/** Looks for rows against a rule before it comes up: for them every update would fail from then on. Nobody waits. */
export function inspectSteps(table: Table, rule: Rule, name: string, phases: Phases): readonly StepDraft[] {
  return lookSteps(table, offendersOf(table, rule), comingUp(rule, name), phases)
}

/** The same at the very moment, where it is too late to look before: nothing keeps such rows away until the constraint is on its way. */
export function lateLook(table: Table, rule: Rule, name: string): Inspection {
  const look = offendersOf(table, rule).at(-1)
  assert(look !== undefined, 'every rule can be looked for')
  return late(table, look, comingUp(rule, name))
}

/** Of columns that are to be NOT NULL. */
export function lateNulls(table: Table, columns: readonly string[]): Inspection {
  const isMissing = columns.map((column) => sql`${id(column)} is null`)
  const look = {
    what: 'rows without a value',
    offenders: rowsWhere({ table }, columns, join(isMissing, ' or ')),
    otherwise: `Rows of "${table.name}" have no ${columns.map((column) => `"${column}"`).join(' or ')}`,
  }
  return late(table, look, 'NOT NULL')
}

function late(table: Table, look: Look, comingUp: string): Inspection {
  return cameLate(inspection(table, look, comingUp), look.otherwise, comingUp)
}

/** The same for a rule that a rollback brings back: columns that the migration hides may have their hidden names when it looks ahead. */
export function inspectBackSteps(
  table: Table,
  rule: Rule,
  name: string,
  hidden: readonly Hidden[],
): readonly StepDraft[] {
  // They are hidden in this order, and come back in the opposite one.
  const hiding = hidden.map((_, at) => hidden.slice(0, hidden.length - at))
  const looks = offendersOf(table, rule).map((look, at) => ({
    ...look,
    whileHidden: hiding.map((columns) => ({
      when: all(columns.map((one) => columnExists(table, one.hidden))),
      offenders: offendersOf(table, rule, shownAgain(table, columns))[at]?.offenders ?? look.offenders,
    })),
  }))
  return lookSteps(table, looks, comingUp(rule, name), ['expand'])
}

function comingUp(rule: Rule, name: string): string {
  return `the ${RULE_WORDS[rule.kind]} "${name}"`
}

/** A table with columns by the names that they had before they were hidden. */
function shownAgain(table: Table, hidden: readonly Hidden[]): Sql {
  const columns = hidden.map((one) => sql`${id(one.hidden)} as ${id(one.column)}`)
  return sql`(select *, ctid, ${join(columns)} from ${qualified(table)})`
}

/** The same for a column that is to be NOT NULL; a copy may have hidden it when a rollback looks ahead. */
export function inspectNulls(
  table: Table,
  column: string,
  phases: Phases,
  hidden: readonly Hidden[] = [],
): readonly StepDraft[] {
  const whileHidden = hidden.map((one) => ({
    when: columnExists(table, one.hidden),
    offenders: rowsWhere({ table }, [], sql`${id(one.hidden)} is null`),
  }))
  return lookSteps(table, [{ ...withoutValue(table, column), whileHidden }], 'its NOT NULL', phases)
}

function lookSteps(
  table: Table,
  looks: readonly Look[],
  comingUp: string,
  phases: Phases,
): readonly StepDraft[] {
  return phases.flatMap((phase) =>
    looks.map((look) => ({
      kind: 'inspect',
      phase,
      does: `look for ${look.what} of "${table.name}"`,
      hazards: [],
      ...inspection(table, look, comingUp),
      ...(look.requires === undefined ? {} : { requires: look.requires[phase] }),
    })),
  )
}

function inspection(table: Table, look: Look, comingUp: string): Inspection {
  const { made, offenders, whileHidden, otherwise } = look
  return {
    table: nameOf(table),
    ...(made === undefined ? {} : { made }),
    offenders,
    ...(whileHidden === undefined || whileHidden.length === 0 ? {} : { whileHidden }),
    otherwise: `${otherwise}, so ${comingUp} cannot come up; nothing was changed.`,
    hint: LOOK_AGAIN,
  }
}
