import { BellowsError } from '../../errors.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { HOLD_MAX_MS } from '../../plan/hold.ts'
import { inTablespace } from '../../plan/index-text.ts'
import { isAtMost } from '../../plan/probes.ts'
import { SMALL_BYTES_MAX, staysSmall } from '../../plan/small-table.ts'
import type { Requirement } from '../../plan/step.ts'
import { refused } from '../../plan/table-checks.ts'
import { exclusionKey } from '../../schema/exclusions.ts'
import type { Facts } from '../../schema/facts.ts'
import type { QualifiedName, Table } from '../../schema/model.ts'
import { id, join, lit, type Sql, shown, sql, trusted } from '../../sql.ts'
import { readExclusion } from './read.ts'
import type { ExclusionRule, Rule } from './rule.ts'
import { ROWS_SHOWN } from './shown-rows.ts'

/** What the server says of an exclusion: whether its operators, their classes and the access method go together, nobody else knows. */
export function triedProblems(rule: Rule, table: Table, facts: Facts): readonly BellowsError[] {
  if (rule.kind !== 'exclusion') return []
  const tried = facts.exclusions[exclusionKey({ table, elements: rule.elements })]
  if (tried === undefined)
    return [
      refused(
        `The server cannot be asked about the exclusion of ${shown(table.namespace)}.${shown(table.name)}, which is not there under this name yet.`,
        'Put it into the next migration, which begins when this one is completed.',
      ),
    ]
  if (!('problem' in tried)) return longWaitProblems({ ...rule, tried }, table)
  return [
    new BellowsError(
      'migration_invalid',
      `PostgreSQL does not take the exclusion ${rule.elements} of "${table.name}": ${tried.problem}`,
      { hint: `It was tried on an empty copy of the table; nothing was changed.${extensionHint(rule)}` },
    ),
  ]
}

/** By itself GiST compares no numbers, texts or dates. */
function extensionHint({ elements }: ExclusionRule): string {
  const read = readExclusion(elements)
  const isPlain = !('problem' in read) && read.equal.length > 0 && /\bgist\b/i.test(elements)
  return isPlain
    ? ' For numbers, texts and dates gist has = by an extension: create extension btree_gist'
    : ''
}

/** A rule as the server prints it, so that it means to a session without a search_path what it meant when it was tried. */
export function asTried(rule: Rule, table: QualifiedName, facts: Facts): Rule {
  if (rule.kind !== 'exclusion') return rule
  const tried = facts.exclusions[exclusionKey({ table, elements: rule.elements })]
  if (tried === undefined || 'problem' in tried) return rule
  const read = readExclusion(rule.elements)
  const tablespace = 'problem' in read ? null : read.tablespace
  return {
    ...rule,
    elements: inTablespace(tried.elements, tablespace, sql`using index tablespace`),
    tried,
  }
}

/**
 * Other methods than these put each row into the index by itself, and look each up in it: for 17,000 rows of a range, which are 1 MiB,
 * that took 350 ms of the processor.
 */
const QUICK_METHODS: readonly string[] = ['btree', 'hash']
const MS_OF_MIB = 350
const AT_ONCE_BYTES_MAX = SMALL_BYTES_MAX / 4

/** So large a table may be for everybody to wait while the index is built. */
function mostBytes({ tried, reason }: ExclusionRule): number {
  const isQuick = tried !== undefined && QUICK_METHODS.includes(tried.method)
  return isQuick || reason !== undefined ? SMALL_BYTES_MAX : AT_ONCE_BYTES_MAX
}

const WAITS = `its exclusion constraint is built while everybody waits, for more than ${HOLD_MAX_MS} ms`

/** Before anything is changed: no more than what the plan takes. */
export function fewRows(table: QualifiedName, rule: ExclusionRule): Requirement {
  if (mostBytes(rule) === SMALL_BYTES_MAX) return staysFew(table)
  return {
    that: isAtMost(table, AT_ONCE_BYTES_MAX),
    code: 'plan_refused',
    otherwise: `"${table.name}" has more than ${AT_ONCE_BYTES_MAX} bytes: ${WAITS}; where that may be, roll back, and plan again with unsafe: "<reason>"`,
  }
}

