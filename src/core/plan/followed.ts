import { BellowsError } from '../errors.ts'
import { specOf } from '../operations/index.ts'
import type { Migration } from '../operations/migration.ts'
import type { TableTouch, Touch } from '../operations/needs.ts'
import { type ColumnOf, withFollowing } from '../operations/rules/followers.ts'
import { isSameName, type Schema } from '../schema/model.ts'
import { called } from './step.ts'

/** A column that changes with the one that it points at is replaced by that operation, and no other may touch it. */
export function followedProblems({ operations }: Migration, schema: Schema): readonly BellowsError[] {
  const touches = operations.map((op) => specOf(op).needs(op).touches)
  return touches.flatMap((mine, at) => {
    const others = () => touches.flatMap((theirs, other) => (other === at ? [] : theirs))
    return mine
      .flatMap((touch) => followedBy(touch, schema))
      .filter((column) => others().some((touch) => isTouched(column, touch)))
      .map(
        (column) =>
          new BellowsError(
            'plan_refused',
            `${called(column)} changes with the column that it points at, and another operation of the migration touches it.`,
            { hint: 'Put them into two migrations; the second begins when the first is contracted.' },
          ),
      )
  })
}

function followedBy(touch: Touch, schema: Schema): readonly ColumnOf[] {
  if ('object' in touch || touch.column === undefined || touch.follows === undefined) return []
  return withFollowing(schema, { table: touch.table, column: touch.column }).slice(1)
}

function isTouched({ table, column }: ColumnOf, touch: Touch): boolean {
  if ('object' in touch || !isSameName(touch.table, table)) return false
  return touch.column === column || (isWhole(touch) && touch.how !== 'uses')
}

function isWhole({ column, constraint }: TableTouch): boolean {
  return column === undefined && constraint === undefined
}
