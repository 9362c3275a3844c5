import type { BellowsError } from '../../errors.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { userTriggersFire } from '../../plan/hazards.ts'
import { isNeverNull } from '../../plan/never-null.ts'
import { columnSlotProblems, refused } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import { collationKey } from '../../schema/mappings.ts'
import { type Column, needsColumn, type Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import { carryProblems, ruleProblems, sourceProblems } from '../copy/checks.ts'
import type { Work } from '../copy/work.ts'
import type { Context } from '../operation.ts'
import { type Change, type ChangeType, changeOf } from './change.ts'
import { keyChangeProblems } from './keys/checks.ts'
import { isKey } from './keys/keys.ts'

export function changeProblems(
  op: ChangeType,
  table: Table,
  from: Column,
  context: Context,
): readonly BellowsError[] {
  const { schema, facts } = context
  const change = changeOf(op, table, from, facts)
  const byKey = isKey(schema, table, from)
  const problems =
    'problem' in change
      ? [refused(`"${op.table}"."${op.column}" cannot be changed: ${change.problem}.`, change.hint)]
      : change.by === 'copy'
        ? [
            ...copyProblems(op, table, from, { change, facts }),
            ...(byKey ? keyChangeProblems(op, context, change) : []),
          ]
        : change.by === 'catalog'
          ? boundProblems(op, table)
          : []
  return [...sourceProblems(table, { ...from, identity: 'no' }), ...problems]
}

/** PostgreSQL refuses to change the type of a column while these use it. */
function boundProblems(op: ChangeType, table: Table): readonly BellowsError[] {
  return boundTo(table, op.column).map(({ kind, name }) =>
    refused(
      `The ${kind} ${name} uses "${op.table}"."${op.column}", whose type cannot be changed as long as it does.`,
      'Drop it, and make it anew afterwards.',
    ),
  )
}

function copyProblems(
  op: ChangeType,
  table: Table,
  from: Column,
  { change, facts }: { readonly change: Extract<Change, { by: 'copy' }>; readonly facts: Facts },
): readonly BellowsError[] {
  const isByHand = op.up !== undefined
  return [
    ...carryProblems(table, from),
    ...columnSlotProblems(table),
    ...(isByHand ? ruleProblems(table, op.column, op.column) : []),
    ...(isByHand && change.target.baseType !== from.baseType ? indexProblems(op, table) : []),
    ...(op.collation === undefined || isByHand ? [] : collationProblems(op, table, facts)),
    ...(change.mapping.down === undefined && op.overlap !== 'forward_only' ? [noWayBack(op)] : []),
  ]
}

/** An expression or an operator class for the old type need not exist for the new one. */
function indexProblems(op: ChangeType, table: Table): readonly BellowsError[] {
  const isPlain = (definition: string, parts: readonly string[]) =>
    parts.every((part) => table.columns.some(({ name }) => name === part)) &&
    !/ WHERE | COLLATE |_ops\b/.test(definition)
  return table.indexes
    .filter((one) => one.columns.includes(op.column) && !isPlain(one.definition, one.nameParts))
    .map(({ name }) =>
      refused(
        `The index ${shown(name)} is made for the old type of "${op.column}".`,
        'Drop it for the time of the migration, and create one for the new type afterwards.',
      ),
    )
}

/** What holds in one order of texts need not hold in another one. */
function collationProblems(op: ChangeType, table: Table, facts: Facts): readonly BellowsError[] {
  const collation = facts.collations[collationKey({ namespace: op.namespace, name: op.collation ?? '' })]
  const rules =
    collation?.deterministic === true
      ? table.constraints.filter((one) => one.kind === 'check' && needsColumn(table, one, op.column))
      : table.constraints.filter((one) => one.kind !== 'not_null' && needsColumn(table, one, op.column))
  const uniques =
    collation?.deterministic === true
      ? []
      : table.indexes.filter(
          (one) => one.unique && one.constraint === null && one.columns.includes(op.column),
        )
  return [...rules, ...uniques].map(({ name }) =>
    refused(
      `${shown(name)} holds for "${op.column}" as it is ordered now; nobody knows whether it holds under ${op.collation}.`,
      'Drop it for the time of the migration, and add it again afterwards.',
    ),
  )
}

function noWayBack(op: ChangeType): BellowsError {
  return refused(
    `Without "down" nothing takes new values of "${op.column}" back, so the change cannot be undone once it is made.`,
    'Write down: <the old value, as an expression over the new one>, or say overlap: forward_only to do without a way back.',
  )
}

function boundTo({ dependents }: Table, column: string) {
  return dependents.filter((one) => one.column === column && one.bound === true)
}

export function changeHazards(op: ChangeType, work: Work): readonly Hazard[] {
  const { fromColumn, toColumn, mapping, notNull } = work
  const { column } = op
  const mayBeNull = notNull && op.up !== undefined && !isNeverNull(op.up)
  return [
    {
      code: 'seen_by_all',
      because: `From the contract on every instance finds "${column}" as ${toColumn.type}, old ones included: the name stays, so nobody can be kept apart. Instances of both versions must understand both; a named prepared statement that returns it fails once with "cached plan must not change result type".`,
    },
    columnIsLast(work),
    ...(op.up === undefined
      ? []
      : [
          {
            code: 'may_break' as const,
            because: `From the expand on a write fails for whose value of "${column}" up (${op.up}) fails${mayBeNull ? ' or gives NULL, which is refused' : ''}. Rows that are there are tried by the backfill, before the contract.`,
          },
        ]),
    mapping.down === undefined
      ? { code: 'forward_only', because: 'The contract cannot be undone: nothing takes new values back.' }
      : {
          code: 'narrow_until_contract',
          because: `Until the old column is dropped "${column}" takes only values that can be taken back to ${fromColumn.type}.`,
        },
    ...hangingHazards(work),
  ]
}

export function columnIsLast({ from, to }: Work): Hazard {
  return {
    code: 'column_is_last',
    because: `"${to}" stands behind the last column until the contract, and "${from}" from then on: SELECT *, COPY and INSERT without a column list see it.`,
  }
}

/** What is on the column, or names it, and finds another column under its name from the contract on. */
export function hangingHazards({ table, from: column }: Work): readonly Hazard[] {
  const named = [...table.dependents, ...table.mentions].filter(
    (one) => one.column === column && !boundTo(table, column).some(({ name }) => name === one.name),
  )
  const uses = [...new Map(named.map((one) => [`${one.kind} ${one.name}`, one])).keys()]
  return [
    ...userTriggersFire(table),
    ...boundTo(table, column).map(({ kind, name }) => ({
      code: 'blocks_contract' as const,
      because: `The ${kind} ${name} would go along with the old column. Drop it before the contract, and make it anew afterwards.`,
    })),
    ...uses.map((name) => ({
      code: 'may_break' as const,
      because: `The ${name} may use "${column}" in its text: it finds the new type from the contract on.`,
    })),
  ]
}
