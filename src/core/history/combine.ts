import { assert } from '../errors.ts'
import type { Migration } from '../operations/migration.ts'

/** Several migrations as one that is released, taken back and contracted as a whole, under the name of the last. */
export function combined(migrations: readonly Migration[]): Migration {
  const last = migrations.at(-1)
  assert(last !== undefined, 'somebody combines no migrations')
  if (migrations.length === 1) return last
  return {
    name: last.name,
    operations: migrations.flatMap(({ operations }) => operations),
    parts: migrations.map(({ name, operations }) => ({ name, operations: operations.length })),
  }
}

/** The migrations that a run was begun with, as their files have them. */
export function partsOf(migration: Migration): readonly Migration[] {
  const { parts, operations } = migration
  if (parts === undefined) return [migration]
  return parts.map((part, at) => {
    const start = parts.slice(0, at).reduce((sum, before) => sum + before.operations, 0)
    return { name: part.name, operations: operations.slice(start, start + part.operations) }
  })
}

export function namesOf({ name, parts }: Migration): readonly string[] {
  return parts?.map((part) => part.name) ?? [name]
}
