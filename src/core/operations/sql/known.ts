import type { Facts } from '../../schema/facts.ts'
import { findColumn, findTable } from '../../schema/model.ts'
import { join, lit, type Sql, sql } from '../../sql.ts'
import { callsOf, SAFE_CALLS } from '../../statements/matches.ts'
import { newTypesOf } from '../../statements/new-columns.ts'
import type { Known, Setting } from '../../statements/rule.ts'
import type { Context } from '../operation.ts'
import { type RunSql, settingsOf } from './run-sql.ts'

/** The texts of the operation with what the server said of the names in them. */
export function knownSettingsOf(
  op: RunSql,
  { schema, given, facts }: Pick<Context, 'schema' | 'given' | 'facts'>,
): readonly Setting[] {
  const known: Known = {
    filled: (of, column) => {
      const table = findTable(schema, of)
      return table !== undefined && findColumn(table, column)?.nullable === false
    },
    written: (of) => {
      const table = findTable(schema, of)
      return table === undefined || (table.kind !== 'view' && findTable(given, of) !== undefined)
    },
    acting: names(facts, actingQuestion(op)),
    checking: names(facts, checkingQuestion(op)),
  }
  return settingsOf(op).map((setting) => ({ ...setting, known }))
}

export function knownQuestions(op: RunSql): readonly Sql[] {
  return [actingQuestion(op), checkingQuestion(op)].filter((question) => question !== undefined)
}

function names({ answers }: Facts, question: Sql | undefined): ReadonlySet<string> | undefined {
  if (question === undefined) return new Set()
  const answer = answers[question]
  return answer === undefined || 'problem' in answer
    ? undefined
    : new Set(answer.map(({ name }) => String(name)))
}

/** PostgreSQL's own functions, and everybody's types, have numbers below and above. */
const OWN_OIDS_BELOW = 16384

/**
 * Functions that may do something: volatile ones, aggregates, and those that are not there yet. Which one of a name is called only
 * the server can tell, so each counts.
 */
function actingQuestion(op: RunSql): Sql | undefined {
  const called = distinct(op, callsOf).filter((name) => !SAFE_CALLS.has(name))
  if (called.length === 0) return undefined
  const steady = sql`p.provolatile <> 'v' and (p.prokind <> 'a' or p.oid < ${lit(OWN_OIDS_BELOW)})`
  return sql`select n.name from ${named(called)} where (select pg_catalog.bool_and(${steady}) from pg_catalog.pg_proc p where p.proname = n.name) is not true`
}

/** Domains with a rule, or a default that is made anew for each row, of their own or of what they are made of, and types that are not there yet. */
function checkingQuestion(op: RunSql): Sql | undefined {
  const types = distinct(op, newTypesOf)
  if (types.length === 0) return undefined
  const bases = sql`with recursive base as (select t.oid, t.typbasetype, t.typnotnull, t.typdefaultbin from pg_catalog.pg_type t where t.typname = n.name union all select t.oid, t.typbasetype, t.typnotnull, t.typdefaultbin from pg_catalog.pg_type t join base on t.oid = base.typbasetype)`
  // Of a function by its name, and of the one behind an operator.
  const calls = sql`pg_catalog.regexp_matches(base.typdefaultbin::pg_catalog.text, ':(?:op)?funcid ([0-9]+)', 'g') as called (number)`
  const isVolatile = sql`exists (select from ${calls} join pg_catalog.pg_proc p on p.oid = called.number[1]::pg_catalog.oid where p.provolatile = 'v')`
  const isChecked = sql`base.typnotnull or ${isVolatile} or exists (select from pg_catalog.pg_constraint c where c.contypid = base.oid)`
  return sql`select n.name from ${named(types)} where (${bases} select pg_catalog.bool_or(${isChecked}) from base) is not false`
}

function distinct(
  op: RunSql,
  of: (statement: Setting['statements'][number]) => readonly string[],
): readonly string[] {
  return [...new Set(settingsOf(op).flatMap(({ statements }) => statements.flatMap(of)))].sort()
}

function named(all: readonly string[]): Sql {
  return sql`(values ${join(all.map((name) => sql`(${lit(name)}::pg_catalog.name)`))}) n (name)`
}
