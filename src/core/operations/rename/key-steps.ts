import { hash } from '../../hash.ts'
import { allBound, nothingIsBound } from '../../plan/dependents.ts'
import { inLockOrder } from '../../plan/locks.ts'
import { constraintExists } from '../../plan/probes.ts'
import type { Lock, Requirement, StepDraft } from '../../plan/step.ts'
import { isSameName, type QualifiedName } from '../../schema/model.ts'
import { id, join, lit, qualified, type Sql, sql } from '../../sql.ts'
import { hideStep, purgeStep } from '../copy/leave-steps.ts'
import type { Work } from '../copy/work.ts'
import { handOverSql } from '../keys/identity.ts'
import {
  dropConstraintSql,
  hasNoStrays,
  isAsPlanned,
  type Link,
  linkedIsThere,
  linkStands,
  takeOverLinksSql,
} from '../keys/links.ts'
import { comesAnew, partsWithoutHazard, putAgainSql } from '../keys/links-again.ts'
import type { RenamedKey } from './key.ts'

type KeyWork = Work & { readonly key: RenamedKey }

/** Hides the old column; the foreign keys that point at it go along, and keep to it until it is dropped. */
export function hideKeyStep(work: KeyWork): StepDraft {
  const step = hideStep(work)
  if (step.kind !== 'retire') return step
  const requires = work.key.links.flatMap((link) => [
    linkedIsThere(link),
    goneOrAsPlanned(link),
    linkStands(link),
  ])
  return { ...step, requires: [...step.requires, ...requires] }
}

/** Drops the old column with the keys on it, which those on the new one replace in the same transaction. Nothing is read. */
export function purgeKeyStep(work: KeyWork): StepDraft {
  const step = purgeStep(work)
  const { table, key } = work
  if (step.kind !== 'purge') return step
  const twins = key.links.filter((link) => !comesAnew(link))
  return {
    ...step,
    hazards: [...step.hazards, ...key.anew.flatMap(partsWithoutHazard)],
    locks: locksOf(work, step.locks),
    requires: [
      ...step.requires,
      ...key.links.flatMap((link) => [linkedIsThere(link), linkStands(link), hasNoStrays(link)]),
      ...nothingElseIsBound(work),
    ],
    statements: [
      ...twins.map(leaveLinkSql),
      ...key.anew.map(leaveBothSql),
      ...identitySql(table, work),
      ...step.statements,
      ...takeOverLinksSql(twins, true),
      ...key.anew.map(putAnewSql),
    ],
  }
}

/** The gate has looked for what depends on the column; since then a partition may have been detached, with its foreign key. */
function nothingElseIsBound({ table, leaving: { hidden, along } }: KeyWork): readonly Requirement[] {
  if (along === undefined) return []
  return [
    {
      that: nothingIsBound(table, hidden, along),
      code: 'dependents_found',
      otherwise: `something depends on the hidden column "${hidden}" of "${table.name}" that did not when it was hidden; drop that, or undo`,
      which: allBound(table, hidden, along),
    },
  ]
}

/** Somebody may have dropped it meanwhile, who wanted none. */
function goneOrAsPlanned({ table, key }: Link): Requirement {
  const planned = isAsPlanned(table, key, key.definition)
  return { ...planned, that: sql`(${planned.that} or not ${constraintExists(table, key.name)})` }
}

/** The foreign key goes with the old column; where somebody has dropped it meanwhile, so does the one that was to take its place. */
function leaveLinkSql({ table, key, copyName }: Link): Sql {
  const [old, twin] = [key.name, copyName].map((name) => dropConstraintSql(table, name))
  return sql`do ${lit(`begin if ${constraintExists(table, key.name)} then ${old}; else ${twin}; end if; end`)}`
}

/** Both stand on indexes that go. What is to come in their place is known by then, and said to the end of the transaction. */
function leaveBothSql({ table, key, copyName }: Link): Sql {
  const [old, twin] = [key.name, copyName].map((name) => dropConstraintSql(table, name))
  const isThere = constraintExists(table, key.name)
  return sql`do ${lit(`begin perform pg_catalog.set_config(${lit(settingOf(copyName))}, (${isThere})::pg_catalog.text, true); if ${isThere} then ${old}; end if; ${twin}; end`)}`
}

/** For new rows, when the primary key is made. */
function putAnewSql(link: Link): Sql {
  const was = sql`pg_catalog.current_setting(${lit(settingOf(link.copyName))})`
  return sql`do ${lit(`begin if ${was}::pg_catalog.bool then ${join(putAgainSql(link), '; ')}; end if; end`)}`
}

function settingOf(copyName: string): string {
  return `bellows.had_${hash(copyName).slice(0, 8)}`
}

/** The table itself first, which is the one that the step changes, and then those that point at it. */
function locksOf({ table, key: { links, identity } }: KeyWork, locks: readonly Lock[]): readonly Lock[] {
  const others = links.map((link) => link.table).filter((one) => !isSameName(one, table))
  const [own, implied] = [false, true].map((is) => locks.filter((one) => (one.implied === true) === is))
  return [
    ...(own ?? []),
    ...inLockOrder(others).map((relation): Lock => ({ relation, level: 'access_exclusive' })),
    ...(implied ?? []),
    ...(identity === undefined
      ? []
      : [{ relation: identity.sequence, level: 'access_exclusive' as const, implied: true as const }]),
  ]
}

/** The validated CHECK proves NOT NULL, which an identity is from its begin. */
function identitySql(table: QualifiedName, { to, key: { identity } }: KeyWork): readonly Sql[] {
  if (identity === undefined) return []
  return [sql`alter table ${qualified(table)} alter column ${id(to)} set not null`, ...handOverSql(identity)]
}
