import { commentedSql } from '../../plan/commented.ts'
import { foreignKeySteps, onBoth } from '../../plan/constraint-steps.ts'
import type { Renamed } from '../../plan/copied.ts'
import { asideUnderSql, hasKeysUnder, nameUnderSql } from '../../plan/key-names.ts'
import { dropLooseForeignKeysStep, foreignKeyPartsStep, type PartedKey } from '../../plan/parts-steps.ts'
import {
  constraintExists,
  constraintIs,
  constraintIsAsPlanned,
  constraintValidated,
  relationExists,
} from '../../plan/probes.ts'
import type { Phase, Requirement, StepDraft } from '../../plan/step.ts'
import { rewriteConstraint } from '../../rewrite.ts'
import {
  type Constraint,
  findTable,
  isSameName,
  type QualifiedName,
  type Schema,
  type Table,
} from '../../schema/model.ts'
import { id, join, lit, qualified, regclass, type Sql, shown, sql, trusted } from '../../sql.ts'
import { type ColumnOf, type Follower, followersOf } from '../rules/followers.ts'

/** A foreign key that points at a column which another one replaces. */
export interface Linked extends Follower {
  readonly other: Table
}

export interface Link extends Linked {
  /** Its twin, until that takes over the name. */
  readonly copyName: string
  readonly definition: Sql
}

/** A column and the one that takes its place. */
export interface Moved extends Renamed {
  readonly table: QualifiedName
}

export function linkedBy(schema: Schema, columns: readonly ColumnOf[]): readonly Linked[] {
  const all = columns.flatMap(({ table: name, column }) => {
    const other = findTable(schema, name)
    if (other === undefined) return []
    return followersOf(schema, other, column).map((follower) => ({ ...follower, other }))
  })
  return [...new Map(all.map((one) => [one.identity, one])).values()]
}

export function linkOf(linked: Linked, moved: readonly Moved[], copyName: string): Link {
  const { key, table } = linked
  const text = movedKey(linked, moved)
  // The partitions of a table get it for new rows first, and the table when they have it.
  const isLater = key.validated && table.kind !== 'partitioned'
  return { ...linked, copyName, definition: sql`${text}${isLater ? sql` not valid` : sql``}` }
}

/** Its definition on the new columns, on either side. */
export function movedKey({ table, key, other }: Linked, moved: readonly Moved[]): Sql {
  const of = (name: QualifiedName) => moved.filter((one) => isSameName(one.table, name))
  const local = of(table).reduce((text, column) => rewriteConstraint(text, column), trusted(key.definition))
  return of(other).reduce((text, column) => rewriteConstraint(text, column, ['pk_attrs']), local)
}

export function linkSteps(link: Link, phase: Phase): readonly StepDraft[] {
  const { table, other, key, copyName, definition } = link
  if (table.kind === 'partitioned')
    return [
      foreignKeyPartsStep(partsOf(link), {
        phase,
        hazards: [],
        probe: constraintIs(table, copyName, 'foreign_key'),
      }),
    ]
  const [add, validate] = foreignKeySteps({
    table,
    other,
    name: copyName,
    definition,
    shown: `"${key.name}" of "${table.name}" on the new columns`,
    phase,
  })
  return key.validated ? [add, validate] : [add]
}

function partsOf(link: Link): PartedKey {
  return partedKey(link, link.copyName, link.definition)
}

/** As it comes to the partitions of its table. */
export function partedKey({ table, other, key }: Linked, name: string, definition: Sql): PartedKey {
  const toParts = other.kind === 'partitioned' ? { columns: key.columns } : {}
  return { table, other, name, definition, ...toParts }
}

/** Before the columns: it stands on an index of one of them. */
export function dropLinkSteps(link: Link): readonly StepDraft[] {
  if (link.table.kind !== 'partitioned') return [dropLinkStep(link)]
  return [
    lookForStraysStep(link),
    dropLooseForeignKeysStep(partsOf(link), { phase: 'expand' }),
    dropLinkStep(link),
  ]
}

/** A partition that somebody detaches meanwhile keeps the twin as a foreign key of its own, which holds the new column. */
function straysSql({ table, other, copyName }: Link): Sql {
  return sql`select k.conrelid::regclass::text as ${id('table')}, k.conname as ${id('constraint')} from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid where k.contype = 'f' and k.conname = ${lit(copyName)} and k.confrelid = ${regclass(other)} and k.conparentid = 0 and k.conrelid <> ${regclass(table)} and not c.relispartition`
}

