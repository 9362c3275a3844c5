import { BellowsError } from '../../errors.ts'
import { columnNameProblem, identifierProblem } from '../../identifier.ts'
import { columnsNamed, readExpression, readType } from '../../parse.ts'
import { INTEGER_TYPES } from '../../plan/mapping.ts'
import { newNameProblems } from '../../plan/new-names.ts'
import { stopped } from '../../plan/problem-of.ts'
import { DEFAULT_IS_SQL, TYPE_IS_ONE } from '../../plan/row-value.ts'
import { refused, theTable } from '../../plan/table-checks.ts'
import { expressionKey, type Facts, type RowShape } from '../../schema/facts.ts'
import { findTable } from '../../schema/model.ts'
import type { Context } from '../operation.ts'
import { type CreateTable, foreignKeysOf, type NewColumn } from './create-table.ts'
import { foreignKeyProblems } from './foreign-key-checks.ts'
import { invalid } from './invalid.ts'
import { namedConstraints, primaryKeyName } from './names.ts'
import { comparisons, partitionProblems } from './partition-key.ts'

export function createTableProblems(op: CreateTable, context: Context): readonly BellowsError[] {
  const { facts, schema } = context
  const own = [
    ...nameProblems(op, context),
    ...twins(
      'column',
      op.table,
      op.columns.map(({ name }) => name),
    ),
    ...twins(
      'constraint',
      op.table,
      namedConstraints(op).map(({ name }) => name),
    ),
    ...op.columns.flatMap((column) => columnProblems(op, column, facts)),
    ...keyColumnProblems(op),
    ...partitionProblems(op, facts),
    ...comparisons(op).flatMap((one) =>
      expressionProblems(`What "${op.table}" is to be partitioned by`, checkNeed(op, one), facts),
    ),
    ...op.constraints.flatMap((one) =>
      one.kind === 'check' ? checkProblems(op, one.expression, facts) : [],
    ),
  ]
  // Of a column whose type nobody knows nothing can be said beside another one.
  if (own.length > 0) return own
  return foreignKeysOf(op).flatMap((key) => foreignKeyProblems(op, key, { schema, facts }))
}

export function nameProblems(op: CreateTable, { schema, facts }: Context): readonly BellowsError[] {
  if (findTable(schema, theTable(op)) !== undefined)
    return [
      refused(
        `There is already a table "${op.table}" in "${op.namespace}".`,
        'Choose another name, or drop the operation if that table is the one you mean.',
      ),
    ]
  const table = newNameProblems('table', theTable(op), facts)
  if (table.length > 0) return table
  return indexNames(op).flatMap((name) => newNameProblems('key', { namespace: op.namespace, name }, facts))
}

/** A key has an index of its name, which must be free in the namespace. */
export function indexNames(op: CreateTable): readonly string[] {
  return [
    ...(op.primaryKey === undefined ? [] : [primaryKeyName(op)]),
    ...namedConstraints(op).flatMap(({ constraint, name }) => (constraint.kind === 'unique' ? [name] : [])),
  ]
}

function twins(what: string, table: string, names: readonly string[]): readonly BellowsError[] {
  const twice = new Set(names.filter((name, at) => names.indexOf(name) !== at))
  return [...twice].map((name) =>
    invalid(`The table "${table}" would have two ${what}s "${name}".`, 'Give each a name of its own.'),
  )
}

function columnProblems(op: CreateTable, column: NewColumn, facts: Facts): readonly BellowsError[] {
  const { name, type } = column
  const problem = columnNameProblem(name)
  if (problem !== undefined)
    return [new BellowsError('name_invalid', `The column name "${name}" ${problem}.`)]
  const read = readType(type)
  const known = facts.types[type]
  if (typeof read !== 'string' || known === undefined) {
    const why = typeof read === 'string' ? 'there is no such type' : read.problem
    return [
      invalid(
        `The type "${type}" of the column "${name}" cannot be used: ${why}.`,
        `${TYPE_IS_ONE} For a number that counts up use "identity".`,
      ),
    ]
  }
  const makers = [column.default, column.generated, column.identity].filter((one) => one !== undefined)
  if (makers.length > 1)
    return [
      invalid(`The column "${name}" has more than one of default, generated and identity.`, 'Keep one.'),
    ]
  if (column.identity !== undefined && !INTEGER_TYPES.has(known.baseType))
    return [
      invalid(
        `The identity column "${name}" is of the type "${type}".`,
        'PostgreSQL counts in smallint, integer and bigint only.',
      ),
    ]
  return [...defaultProblems(column, facts), ...generatedProblems(op, column, facts)]
}

