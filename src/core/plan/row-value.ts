import { BellowsError } from '../errors.ts'
import { columnsNamed, readExpression } from '../parse.ts'
import { type Facts, type RowValue, valueKey } from '../schema/facts.ts'
import { findColumn, type Table } from '../schema/model.ts'
import { type Sql, trusted } from '../sql.ts'
import { problemOf, stopped } from './problem-of.ts'
import { refused } from './table-checks.ts'

/** What the author calls a value (`up`), for which column it is, and what he wrote. */
export interface NamedValue {
  readonly what: string
  readonly column: string
  readonly value: RowValue
}

/** Why a value cannot be found in a trigger, from the row that is written. */
export function rowValueProblems(named: NamedValue, table: Table, facts: Facts): readonly BellowsError[] {
  const { what, column, value } = named
  const problems = valueProblems(named, facts)
  if (problems.length > 0) return problems
  return columnsNamed(printed(value, facts) ?? trusted(value.expression))
    .filter((name) => (findColumn(table, name)?.generated ?? 'no') !== 'no')
    .map((name) =>
      refused(
        `"${what}" of "${column}" names "${name}", a generated column, whose value a trigger does not see.`,
        'Write what it is computed from.',
      ),
    )
}

/** Why the server does not take a value. */
export function valueProblems({ what, column, value }: NamedValue, facts: Facts): readonly BellowsError[] {
  // Of a type that nobody knows more is told elsewhere.
  if ('type' in value.fits && facts.types[value.fits.type] === undefined) return []
  const read = readExpression(value.expression)
  const known = facts.values[valueKey(value)]
  if (typeof read === 'string' && known === undefined) return [notAsked(what, column)]
  const problem = problemOf(read, known)
  return problem === undefined ? [] : [unusable(what, column, value.expression, problem)]
}

/** The server cannot be asked about a table that the migration itself makes. */
function notAsked(what: string, column: string): BellowsError {
  return refused(
    `"${what}" of "${column}" is worked out row by row, on a table that is not there yet.`,
    'Say it where the table is made, or in a later migration.',
  )
}

/** What the field of a type is. */
export const TYPE_IS_ONE =
  'Write one type as in CREATE TABLE, such as text or varchar(20), and one of your own with its namespace, such as public.mood.'

/** Who writes `default: none` means the text, and says a column. */
export const DEFAULT_IS_SQL = `A default is an SQL expression: a text has its own quotes, such as default: "'none'"; functions and types of yours have their namespace`

export function unusable(what: string, column: string, text: string, problem: string): BellowsError {
  return new BellowsError(
    'migration_invalid',
    `The ${what} ${text} of "${column}" cannot be used: ${stopped(problem)}`,
    {
      hint:
        what === 'default'
          ? DEFAULT_IS_SQL
          : 'Write an immutable expression over the other columns of the row; name functions of yours with their namespace.',
    },
  )
}

/** An expression as the server prints it, so that it means the same whoever evaluates it. */
export function printed(value: RowValue | undefined, facts: Facts): Sql | undefined {
  const known = value === undefined ? undefined : facts.values[valueKey(value)]
  return known === undefined || 'problem' in known ? undefined : trusted(known.text)
}