/** Behind the rollout a table that has grown a little is no reason to go back. */
export function staysFew(table: QualifiedName): Requirement {
  return staysSmall(table, 'the exclusion constraint cannot be built without stopping everybody for too long')
}

/** Of the size that the plan knows. */
function longWaitProblems(rule: ExclusionRule, { name, bytes }: Table): readonly BellowsError[] {
  if (bytes <= mostBytes(rule)) return []
  return [
    refused(
      `"${name}" has ${bytes} bytes: ${WAITS}.`,
      'If all may wait, say why: unsafe: "<reason>". Or create a table that has the constraint from the start and move the rows there.',
    ),
  ]
}

export function longWaitHazards(rule: ExclusionRule, { bytes }: Table): readonly Hazard[] {
  const { reason, ...unsaid } = rule
  if (reason === undefined || bytes <= mostBytes(unsaid)) return []
  const ms = Math.ceil((MS_OF_MIB * bytes) / SMALL_BYTES_MAX)
  return [
    { code: 'unsafe', because: `All who use the table wait for some ${ms} ms. The reason given: ${reason}` },
  ]
}

/** What is shown of a row, and from where rows are read. */
export interface Compared {
  readonly from: Sql
  readonly shown: readonly { readonly value: Sql; readonly as: string }[]
}

/** Tables of the moment, in no namespace that has a name. */
const ALL = id('bellows compared')
const KEPT = id('bellows kept apart')

/**
 * Pairs of rows that exclude one another. They are put one by one into a table of the moment that has the constraint, which finds a row in
 * the way by its index: to compare each with each would take the square of their number. Operators of an exclusion are the same in both
 * directions, so it is enough to look at those before. As in the index, a row with a NULL excludes none.
 */
export function conflictsSql(
  tried: NonNullable<ExclusionRule['tried']>,
  { from, shown: values }: Compared,
): { readonly made: readonly Sql[]; readonly offenders: Sql } {
  const { keys, operators, predicate } = tried
  const columns = [
    ...keys.map((one, at) => sql`${trusted(one)} as ${key(at)}`),
    ...values.map((one, at) => sql`${one.value} as ${value(at)}`),
  ]
  const isCompared = sql`pg_catalog.num_nulls(${join(keys.map(trusted))}) = 0`
  const where = predicate === null ? isCompared : sql`(${trusted(predicate)}) and ${isCompared}`
  const exclude = operators.map((operator, at) => sql`a.${key(at)} ${trusted(operator)} b.${key(at)}`)
  const seen = (of: Sql) => join(values.map(({ as }, at) => sql`${of}.${value(at)} as ${id(as)}`))
  const late = sql`(select * from ${ALL} c where not exists (select from ${KEPT} k where k.place = c.place) order by place limit ${lit(ROWS_SHOWN)})`
  return {
    made: [
      sql`create table ${ALL} as select pg_catalog.row_number() over () as place, ${join(columns)} from ${from} where ${where}`,
      sql`create table ${KEPT} (like ${ALL}, exclude using ${keptApart(tried)})`,
      sql`insert into ${KEPT} select * from ${ALL} order by place on conflict do nothing`,
    ],
    offenders: sql`select ${seen(sql`a`)}, (select r from (select ${seen(sql`b`)}) r) as excludes from ${late} b join ${ALL} a on a.place < b.place and ${join(exclude, ' and ')} limit ${lit(ROWS_SHOWN)}`,
  }
}

function keptApart({ method, classes, operators }: NonNullable<ExclusionRule['tried']>): Sql {
  const elements = operators.map(
    (operator, at) => sql`${key(at)} ${trusted(classes[at] ?? '')} with ${trusted(operator)}`,
  )
  return sql`${id(method)} (${join(elements)})`
}

function key(at: number): Sql {
  return id(`key ${at + 1}`)
}

function value(at: number): Sql {
  return id(`value ${at + 1}`)
}
