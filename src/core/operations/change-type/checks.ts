import type { BellowsError } from '../../errors.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { userTriggersFire } from '../../plan/hazards.ts'
import { refused, twinSlotProblems } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import type { Column, Table } from '../../schema/model.ts'
import { carryProblems, sourceProblems } from '../copy/checks.ts'
import type { Work } from '../copy/work.ts'
import { includedProblems, isKey } from '../keys/primary-key.ts'
import type { Context } from '../operation.ts'
import { mappingHazards, retypeProblems } from '../retype/checks.ts'
import { type Change, type ChangeType, changeOf, retyped } from './change.ts'
import { keyChangeProblems } from './keys/checks.ts'
import { changing } from './keys/keys.ts'

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
            ...twinSlotProblems(changing(op, schema, change.target), schema),
            ...includedProblems(schema, table, from.name),
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
  return [
    ...carryProblems(table, from),
    ...retypeProblems(retyped(op), table, from, { target: change.target, facts }),
    ...(change.mapping.down === undefined && op.overlap !== 'forward_only' ? [noWayBack(op)] : []),
  ]
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
  return [
    {
      code: 'seen_by_all',
      because: `From the contract on every instance finds "${column}" as ${toColumn.type}, old ones included: the name stays, so nobody can be kept apart. Instances of both versions must understand both; a named prepared statement that returns it fails once with "cached plan must not change result type".`,
    },
    columnIsLast(work),
    ...mappingHazards(retyped(op), notNull),
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
      because: `The ${name} may use "${column}" in its text: it finds the new type from the contract on. A function in PL/pgSQL that the connected role does not own fails in each session that has called it before: have connections renewed right behind the contract.`,
    })),
  ]
}
