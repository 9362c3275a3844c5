import type { Constraint } from '../../schema/model.ts'
import { keyActions } from '../rules/key-action.ts'

/**
 * Statements name what has an index in ON CONFLICT, and whoever deletes a row leaves it to the action of a foreign key what becomes of
 * those that point at it. All that others do is to refuse.
 */
export function isReliedOn(constraint: Constraint): boolean {
  const { kind } = constraint
  return (
    kind === 'unique' || kind === 'primary_key' || kind === 'exclusion' || keyActions(constraint).length > 0
  )
}
