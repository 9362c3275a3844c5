import { BellowsError } from '../../errors.ts'
import { behindGate } from '../../plan/behind-gate.ts'
import { defaultIs, defaultIsNew } from '../../plan/probes.ts'
import type { StepDraft } from '../../plan/step.ts'
import { refused } from '../../plan/table-checks.ts'
import { expressionKey, type Facts } from '../../schema/facts.ts'
import type { Column, QualifiedName, Table } from '../../schema/model.ts'
import { id, qualified, type Sql, shown, sql, trusted } from '../../sql.ts'
import type { Context } from '../operation.ts'
import { readCondition } from '../rules/read.ts'
import { stopped } from '../rules/words.ts'
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
        contract: ({ schema }) => dropSteps(op, altered(op, schema).table),
        rollback: ({ schema }) => [backStep(op, schema, 'retire')],
      },
    ]
  return [
    {
      ...common,
      expand: ({ schema }) => [setStep(op, schema, to)],
      contract: () => [],
      rollback: ({ schema }) => [backStep(op, schema, 'expand')],
    },
  ]
}

function setStep(op: AlterColumn, schema: Context['schema'], to: string): StepDraft {
  const { table, column } = altered(op, schema)
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
    probe: defaultIsNew(table, op.column, column.default),
  }
}

function dropSteps(op: AlterColumn, { namespace, name }: Table): readonly StepDraft[] {
  const table = { namespace, name }
  const called = `the default of ${shown(namespace)}.${shown(name)}.${shown(op.column)}`
  return behindGate(
    { table, thing: { called, reach: 'table' } },
    {
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
    },
  )
}

function backStep(op: AlterColumn, schema: Context['schema'], phase: 'expand' | 'retire'): StepDraft {
  const { table, column } = altered(op, schema)
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
    probe: defaultIs(table, op.column, before),
  }
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
  return { default: to, defaultText: text, defaultVolatility: volatility }
}

function problems(op: AlterColumn, to: string | null, { schema, facts }: Context): readonly BellowsError[] {
  const { table, column } = altered(op, schema)
  const of = `"${table.name}"."${column.name}"`
  if (column.identity !== 'no' || column.generated !== 'no')
    return [refused(`${of} is an identity or a generated column, which has no default.`)]
  if (to === null)
    return column.default === null ? [refused(`${of} has no default.`, 'Leave the field out.')] : []
  const read = readCondition(to)
  const known = facts.expressions[expressionKey(to, column.type)]
  const problem =
    typeof read !== 'string'
      ? read.problem
      : known === undefined
        ? 'nothing is known of its column; give it to the operation that adds the column'
        : 'problem' in known
          ? known.problem
          : undefined
  if (problem !== undefined)
    return [
      new BellowsError('migration_invalid', `The default ${to} of ${of} cannot be used: ${stopped(problem)}`),
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
  const { defaultText } = defaultFacts(to, column, facts)
  return to.trim() === column.default || (defaultText !== null && defaultText === column.defaultText)
}
