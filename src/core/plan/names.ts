import { BellowsError } from '../errors.ts'
import { hash } from '../hash.ts'
import { byteLength, compareBytes, cutToBytes, IDENTIFIER_BYTES_MAX } from '../identifier.ts'

/** Names of everything that Bellows puts beside a column for the time of a run. All are at most 63 bytes. */
export interface Names {
  readonly trigger: string
  readonly function: string
  /** What the old column is called between retire and purge. */
  readonly hidden: string
  /** What a new column is called that takes over the name of the old one. */
  readonly twin: string
  /** The CHECK that keeps the verdict of the verification true. */
  readonly proof: string
  readonly notNullProof: string
  /** Of writes through the old shape; also part of the name of a setting, so without anything of the column's name. */
  readonly counter: string
  /** Of use of an old view; the same. */
  readonly uses: string
  /** The copy of an index or a constraint, until purge gives it its final name. */
  readonly copy: (original: string) => string
}

/**
 * @param seed what makes the run's operation unique, such as its migration, table and columns
 * @param otherTriggers names of the user's triggers on the table, which ours must sort behind
 */
export function namesFor(seed: string, column: string, otherTriggers: readonly string[]): Names {
  const tag = hash(seed).slice(0, 8)
  const named = (word: string, readable: string) =>
    cutToBytes(`bellows_${word}_${tag}_${readable}`, IDENTIFIER_BYTES_MAX)
  return {
    trigger: lastTriggerName(named('dual_write', column), otherTriggers),
    function: named('dual_write', column),
    hidden: named('retired', column),
    twin: named('new', column),
    proof: named('proof', column),
    notNullProof: named('filled', column),
    counter: `old_writes_${tag}`,
    uses: `old_uses_${tag}`,
    copy: (original) =>
      cutToBytes(`bellows_copy_${hash(seed + original).slice(0, 8)}_${original}`, IDENTIFIER_BYTES_MAX),
  }
}

/** Prefixes that sort ever later. Row triggers fire in the order of their names, compared byte by byte. */
const LATER_PREFIXES = ['zzz_', '~~~_', '\u{10FFFD}_']

/** A name that sorts behind every other trigger, so that the dual write sees what the user's triggers made of the row. */
function lastTriggerName(base: string, others: readonly string[]): string {
  for (const prefix of LATER_PREFIXES) {
    const name = cutToBytes(`${prefix}${base}`, IDENTIFIER_BYTES_MAX)
    if (others.every((other) => compareBytes(other, name) < 0)) return name
  }
  throw new BellowsError(
    'plan_refused',
    `No trigger can be named to fire after "${others.toSorted(compareBytes).at(-1)}".`,
    {
      hint: 'Rename that trigger: Bellows must see the row that the other triggers leave.',
    },
  )
}

/**
 * The name that PostgreSQL gives to an object without one: `users_name_idx`, `users_name_key`, `users_name_check`.
 * Too long a name is shortened as `makeObjectName` of `commands/indexcmds.c` does it: the longer part first.
 */
export function defaultName(table: string, columns: readonly string[], suffix: string): string {
  const room = IDENTIFIER_BYTES_MAX - byteLength(suffix) - 1 - (columns.length > 0 ? 1 : 0)
  let tableBytes = byteLength(table)
  const middle = columns.join('_')
  let middleBytes = byteLength(middle)
  while (tableBytes + middleBytes > room) {
    if (tableBytes > middleBytes) tableBytes -= 1
    else middleBytes -= 1
  }
  return [cutToBytes(table, tableBytes), cutToBytes(middle, middleBytes), suffix]
    .filter((part) => part !== '')
    .join('_')
}

/**
 * What a copied object is called in the end: PostgreSQL's default name for the new column if the old name was the default
 * one for the old column, and otherwise the old name.
 */
export function finalName(
  original: string,
  defaultBefore: string,
  defaultAfter: string,
  taken: ReadonlySet<string>,
): string {
  if (original !== defaultBefore) return original
  return taken.has(defaultAfter) ? original : defaultAfter
}

/** Since PostgreSQL 18 a NOT NULL has a name, too. */
export function notNullName(
  column: { readonly table: string; readonly from: string; readonly to: string },
  original: string,
): string {
  const [before, after] = [column.from, column.to].map((name) =>
    defaultName(column.table, [name], 'not_null'),
  )
  return original === before ? (after ?? original) : original
}
