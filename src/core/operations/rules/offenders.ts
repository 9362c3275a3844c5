import { assert } from '../../errors.ts'
import { duplicatesSql } from '../../plan/duplicates.ts'
import type { Inspection } from '../../plan/inspection.ts'
import type { Requirement } from '../../plan/step.ts'
import { findColumn, primaryKey, type Table } from '../../schema/model.ts'
import { id, join, lit, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { conflictsSql, fewRows, staysFew } from './exclusion.ts'
import { readExclusion } from './read.ts'
import type { ExclusionRule, ForeignKeyRule, KeyRule, Rule } from './rule.ts'
import { ROWS_SHOWN, VALUE_CHARACTERS } from './shown-rows.ts'
import { columnsOf } from './words.ts'

/** A look for rows of one kind, as every step that needs one words it. */
export interface Look {
  readonly what: string
  /** Of the table, when somebody looks. */
  readonly requires?: Readonly<Record<'expand' | 'retire', readonly Requirement[]>>
  readonly made?: Inspection['made']
  readonly offenders: Sql
  readonly whileHidden?: Inspection['whileHidden']
  readonly otherwise: string
}

/** What may be in the way of a rule; `source` is where its rows are read from, if not from the table as it is. */
export function offendersOf(table: Table, rule: Rule, source?: Sql): readonly Look[] {
  const of = { table, source }
  switch (rule.kind) {
    case 'check':
      return [
        {
          what: 'rows against the check',
          offenders: rowsWhere(of, columnsOf(rule), sql`not (${trusted(rule.expression)})`),
          otherwise: `Rows of "${table.name}" break ${rule.expression}`,
        },
      ]
    case 'foreign_key':
      return [orphans(of, rule)]
    case 'unique':
      return [duplicates(table, rule)]
    case 'primary_key':
      return [
        ...rule.columns
          .filter((name) => findColumn(table, name)?.nullable === true)
          .map((name) => withoutValue(table, name)),
        duplicates(table, rule),
      ]
    case 'exclusion':
      return [excluding(of, rule)]
  }
}

/** Rows of a column that is NULL there. */
export function withoutValue(table: Table, column: string): Look {
  return {
    what: `rows without "${column}"`,
    offenders: rowsWhere({ table }, [column], sql`${id(column)} is null`),
    otherwise: `Rows of "${table.name}" have no "${column}"`,
  }
}

function duplicates(table: Table, rule: KeyRule): Look {
  return {
    what: 'rows that are the same',
    offenders: duplicatesSql(table, {
      keys: rule.columns.map(id),
      shown: rule.columns.map((name) => shownValue(table, name)),
      where: rule.nullsNotDistinct ? [] : rule.columns.map((name) => sql`${id(name)} is not null`),
    }),
    otherwise: `Rows of "${table.name}" have the same ${named(rule.columns)}`,
  }
}

function orphans(of: Source, { columns, other, otherColumns, match }: ForeignKeyRule): Look {
  const given = columns.map((name) => sql`t.${id(name)} is not null`)
  const pairs = columns.map((name, at) => sql`t.${id(name)} = o.${id(otherColumns[at] ?? '')}`)
  const alone = sql`${join(given, ' and ')} and not exists (select from ${qualified(other)} o where ${join(pairs, ' and ')})`
  const values = columns.map((name) => sql`t.${id(name)}`)
  const where = match === 'full' && columns.length > 1 ? sql`(${alone}) or ${halfGiven(values)}` : alone
  return {
    what: `rows without a partner in "${other.name}"`,
    offenders: rowsWhere(of, columns, where, sql`t`),
    otherwise: `Rows of "${of.table.name}" have a ${named(columns)} that no row of "${other.name}" has`,
  }
}

/** MATCH FULL takes all columns or none. */
function halfGiven(values: readonly Sql[]): Sql {
  return sql`pg_catalog.num_nulls(${join(values)}) not in (0, ${lit(values.length)})`
}

/** Each with the one that it excludes. */
function excluding({ table, source }: Source, rule: ExclusionRule): Look {
  const read = readExclusion(rule.elements)
  assert(!('problem' in read) && rule.tried !== undefined, 'steps come after check')
  const names = namesShown(table, read.uses)
  return {
    what: 'rows that exclude one another',
    requires: { expand: [fewRows(table, rule)], retire: [staysFew(table)] },
    ...conflictsSql(rule.tried, {
      from: sql`${source ?? qualified(table)} ${id(table.name)}`,
      shown: [
        ...(primaryKey(table).length > 0 ? [] : [{ value: sql`ctid::pg_catalog.text`, as: 'ctid' }]),
        ...names.map((as) => ({ value: cut(table, as), as })),
      ],
    }),
    otherwise: `Rows of "${table.name}" exclude one another`,
  }
}

interface Source {
  readonly table: Table
  readonly source?: Sql | undefined
}

/** A condition may name its table, so that gets another name only where two tables meet. */
export function rowsWhere(
  { table, source }: Source,
  columns: readonly string[],
  where: Sql,
  alias = sql``,
): Sql {
  const of = alias === '' ? sql`` : sql`${alias}.`
  const place = primaryKey(table).length > 0 ? [] : [sql`${of}ctid::pg_catalog.text as ${id('ctid')}`]
  const values = [...place, ...namesShown(table, columns).map((name) => shownValue(table, name, of))]
  const called = source !== undefined && alias === '' ? id(table.name) : alias
  const from = sql`${source ?? qualified(table)} ${called}`
  return sql`select ${join(values)} from ${from} where ${where} limit ${lit(ROWS_SHOWN)}`
}

/** By what a row is known, and what is looked at. */
function namesShown(table: Table, columns: readonly string[]): readonly string[] {
  const names = new Set([...primaryKey(table), ...columns])
  return [...names].filter((name) => findColumn(table, name) !== undefined)
}

function shownValue(table: Table, name: string, of: Sql = sql``): Sql {
  const value = cut(table, name, of)
  return isShort(table, name) ? value : sql`${value} as ${id(name)}`
}

/** A value that may be long is cut. */
function cut(table: Table, name: string, of: Sql = sql``): Sql {
  const value = sql`${of}${id(name)}`
  return isShort(table, name)
    ? value
    : sql`pg_catalog.left(${value}::pg_catalog.text, ${lit(VALUE_CHARACTERS)})`
}

function isShort(table: Table, name: string): boolean {
  return findColumn(table, name)?.typeStorage === 'plain'
}

function named(columns: readonly string[]): string {
  return columns.map((name) => `"${name}"`).join(', ')
}
