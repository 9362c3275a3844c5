import { BellowsError } from '../../errors.ts'
import { columnNameProblem } from '../../identifier.ts'
import { columnsNamed, readExpression, readType } from '../../parse.ts'
import { INTEGER_TYPES } from '../../plan/mapping.ts'
import { isNeverNull } from '../../plan/never-null.ts'
import { problemOf } from '../../plan/problem-of.ts'
import { rowValueProblems, TYPE_IS_ONE, unusable, valueProblems } from '../../plan/row-value.ts'
import {
  columnSlotProblems,
  refused,
  ruledProblems,
  tableProblems,
  theTable,
} from '../../plan/table-checks.ts'
import { expressionKey, type Facts, type TypeFacts } from '../../schema/facts.ts'
import { findColumn, findTable, type Table } from '../../schema/model.ts'
import { trusted } from '../../sql.ts'
import type { Context } from '../operation.ts'
import type { AddColumn } from './add.ts'
import { collationProblems } from './collation.ts'
import { generatedAs, isFilled, knownDefault, valuesOf } from './values.ts'
import { domainProblems, generatedNullProblems, heldRowProblems, sizeProblems } from './written-anew.ts'

export function addProblems(op: AddColumn, context: Context): readonly BellowsError[] {
  const table = findTable(context.schema, theTable(op))
  const problems = tableProblems(op, table, ['table', 'partitioned'])
  if (table === undefined || problems.length > 0) return problems
  return [
    ...nameProblems(op, table),
    ...columnSlotProblems(table),
    ...typeProblems(op, context),
    ...collationProblems(op, context.facts),
    ...sourceProblems(op),
    ...defaultProblems(op, table, context),
    ...upProblems(op, table, context.facts),
    ...identityProblems(op, table, context.facts),
    ...generatedProblems(op, table, context.facts),
    ...sizeProblems(op, table, context.facts),
    ...heldRowProblems(op, context.facts),
    ...domainProblems(op, context.facts),
    ...fillProblems(op, table, context.facts),
  ]
}

function nameProblems(op: AddColumn, table: Table): readonly BellowsError[] {
  const problem = columnNameProblem(op.column)
  if (problem !== undefined)
    return [new BellowsError('name_invalid', `The column name "${op.column}" ${problem}.`)]
  if (findColumn(table, op.column) === undefined) return []
  return [
    new BellowsError('column_exists', `The table "${op.table}" already has a column "${op.column}".`, {
      hint: 'Choose another name, or drop the operation if that column is the one you mean.',
    }),
  ]
}

function typeProblems(op: AddColumn, { facts }: Context): readonly BellowsError[] {
  const type = facts.types[op.type]
  const problem = typeProblem(readType(op.type), type)
  if (problem === undefined) return []
  return [
    new BellowsError(
      'migration_invalid',
      `The type "${op.type}" of the column "${op.column}" cannot be used: ${problem}.`,
      { hint: TYPE_IS_ONE },
    ),
  ]
}

function typeProblem(read: ReturnType<typeof readType>, type: TypeFacts | undefined): string | undefined {
  if (typeof read !== 'string') return read.problem
  return type === undefined ? 'there is no such type' : undefined
}

/** Until the contract "up" fills what old writers leave out; so it may be NULL for none of their rows. */
function fillsAlways({ up }: AddColumn, { columns }: Table): boolean {
  const filled = columns.filter(({ nullable }) => !nullable).map(({ name }) => name)
  return up !== undefined && isNeverNull(up, filled)
}

/** A column has its value from one source; only `up` and a default can share the work. */
function sourceProblems(op: AddColumn): readonly BellowsError[] {
  const given = (['up', 'default', 'generated', 'identity'] as const).filter((name) => op[name] !== undefined)
  if (given.length < 2 || given.join() === 'up,default') return []
  return [
    new BellowsError(
      'migration_invalid',
      `"${op.column}" has ${given.map((name) => `"${name}"`).join(' and ')}: each gives it a value.`,
      {
        hint: 'Keep one of them; only "up" and "default" go together.',
      },
    ),
  ]
}

