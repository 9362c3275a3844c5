import type { Tree } from '../parse.ts'
import { calls } from './matches.ts'
import type { Setting } from './rule.ts'
import { columnOf, commandsOf, constraintsOf } from './statement.ts'

/** What the rules look for in columns that a statement adds to a table that is there. */

const SERIAL = /^(?:small|big)?serial[248]?$/
/** Functions that PostgreSQL evaluates once for all rows that are there. */
const STEADY_CALLS = /^(?:now|transaction_timestamp|statement_timestamp|current_setting|timezone)$/

/** Does it add a column that makes PostgreSQL compute every row, that old writers cannot fill, or that is checked at once? */
export function addsColumn(statement: Tree.Node, how: keyof typeof COLUMNS): boolean {
  return commandsOf(statement).some((command) => {
    const column = columnOf(command)
    return command.subtype === 'AT_AddColumn' && column !== undefined && COLUMNS[how](column)
  })
}

const COLUMNS = {
  rewrites: (column: Tree.ColumnDef) =>
    isSerial(column) ||
    has(column, 'CONSTR_IDENTITY', 'CONSTR_GENERATED') ||
    constraintsOf(column).some(
      ({ contype, raw_expr }) =>
        contype === 'CONSTR_DEFAULT' && calls(raw_expr).some((name) => !STEADY_CALLS.test(name)),
    ),
  required: (column: Tree.ColumnDef) =>
    has(column, 'CONSTR_NOTNULL', 'CONSTR_PRIMARY') &&
    !isSerial(column) &&
    !has(column, 'CONSTR_DEFAULT', 'CONSTR_IDENTITY', 'CONSTR_GENERATED'),
  constrained: (column: Tree.ColumnDef) =>
    has(column, 'CONSTR_CHECK', 'CONSTR_UNIQUE', 'CONSTR_PRIMARY', 'CONSTR_FOREIGN'),
} as const

/** The types of the columns that a statement adds to a table; an array checks nothing of its elements where it is NULL. */
export function newTypesOf(statement: Tree.Node): readonly string[] {
  return commandsOf(statement).flatMap((command) => {
    const column = command.subtype === 'AT_AddColumn' ? columnOf(command) : undefined
    const isArray = (column?.typeName?.arrayBounds ?? []).length > 0
    return column === undefined || isArray || isSerial(column) ? [] : [lastOf(column.typeName?.names)]
  })
}

export function addsCheckedType(statement: Tree.Node, { known, statements }: Setting): boolean {
  const made = statements.flatMap((one) => freeTypeOf(one) ?? [])
  return newTypesOf(statement).some((name) => known?.checking?.has(name) !== false && !made.includes(name))
}

/** A type that a statement makes, and that checks nothing. */
function freeTypeOf(statement: Tree.Node): string | undefined {
  if ('CreateEnumStmt' in statement) return lastOf(statement.CreateEnumStmt.typeName)
  if ('CreateRangeStmt' in statement) return lastOf(statement.CreateRangeStmt.typeName)
  if ('CompositeTypeStmt' in statement) return statement.CompositeTypeStmt.typevar?.relname
  const domain = 'CreateDomainStmt' in statement ? statement.CreateDomainStmt : undefined
  return domain?.constraints === undefined ? lastOf(domain?.domainname) : undefined
}

function has(column: Tree.ColumnDef, ...types: readonly string[]): boolean {
  return constraintsOf(column).some(({ contype = '' }) => types.includes(contype))
}

function isSerial({ typeName }: Tree.ColumnDef): boolean {
  return SERIAL.test(lastOf(typeName?.names))
}

function lastOf(names: readonly Tree.Node[] | undefined): string {
  const last = names?.at(-1)
  return last !== undefined && 'String' in last ? (last.String.sval ?? '') : ''
}
