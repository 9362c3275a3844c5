import { assert } from '../errors.ts'
import type { QualifiedName } from '../schema/model.ts'
import type { Step } from './step.ts'

/** The table that a step changes: of several that it locks, the first. */
export function tableOf(step: Step): QualifiedName {
  const table = 'table' in step ? step.table : step.locks[0]?.relation
  assert(table !== undefined, `a step that changes a table locks it: ${step.id}`)
  // One that is dropped has another name by then.
  const name = step.changes?.kind === 'dropped' ? step.changes.table : table.name
  return { namespace: table.namespace, name }
}