function withoutDefault(op: AddColumn): BellowsError {
  return new BellowsError(
    'plan_refused',
    `The column "${op.column}" is NOT NULL and has no default: an old writer would fail.`,
    {
      hint:
        op.up === undefined
          ? 'Give it a default, or "up", or add it as nullable.'
          : 'Nobody knows that "up" is NULL for no row. Write coalesce(<what it says>, <a value>), or give a default.',
    },
  )
}

function defaultProblems(op: AddColumn, table: Table, { facts }: Context): readonly BellowsError[] {
  const hasOther = op.identity !== undefined || op.generated !== undefined || fillsAlways(op, table)
  if (op.default === undefined) return op.nullable || hasOther ? [] : [withoutDefault(op)]
  if (!op.nullable && /^\s*null\b/i.test(op.default)) return [withoutDefault(op)]
  const known = facts.expressions[expressionKey(op.default, op.type)]
  const problem = problemOf(readExpression(op.default), known)
  if (problem !== undefined) return [unusable('default', op.column, op.default, problem)]
  const isAsked = op.up !== undefined || knownDefault(op, facts)?.volatility === 'volatile'
  const { default: value } = valuesOf(op)
  return isAsked && value !== undefined
    ? valueProblems({ what: 'default', column: op.column, value }, facts)
    : []
}

function upProblems(op: AddColumn, table: Table, facts: Facts): readonly BellowsError[] {
  const { up } = valuesOf(op)
  return up === undefined ? [] : rowValueProblems({ what: 'up', column: op.column, value: up }, table, facts)
}

function identityProblems(op: AddColumn, table: Table, { types }: Facts): readonly BellowsError[] {
  const type = types[op.type]
  if (op.identity !== undefined && table.kind === 'partitioned')
    return [
      refused(
        `"${op.table}" is a partitioned table: before PostgreSQL 17 its partitions know nothing of an identity column.`,
        `Make a sequence, and add the column with a default: nextval('<sequence>').`,
      ),
    ]
  if (op.identity === undefined || type === undefined || INTEGER_TYPES.has(type.baseType)) return []
  return [
    new BellowsError('migration_invalid', `"${op.column}" is an identity column of type ${type.type}.`, {
      hint: 'Use smallint, integer or bigint.',
    }),
  ]
}

function generatedProblems(op: AddColumn, table: Table, facts: Facts): readonly BellowsError[] {
  const how = generatedAs(op, facts)
  if (how === 'no')
    return op.stored === undefined
      ? []
      : [
          new BellowsError('migration_invalid', `"${op.column}" is "stored", and nothing is generated.`, {
            hint: 'Give "generated", or leave it out: every other column is stored.',
          }),
        ]
  const { [how]: value } = valuesOf(op)
  const problems =
    value === undefined ? [] : valueProblems({ what: 'expression', column: op.column, value }, facts)
  return problems.length > 0 ? problems : [...nestedProblems(op, table), ...generatedNullProblems(op)]
}

function nestedProblems({ column, generated = '' }: AddColumn, table: Table): readonly BellowsError[] {
  return columnsNamed(trusted(generated))
    .filter((name) => (findColumn(table, name)?.generated ?? 'no') !== 'no')
    .map((name) =>
      refused(
        `"${column}" is generated from "${name}", which is a generated column itself.`,
        'Write what that is computed from.',
      ),
    )
}

/** Rows that this role does not see would stay without their value. */
function fillProblems(op: AddColumn, table: Table, facts: Facts): readonly BellowsError[] {
  if (!isFilled(op, facts)) return []
  if (!table.rowSecurityForced) return ruledProblems(table)
  return [
    ...ruledProblems(table),
    refused(
      `Row security is forced on "${table.name}"${table.kind === 'partitioned' ? ', or a partition of it,' : ''} for the connected role, which would fill only a part of the rows.`,
      `Connect as a role with BYPASSRLS.`,
    ),
  ]
}
