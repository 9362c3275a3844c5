import type { BellowsError } from '../../errors.ts'
import { refused, tableProblems, twinSlotProblems } from '../../plan/table-checks.ts'
import { type Column, needsColumn, type Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import { carryProblems, ruleProblems, sourceProblems } from '../copy/checks.ts'
import { enumProblems, missingValue, shownType } from '../enum/enum.ts'
import { namesValue } from '../enum/names-value.ts'
import type { Context } from '../operation.ts'
import { type Known, knownType, membersOf, type RemoveEnumValue } from './removal.ts'

export function removalProblems(op: RemoveEnumValue, context: Context): readonly BellowsError[] {
  const { facts, schema } = context
  const problems = [
    ...enumProblems(op, op.value, facts),
    ...missingValue(op, op.value, facts),
    ...missingValue(op, op.becomes ?? undefined, facts),
  ]
  const known = knownType(op, facts)
  if (problems.length > 0 || known === undefined) return problems
  if (op.becomes === op.value)
    return [refused(`'${op.value}' cannot become itself.`, 'Name another value, or null.')]
  const members = membersOf(op, facts, schema)
  return [
    ...typeProblems(op, known),
    ...members.flatMap(({ table, from }) => memberProblems(op, known, table, from)),
    ...twinSlotProblems(members, schema),
  ]
}

function typeProblems(op: RemoveEnumValue, known: Known): readonly BellowsError[] {
  const type = shownType(op)
  return [
    ...(known.extension
      ? [refused(`The type ${type} belongs to an extension, which would lose it.`, 'Change the extension.')]
      : []),
    ...(known.makes
      ? []
      : [
          refused(
            `The connected role may not make another type in the place of ${type}, with the same owner.`,
            `Let it, as the owner of the namespace: grant create on schema ${shown(op.namespace)} to <role>; and connect as the owner of the type.`,
          ),
        ]),
    ...known.users
      .filter((user) => !isMadeInAMoment(user))
      .map((user) =>
        refused(
          `The ${user} is made with the type ${type}, and nothing carries it to another one.`,
          'Give it another type, such as text, or drop it, for the time of the migration.',
        ),
      ),
  ]
}

/** What holds no value can go right before the contract, and come again right behind it. */
export function isMadeInAMoment(user: string): boolean {
  return /^(view|materialized view|function|procedure|aggregate|rule|policy|trigger) /.test(user)
}

function memberProblems(
  op: RemoveEnumValue,
  known: Known,
  table: Table,
  from: Column,
): readonly BellowsError[] {
  const unfit = tableProblems({ namespace: table.namespace, table: table.name }, table, [
    'table',
    'partitioned',
  ])
  if (unfit.length > 0) return unfit
  return [
    ...sourceProblems(table, from),
    ...carryProblems(table, from),
    ...ruleProblems(table, from.name, from.name),
    ...valueProblems(op, known, table, from),
  ]
}

/** What names the value has no place where there is none. */
function valueProblems(
  op: RemoveEnumValue,
  { others }: Known,
  table: Table,
  from: Column,
): readonly BellowsError[] {
  const of = `"${table.name}"."${from.name}"`
  return [
    ...(op.becomes === null && !from.nullable && !from.type.endsWith('[]')
      ? [refused(`${of} is NOT NULL, so '${op.value}' cannot become NULL there.`, 'Name another value.')]
      : []),
    ...(from.default !== null && namesValue(`select ${from.default}`, op.value, others)
      ? [
          refused(
            `The default of ${of} is '${op.value}', or comes of it.`,
            'Give it another one first: alter_column.',
          ),
        ]
      : []),
    ...table.indexes
      .filter((index) => index.columns.includes(from.name) && namesValue(index.definition, op.value, others))
      .filter(
        (index) =>
          !table.constraints.some((one) => one.name === index.name && needsColumn(table, one, from.name)),
      )
      .map((index) =>
        refused(
          `The index ${shown(index.name)} names '${op.value}'.`,
          'Drop it for the time of the migration, or put another one in its place first: replace_index.',
        ),
      ),
  ]
}
