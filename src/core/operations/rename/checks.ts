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
import type { Context } from '../operation.ts'
import type { RenameColumn } from './rename.ts'

export function renameProblems(op: RenameColumn, context: Context): readonly BellowsError[] {
  const table = findTable(context.schema, theTable(op))
  const problems = [...nameProblems(op), ...tableProblems(op, table)]
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

/** Why the values of a column cannot be copied in step with its writers. */
function sourceProblems(table: Table, { name, ...from }: Column): readonly BellowsError[] {
  const of = `"${table.name}"."${name}"`
  const found: (string | undefined)[] = [
    from.generated === 'no' ? undefined : `${of} is a generated column; a trigger does not see its value.`,
    from.identity === 'no'
      ? undefined
      : `${of} is an identity column, which cannot be moved to another column yet.`,
    from.typeKind === 'composite'
      ? `${of} is of a composite type, where NULL and a row of NULLs cannot be told apart.`
      : undefined,
    from.typeConstrained
      ? `${of} is of a domain with constraints; adding another such column rewrites the table.`
      : undefined,
    table.rowSecurityForced
      ? `Row security is forced on "${table.name}" for the connected role, which would see only a part of the rows.`
      : undefined,
  ]
  return found.filter((message) => message !== undefined).map((message) => refused(message))
}

/** What hangs on the column and cannot get a twin while both columns live. Refused by name, before anything runs. */
function carryProblems(table: Table, from: Column): readonly BellowsError[] {
  return table.constraints
    .filter((one) => needsColumn(table, one, from.name))
    .flatMap((one) => {
      if (one.kind === 'exclusion')
        return [`The exclusion constraint ${shown(one.name)} cannot be built without stopping writers.`]
      if (one.kind === 'unique' && one.deferrable) {
        return [
          `The unique constraint ${shown(one.name)} is deferrable; a twin would be checked at once while it is built.`,
        ]
      }
      if (one.definition.includes('WITHOUT OVERLAPS'))
        return [`The constraint ${shown(one.name)} is WITHOUT OVERLAPS, which cannot be built concurrently.`]
      if (one.setsDefault)
        return [`The foreign key ${shown(one.name)} sets a default, which two columns cannot share.`]
      return []
    })
    .map((message) =>
      refused(message, 'Drop the constraint for the time of the rename, and add it again afterwards.'),
    )
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
  return mapping.down === undefined ? [...overlapProblems(op), ...ruleProblems(op, table)] : []
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

/** A rule that holds for the old values need not hold for the changed ones; then every write of the application would fail. */
function ruleProblems(op: RenameColumn, table: Table): readonly BellowsError[] {
  const rules = table.constraints.filter((one) => needsColumn(table, one, op.from) && one.kind !== 'not_null')
  const uniques = table.indexes.filter(
    (one) => one.unique && one.constraint === null && one.columns.includes(op.from),
  )
  return [...rules, ...uniques].map(({ name }) =>
    refused(
      `${shown(name)} holds for "${op.from}"; nobody knows whether it holds for the changed values in "${op.to}".`,
    ),
  )
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
