import { BellowsError } from '../errors.ts'
import { canonical } from '../hash.ts'
import { specOf } from '../operations/index.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import type { Touch } from '../operations/needs.ts'
import { findTable, isSameName, primaryKeyOf, type QualifiedName, type Schema } from '../schema/model.ts'
import { qualified } from '../sql.ts'
import { mayStandBefore } from './before-renaming.ts'
import { buildsOn, takesOver } from './copies.ts'
import { withFollowed } from './followed.ts'
import { called } from './leaver.ts'
import { APART, adviceFor } from './meeting-advice.ts'
import { companionsOf } from './retire.ts'
import { theTable } from './table-checks.ts'

/** Operations of one migration build on one another; but what one of them replaces, no other may touch, unless a copy does that. */
export function meetingProblems(migration: Migration): readonly BellowsError[] {
  // Only what is done to the same table, or the same object, can meet.
  const earlier = new Map<string, readonly Touching[]>()
  const met = migration.operations.flatMap((op) => {
    const { touches } = specOf(op).needs(op)
    const places = [...new Set(touches.map(placeOf))]
    const before = [...new Set(places.flatMap((place) => earlier.get(place) ?? []))]
    const mine = { op, touches }
    for (const place of places) earlier.set(place, [...(earlier.get(place) ?? []), mine])
    return before.flatMap((one) =>
      meetings(
        one.touches.filter((touch) => !takesOver(one.op, op, touch)),
        touches.filter((touch) => !buildsOn(one.op, op, touch) && !standsBeside(one.op, op, touch)),
      ).map((touch) => [written(touch), adviceFor(one.op, op)] as const),
    )
  })
  return [...new Map(met)].map(
    ([what, hint]) =>
      new BellowsError('plan_refused', `Two operations of the migration touch ${what}.`, { hint }),
  )
}

/** What is done to a table in front of what gives it another name has its steps before that. */
function standsBeside(earlier: Operation, later: Operation, touch: Touch): boolean {
  return (
    later.kind === 'rename_table' &&
    mayStandBefore(earlier) &&
    !('object' in touch) &&
    isSameName(touch.table, theTable(later))
  )
}

interface Touching {
  readonly op: Operation
  readonly touches: readonly Touch[]
}

function meetings(earlier: readonly Touch[], later: readonly Touch[]): readonly Touch[] {
  return later.flatMap((mine) => {
    const other = earlier.find((touch) => isConflict(touch, mine))
    return other === undefined ? [] : [isWhole(mine) ? other : mine]
  })
}

function isConflict(earlier: Touch, later: Touch): boolean {
  if (placeOf(earlier) !== placeOf(later)) return false
  if ((earlier.how === 'alters') !== (later.how === 'alters')) return true
  const isReplaced =
    (earlier.how === 'replaces' && covers(earlier, later)) ||
    (later.how === 'replaces' && earlier.how !== 'describes' && covers(later, earlier))
  return (
    isReplaced ||
    (later.how === 'adds' && earlier.how !== 'adds' && covers(later, earlier)) ||
    isTwin(earlier, later)
  )
}

/** Only what touches one place can meet. */
export function placeOf(touch: Touch): string {
  return 'object' in touch ? touch.object : qualified(touch.table)
}

function isWhole(touch: Touch): boolean {
  return 'object' in touch || (touch.column === undefined && touch.constraint === undefined)
}

/** Is the second a part of the first, or the same? */
export function covers(whole: Touch, part: Touch): boolean {
  return placeOf(whole) === placeOf(part) && (isWhole(whole) || isSamePart(whole, part))
}

function isTwin(a: Touch, b: Touch): boolean {
  return a.how === 'adds' && b.how === 'adds' && isSamePart(a, b)
}

function isSamePart(a: Touch, b: Touch): boolean {
  if ('object' in a || 'object' in b) return true
  return a.column === b.column && a.constraint === b.constraint
}

export function written(touch: Touch): string {
  if ('object' in touch) return `the ${touch.object}`
  const { constraint, ...of } = touch
  return constraint === undefined ? called(of) : `"${constraint}" of ${called(of)}`
}

/**
 * An index or a constraint of two leaving columns would be copied for each, and each copy would need the other column. One that
 * is dropped itself cannot go along with a column, nor can one that is renamed when the column has gone: it is another one then.
 */
