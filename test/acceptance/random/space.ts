import type { Operation } from '../../../src/core/operations/migration.ts'
import { id, lit } from '../../../src/core/sql.ts'

/** Where everything is: a namespace, which all sessions have in their search_path. */
export function spaceSql(space: string): string {
  return space === 'public'
    ? ''
    : `create schema ${id(space)}; select set_config('search_path', quote_ident(${lit(space)}) || ', public', false);`
}

/** The operation on what is of the same name in a namespace. */
export function inSpace(space: string, operation: Operation): Operation {
  if (space === 'public') return operation
  if (operation.kind === 'create_index' || operation.kind === 'replace_index')
    return { ...operation, definition: operation.definition.replace(' on "', ` on ${id(space)}."`) }
  return JSON.parse(JSON.stringify(operation), (key, value: unknown) =>
    key === 'namespace' && value === 'public' ? space : value,
  ) as Operation
}
