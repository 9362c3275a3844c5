import { BellowsError } from '../../errors.ts'
import { canonical } from '../../hash.ts'
import { columnNameProblem } from '../../identifier.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { leavingHazards, userTriggersFire } from '../../plan/hazards.ts'
import {
  columnMissing,
  columnSlotProblems,
  refused,
  tableProblems,
  theTable,
} from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import { collationAsNamed, collationKey } from '../../schema/mappings.ts'
import { type Column, findColumn, findTable, needsColumn, type Table } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import { carryProblems, ruleProblems, sourceProblems } from '../copy/checks.ts'
import type { Work } from '../copy/work.ts'
import type { Context } from '../operation.ts'
import { mappingHazards, retypeProblems } from '../retype/checks.ts'
import type { RenamedKey } from './key.ts'
import { renamedKeyHazards, renamedKeyProblems } from './key-checks.ts'
import type { RenameColumn } from './rename.ts'
import { renamingOf } from './renaming.ts'

export function renameProblems(op: RenameColumn, context: Context): readonly BellowsError[] {
  const table = findTable(context.schema, theTable(op))
  const problems = [...nameProblems(op), ...tableProblems(op, table, ['table', 'partitioned'])]
  if (table === undefined || problems.length > 0) return problems
  const from = findColumn(table, op.from)
  if (from === undefined) return columnMissing(op, table, op.from)
  const adopted = findColumn(table, op.to)
  return [
    ...sourceProblems(table, { ...from, identity: 'no' }),
    ...carryProblems(table, from),
    ...(adopted === undefined
      ? columnSlotProblems(table)
      : adoptionProblems(op, table, adopted, context.facts)),
    ...mappingProblems(op, table, from, context),
    ...renamedKeyProblems(op, table, from, context),
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

function adoptionProblems(op: RenameColumn, table: Table, to: Column, facts: Facts): readonly BellowsError[] {
  const of = `"${table.name}"."${to.name}" is already there and`
  const type = op.type === undefined ? to : facts.types[op.type]
  const named = op.collation === undefined ? undefined : { namespace: op.namespace, name: op.collation }
  const collation = named === undefined ? undefined : facts.collations[collationKey(named)]
  const problem =
    (!to.nullable && 'is NOT NULL, so old writers fail already') ||
    (to.default !== null && 'has a default, which cannot be told from a value') ||
    (to.generated !== 'no' && 'is generated') ||
    (to.identity !== 'no' && 'is an identity column') ||
    (type !== undefined && type.type !== to.type && `is of type ${to.type}, not ${op.type}`) ||
    (collation !== undefined &&
      canonical(collationAsNamed(collation)) !== canonical(to.collation) &&
      `is of another collation than ${op.collation}`)
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
  const renaming = renamingOf(op, table, from, facts)
  if ('problem' in renaming)
    return [refused(`"${op.from}" cannot be copied to "${op.to}": ${renaming.problem}.`, renaming.hint)]
  const { target, mapping } = renaming
  return [
    ...retypeProblems(op, table, from, { target, facts }),
    ...(mapping.down === undefined && op.up === undefined ? ruleProblems(table, op.from, op.to) : []),
    ...(mapping.down === undefined ? overlapProblems(op) : []),
  ]
}

function overlapProblems(op: RenameColumn): readonly BellowsError[] {
  if (op.overlap === 'forward_only') return []
  return [
    refused(
      `Values written to "${op.to}" could not be taken back to "${op.from}", so instances of both versions cannot write at the same time.`,
      `Write down: <the old value, as an expression over ${op.to}>, or say overlap: forward_only to accept that writes of "${op.to}" fail until "${op.from}" is retired.`,
    ),
  ]
}

/** A new column is the last one; one that is there may have values of its own, and writers. */
function placeHazard({ from, to }: RenameColumn, table: Table): Hazard {
  if (findColumn(table, to) !== undefined)
    return {
      code: 'may_break',
      because: `"${to}" is there already, and what is in it stays. From this step on a statement that gives other values to it than to "${from}" fails, and rows in which they differ stop the verification: see that this column is meant, and that nobody writes it.`,
    }
  return {
    code: 'column_is_last',
    because: `"${to}" is the last column of the table: SELECT * in a named statement, COPY and INSERT without a column list see another order.`,
  }
}

export function renameHazards(
  op: RenameColumn,
  work: Work & { readonly key: RenamedKey },
): readonly Hazard[] {
  const { table, fromColumn: from, toColumn, mapping, notNull, leaving } = work
  const { along = [] } = leaving
  const others = table.dependents.filter(({ name }) => !along.includes(name))
  return [
    placeHazard(op, table),
    ...mappingHazards(op, notNull),
    ...(from.nullable && from.default !== null
      ? [
          {
            code: 'explicit_null_read_as_omitted' as const,
            because: `An INSERT that gives NULL for "${op.to}" gets the default of "${op.from}" until the contract.`,
          },
        ]
      : []),
    ...(mapping.down === undefined
      ? [
          {
            code: 'forward_only' as const,
            because: `Writes that change only "${op.to}" fail until "${op.from}" is retired; an old value that does not fit makes every write of its row fail. Retiring cannot be undone.`,
          },
        ]
      : []),
    ...userTriggersFire(table),
    ...changedByTriggers(op, table),
    // Both columns hold every value until the old one is gone, also the old one.
    ...(mapping.down === undefined || (op.up === undefined && toColumn.type === from.type)
      ? []
      : [
          {
            code: 'narrow_until_contract' as const,
            because: `Until "${op.from}" is dropped "${op.to}" takes only values that can be taken back to ${from.type}.`,
          },
        ]),
    ...renamedKeyHazards(work),
    ...leavingHazards({ ...table, dependents: others }, op.from),
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
