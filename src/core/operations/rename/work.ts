import { assert } from '../../errors.ts'
import { type Carried, carried } from '../../plan/carry.ts'
import { dualWriteBody, type Installed, type Pair } from '../../plan/dual-write.ts'
import { type Mapping, mappingFor } from '../../plan/mapping.ts'
import { type Names, namesFor } from '../../plan/names.ts'
import { type Counting, countingFor } from '../../plan/old-writes.ts'
import {
  columnIsAsPlanned,
  constraintValidated,
  dualWriteIsLast,
  dualWriteStands,
  hasNoChildren,
} from '../../plan/probes.ts'
import { companionsOf, type Leaving } from '../../plan/retire.ts'
import type { Requirement, TransactionStep } from '../../plan/step.ts'
import { theTable } from '../../plan/table-checks.ts'
import { type Column, findColumn, findTable, type QualifiedName, type Table } from '../../schema/model.ts'
import type { Context } from '../operation.ts'
import type { RenameColumn } from './rename.ts'

/** Everything that the steps of one rename have in common. */
export interface Work {
  readonly op: RenameColumn
  readonly table: Table
  readonly fromColumn: Column
  /** Was the new column there before? */
  readonly adopted: boolean
  /** The new column as it is before anything is carried to it. */
  readonly toColumn: Column
  readonly mapping: Mapping
  readonly names: Names
  readonly leaving: Leaving
  readonly things: Carried
  /** The dual write while the old column is visible, and while it is hidden. */
  readonly installed: Installed
  readonly hidden: Installed
  readonly counting: Counting
}

export function workFor(op: RenameColumn, context: Context): Work {
  const table = findTable(context.schema, theTable(op))
  const fromColumn = table === undefined ? undefined : findColumn(table, op.from)
  assert(table !== undefined && fromColumn !== undefined, 'steps come after check')
  const adopted = findColumn(table, op.to)
  const toColumn = adopted ?? twinOf(op, fromColumn, context)
  const mapping = mappingFor(fromColumn, toColumn, op.transform ?? 'copy', context.facts)
  assert(!('problem' in mapping), 'steps come after check')
  const otherTriggers = table.triggers.map((trigger) => trigger.name)
  const names = namesFor(context.seed, op.from, otherTriggers)
  const pair: Pair = { table, from: op.from, to: op.to, mapping, fromColumn }
  const named = { table, trigger: names.trigger, function: names.function }
  return {
    op,
    table,
    fromColumn,
    adopted: adopted !== undefined,
    toColumn,
    mapping,
    names,
    leaving: {
      table,
      column: op.from,
      hidden: names.hidden,
      known: [...companionsOf(table, op.from), names.proof],
      counter: names.counter,
    },
    things: carried(table, op, names),
    installed: { ...named, body: dualWriteBody(pair) },
    counting: countingFor(pair, names.counter, names.trigger),
    hidden: { ...named, body: dualWriteBody({ ...pair, from: names.hidden }) },
  }
}

/** The new column right after ADD COLUMN. */
function twinOf(op: RenameColumn, from: Column, { facts }: Context): Column {
  const type = op.type === undefined ? from : facts.types[op.type]
  assert(type !== undefined, 'steps come after check')
  return {
    ...from,
    ...type,
    name: op.to,
    collation: keptCollation(from, type),
    nullable: true,
    default: null,
    defaultVolatility: null,
    defaultText: null,
    comment: null,
    statisticsTarget: -1,
    options: [],
    storage: type.typeStorage,
    compression: null,
    grants: [],
    sequences: [],
  }
}

const COLLATABLE = new Set(['text', 'character varying', 'character'])

/** A collation is a matter of text: it goes along from one text type to another. */
export function keptCollation(from: Column, to: Pick<Column, 'type' | 'baseType'>): Column['collation'] {
  return from.type === to.type || COLLATABLE.has(to.baseType) ? from.collation : null
}

/** The attributes of the old column that the new one can have: storage and compression are a matter of the type. */
export function carriedAttributes(from: Column, to: Column): Column {
  const isSameType = from.baseType === to.baseType
  return {
    ...from,
    storage: isSameType ? from.storage : to.storage,
    compression: isSameType ? from.compression : to.compression,
  }
}

/** What most transactions on the one table share. */
export function onTable(
  table: QualifiedName,
): Pick<TransactionStep, 'locks' | 'requires' | 'cost' | 'hazards'> {
  return {
    locks: [{ relation: table, level: 'access_exclusive' }],
    requires: [],
    cost: 'instant',
    hazards: [],
  }
}

/** The constraints that keep the verdict of the verification true. */
export function proofNames({ fromColumn, names, things }: Work): readonly string[] {
  const checks = things.checks.filter((copy) => copy.original.validated).map((copy) => copy.copyName)
  return [names.proof, ...(fromColumn.nullable ? [] : [names.notNullProof]), ...checks]
}

/** A trigger that somebody made since could change the row behind the dual write. */
export function lastRequirement(installed: Installed): Requirement {
  return {
    that: dualWriteIsLast(installed),
    code: 'drift_found',
    otherwise: `a trigger on "${installed.table.name}" fires behind "${installed.trigger}"; give it a name that sorts before`,
  }
}

export function standsRequirement(installed: Installed): Requirement {
  return {
    that: dualWriteStands(installed),
    code: 'drift_found',
    otherwise: `the trigger "${installed.trigger}" on "${installed.table.name}" is missing, disabled or not as it was installed`,
  }
}

/** What has been changed on the old column since the plan was made would not be on the new one. */
export function asPlannedRequirements({ op, table, fromColumn }: Work): readonly Requirement[] {
  return [
    {
      that: columnIsAsPlanned(table, fromColumn),
      code: 'drift_found',
      otherwise: `NOT NULL, the default or a grant of "${table.name}"."${op.from}" was changed since the plan was made; change it back, or roll back and begin anew`,
    },
    {
      that: hasNoChildren(table),
      code: 'drift_found',
      otherwise: `"${table.name}" has got an inheritance child since the plan was made, whose rows nobody keeps in step`,
    },
  ]
}

export function validatedRequirement(table: QualifiedName, constraint: string): Requirement {
  return {
    that: constraintValidated(table, constraint),
    code: 'drift_found',
    otherwise: `the constraint "${constraint}" on "${table.name}" is missing or not validated`,
  }
}
