import { canonical } from '../hash.ts'
import { specOf } from '../operations/index.ts'
import type { Migration } from '../operations/migration.ts'
import type { AddedColumn, Needs, OperationNeeds } from '../operations/needs.ts'
import { isSameName, type QualifiedName } from '../schema/model.ts'

/** What must be asked of the server before a migration can be planned: all that its operations need, each once. */
export function needsOf(migration: Migration): Needs {
  const needs = migration.operations.map((op) => specOf(op).needs(op))
  const tables = needs.flatMap((one) => one.tables)
  const names = needs.flatMap((one) => one.names ?? [])
  const byName = new Map(tables.map((table) => [canonical(nameOf(table)), nameOf(table)]))
  return {
    tables: [...byName].map(([key, table]) => ({
      ...table,
      columns: tables.filter((one) => canonical(nameOf(one)) === key).flatMap((one) => one.columns),
      ...(tables.some((one) => canonical(nameOf(one)) === key && one.leaves === true)
        ? { leaves: true }
        : {}),
    })),
    types: [...new Set(needs.flatMap(({ types = [] }) => types))],
    expressions: needs.flatMap(({ expressions = [] }) => expressions),
    mappings: needs.flatMap(({ mappings = [] }) => mappings),
    collations: needs.flatMap(({ collations = [] }) => collations),
    ...(names.length === 0 ? {} : { names }),
    indexes: needs.flatMap(({ indexes = [] }, at) =>
      indexes.map((index) => ({ ...index, added: addedTo(index.table, needs.slice(0, at)) })),
    ),
  }
}

function addedTo(table: QualifiedName, earlier: readonly OperationNeeds[]): readonly AddedColumn[] {
  return earlier
    .flatMap(({ adds = [] }) => adds)
    .filter((one) => isSameName(one.table, table))
    .map(({ column, type }) => ({ column, type }))
}

/** The tables that a migration works on: no second run may touch them meanwhile. */
export function tablesOf(migration: Migration): readonly QualifiedName[] {
  return needsOf(migration).tables.map(nameOf)
}

function nameOf({ namespace, name }: QualifiedName): QualifiedName {
  return { namespace, name }
}
