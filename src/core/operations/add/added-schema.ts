import { assert } from '../../errors.ts'
import { theTable } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import { type Column, findTable, type Schema, withTable } from '../../schema/model.ts'
import { withNotNull } from '../rules/schema.ts'
import type { AddColumn } from './add.ts'
import { collationOf } from './collation.ts'
import { generatedAs, isNullable, knownDefault } from './values.ts'

/** The table with the bare column, before its rules. */
export function addedSchema(op: AddColumn, schema: Schema, facts: Facts): Schema {
  const table = findTable(schema, theTable(op))
  if (table === undefined) return schema
  const added = {
    ...table,
    columns: [...table.columns, addedColumn(op, facts)],
    columnSlots: table.columnSlots + 1,
  }
  return withTable(schema, isNullable(op) ? added : withNotNull(added, op.column, facts))
}

function addedColumn(op: AddColumn, facts: Facts): Column {
  const type = facts.types[op.type]
  assert(type !== undefined, 'apply comes after check')
  const { volatility = null, text = null } = knownDefault(op, facts) ?? {}
  const { domain: _, ...plain } = type
  return {
    ...plain,
    name: op.column,
    storage: type.typeStorage,
    collation: collationOf(op, facts),
    nullable: true,
    default: op.default ?? null,
    defaultText: text,
    defaultVolatility: volatility,
    generated: generatedAs(op, facts),
    identity: op.identity ?? 'no',
    comment: op.comment ?? null,
    statisticsTarget: -1,
    options: [],
    compression: null,
    grants: [],
    sequences: [],
  }
}
