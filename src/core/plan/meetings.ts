import { BellowsError } from '../errors.ts'
import { canonical } from '../hash.ts'
import { specOf } from '../operations/index.ts'
import type { Migration } from '../operations/migration.ts'
import type { Touch } from '../operations/needs.ts'
import { findTable, isSameName, type Schema } from '../schema/model.ts'
import { qualified } from '../sql.ts'
import { companionsOf } from './retire.ts'
import { called } from './step.ts'

/** Operations of one migration build on one another; but what one of them replaces, no other may touch. */
export function meetingProblems(migration: Migration): readonly BellowsError[] {
  // Only what is done to the same table can meet.
  const earlier = new Map<string, readonly (readonly Touch[])[]>()
  const met = migration.operations.flatMap((op) => {
    const { touches } = specOf(op).needs(op)
    const tables = [...new Set(touches.map(({ table }) => qualified(table)))]
    const before = [...new Set(tables.flatMap((table) => earlier.get(table) ?? []))]
    for (const table of tables) earlier.set(table, [...(earlier.get(table) ?? []), touches])
    return before.flatMap((one) => meetings(one, touches).map(written))
  })
  return [...new Set(met)].map(
    (what) =>
      new BellowsError('plan_refused', `Two operations of the migration touch ${what}.`, {
        hint: 'Put them into two migrations; the second begins when the first is contracted.',
      }),
  )
}

/** Does an operation work on something that the ones before it add? */
export function isOnAdded(earlier: readonly Touch[], mine: readonly Touch[]): boolean {
  return mine.some((one) => earlier.some((touch) => touch.how === 'adds' && covers(touch, one)))
}

function meetings(earlier: readonly Touch[], later: readonly Touch[]): readonly Touch[] {
  return later.flatMap((mine) => {
    const other = earlier.find((touch) => isConflict(touch, mine))
    return other === undefined ? [] : [isWhole(mine) ? other : mine]
  })
}

function isConflict(earlier: Touch, later: Touch): boolean {
  if (!isSameName(earlier.table, later.table)) return false
  if ((earlier.how === 'alters') !== (later.how === 'alters')) return true
  const isReplaced =
    (earlier.how === 'replaces' && covers(earlier, later)) ||
    (later.how === 'replaces' && covers(later, earlier))
  return (
    isReplaced ||
    (later.how === 'adds' && earlier.how !== 'adds' && covers(later, earlier)) ||
    isTwin(earlier, later)
  )
}

function isWhole({ column, constraint }: Touch): boolean {
  return column === undefined && constraint === undefined
}

/** Is the second a part of the first, or the same? */
function covers(whole: Touch, part: Touch): boolean {
  if (!isSameName(whole.table, part.table)) return false
  if (isWhole(whole)) return true
  return whole.column === part.column && whole.constraint === part.constraint
}

function isTwin(a: Touch, b: Touch): boolean {
  return a.how === 'adds' && b.how === 'adds' && a.column === b.column && a.constraint === b.constraint
}

function written({ constraint, ...touch }: Touch): string {
  return constraint === undefined ? called(touch) : `"${constraint}" of ${called(touch)}`
}

/**
 * An index or a constraint of two leaving columns would be copied for each, and each copy would need the other column. One that
 * is dropped or renamed itself cannot go along with a column.
 */
export function sharingProblems(migration: Migration, schema: Schema): readonly BellowsError[] {
  const users = new Map<string, number>()
  for (const op of migration.operations) {
    for (const key of new Set(
      specOf(op)
        .needs(op)
        .touches.flatMap((touch) => companionKeys(touch, schema)),
    ))
      users.set(key, (users.get(key) ?? 0) + 1)
  }
  return [...users]
    .filter(([, count]) => count > 1)
    .map(([key]) => (JSON.parse(key) as readonly string[]).at(-1))
    .map(
      (name) =>
        new BellowsError(
          'plan_refused',
          `Two operations of the migration take away "${name}", or a column of it.`,
          {
            hint: 'Put them into two migrations; the second begins when the first is contracted.',
          },
        ),
    )
}

function companionKeys({ table: of, column, constraint, how }: Touch, schema: Schema): readonly string[] {
  const table = findTable(schema, of)
  if (constraint !== undefined) return [canonical([of.namespace, of.name, constraint])]
  if (table === undefined || column === undefined || how !== 'replaces') return []
  return companionsOf(table, column).map((name) => canonical([of.namespace, of.name, name]))
}
