import { specOf } from '../operations/index.ts'
import type { Migration } from '../operations/migration.ts'
import type { AddedColumn, Needs, OperationNeeds, Touch } from '../operations/needs.ts'
import { isSameName, type QualifiedName } from '../schema/model.ts'
import { nameOf } from '../schema/name-of.ts'
import { qualified } from '../sql.ts'
import type { Plan } from './plan.ts'

/** What must be asked of the server before a migration can be planned: all that its operations need, each once. */
export function needsOf(migration: Migration): Needs {
  const needs = migration.operations.map((op) => specOf(op).needs(op))
  const tables = new Map<string, Needs['tables'][number]>()
  for (const table of needs.flatMap((one) => one.tables)) {
    const known = tables.get(qualified(table))
    const { columns = [], leaves = false, partsLeave = false, follows = false } = known ?? {}
    tables.set(qualified(table), {
      ...nameOf(table),
      columns: [...columns, ...table.columns],
      ...(leaves || table.leaves === true ? { leaves: true } : {}),
      ...(partsLeave || table.partsLeave === true ? { partsLeave: true } : {}),
      ...(follows || table.follows === true ? { follows: true } : {}),
    })
  }
  return {
    tables: [...tables.values()],
    ofTypes: needs.flatMap(({ ofTypes = [] }) => ofTypes),
    types: [...new Set(needs.flatMap(({ types = [] }) => types))],
    expressions: needs.flatMap(({ expressions = [] }) => expressions),
    values: needs.flatMap(({ values = [] }) => values),
    mappings: needs.flatMap(({ mappings = [] }) => mappings),
    collations: needs.flatMap(({ collations = [] }) => collations),
    indexes: needs.flatMap(({ indexes = [] }, at) =>
      indexes.map((index) => ({ ...index, added: addedTo(index.table, needs.slice(0, at)) })),
    ),
    defaults: needs.flatMap(({ defaults = [] }) => defaults),
    conditions: needs.flatMap(({ conditions = [] }, at) =>
      // An operation may state a condition on the column that it adds itself.
      conditions.map((one) => ({ ...one, added: addedTo(one.table, needs.slice(0, at + 1)) })),
    ),
    names: needs.flatMap(({ names = [] }) => names),
    bounds: needs.flatMap(({ bounds = [] }) => bounds),
    questions: [...new Set(needs.flatMap(({ questions = [] }) => questions))],
  }
}

function addedTo(table: QualifiedName, earlier: readonly OperationNeeds[]): readonly AddedColumn[] {
  return earlier
    .flatMap(({ adds = [] }) => adds)
    .filter((one) => isSameName(one.table, table))
    .map(({ column, type }) => ({ column, type }))
}

/** What the operations of a migration work on. */
export function touchesOf({ operations }: Migration): readonly Touch[] {
  return operations.flatMap((op) => specOf(op).needs(op).touches)
}

/** The tables that a migration works on: no second run may touch them meanwhile. */
export function tablesOf(migration: Migration): readonly QualifiedName[] {
  return needsOf(migration).tables.map(nameOf)
}

/** The tables that a plan works on or locks. */
export function relationsOf({ migration, steps, rollback }: Plan): readonly QualifiedName[] {
  const locked = [...steps, ...rollback].flatMap((step) => ('locks' in step ? step.locks : []))
  const all = [...tablesOf(migration), ...locked.map(({ relation }) => nameOf(relation))]
  return [...new Map(all.map((one) => [qualified(one), one])).values()]
}
