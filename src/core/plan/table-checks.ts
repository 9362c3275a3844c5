import { BellowsError } from '../errors.ts'
import {
  type Column,
  findColumn,
  findTable,
  isSameName,
  needsColumn,
  primaryKeyOf,
  type QualifiedName,
  type Schema,
  type Table,
} from '../schema/model.ts'
import { OWN } from '../schema/own.ts'
import { id, qualified, shown } from '../sql.ts'

/** PostgreSQL's MaxHeapAttributeNumber. Dropped columns keep their slot for ever. */
const COLUMN_SLOTS_MAX = 1600

const KIND_WORDS: Readonly<Record<Table['kind'], string>> = {
  table: 'a plain table',
  partitioned: 'a partitioned table',
  partition: 'a partition',
  foreign: 'a foreign table',
  view: 'a view',
}

export function theTable(op: { readonly namespace: string; readonly table: string }): QualifiedName {
  return { namespace: op.namespace, name: op.table }
}

/** Problems that any operation has with its table, before it looks at columns. */
export function tableProblems(
  op: { readonly namespace: string; readonly table: string },
  table: Table | undefined,
  kinds: readonly Table['kind'][] = ['table'],
): BellowsError[] {
  const name = `${shown(op.namespace)}.${shown(op.table)}`
  if (table === undefined) {
    return [
      new BellowsError('table_not_found', `There is no table ${name}.`, {
        hint: 'Check the spelling and the namespace: names are taken literally, capitals included.',
      }),
    ]
  }
  if (!kinds.includes(table.kind)) {
    return [refused(`${name} is ${KIND_WORDS[table.kind]}, which this operation does not support yet.`)]
  }
  if (table.inherits) {
    return [refused(`${name} takes part in table inheritance; triggers do not reach its other tables.`)]
  }
  if (!table.owned) {
    return [notOwned(name, `table ${name}`)]
  }
  return table.parts.flatMap(partProblems)
}

/** PostgreSQL rewrites an UPDATE by them before it is run, and takes none that counts its rows then. */
export function ruledProblems({ name: table, updateRules }: Table): BellowsError[] {
  return updateRules.map((name) =>
    refused(
      `The rule ${shown(name)} makes something else of an UPDATE of "${table}", also of the one that fills its rows.`,
      'Drop it for the time of the migration, or have a trigger do the same.',
    ),
  )
}

/** @param altered what ALTER calls it; as people do when absent */
export function notOwned(what: string, altered = what): BellowsError {
  return refused(
    `The connected role may not change ${what}: it is not a member of the role that owns it.`,
    `Connect as the owner, or make this role the owner: alter ${altered} owner to <role>`,
  )
}

/** What is done to a partitioned table is done to each partition. */
function partProblems({ namespace, name, kind, owned }: Table['parts'][number]): BellowsError[] {
  const part = `${shown(namespace)}.${shown(name)}`
  if (kind === 'foreign')
    return [refused(`The partition ${part} is a foreign table.`, 'Detach it for the time of the migration.')]
  return owned ? [] : [notOwned(`the partition ${part}`, `table ${part}`)]
}

/** Of columns that are to be replaced or dropped: what a partition has of its own on one of them would be lost. */
export function ownPartProblems(table: Table, columns: readonly string[]): BellowsError[] {
  const keys = columns.filter((column) => table.keyedBy.includes(column))
  return [
    ...keys.map((column) =>
      refused(
        `"${table.name}" is partitioned by "${column}", or a partition of it is: that column stays.`,
        'Only a new table helps, which is partitioned by the new column.',
      ),
    ),
    ...table.parts.flatMap((part) =>
      part.own
        .filter((one) => one.columns.some((column) => columns.includes(column)))
        .map(({ what, columns: on }) =>
          refused(
            `The partition ${shown(part.namespace)}.${shown(part.name)} has ${what} on ${on.map((column) => `"${column}"`).join(' and ')}, which would be lost.`,
            'Take it away for the time of the migration, or give it to the whole table.',
          ),
        ),
    ),
  ]
}

