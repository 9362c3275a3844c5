import { defaultName } from '../../plan/names.ts'
import type { Facts } from '../../schema/facts.ts'
import type { Index } from '../../schema/indexes.ts'
import {
  type Constraint,
  findTable,
  type Part,
  type Schema,
  type Table,
  withTable,
} from '../../schema/model.ts'
import { OWN } from '../../schema/own.ts'
import { id, qualified } from '../../sql.ts'
import { behindTable } from '../partition/likeness.ts'
import { needsFullIdentity } from '../partition/told.ts'
import { itsTable, type NewPartitionOf } from './partition-of.ts'

/** From this PostgreSQL on an identity of a table is one of its partitions, too. */
const IDENTITY_SINCE = 170_000

/** The schema with the new partition, which its table knows. */
export function withNewPartition(op: NewPartitionOf, schema: Schema, facts: Facts): Schema {
  const table = findTable(schema, itsTable(op))
  if (table === undefined) return schema
  const { namespace, table: name } = op
  const part: Part = { namespace, name, kind: 'table', under: itsTable(op), owned: true, own: ownOf(table) }
  const grown = withTable(schema, { ...table, parts: [...table.parts, part] })
  return withTable(grown, madePartition(op, table, facts))
}

/** A statistics target of the table is none of a partition that comes later. */
function ownOf({ columns }: Table): Part['own'] {
  return columns
    .filter(({ statisticsTarget }) => statisticsTarget !== -1)
    .map(({ name }) => ({ what: OWN.statistics, columns: [name] }))
}

function madePartition(op: NewPartitionOf, table: Table, facts: Facts): Table {
  const { serverVersion } = facts
  const { namespace, table: name, comment = null } = op
  const names = indexNames(op, table)
  const called = (one: string) => names.get(one) ?? one
  return {
    ...table,
    namespace,
    name,
    comment,
    kind: 'partition',
    columns: table.columns.map((column) => ({
      ...column,
      identity: serverVersion >= IDENTITY_SINCE ? column.identity : 'no',
      comment: null,
      statisticsTarget: -1,
      options: [],
      grants: [],
      sequences: [],
    })),
    constraints: table.constraints.map(
      (one): Constraint => ({
        ...one,
        name: one.index === null ? one.name : called(one.index),
        index: one.index === null ? null : called(one.index),
        comment: null,
      }),
    ),
    indexes: table.indexes.map(
      (index): Index => ({
        ...index,
        name: called(index.name),
        constraint: index.constraint === null ? null : called(index.name),
        definition: `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX ${id(called(index.name))} ON ${qualified({ namespace, name })} ${behindTable(index)}`,
        comment: null,
        replicaIdentity: false,
        clustered: false,
        markedParts: null,
        foreignKeys: [],
      }),
    ),
    triggers: [],
    dependents: [],
    mentions: [],
    referencedBy: [],
    neighbours: [],
    parts: [],
    keyedBy: [],
    owned: true,
    updateRules: [],
    rowSecurity: false,
    rowSecurityForced: false,
    // What the default privileges say nobody knows before.
    grants: [],
    columnSlots: table.columns.length,
    rowsEstimate: -1,
    bytes: 0,
    options: [],
    replicaIdentity: needsFullIdentity(table, { namespace, name }, facts) ? 'full' : 'default',
  }
}

/** What PostgreSQL calls each index of the partition, by that of the table. */
function indexNames(op: NewPartitionOf, { indexes, constraints }: Table): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const { name, nameParts, constraint } of indexes) {
    const isPrimary = constraints.some((one) => one.kind === 'primary_key' && one.name === constraint)
    const suffix = isPrimary ? 'pkey' : constraint === null ? 'idx' : 'key'
    names.set(name, freeName(op.table, isPrimary ? [] : nameParts, suffix, [...names.values()]))
  }
  return names
}

function freeName(
  table: string,
  columns: readonly string[],
  suffix: string,
  taken: readonly string[],
): string {
  for (let count = 0; ; count += 1) {
    const name = defaultName(table, columns, `${suffix}${count === 0 ? '' : count}`)
    if (!taken.includes(name)) return name
  }
}
