import { BellowsError } from '../errors.ts'
import { specOf } from '../operations/index.ts'
import { isKey } from '../operations/keys/primary-key.ts'
import type { Migration } from '../operations/migration.ts'
import type { TableTouch, Touch } from '../operations/needs.ts'
import { type ColumnOf, followersOf, withFollowing } from '../operations/rules/followers.ts'
import { findColumn, findTable, isSameName, type Schema } from '../schema/model.ts'
import { called } from './leaver.ts'
import { touchesOf } from './needs.ts'

const HINT = 'Put them into two migrations; the second begins when the first is contracted.'

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
            { hint: HINT },
          ),
      )
  })
}

/**
 * A foreign key that comes in the same migration would stand on the old column, and keep it from going. Only what is no key has been
 * replaced when an operation behind puts one up.
 */
export function comingProblems(migration: Migration, before: Schema, after: Schema): readonly BellowsError[] {
  const columns = touchesOf(migration)
    .flatMap((touch) => startOf(touch) ?? [])
    .flatMap((start) => withFollowing(after, start).slice(isKeyOf(start, before) ? 0 : 1))
  return columns.flatMap((column) => {
    const known = pointingAt(column, before)
    return pointingAt(column, after)
      .filter((identity) => !known.includes(identity))
      .map(
        (identity) =>
          new BellowsError(
            'plan_refused',
            `The foreign key ${identity} comes in the migration, and ${called(column)}, which it points at, changes in it.`,
            { hint: HINT },
          ),
      )
  })
}

function isKeyOf({ table: name, column }: ColumnOf, schema: Schema): boolean {
  const table = findTable(schema, name)
  const found = table === undefined ? undefined : findColumn(table, column)
  return table !== undefined && found !== undefined && isKey(schema, table, found)
}

/** What an operation touches besides what it says, as far as the schema shows it. */
export function withFollowed(touch: Touch, schema: Schema): readonly Touch[] {
  return [touch, ...followedBy(touch, schema).map((column) => ({ ...column, how: 'replaces' as const }))]
}

function followedBy(touch: Touch, schema: Schema): readonly ColumnOf[] {
  const start = startOf(touch)
  return start === undefined ? [] : withFollowing(schema, start).slice(1)
}

function startOf(touch: Touch): ColumnOf | undefined {
  if ('object' in touch || touch.column === undefined || touch.follows === undefined) return undefined
  return { table: touch.table, column: touch.column }
}

function pointingAt({ table: name, column }: ColumnOf, schema: Schema): readonly string[] {
  const table = findTable(schema, name)
  return table === undefined ? [] : followersOf(schema, table, column).map(({ identity }) => identity)
}

function isTouched({ table, column }: ColumnOf, touch: Touch): boolean {
  if ('object' in touch || !isSameName(touch.table, table)) return false
  return touch.column === column || (isWhole(touch) && touch.how !== 'uses')
}

function isWhole({ column, constraint }: TableTouch): boolean {
  return column === undefined && constraint === undefined
}
