import { BellowsError } from '../errors.ts'
import { canonical } from '../hash.ts'
import { specOf } from '../operations/index.ts'
import type { Migration } from '../operations/migration.ts'
import type { Touch } from '../operations/needs.ts'
import { findTable, isSameName, type Schema } from '../schema/model.ts'
import { companionsOf } from './retire.ts'

/** Operations of one migration build on one another; but what one of them replaces, no other may touch. */
export function meetingProblems(migration: Migration): readonly BellowsError[] {
  const touches = migration.operations.map((op) => specOf(op).needs(op).touches)
  const met = touches.flatMap((later, at) =>
    touches.slice(0, at).flatMap((earlier) => meetings(earlier, later).map(written)),
  )
  return [...new Set(met)].map(
    (what) =>
      new BellowsError('plan_refused', `Two operations of the migration touch ${what}.`, {
        hint: 'Put them into two migrations; the second begins when the first is contracted.',
      }),
  )
}

/** Does an operation work on nothing but what the ones before it have added? */
export function isOnAdded(earlier: readonly Touch[], mine: readonly Touch[]): boolean {
  return mine.every((one) => earlier.some((touch) => touch.how === 'adds' && covers(touch, one)))
}

function meetings(earlier: readonly Touch[], later: readonly Touch[]): readonly Touch[] {
  return later.flatMap((mine) => {
    const other = earlier.find((touch) => isConflict(touch, mine))
    return other === undefined ? [] : [mine.column === undefined ? other : mine]
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

/** Is the second a part of the first, or the same? */
function covers(whole: Touch, part: Touch): boolean {
  return isSameName(whole.table, part.table) && (whole.column === undefined || whole.column === part.column)
}

function isTwin(a: Touch, b: Touch): boolean {
  return a.how === 'adds' && b.how === 'adds' && a.column === b.column
}

function written({ table, column }: Touch): string {
  return column === undefined ? `"${table.name}"` : `"${table.name}"."${column}"`
}

/** An index or a constraint of two leaving columns would be copied for each, and each copy would need the other column. */
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
        new BellowsError('plan_refused', `Two operations of the migration take a column of "${name}" away.`, {
          hint: 'Put them into two migrations; the second begins when the first is contracted.',
        }),
    )
}

function companionKeys({ table: of, column, how }: Touch, schema: Schema): readonly string[] {
  const table = findTable(schema, of)
  if (table === undefined || column === undefined || how !== 'replaces') return []
  return companionsOf(table, column).map((name) => canonical([of.namespace, of.name, name]))
}
