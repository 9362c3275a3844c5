import { all, constraintIs, indexHas } from '../../plan/probes.ts'
import type { QualifiedName } from '../../schema/model.ts'
import { join, lit, qualified, regclass, type Sql, sql } from '../../sql.ts'
import type {
  Deferrable,
  ExclusionRule,
  ForeignKeyRule,
  KeyRule,
  NewRule,
  ReferentialAction,
} from './rule.ts'

/** What is made when a constraint comes up: one that is there before is somebody else's. */
export function madeConstraint({ table, name }: Pick<NewRule, 'table' | 'name'>): string {
  return `the constraint "${name}" of ${qualified(table)}`
}

/** Is this rule there, proved or not, and no other one of its name? A check is known by its kind: only the server prints it. */
export function ruleStands({ table, name, rule }: NewRule): Sql {
  switch (rule.kind) {
    case 'check':
      return constraintIs(table, name, 'check')
    case 'exclusion':
      return all([excludes(table, name, rule), isDeferred(table, name, rule.deferrable)])
    case 'foreign_key':
      return foreignKeyStands(table, name, rule)
    case 'unique':
    case 'primary_key':
      return all([
        constraintIs(table, name, rule.kind),
        indexHas({ namespace: table.namespace, name }, table, keyUsing(rule)),
        isDeferred(table, name, rule.deferrable),
      ])
  }
}

/** The index of a key as PostgreSQL prints it, from `USING` on. */
export function keyUsing({ columns, include, nullsNotDistinct }: KeyRule): Sql {
  const more = include.length === 0 ? sql`` : sql` || ' INCLUDE (' || ${printed(include)} || ')'`
  const nulls = nullsNotDistinct ? sql` || ' NULLS NOT DISTINCT'` : sql``
  return sql`('UNIQUE USING btree (' || ${printed(columns)} || ')'${more}${nulls})`
}

function printed(columns: readonly string[]): Sql {
  return join(
    columns.map((name) => sql`pg_catalog.quote_ident(${lit(name)})`),
    " || ', ' || ",
  )
}

/** It was printed when it was tried, by the same server on a table like this one; when it is deferred is asked by itself. */
function excludes(table: QualifiedName, name: string, { tried }: ExclusionRule): Sql {
  if (tried === undefined) return constraintIs(table, name, 'exclusion')
  const printed = sql`pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(oid), '( DEFERRABLE)?( INITIALLY DEFERRED)?$', '')`
  return sql`exists (select from pg_catalog.pg_constraint where ${ofTable(table, name)} and contype = 'x' and ${printed} = ${lit(`EXCLUDE ${tried.elements}`)})`
}

function isDeferred(table: QualifiedName, name: string, deferrable: Deferrable | undefined): Sql {
  return sql`exists (select from pg_catalog.pg_constraint where ${ofTable(table, name)} and ${deferral(deferrable)})`
}

function foreignKeyStands(table: QualifiedName, name: string, rule: ForeignKeyRule): Sql {
  const actions = sql`confdeltype = ${lit(ACTION[rule.onDelete])} and confupdtype = ${lit(ACTION[rule.onUpdate])}`
  return sql`exists (select from pg_catalog.pg_constraint where ${ofTable(table, name)} and contype = 'f' and confrelid = ${regclass(rule.other)} and conkey = ${numbers(table, rule.columns)} and confkey = ${numbers(rule.other, rule.otherColumns)} and confmatchtype = ${lit(rule.match.charAt(0))} and ${actions} and ${deferral(rule.deferrable)})`
}

const ACTION: Readonly<Record<ReferentialAction, string>> = {
  no_action: 'a',
  restrict: 'r',
  cascade: 'c',
  set_null: 'n',
  set_default: 'd',
}

function ofTable(table: QualifiedName, name: string): Sql {
  return sql`conrelid = ${regclass(table)} and conname = ${lit(name)}`
}

function deferral(deferrable: Deferrable | undefined): Sql {
  return sql`condeferrable = ${lit(deferrable !== undefined)} and condeferred = ${lit(deferrable === 'initially_deferred')}`
}

/** Columns by their numbers, in their order. */
function numbers(table: QualifiedName, columns: readonly string[]): Sql {
  const names = columns.map((name, at) => sql`(${lit(name)}::pg_catalog.name, ${lit(at)})`)
  return sql`array(select a.attnum from (values ${join(names)}) as n (name, at) join pg_catalog.pg_attribute a on a.attname = n.name where a.attrelid = ${regclass(table)} and not a.attisdropped order by n.at)`
}
