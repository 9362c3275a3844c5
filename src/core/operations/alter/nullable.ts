import type { BellowsError } from '../../errors.ts'
import { allBehindGate } from '../../plan/behind-gate.ts'
import { columnExists, columnIsNotNull } from '../../plan/probes.ts'
import type { Made, StepDraft } from '../../plan/step.ts'
import { differingPartProblems, refused, theTable, unprovedNulls } from '../../plan/table-checks.ts'
import { tellingOf } from '../../plan/telling.ts'
import { isSameName, needsColumn, withTable } from '../../schema/model.ts'
import { id, qualified, shown, sql } from '../../sql.ts'
import type { Context } from '../operation.ts'
import { inspectNulls, lateNulls } from '../rules/inspect.ts'
import { leavingFreedom } from '../rules/leaving.ts'
import { notNullSteps, nullableAgainSteps, unprovedAgainStep } from '../rules/not-null.ts'
import { rowSecurityProblems } from '../rules/problems.ts'
import { oldWritersHazard, phaseOf } from '../rules/put-up.ts'
import { timeOf } from '../rules/rule.ts'
import { withNotNull } from '../rules/schema.ts'
import { type AlterColumn, altered, withColumn } from './alter.ts'
import type { Part } from './part.ts'

/** NOT NULL comes as any rule does; it goes for the new version, which may want to write NULL. */
export function nullablePart(op: AlterColumn): readonly Part[] {
  if (op.nullable === undefined) return []
  return [op.nullable ? dropNotNull(op) : setNotNull(op)]
}

function setNotNull(op: AlterColumn): Part {
  const time = timeOf(op)
  const phase = phaseOf({ time })
  const work = ({ schema, seed }: Context) => {
    const { table, column } = altered(op, schema)
    return { table, columns: [column.name], seed, phase }
  }
  const leaver = leavingFreedom(theTable(op), `NOT NULL of ${shown(op.column)}`)
  const behind = (steps: readonly StepDraft[]) =>
    time === 'after_rollout' ? allBehindGate(leaver, steps) : steps
  return {
    check: ({ schema }) => {
      const { table, column } = altered(op, schema)
      const of = `"${table.name}"."${column.name}"`
      if (!column.nullable) {
        const unproved = unprovedNulls(table, column.name)
        return unproved.length > 0
          ? unproved
          : [refused(`${of} is NOT NULL already.`, 'Leave the field out.')]
      }
      return [
        ...rowSecurityProblems(table),
        ...differingPartProblems(table, column.name, 'nullable'),
        ...(column.generated === 'virtual'
          ? [refused(`${of} is a virtual generated column, whose values nobody has checked.`)]
          : []),
      ]
    },
    apply: (schema, facts) => {
      const { table } = altered(op, schema)
      return withTable(schema, withNotNull(table, op.column, facts))
    },
    expand: ({ schema }) => inspectNulls(altered(op, schema).table, op.column, ['expand']),
    contract: (context) => [
      ...inspectNulls(work(context).table, op.column, time === 'after_rollout' ? ['retire'] : []),
      ...behind(
        tellingOf(
          notNullSteps(work(context), [
            oldWritersHazard(`leaves a row of "${op.table}" without "${op.column}"`, time),
          ]),
          lateNulls(work(context).table, [op.column]),
        ),
      ),
    ],
    rollback: (context) =>
      nullableAgainSteps({ ...work(context), phase: phase === 'retire' ? 'retire' : 'expand' }),
  }
}

function dropNotNull(op: AlterColumn): Part {
  return {
    check: ({ schema }) => dropProblems(op, schema),
    apply: (schema) => {
      const changed = withColumn(op, schema, (column) => ({ ...column, nullable: true }))
      const { table } = altered(op, changed)
      const constraints = table.constraints.filter(
        ({ kind, columns }) => kind !== 'not_null' || !columns.includes(op.column),
      )
      return withTable(changed, { ...table, constraints })
    },
    expand: ({ schema }) => [dropStep(op, schema)],
    contract: () => [],
    rollback: ({ schema, seed, hiddenBehind = [] }) => {
      const { table } = altered(op, schema)
      const hidden = hiddenBehind.filter((one) => one.column === op.column && isSameName(one.table, table))
      const constraints = table.constraints.filter(
        ({ kind, columns }) => kind === 'not_null' && columns.includes(op.column),
      )
      const hazards = [
        {
          code: 'old_writers_may_fail',
          because: `From this step on "${op.table}" refuses rows without "${op.column}" again: no instance of the new version may run any more that writes some.`,
        },
      ] as const
      const unproved = constraints.find(({ validated }) => !validated)
      const work = { table, columns: [op.column], seed, phase: 'expand', constraints } as const
      const steps =
        unproved === undefined
          ? [...inspectNulls(table, op.column, ['expand'], hidden), ...notNullSteps(work, hazards)]
          : [unprovedAgainStep(work, unproved, hazards)]
      return steps.map((step) => ({ ...step, unmakes: madeNullable(op) }))
    },
  }
}

function madeNullable({ column, namespace, table: name }: AlterColumn): Made {
  return `the NULL of "${column}" of ${qualified({ namespace, name })}`
}

function dropStep(op: AlterColumn, schema: Context['schema']): StepDraft {
  const { table } = altered(op, schema)
  return {
    kind: 'ddl',
    phase: 'expand',
    does: `let "${op.column}" of "${op.table}" be NULL`,
    hazards: [
      {
        code: 'not_refused_any_more',
        because: `From this step on new instances may write NULL to "${op.column}"; an instance of the old version may not expect to read it.`,
      },
    ],
    probe: sql`${columnExists(table, op.column)} and not ${columnIsNotNull(table, op.column)}`,
    makes: madeNullable(op),
    locks: [{ relation: table, level: 'access_exclusive' }],
    requires: [],
    statements: [sql`alter table ${qualified(table)} alter column ${id(op.column)} drop not null`],
    cost: 'instant',
  }
}

function dropProblems(op: AlterColumn, schema: Context['schema']): readonly BellowsError[] {
  const { table, column } = altered(op, schema)
  const of = `"${table.name}"."${column.name}"`
  if (column.nullable) return [refused(`${of} is nullable already.`, 'Leave the field out.')]
  const identity = table.indexes.find((index) => index.replicaIdentity && index.columns.includes(op.column))
  const key = table.constraints.find(
    (one) => one.kind === 'primary_key' && needsColumn(table, one, op.column),
  )
  return [
    ...(key === undefined
      ? []
      : [refused(`${of} belongs to the primary key ${key.name}, whose columns are never NULL.`)]),
    ...(column.identity === 'no' ? [] : [refused(`${of} is an identity column, which is never NULL.`)]),
    ...(identity === undefined
      ? []
      : [refused(`${of} belongs to the replica identity ${identity.name}, whose columns are never NULL.`)]),
  ]
}
