import { BellowsError } from '../../errors.ts'
import { columnNameProblem } from '../../identifier.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { leavingHazards, userTriggersFire } from '../../plan/hazards.ts'
import {
  columnMissing,
  columnSlotProblems,
  columnTaken,
  keyProblems,
  refused,
  rulesOn,
  tableProblems,
} from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import { type Column, findColumn, findTable, type Schema, type Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import { sourceProblems } from '../copy/checks.ts'
import type { Context } from '../operation.ts'
import { type Resolved, resolved } from './mapping.ts'
import type { Reshape } from './reshape.ts'

export function reshapeProblems(shape: Reshape, { schema, facts }: Context): readonly BellowsError[] {
  const op = { namespace: shape.table.namespace, table: shape.table.name }
  const table = findTable(schema, shape.table)
  const problems = [...tableProblems(op, table, ['table', 'partitioned']), ...namesProblems(shape)]
  if (table === undefined || problems.length > 0) return problems
  const missing = shape.olds.flatMap(({ name }) => columnMissing(op, table, name))
  if (missing.length > 0) return missing
  const olds = shape.olds.flatMap(({ name }) => findColumn(table, name) ?? [])
  return [
    ...shape.news.flatMap(({ name }) => columnTaken(table, name)),
    ...columnSlotProblems(table, shape.news.length),
    ...olds.flatMap((column) => [
      ...keyProblems(table, column),
      ...sourceProblems(table, column),
      ...ownProblems(table, column),
    ]),
    ...mappingProblems(shape, table, facts),
  ]
}

function namesProblems({ olds, news }: Reshape): readonly BellowsError[] {
  const names = [...olds, ...news].map(({ name }) => name)
  const twin = names.find((name, at) => names.indexOf(name) !== at)
  return [
    ...news.flatMap(({ name }) => {
      const problem = columnNameProblem(name)
      return problem === undefined
        ? []
        : [new BellowsError('name_invalid', `The column name "${name}" ${problem}.`)]
    }),
    ...(twin === undefined
      ? []
      : [
          new BellowsError(
            'name_invalid',
            `"${twin}" is named twice; old and new columns need names of their own.`,
          ),
        ]),
  ]
}

/** What an old column has that no single new one could take over. */
function ownProblems(table: Table, column: Column): readonly BellowsError[] {
  const of = `"${table.name}"."${column.name}"`
  const found = [
    ...rulesOn(table, column.name).map(
      (rule) => `${rule} holds for ${of}, and nobody knows what it means for the new columns.`,
    ),
    ...(column.sequences.length > 0 || column.defaultVolatility === 'volatile'
      ? [`${of} has a default that differs each time, so the new columns would not agree with it.`]
      : []),
    ...(column.grants.length > 0
      ? [`${of} has grants of its own, which the new columns cannot share out.`]
      : []),
  ]
  return found.map((message) =>
    refused(
      message,
      'Take it away for the time of the migration, and make what you want of the new columns afterwards.',
    ),
  )
}

function mappingProblems(shape: Reshape, table: Table, facts: Facts): readonly BellowsError[] {
  const found = resolved(shape, table, facts)
  return 'problems' in found
    ? found.problems.map((message) => refused(message))
    : nullProblems(shape, found).map(([message, hint]) => refused(message, hint))
}

/** A row of NULLs must be one on both sides, or on none: else a row that waits to be filled looks like one that was written so. */
function nullProblems(
  { news, olds: named }: Reshape,
  { olds, ups, downs }: Resolved,
): readonly (readonly [string, string])[] {
  const areOldsNullable = olds.every(({ nullable }) => nullable)
  const areNewsNullable = news.every(({ nullable }) => nullable)
  if (!areOldsNullable && areNewsNullable) {
    return [
      [
        `${names(olds.filter(({ nullable }) => !nullable))} is NOT NULL, and all new columns take NULL: what writers leave out there could not be taken back.`,
        `Say nullable: false for one of ${names(news)} at least.`,
      ],
    ]
  }
  const wrong = (
    sides: readonly { readonly name: string; readonly text: string; readonly nullable: boolean }[],
    ofNull: Resolved['ups'],
  ) =>
    sides.flatMap(({ name, text, nullable }, at): (readonly [string, string])[] => {
      const is = ofNull[at]
      if (is === 'fails')
        return [
          [`The expression for "${name}" (${text}) fails where all is NULL.`, 'Write coalesce(...) or CASE.'],
        ]
      if (!nullable && is === 'null') {
        return [
          [
            `"${name}" is to be NOT NULL, and its expression (${text}) makes no value where all is NULL.`,
            `Write such as coalesce(${text}, <value>).`,
          ],
        ]
      }
      if (areNewsNullable && is === 'value') {
        return [
          [
            `The expression for "${name}" (${text}) makes a value where all is NULL, so a row that was written so looks like one that waits.`,
            `Let it give NULL there, or say nullable: false for one of ${names(news)}.`,
          ],
        ]
      }
      return []
    })
  const oldSides = named.map(({ name, down }, at) => ({
    name,
    text: down,
    nullable: olds[at]?.nullable !== false,
  }))
  return [
    ...(areOldsNullable
      ? wrong(
          news.map((one) => ({ ...one, text: one.up })),
          ups,
        )
      : []),
    ...(areNewsNullable ? wrong(oldSides, downs) : []),
  ]
}

export function reshapeHazards(shape: Reshape, schema: Schema): readonly Hazard[] {
  const table = findTable(schema, shape.table)
  if (table === undefined) return []
  const [olds, news] = [names(shape.olds), names(shape.news)]
  const isOld = (columns: readonly string[]) => shape.olds.some(({ name }) => columns.includes(name))
  return [
    {
      code: 'column_is_last',
      because: `${news} stand behind all other columns: SELECT * in a named statement, COPY and INSERT without a column list see another order.`,
    },
    {
      code: 'may_break',
      because: `Until the contract a write fails for whose values ${shape.news.map(({ up }) => up).join(' or ')} fails or gives NULL for a NOT NULL column, and so does one of ${news} with ${shape.olds.map(({ down }) => down).join(' or ')}.`,
    },
    {
      code: 'narrow_until_contract',
      because: `Until ${olds} are dropped ${news} take only values that can be taken back to them. What does not come back the same is kept, and counted as lossy.`,
    },
    ...table.indexes
      .filter((one) => one.constraint === null && isOld(one.columns))
      .map(({ name }) => ({
        code: 'goes_with_column' as const,
        because: `The index ${shown(name)} is dropped with ${olds}. Create the ones that the new columns need before you deploy.`,
      })),
    ...userTriggersFire(table),
    ...shape.olds.flatMap(({ name }) => leavingHazards(table, name)),
  ]
}

function names(columns: readonly { readonly name: string }[]): string {
  return columns.map(({ name }) => `"${name}"`).join(' and ')
}