export function sharingProblems(migration: Migration, schema: Schema): readonly BellowsError[] {
  const users = new Map<string, readonly Use[]>()
  for (const op of migration.operations) {
    const { touches } = specOf(op).needs(op)
    const own = new Set(touches.flatMap((touch) => companionKeys(touch, schema)))
    const all = touches.flatMap((touch) => withFollowed(touch, schema))
    for (const key of new Set(all.flatMap((touch) => companionKeys(touch, schema))))
      users.set(key, [...(users.get(key) ?? []), { op, isOwn: own.has(key) }])
  }
  return [...users]
    .filter(
      ([key, uses]) =>
        uses.length > 1 &&
        !isNamedBefore(uses) &&
        !isDroppedBefore(key, uses, schema) &&
        !areRenamedTogether(key, uses, { migration, schema }),
    )
    .map(([key, uses]) => {
      const name = (JSON.parse(key) as readonly string[]).at(-1)
      const message = `Two operations of the migration take away "${name}", or a column of it.`
      const back = uses.toReversed()
      const hint = isNamedBefore(back)
        ? `Put the operation that gives "${name}" another name before the other one.`
        : isDroppedBefore(key, back, schema)
          ? `Put the operation that drops "${name}" before rename_column, which does not copy it then.`
          : APART
      return new BellowsError('plan_refused', message, { hint })
    })
}

/** An operation that takes away an index or a constraint, or a column of its table that it is on. */
interface Use {
  readonly op: Operation
  readonly isOwn: boolean
}

/** What comes behind a rename finds the thing by its new name, before it is replaced. */
function isNamedBefore([first, second, ...more]: readonly Use[]): boolean {
  const isName = first?.op.kind === 'rename_index' || first?.op.kind === 'rename_constraint'
  return isName && second?.isOwn === true && more.length === 0
}

/** What is dropped before its column gets another name is not copied. Without its primary key a table has nothing to find rows by. */
function isDroppedBefore(key: string, [first, ...more]: readonly Use[], schema: Schema): boolean {
  const [namespace, name, thing] = JSON.parse(key) as readonly [string, string, string]
  const constraint = findTable(schema, { namespace, name })?.constraints.find((one) => one.name === thing)
  const isDrop = first?.op.kind === 'drop_index' || first?.op.kind === 'drop_constraint'
  return (
    isDrop &&
    first.isOwn &&
    constraint?.kind !== 'primary_key' &&
    more.every(({ op, isOwn }) => op.kind === 'rename_column' && isOwn)
  )
}

/**
 * Columns that get other names one behind the other have one copy of what they share, which is made with the last of them. What
 * foreign keys point at would have twins of these for each.
 */
function areRenamedTogether(
  key: string,
  uses: readonly Use[],
  { migration, schema }: { readonly migration: Migration; readonly schema: Schema },
): boolean {
  const [namespace, name, thing] = JSON.parse(key) as readonly [string, string, string]
  const table = findTable(schema, { namespace, name })
  const places = uses.map(({ op }) => migration.operations.indexOf(op))
  const between = migration.operations.slice(Math.min(...places), Math.max(...places) + 1)
  const constraint = table?.constraints.find((one) => one.name === thing)
  const index = table?.indexes.find((one) => [one.name, one.constraint].includes(thing))
  return (
    uses.every(({ isOwn }) => isOwn) &&
    between.every((op) => op.kind === 'rename_column' && op.namespace === namespace && op.table === name) &&
    constraint?.kind !== 'primary_key' &&
    (index?.foreignKeys ?? []).length === 0
  )
}

function companionKeys(touch: Touch, schema: Schema): readonly string[] {
  if ('object' in touch) return []
  const { table: of, column, constraint, how } = touch
  const table = findTable(schema, of)
  const isIndex = table === undefined && column === undefined && how === 'replaces'
  const indexed = isIndex ? tableOfIndex(schema, of) : undefined
  if (indexed !== undefined) return [canonical([indexed.namespace, indexed.name, of.name])]
  if (constraint !== undefined) return [canonical([of.namespace, of.name, constraint])]
  if (table === undefined || column === undefined || how !== 'replaces') return []
  return companionsOf(table, column).map((name) => canonical([of.namespace, of.name, name]))
}

/** An index has its name among those of tables. */
function tableOfIndex({ tables }: Schema, of: QualifiedName): QualifiedName | undefined {
  return tables.find(
    ({ namespace, indexes }) =>
      namespace === of.namespace &&
      indexes.some(({ name, constraint }) => name === of.name && constraint === null),
  )
}

/** A primary key stands until the contract comes to its purge, and a table has one at a time. */
export function keyProblems(migration: Migration, schema: Schema): readonly BellowsError[] {
  return migration.operations.flatMap((op) => {
    if (op.kind !== 'add_constraint' || op.primary_key === undefined) return []
    const table = findTable(schema, theTable(op))
    const key = table && primaryKeyOf(table)
    const isDropped = migration.operations.some(
      (other) =>
        other.kind === 'drop_constraint' &&
        other.name === key?.name &&
        canonical(theTable(other)) === canonical(theTable(op)),
    )
    if (key === undefined || !isDropped) return []
    return [
      new BellowsError(
        'plan_refused',
        `"${op.table}" cannot get another primary key in the migration that drops "${key.name}", which stands until its purge.`,
        {
          hint: 'Add the new one in the next migration. Until then a unique constraint keeps its columns apart, if you add that in this one.',
        },
      ),
    ]
  })
}
