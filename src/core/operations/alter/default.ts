import { BellowsError } from '../../errors.ts'
import { behindGate } from '../../plan/behind-gate.ts'
import { ofTable } from '../../plan/leaver.ts'
import { defaultIs, defaultIsNew } from '../../plan/probes.ts'
import { problemOf, stopped } from '../../plan/problem-of.ts'
import { DEFAULT_IS_SQL } from '../../plan/row-value.ts'
import type { Made, StepDraft, TransactionStep } from '../../plan/step.ts'
import { differingPartProblems, refused, theTable } from '../../plan/table-checks.ts'
import { NOT_IN_LOG } from '../../plan/thing.ts'
import { expressionKey, type Facts } from '../../schema/facts.ts'
import { type Column, findColumn, findTable, type QualifiedName, type Schema } from '../../schema/model.ts'
import { id, qualified, type Sql, shown, sql, trusted } from '../../sql.ts'
import type { Context } from '../operation.ts'
import { readCondition } from '../rules/read.ts'
import { type AlterColumn, altered, withColumn } from './alter.ts'
import type { Part } from './part.ts'

/** A default is given for the new version, and taken when the old one is gone, whose INSERTs may leave the column out. */
export function defaultPart(op: AlterColumn): readonly Part[] {
  const to = op.default
  if (to === undefined) return []
  const common = {
    check: (context: Context) => problems(op, to, context),
    apply: (schema: Context['schema'], facts: Facts) =>
      withColumn(op, schema, (column) => ({ ...column, ...defaultFacts(to, column, facts) })),
  }
  if (to === null)
    return [
      {
        ...common,
        expand: () => [],
        contract: (context) => dropSteps(op, context),
        rollback: (context) => [backStep(op, context, 'retire')],
      },
    ]
  return [
    {
      ...common,
      expand: (context) => [setStep(op, context, to)],
      contract: () => [],
      rollback: (context) => [backStep(op, context, 'expand')],
    },
  ]
}

function setStep(op: AlterColumn, context: Context, to: string): StepDraft {
  const { table, column } = altered(op, context.schema)
  return {
    ...defaultStep(table, setDefault(column.name, trusted(to))),
    phase: 'expand',
    does: `give "${op.column}" of "${op.table}" another default`,
    hazards: [
      {
        code: 'same_default',
        because: `Instances of both versions share the default: an INSERT of the old version without "${op.column}" gets ${to} from this step on.`,
      },
    ],
    probe: isSet(op, context, to) ?? defaultIsNew(table, op.column, column.default),
    ...ofOurs(op, context),
  }
}

/** Of a column that the migration copies: how the server printed the default before is not known there, but how it prints the new one. */
function isSet(op: AlterColumn, { schema, facts }: Context, to: string): Sql | undefined {
  const { table, column } = altered(op, schema)
  const printed = printedDefault(to, column, facts)
  return printed === undefined ? undefined : defaultIs(table, op.column, printed)
}

function dropSteps(op: AlterColumn, context: Context): readonly StepDraft[] {
  const { namespace, name } = altered(op, context.schema).table
  const table = { namespace, name }
  const called = `the default of ${shown(namespace)}.${shown(name)}.${shown(op.column)}`
  return behindGate(ofTable(table, called, NOT_IN_LOG), {
    ...defaultStep(table, sql`alter column ${id(op.column)} drop default`),
    phase: 'retire',
    does: `take the default of "${op.column}" of "${op.table}" away`,
    hazards: [
      {
        code: 'old_writers_may_fail',
        because: `From this step on an INSERT without "${op.column}" brings NULL, or fails where that is NOT NULL. So contract when no instance runs that leaves it out.`,
      },
    ],
    probe: defaultIs(table, op.column, null),
    ...ofOurs(op, context),
  })
}

/** Another default than the one of the plan is of somebody else, also where it says what ours would. */
function ofOurs(op: AlterColumn, context: Context): Pick<TransactionStep, 'makes' | 'requires'> {
  const { table, column } = altered(op, context.schema)
  return {
    makes: madeDefault(op),
    requires: [
      {
        that: hasStill(op, context),
        code: 'drift_found',
        otherwise: `somebody else has changed the default of "${column.name}" of "${table.name}" since the plan was made`,
      },
    ],
  }
}