function lookForStraysStep(link: Link): StepDraft {
  const { table, other, key } = link
  return {
    kind: 'inspect',
    phase: 'expand',
    does: `look for the twin of the foreign key "${key.name}" on tables that were partitions of "${table.name}"`,
    hazards: [],
    table: other,
    offenders: straysSql(link),
    otherwise: `Tables that were partitions of "${table.name}" have kept its second foreign key, which holds the new column of "${other.name}"; nothing was changed.`,
    hint: 'Drop it there, with alter table … drop constraint …, and run the same command again.',
  }
}

/** The twin of such a table has no name to take over. */
export function hasNoStrays(link: Link): Requirement {
  const strays = straysSql(link)
  return {
    that: sql`not exists (${strays})`,
    code: 'dependents_found',
    otherwise: `a table that was a partition of "${link.table.name}" has kept both foreign keys; drop there the one that points at the old column, and give the other one, "${link.copyName}", its name`,
    which: sql`(select pg_catalog.string_agg(${id('table')}, ', ') from (${strays}) stray)`,
  }
}

function dropLinkStep(link: Link): StepDraft {
  const { table, other, key, copyName } = link
  return {
    kind: 'ddl',
    phase: 'expand',
    does: `drop the twin of the foreign key "${key.name}" of "${table.name}"`,
    hazards: [],
    // It goes with its table, and stays when that gets another name. What a partition has for itself is not the table's.
    probe: sql`not exists (select from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid where k.contype = 'f' and k.conname = ${lit(copyName)} and k.confrelid = ${regclass(other)} and not c.relispartition)`,
    locks: onBoth(table, other, ['access_exclusive', 'access_exclusive']),
    requires: [linkedIsThere(link)],
    statements: [dropConstraintSql(table, copyName)],
    cost: 'instant',
  }
}

export function linkedIsThere({ table, other }: Link): Requirement {
  return {
    that: relationExists(table),
    code: 'drift_found',
    otherwise: `there is no "${table.name}" any more, whose foreign key points at "${other.name}"; rename it back if it has another name, and if it was dropped, roll back and begin anew`,
  }
}

export function linkStands({ table, key, copyName }: Link): Requirement {
  return {
    that: key.validated ? constraintValidated(table, copyName) : constraintExists(table, copyName),
    code: 'drift_found',
    otherwise: `the foreign key "${copyName}" on "${table.name}" is missing or not validated`,
  }
}

/** Whether it is validated does not matter: an undo that was interrupted has put it up for new rows alone. */
export function isAsPlanned(table: QualifiedName, { name }: Constraint, definition: string): Requirement {
  const bare = definition.replace(/ NOT VALID$/, '')
  const isOne = (text: string) => constraintIsAsPlanned(table, name, text)
  return {
    that: sql`(${isOne(bare)} or ${isOne(`${bare} NOT VALID`)})`,
    code: 'drift_found',
    otherwise: `${shown(name)} of "${table.name}" was changed since the plan was made; roll back and begin anew`,
  }
}

export function dropConstraintSql(table: QualifiedName, name: string): Sql {
  return sql`alter table ${qualified(table)} drop constraint ${id(name)} restrict`
}

/** The twins get the names, when the foreign keys that had them are gone; `unlessGone` where somebody may have dropped one with its twin. */
export function takeOverLinksSql(links: readonly Link[], unlessGone = false): readonly Sql[] {
  const over = links.filter(({ table, key }) => hasKeysUnder(table, key))
  return [
    ...over.map(({ table, copyName }) => asideUnderSql(table, copyName)),
    ...links.flatMap((link) => (unlessGone ? [ifThere(link, takeOverSql(link))] : takeOverSql(link))),
    ...over.map(({ table, key }) => nameUnderSql(table, key.name, key.columns)),
  ]
}

function takeOverSql({ table, key, copyName }: Link): readonly Sql[] {
  return [
    sql`alter table ${qualified(table)} rename constraint ${id(copyName)} to ${id(key.name)}`,
    ...linkCommentSql(table, key),
  ]
}

function ifThere({ table, copyName }: Link, statements: readonly Sql[]): Sql {
  return sql`do ${lit(`begin if ${constraintExists(table, copyName)} then ${join(statements, '; ')}; end if; end`)}`
}

export function linkCommentSql(table: QualifiedName, key: Constraint): readonly Sql[] {
  return commentedSql(sql`constraint ${id(key.name)} on ${qualified(table)}`, key.comment)
}
