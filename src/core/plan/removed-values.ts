import type { BellowsError } from '../errors.ts'
import { foldedText } from '../identifier.ts'
import { type OfType, shownType } from '../operations/enum/enum.ts'
import { specOf } from '../operations/index.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import { knownType } from '../operations/remove-enum-value/removal.ts'
import type { Facts } from '../schema/facts.ts'
import { isSameName, type QualifiedName } from '../schema/model.ts'
import { shown } from '../sql.ts'
import { refused } from './table-checks.ts'

/**
 * Whatever else a migration makes with a type that is made anew would be made with the old one, and keep it. What it changes of the
 * tables would change beside the columns that are on their way.
 */
export function removedValueProblems({ operations }: Migration, facts: Facts): readonly BellowsError[] {
  return operations.flatMap((op) => {
    if (op.kind !== 'remove_enum_value') return []
    const tables = (knownType(op, facts)?.columns ?? []).map(({ table }) => table)
    return operations
      .filter((other) => other !== op && (isOn(other, tables) || saysType(other, op)))
      .map((other) =>
        refused(
          `The type ${shown(op.type)} loses a value, and another operation of the migration (${other.kind}) names it or works on a table that has it.`,
          'Put them into two migrations; the second begins when the first is contracted.',
        ),
      )
  })
}

/** What is stated as a whole may do anything with the type; of the others only these work on values of it. */
const ON_VALUES: ReadonlySet<Operation['kind']> = new Set([
  'add_enum_value',
  'rename_enum_value',
  'remove_enum_value',
  'create_object',
  'replace_object',
  'drop_object',
  'sql',
])

/** The type that one of two migrations takes a value out of, and on whose values the other one may work meanwhile. */
export function typeOfBoth(one: Migration, other: Migration): string | undefined {
  const removals = (of: Migration, beside: Migration) =>
    of.operations.flatMap((op) =>
      op.kind === 'remove_enum_value' &&
      beside.operations.some((theirs) => ON_VALUES.has(theirs.kind) && saysType(theirs, op))
        ? [shownType(op)]
        : [],
    )
  return [...removals(one, other), ...removals(other, one)][0]
}

function isOn(op: Operation, tables: readonly QualifiedName[]): boolean {
  const { tables: mine, touches } = specOf(op).needs(op)
  return [...mine, ...touches.flatMap((touch) => ('object' in touch ? [] : [touch.table]))].some((one) =>
    tables.some((table) => isSameName(one, table)),
  )
}

/** In any of its texts, as a word, whatever it means there. */
export function saysType(op: Operation, { type }: OfType): boolean {
  return saysName(textsIn(op).join(' '), type)
}

export function saysName(said: string, named: string): boolean {
  const name = named.toLowerCase()
  const text = foldedText(said)
  return (
    text.split(/[^\p{L}\p{N}_$]+/u).includes(name) || (/[^\p{L}\p{N}_$]/u.test(name) && text.includes(name))
  )
}

/** All texts that stand in an operation, or in steps. */
export function textsIn(of: unknown): readonly string[] {
  const texts: string[] = []
  JSON.stringify(of, (_, value: unknown) => {
    if (typeof value === 'string') texts.push(value)
    return value
  })
  return texts
}