/** Of a change that PostgreSQL hands on to each partition: what differs in one of them would be lost, and not come back. */
export function differingPartProblems(
  table: Table,
  column: string,
  of: Exclude<keyof typeof OWN, 'primaryKey'>,
): BellowsError[] {
  const differs = OWN[of]
  return table.parts
    .filter(({ own }) => own.some(({ what, columns }) => what === differs && columns.includes(column)))
    .map((part) =>
      refused(
        `The partition ${shown(part.namespace)}.${shown(part.name)} has ${differs} on "${column}", which would be lost.`,
        'Let it be as that of the whole table first.',
      ),
    )
}

export function columnMissing(op: { readonly table: string }, table: Table, name: string): BellowsError[] {
  if (findColumn(table, name) !== undefined) return []
  const columns = table.columns.map((column) => shown(column.name)).join(', ')
  return [
    new BellowsError('column_not_found', `The table "${op.table}" has no column "${name}".`, {
      hint: `It has ${columns}.`,
    }),
  ]
}

/** A new column wants a name that is free. */
export function columnTaken(table: Table, name: string): BellowsError[] {
  if (findColumn(table, name) === undefined) return []
  return [
    new BellowsError('column_exists', `The table "${table.name}" already has a column "${name}".`, {
      hint: 'Choose another name.',
    }),
  ]
}

/** Names of what holds for a column, besides NOT NULL: constraints, and indexes that are more than fast. */
export function rulesOn(table: Table, column: string): readonly string[] {
  const isRule = (one: Table['indexes'][number]) =>
    (one.unique || one.replicaIdentity) && one.constraint === null
  return [
    ...table.constraints.filter((one) => one.kind !== 'not_null' && needsColumn(table, one, column)),
    ...table.indexes.filter((one) => isRule(one) && one.columns.includes(column)),
  ].map(({ name }) => shown(name))
}

/** @param news so many columns come at once */
export function columnSlotProblems({ name, kind, columnSlots }: Table, news = 1): BellowsError[] {
  const left = COLUMN_SLOTS_MAX - columnSlots
  if (news <= left) return []
  const used =
    left <= 0
      ? `has used all its ${COLUMN_SLOTS_MAX} column slots`
      : `has ${left} of its ${COLUMN_SLOTS_MAX} column slots left, and gets ${news} new columns`
  return [
    refused(
      `"${name}"${kind === 'partitioned' ? ', or a partition of it,' : ''} ${used}; PostgreSQL does not reuse those of dropped columns.`,
      'Only a new table helps: copy the rows to one and swap the two.',
    ),
  ]
}

/** The same of columns in several tables, each of which gets a new one beside it. */
export function twinSlotProblems(
  columns: readonly { readonly table: QualifiedName }[],
  schema: Schema,
): BellowsError[] {
  const tables = new Set(columns.flatMap(({ table }) => findTable(schema, table) ?? []))
  return [...tables].flatMap((table) =>
    columnSlotProblems(table, columns.filter((one) => isSameName(one.table, table)).length),
  )
}

/** A key column cannot be taken away by dropping it later: the rows would lose their identity. */
export function keyProblems(table: Table, column: Column): BellowsError[] {
  const key = primaryKeyOf(table)
  if (key === undefined || !needsColumn(table, key, column.name)) return []
  return [
    refused(
      `"${table.name}"."${column.name}" belongs to the primary key, which only change_type and rename_column replace.`,
    ),
  ]
}

/** Since PostgreSQL 18 a column may be NOT NULL, and have NULL in rows from before that. */
export function unprovedNulls(table: Table, column: string): readonly BellowsError[] {
  return table.constraints
    .filter((one) => one.kind === 'not_null' && !one.validated && one.columns.includes(column))
    .map(({ name }) =>
      refused(
        `NOT NULL of "${table.name}"."${column}" is NOT VALID: rows that are there may be without a value.`,
        `Give these one, and prove it: alter table ${qualified(table)} validate constraint ${id(name)}`,
      ),
    )
}

export function refused(message: string, hint?: string): BellowsError {
  return new BellowsError('plan_refused', message, hint === undefined ? {} : { hint })
}
