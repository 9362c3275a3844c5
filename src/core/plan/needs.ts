import { canonical } from '../hash.ts'
import { specOf } from '../operations/index.ts'
import type { Migration } from '../operations/migration.ts'
import type { Needs } from '../operations/needs.ts'
import type { QualifiedName } from '../schema/model.ts'
import type { Plan } from './plan.ts'

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
  }
}

/** The tables that a migration works on: no second run may touch them meanwhile. */
export function tablesOf(migration: Migration): readonly QualifiedName[] {
  return needsOf(migration).tables.map(nameOf)
}

/** The tables that a plan works on or locks. */
export function relationsOf({ migration, steps, rollback }: Plan): readonly QualifiedName[] {
  const locked = [...steps, ...rollback].flatMap((step) => ('locks' in step ? step.locks : []))
  const all = [...tablesOf(migration), ...locked.map(({ relation }) => nameOf(relation))]
  return [...new Map(all.map((one) => [canonical(one), one])).values()]
}

function nameOf({ namespace, name }: QualifiedName): QualifiedName {
  return { namespace, name }
}
