import { all, dualWriteAbsent, dualWriteStands } from '../../plan/probes.ts'
import { closedSql } from '../../plan/row-trigger.ts'
import type { Requirement } from '../../plan/step.ts'
import { id, lit, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { lastRequirement, standsRequirement } from '../copy/work.ts'
import type { Truth } from './bodies.ts'
import type { Firing, Work } from './work.ts'

/** ALWAYS, because loaders and replication set `session_replication_role`. */
export function installSql(work: Work): readonly Sql[] {
  return [
    ...functionsSql(work, 'source'),
    ...functionsOf(work.firings('source')).map((one) => closedSql(one.function)),
    ...work.firings('source').flatMap((firing) => {
      const { table, trigger, at, fires, condition } = firing
      const only = condition === undefined ? sql`` : sql` when (${condition})`
      return [
        sql`create trigger ${id(trigger)} ${trusted(at)} ${trusted(fires)} on ${qualified(table)} for each row${only} execute function bellows.${id(firing.function)}()`,
        sql`alter table ${qualified(table)} enable always trigger ${id(trigger)}`,
      ]
    }),
  ]
}

/** The functions as they are while the value is the one of the source, or of the target. */
export function functionsSql(work: Work, truth: Truth): readonly Sql[] {
  const bodies = new Map(work.firings(truth).map((firing) => [firing.function, firing.body]))
  return [...bodies].map(
    ([name, body]) =>
      sql`create or replace function bellows.${id(name)}() returns trigger language plpgsql security definer as ${lit(body)}`,
  )
}

export function uninstallAllSql(work: Work): readonly Sql[] {
  const firings = work.firings('source')
  const triggers = firings.map(
    ({ table, trigger }) => sql`drop trigger if exists ${id(trigger)} on ${qualified(table)}`,
  )
  return [
    ...triggers,
    ...functionsOf(firings).map((one) => sql`drop function if exists bellows.${id(one.function)}()`),
  ]
}

export function areAbsent(work: Work): Sql {
  return all(functionsOf(work.firings('source')).map(dualWriteAbsent))
}

export function areInstalled(work: Work): Sql {
  return all(work.firings('source').map(dualWriteStands))
}

export function standing(work: Work, truth: Truth): readonly Requirement[] {
  const firings = work.firings(truth)
  return [
    ...firings.map(standsRequirement),
    ...firings.filter(({ at }) => at === 'before').map(lastRequirement),
  ]
}

function functionsOf(firings: readonly Firing[]): readonly Firing[] {
  return firings.filter(
    (firing, at) => firings.findIndex((other) => other.function === firing.function) === at,
  )
}