/** The default before. How the server prints one that the migration gave to a column of its own, or a copy, nobody knows; there is one, then. */
function hasStill(op: AlterColumn, { schema, given }: Context): Sql {
  const { table, column } = altered(op, schema)
  return column.default === null || isGiven(op, given)
    ? defaultIs(table, column.name, column.default)
    : defaultIsNew(table, column.name, null)
}

function isGiven(op: AlterColumn, given: Schema): boolean {
  const table = findTable(given, theTable(op))
  return table !== undefined && findColumn(table, op.column) !== undefined
}

function madeDefault({ namespace, table: name, column }: AlterColumn): Made {
  return `the default of "${column}" of ${qualified({ namespace, name })}`
}

function backStep(op: AlterColumn, context: Context, phase: 'expand' | 'retire'): StepDraft {
  const { table, column } = altered(op, context.schema)
  const before = column.default
  return {
    ...defaultStep(
      table,
      before === null
        ? sql`alter column ${id(op.column)} drop default`
        : setDefault(op.column, trusted(before)),
    ),
    phase,
    does: `give "${op.column}" of "${op.table}" its default back`,
    hazards: [],
    unmakes: madeDefault(op),
    probe: isBack(op, context),
  }
}

/** Any other default than ours is the one before. */
function isBack(op: AlterColumn, context: Context): Sql {
  const ours = typeof op.default === 'string' ? isSet(op, context, op.default) : undefined
  return ours === undefined || isGiven(op, context.given) ? hasStill(op, context) : sql`not ${ours}`
}

function setDefault(column: string, value: Sql): Sql {
  return sql`alter column ${id(column)} set default ${value}`
}

function defaultStep(table: QualifiedName, change: Sql) {
  return {
    kind: 'ddl',
    locks: [{ relation: table, level: 'access_exclusive' }],
    requires: [],
    statements: [sql`alter table ${qualified(table)} ${change}`],
    cost: 'instant',
  } as const
}

function defaultFacts(
  to: string | null,
  column: Column,
  facts: Facts,
): Pick<Column, 'default' | 'defaultText' | 'defaultVolatility'> {
  if (to === null) return { default: null, defaultText: null, defaultVolatility: null }
  const known = facts.expressions[expressionKey(to, column.type)]
  const { volatility = null, text = null } = known === undefined || 'problem' in known ? {} : known
  const printed = printedDefault(to, column, facts)
  return { default: printed ?? to, defaultText: text, defaultVolatility: volatility }
}

function printedDefault(to: string, { type }: Column, facts: Facts): string | undefined {
  const known = facts.expressions[expressionKey(to, type)]
  return known === undefined || 'problem' in known ? undefined : known.printed
}

function problems(op: AlterColumn, to: string | null, context: Context): readonly BellowsError[] {
  const { schema, given, facts } = context
  const { table, column } = altered(op, schema)
  const of = `"${table.name}"."${column.name}"`
  if (column.identity !== 'no' || column.generated !== 'no')
    return [refused(`${of} is an identity or a generated column, which has no default.`)]
  if (isGiven(op, given) && altered(op, given).column.default !== column.default)
    return [refused(`The migration changes the default of ${of} twice.`, 'Change it once.')]
  const differing = differingPartProblems(table, column.name, 'default')
  if (differing.length > 0) return differing
  if (to === null)
    return column.default === null ? [refused(`${of} has no default.`, 'Leave the field out.')] : []
  const read = readCondition(to)
  const known = facts.expressions[expressionKey(to, column.type)]
  const unasked = 'nothing is known of its column; give it to the operation that adds the column'
  const problem = problemOf(read, known, unasked)
  if (problem !== undefined)
    return [
      new BellowsError(
        'migration_invalid',
        `The default ${to} of ${of} cannot be used: ${stopped(problem)}`,
        {
          hint: DEFAULT_IS_SQL,
        },
      ),
    ]
  if (/^\s*null\b/i.test(to))
    return [
      new BellowsError('migration_invalid', `The default of ${of} is NULL, which is none.`, {
        hint: 'Write "default: null" without quotes to take the default away.',
      }),
    ]
  return isSame(to, column, facts)
    ? [refused(`${of} has the default ${to} already.`, 'Leave the field out.')]
    : []
}

function isSame(to: string, column: Column, facts: Facts): boolean {
  const { default: printed, defaultText } = defaultFacts(to, column, facts)
  const isSameText = defaultText !== null && defaultText === column.defaultText
  return isSameText || [to.trim(), printed].includes(column.default ?? '')
}
