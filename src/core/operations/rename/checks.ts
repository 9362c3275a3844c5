import { BellowsError } from '../../errors.ts'
import { columnNameProblem } from '../../identifier.ts'
import { readType } from '../../parse.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { leavingHazards, userTriggersFire } from '../../plan/hazards.ts'
import { mappingFor } from '../../plan/mapping.ts'
import {
  columnMissing,
  columnSlotProblems,
  keyProblems,
  refused,
  tableProblems,
  theTable,
} from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import { type Column, findColumn, findTable, needsColumn, type Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import { carryProblems, ruleProblems, sourceProblems } from '../copy/checks.ts'
import type { Context } from '../operation.ts'
import type { RenameColumn } from './rename.ts'

export function renameProblems(op: RenameColumn, context: Context): readonly BellowsError[] {
  const table = findTable(context.schema, theTable(op))
  const problems = [...nameProblems(op), ...tableProblems(op, table, ['table', 'partitioned'])]
  if (table === undefined || problems.length > 0) return problems
  const from = findColumn(table, op.from)
  if (from === undefined) return columnMissing(op, table, op.from)
  const adopted = findColumn(table, op.to)
  return [
    ...keyProblems(table, from),
    ...sourceProblems(table, from),
    ...carryProblems(table, from),
    ...(adopted === undefined ? columnSlotProblems(table) : adoptionProblems(op, table, adopted)),
    ...mappingProblems(op, table, from, context),
  ]
}

function nameProblems(op: RenameColumn): readonly BellowsError[] {
  const problem = columnNameProblem(op.to)
  if (problem !== undefined)
    return [new BellowsError('name_invalid', `The column name "${op.to}" ${problem}.`)]
  if (op.from !== op.to) return []
  return [
    new BellowsError('name_invalid', `"from" and "to" are both "${op.from}": there is nothing to rename.`),
  ]
}

function adoptionProblems(op: RenameColumn, table: Table, to: Column): readonly BellowsError[] {
  const of = `"${table.name}"."${to.name}" is already there and`
  const problem =
    (!to.nullable && 'is NOT NULL, so old writers fail already') ||
    (to.default !== null && 'has a default, which cannot be told from a value') ||
    (to.generated !== 'no' && 'is generated') ||
    (to.identity !== 'no' && 'is an identity column') ||
    (op.type !== undefined && op.type !== to.type && `is of type ${to.type}, not ${op.type}`)
  const rules = [
    ...table.constraints.filter((one) => needsColumn(table, one, to.name)),
    ...table.indexes.filter((one) => one.unique && one.constraint === null && one.columns.includes(to.name)),
  ]
  return [
    ...(problem === false ? [] : [`${of} ${problem}.`]),
    ...rules.map(
      ({ name }) => `${of} has a rule of its own, ${shown(name)}, which the old values need not meet.`,
    ),
  ].map((message) => refused(message, 'Choose another name, or drop what is in the way.'))
}

function mappingProblems(
  op: RenameColumn,
  table: Table,
  from: Column,
  { facts }: Context,
): readonly BellowsError[] {
  const adopted = findColumn(table, op.to)
  const target = adopted ?? (op.type === undefined ? from : facts.types[op.type])
  if (target === undefined || (op.type !== undefined && typeof readType(op.type) !== 'string')) {
    return [new BellowsError('migration_invalid', `There is no type "${op.type}" for the column "${op.to}".`)]
  }
  if (target.typeConstrained)
    return [refused(`${target.type} is a domain with constraints; adding such a column rewrites the table.`)]
  const mapping = mappingFor(from, target, op.transform ?? 'copy', facts)
  if ('problem' in mapping)
    return [refused(`"${op.from}" cannot be copied to "${op.to}": ${mapping.problem}.`)]
  return mapping.down === undefined ? [...overlapProblems(op), ...ruleProblems(table, op.from, op.to)] : []
}

function overlapProblems(op: RenameColumn): readonly BellowsError[] {
  if (op.overlap === 'forward_only') return []
  return [
    refused(
      `Values written to "${op.to}" could not be taken back to "${op.from}", so instances of both versions cannot write at the same time.`,
      `Say overlap: forward_only to accept that writes of "${op.to}" fail until "${op.from}" is retired.`,
    ),
  ]
}

export function renameHazards(op: RenameColumn, { schema, facts }: Context): readonly Hazard[] {
  const table = findTable(schema, theTable(op))
  const from = table === undefined ? undefined : findColumn(table, op.from)
  if (table === undefined || from === undefined) return []
  return [
    {
      code: 'column_is_last',
      because: `"${op.to}" is the last column of the table: SELECT * in a named statement, COPY and INSERT without a column list see another order.`,
    },
    ...(from.nullable && from.default !== null
      ? [
          {
            code: 'explicit_null_read_as_omitted' as const,
            because: `An INSERT that gives NULL for "${op.to}" gets the default of "${op.from}" until the contract.`,
          },
        ]
      : []),
    ...(op.overlap === 'forward_only'
      ? [
          {
            code: 'forward_only' as const,
            because: `Writes that change only "${op.to}" fail until "${op.from}" is retired; an old value that does not fit makes every write of its row fail. Retiring cannot be undone.`,
          },
        ]
      : []),
    ...userTriggersFire(table),
    ...changedByTriggers(op, table),
    ...narrowness(op, from, table, facts),
    ...leavingHazards(table, op.from),
  ]
}

/** Both columns hold every value until the old one is gone, also the old one. */
function narrowness(op: RenameColumn, from: Column, table: Table, facts: Facts): readonly Hazard[] {
  const to = findColumn(table, op.to) ?? (op.type === undefined ? from : facts.types[op.type])
  if (to === undefined || to.type === from.type || op.overlap === 'forward_only') return []
  return [
    {
      code: 'narrow_until_contract',
      because: `Until "${op.from}" is dropped "${op.to}" takes only values that fit ${from.type}.`,
    },
  ]
}

/** The dual write fires last. A trigger that derives something from the old column sees it too early in a write that gives the new one. */
function changedByTriggers(op: RenameColumn, table: Table): readonly Hazard[] {
  const named = new RegExp(
    `(?<![\\p{L}\\p{N}_])${op.from.replaceAll(/[\\^$.*+?()[\]{}|]/g, (c) => `\\${c}`)}(?![\\p{L}\\p{N}_])`,
    'u',
  )
  return table.triggers
    .filter((trigger) => trigger.enabled && trigger.before && trigger.rowLevel && named.test(trigger.text))
    .map(({ name }) => ({
      code: 'may_break',
      because: `The trigger ${shown(name)} names "${op.from}": a write through "${op.to}" reaches it before "${op.from}" follows, so it sees the old value; if it changes "${op.from}" itself, such a write is refused.`,
    }))
}
