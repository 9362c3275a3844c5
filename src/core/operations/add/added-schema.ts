import { assert } from '../../errors.ts'
import { defaultName } from '../../plan/names.ts'
import { theTable } from '../../plan/table-checks.ts'
import {
  type Column,
  type Constraint,
  type Facts,
  findTable,
  type Schema,
  withTable,
} from '../../schema/model.ts'
import { id } from '../../sql.ts'
import type { AddColumn } from './add.ts'
import { isNullable, knownDefault } from './values.ts'

/** The schema after the contract: the new column is the last one. */
export function addedSchema(op: AddColumn, schema: Schema, facts: Facts): Schema {
  const table = findTable(schema, theTable(op))
  if (table === undefined) return schema
  return withTable(schema, {
    ...table,
    columns: [...table.columns, addedColumn(op, facts)],
    columnSlots: table.columnSlots + 1,
    constraints: [...table.constraints, ...notNullConstraint(op, facts)],
  })
}

function addedColumn(op: AddColumn, facts: Facts): Column {
  const type = facts.types[op.type]
  assert(type !== undefined, 'apply comes after check')
  const { volatility = null, text = null } = knownDefault(op, facts) ?? {}
  return {
    ...type,
    name: op.column,
    storage: type.typeStorage,
    collation: null,
    nullable: isNullable(op),
    default: op.default ?? null,
    defaultText: text,
    defaultVolatility: volatility,
    generated: op.generated === undefined ? 'no' : 'virtual',
    identity: op.identity ?? 'no',
    comment: op.comment ?? null,
    statisticsTarget: -1,
    options: [],
    compression: null,
    grants: [],
    sequences: [],
  }
}

/** Since PostgreSQL 18 a NOT NULL is a constraint with a name. */
function notNullConstraint(op: AddColumn, facts: Facts): readonly Constraint[] {
  if (isNullable(op) || facts.serverVersion < 180_000) return []
  return [
    {
      name: defaultName(op.table, [op.column], 'not_null'),
      kind: 'not_null',
      columns: [op.column],
      definition: `NOT NULL ${id(op.column)}`,
      validated: true,
      deferrable: false,
      comment: null,
      index: null,
      references: null,
      setsDefault: false,
    },
  ]
}
