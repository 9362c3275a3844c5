import { same } from '../../plan/dual-write.ts'
import type { Phase, StepDraft } from '../../plan/step.ts'
import { primaryKey } from '../../schema/model.ts'
import { id, join, lit, qualified, type Sql, sql } from '../../sql.ts'
import { ROWS_SHOWN, VALUE_CHARACTERS } from '../rules/shown-rows.ts'
import { isNoted } from './bodies.ts'
import { joined } from './move.ts'
import { defaultOf, type Work } from './work.ts'

/**
 * Looks for values that have nowhere to go: of rows without one in the target. One that is the default of the column is left
 * alone, because nobody gave it. When the column is hidden nobody makes such rows any more, so the last look is the proof.
 */
export function lookStep(work: Work, phase: Extract<Phase, 'expand' | 'verify' | 'purge'>): StepDraft {
  const { source, target, from, link, names } = work
  const isHidden = phase === 'purge'
  const value = sql`s.${id(isHidden ? names.hidden : from.name)}`
  const byDefault = defaultOf(from)
  const isGiven =
    byDefault === undefined
      ? sql`${value} is not null`
      : sql`${value} is not null and not ${same(value, byDefault)}`
  // Whoever took the row of the target away meant the value.
  const isUnwanted = isHidden ? sql` and not ${isNoted(work.ends('target'))}` : sql``
  const isPair = joined(
    link,
    (column) => sql`s.${id(column)}`,
    (column) => sql`t.${id(column)}`,
  )
  const keys = [...new Set([...primaryKey(source), ...link.pairs.map((pair) => pair.source)])]
  const shown: readonly Sql[] = [
    ...keys.map((name) => sql`s.${id(name)}`),
    sql`pg_catalog.left(${value}::pg_catalog.text, ${lit(VALUE_CHARACTERS)}) as ${id(from.name)}`,
  ]
  return {
    kind: 'inspect',
    phase,
    does: `look for values of "${source.name}"."${from.name}" without a row in "${target.name}"`,
    hazards: [],
    table: source,
    offenders: sql`select ${join(shown)} from ${qualified(source)} s where ${isGiven} and not exists (select from ${qualified(target)} t where ${isPair})${isUnwanted} limit ${lit(ROWS_SHOWN)}`,
    otherwise: `Rows of "${source.name}" have a "${from.name}" and no row in "${target.name}" that could take it; nothing ${isHidden ? 'was dropped' : 'was changed'}.`,
    hint: isHidden
      ? `Insert those rows into "${target.name}" with the value, or give it up, and run the same command again; or bring the column back with "bellows undo".`
      : `Insert those rows into "${target.name}", or set "${from.name}" to ${from.default ?? 'null'} there, and run the same command again.`,
  }
}
