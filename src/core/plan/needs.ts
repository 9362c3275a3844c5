import { canonical } from '../hash.ts'
import { specOf } from '../operations/index.ts'
import type { Migration } from '../operations/migration.ts'
import type { Needs } from '../operations/needs.ts'
import type { QualifiedName } from '../schema/model.ts'

/** What must be asked of the server before a migration can be planned: all that its operations need, each once. */
export function needsOf(migration: Migration): Needs {
  const needs = migration.operations.map((op) => specOf(op).needs(op))
  const tables = needs.flatMap((one) => one.tables)
  const byName = new Map(tables.map((table) => [canonical(nameOf(table)), nameOf(table)]))
  return {
    tables: [...byName].map(([key, table]) => ({
      ...table,
      columns: tables.filter((one) => canonical(nameOf(one)) === key).flatMap((one) => one.columns),
    })),
    types: [...new Set(needs.flatMap(({ types = [] }) => types))],
    expressions: needs.flatMap(({ expressions = [] }) => expressions),
    questions: [...new Set(needs.flatMap(({ questions = [] }) => questions))],
  }
}

/** The tables that a migration works on: no second run may touch them meanwhile. */
export function tablesOf(migration: Migration): readonly QualifiedName[] {
  return needsOf(migration).tables.map(nameOf)
}

function nameOf({ namespace, name }: QualifiedName): QualifiedName {
  return { namespace, name }
}