function defaultProblems(column: NewColumn, facts: Facts): readonly BellowsError[] {
  if (column.default === undefined) return []
  const what = `The default ${column.default} of "${column.name}"`
  return expressionProblems(what, { expression: column.default, type: column.type }, facts)
}

function generatedProblems(op: CreateTable, column: NewColumn, facts: Facts): readonly BellowsError[] {
  if (column.generated === undefined) return []
  const row = rowOf(op, column.name)
  const what = `The expression ${column.generated} of the generated column "${column.name}"`
  const sought = { expression: column.generated, type: column.type, row }
  const problems = expressionProblems(what, sought, facts)
  if (problems.length > 0) return problems
  const known = facts.expressions[expressionKey(column.generated, column.type, row)]
  if (known === undefined || 'problem' in known || known.volatility !== 'volatile') return []
  return [refused(`${what} is volatile: PostgreSQL stores only what is the same every time.`)]
}

function checkProblems(op: CreateTable, expression: string, facts: Facts): readonly BellowsError[] {
  return expressionProblems(`The check ${expression} of "${op.table}"`, checkNeed(op, expression), facts)
}

/** A generated column cannot be made of another one. */
export function rowOf(op: CreateTable, generated: string): RowShape {
  return op.columns
    .filter((column) => column.generated === undefined && column.name !== generated)
    .map(({ name, type }) => ({ name, type }))
}

export function checkNeed(op: CreateTable, expression: string) {
  return { expression, type: 'boolean', row: op.columns.map(({ name, type }) => ({ name, type })) }
}

function expressionProblems(
  what: string,
  { expression, type, row }: { expression: string; type: string; row?: RowShape },
  facts: Facts,
): readonly BellowsError[] {
  const read = readExpression(expression)
  if (typeof read !== 'string') return [invalid(`${what} cannot be used: ${read.problem}.`)]
  const known = facts.expressions[expressionKey(expression, type, row)]
  const missing =
    row === undefined ? [] : columnsNamed(expression).filter((name) => !row.some((one) => one.name === name))
  if (known === undefined || !('problem' in known)) return []
  const hint =
    missing.length === 0 ? undefined : `It may name ${(row ?? []).map(({ name }) => name).join(', ')}.`
  return [
    invalid(
      `${what} cannot be used: ${stopped(known.problem)}`,
      hint ?? (row === undefined ? DEFAULT_IS_SQL : undefined),
    ),
  ]
}

function keyColumnProblems(op: CreateTable): readonly BellowsError[] {
  const keys = [
    ...(op.primaryKey === undefined ? [] : [{ what: 'primary key', columns: op.primaryKey }]),
    ...op.constraints.flatMap((one) =>
      one.kind === 'check'
        ? []
        : [{ what: one.kind === 'unique' ? 'unique constraint' : 'foreign key', columns: one.columns }],
    ),
  ]
  const names = op.constraints.flatMap(({ name }) => {
    const problem = name === undefined ? undefined : identifierProblem(name)
    return problem === undefined
      ? []
      : [new BellowsError('name_invalid', `The constraint name "${name}" ${problem}.`)]
  })
  return [
    ...names,
    ...keys.flatMap(({ what, columns }) =>
      columns.flatMap((name, at) => {
        if (columns.indexOf(name) !== at)
          return [invalid(`The ${what} of "${op.table}" names "${name}" twice.`)]
        if (op.columns.some((column) => column.name === name)) return []
        return [
          new BellowsError(
            'column_not_found',
            `The ${what} of "${op.table}" names "${name}", which is no column of it.`,
            {
              hint: `It has ${op.columns.map((column) => column.name).join(', ')}.`,
            },
          ),
        ]
      }),
    ),
  ]
}
