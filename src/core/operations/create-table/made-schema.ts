import { theTable } from '../../plan/table-checks.ts'
import { expressionKey, type Facts } from '../../schema/facts.ts'
import type { Index } from '../../schema/indexes.ts'
import { type Column, type Constraint, type Schema, type Table, withTable } from '../../schema/model.ts'
import { id, qualified } from '../../sql.ts'
import { notNullConstraint, PLAIN_CONSTRAINT, PLAIN_KEY_INDEX } from '../rules/schema.ts'
import type { CreateTable, NewColumn } from './create-table.ts'
import { type Named, namedConstraints, primaryKeyName } from './names.ts'
import { partitionColumns } from './partition-key.ts'
import { foreignKeySql } from './statements.ts'

/** The schema with the new table. */
export function withMadeTable(op: CreateTable, schema: Schema, facts: Facts): Schema {
  return withTable(schema, madeTable(op, facts))
}

/** The table as the server will describe it, or as far as it can be said while its types are not known. */
export function madeTable(op: CreateTable, facts: Facts): Table {
  const keys = [
    ...(op.primaryKey === undefined
      ? []
      : [{ kind: 'primary_key' as const, name: primaryKeyName(op), columns: op.primaryKey }]),
    ...namedConstraints(op).flatMap(({ constraint, name, columns }) =>
      constraint.kind === 'unique' ? [{ kind: constraint.kind, name, columns }] : [],
    ),
  ]
  return {
    ...theTable(op),
    kind: op.partitionBy === undefined ? 'table' : 'partitioned',
    inherits: false,
    typed: false,
    columns: op.columns.flatMap((column) => madeColumn(op, column, facts)),
    constraints: [
      ...keys.map(keyConstraint),
      ...namedConstraints(op).flatMap((named) => checkOrForeignKey(named)),
      ...notNulls(op, facts),
    ],
    indexes: keys.map((key) => keyIndex(op, key)),
    triggers: [],
    dependents: [],
    mentions: [],
    neighbours: [],
    owned: true,
    parts: (op.partitions ?? []).map(({ name }) => ({
      namespace: op.namespace,
      name,
      kind: 'table',
      under: theTable(op),
      owned: true,
      own: [],
    })),
    keyedBy: partitionColumns(op).toSorted(),
    mayReference: true,
    closedPartners: [],
    closed: [],
    published: false,
    referencedBy: [],
    updateRules: [],
    rowSecurity: false,
    rowSecurityForced: false,
    // What the default privileges say nobody knows before.
    grants: [],
    columnSlots: op.columns.length,
    rowsEstimate: -1,
    bytes: 0,
    comment: op.comment ?? null,
    options: [],
    replicaIdentity: 'default',
    publications: [],
  }
}

function isNotNull({ primaryKey = [] }: CreateTable, { name, nullable, identity }: NewColumn): boolean {
  return !nullable || identity !== undefined || primaryKey.includes(name)
}

function madeColumn(op: CreateTable, column: NewColumn, facts: Facts): readonly Column[] {
  const type = facts.types[column.type]
  if (type === undefined) return []
  const fact =
    column.default === undefined ? undefined : facts.expressions[expressionKey(column.default, column.type)]
  const { volatility = null, text = null } = fact === undefined || 'problem' in fact ? {} : fact
  return [
    {
      ...type,
      name: column.name,
      storage: type.typeStorage,
      collation: null,
      nullable: !isNotNull(op, column),
      default: column.default ?? null,
      defaultText: text,
      defaultVolatility: volatility,
      generated: column.generated === undefined ? 'no' : 'stored',
      identity: column.identity ?? 'no',
      comment: column.comment ?? null,
      statisticsTarget: -1,
      options: [],
      compression: null,
      grants: [],
      sequences: [],
    },
  ]
}

interface Key {
  readonly kind: 'primary_key' | 'unique'
  readonly name: string
  readonly columns: readonly string[]
}

function keyConstraint({ kind, name, columns }: Key): Constraint {
  const words = kind === 'primary_key' ? 'PRIMARY KEY' : 'UNIQUE'
  return {
    ...PLAIN_CONSTRAINT,
    name,
    kind,
    columns,
    definition: `${words} (${columns.map(id).join(', ')})`,
    index: name,
  }
}

function keyIndex(op: CreateTable, { name, columns }: Key): Index {
  const only = op.partitionBy === undefined ? '' : 'ONLY '
  return {
    ...PLAIN_KEY_INDEX,
    name,
    columns,
    nameParts: columns,
    definition: `CREATE UNIQUE INDEX ${id(name)} ON ${only}${qualified(theTable(op))} USING btree (${columns.map(id).join(', ')})`,
    constraint: name,
  }
}

function checkOrForeignKey({ constraint, name, columns }: Named): readonly Constraint[] {
  const common = { ...PLAIN_CONSTRAINT, name, columns }
  if (constraint.kind === 'check')
    return [{ ...common, kind: 'check', definition: `CHECK ((${constraint.expression}))` }]
  if (constraint.kind === 'unique') return []
  const { references, onDelete, onUpdate, deferrable } = constraint
  return [
    {
      ...common,
      kind: 'foreign_key',
      definition: foreignKeySql(constraint),
      deferrable: deferrable !== undefined,
      references: { namespace: references.namespace, name: references.name },
      setsDefault: [onDelete, onUpdate].includes('set_default'),
    },
  ]
}

function notNulls(op: CreateTable, { serverVersion }: Facts): readonly Constraint[] {
  return op.columns
    .filter((column) => isNotNull(op, column))
    .flatMap(({ name }) => notNullConstraint(op.table, name, serverVersion))
}
