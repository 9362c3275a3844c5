import type { BellowsError } from '../../errors.ts'
import { refused } from '../../plan/table-checks.ts'
import { isSameName, type Table } from '../../schema/model.ts'
import { constraintOn } from '../../schema/references.ts'

/** To take a partition out of a table that foreign keys point at, PostgreSQL goes through the tables that have them, and finds rows that it cannot leave. */
export function pointedAtProblems(table: Table, hint: string): readonly BellowsError[] {
  const own = table.constraints
    .filter(({ references }) => references !== null && isSameName(references, table))
    .map(({ name }) => constraintOn(table, name))
  return [...table.referencedBy.map(({ identity }) => identity), ...own].map((key) =>
    refused(
      `The foreign key ${key} points at "${table.name}": whoever goes back would have rows of its table looked through while nobody can write them.`,
      hint,
    ),
  )
}
