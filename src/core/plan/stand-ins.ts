import type { BellowsError } from '../errors.ts'
import { shownObject } from '../objects/database-object.ts'
import type { Migration } from '../operations/migration.ts'
import { definitionOf } from '../operations/object/definition.ts'
import { isSameName } from '../schema/model.ts'
import { relationsIn } from '../statements/statement.ts'
import { refused } from './table-checks.ts'

/** Until the contract the new name of a table is a view. What is bound to that would keep the table from taking its place. */
export function standInProblems({ operations }: Migration): readonly BellowsError[] {
  const renamed = operations.flatMap((op) => (op.kind === 'rename_table' ? [op] : []))
  if (renamed.length === 0) return []
  return operations.flatMap((op) => {
    if (op.kind !== 'create_object' && op.kind !== 'replace_object') return []
    const { statement, object } = definitionOf(op)
    const names = relationsIn(statement, op.namespace)
    return renamed
      .filter(({ namespace, to }) => names.some((name) => isSameName(name, { namespace, name: to })))
      .map(({ table, to }) =>
        refused(
          `The ${shownObject(object)} names "${to}", which is a view until the contract: that would wait for it.`,
          `Build it on "${table}": it follows the table to its new name.`,
        ),
      )
  })
}
