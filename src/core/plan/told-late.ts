import { BellowsError } from '../errors.ts'
import type { Operation } from '../operations/migration.ts'
import { readDefinition } from '../operations/object/definition.ts'

/**
 * The server is asked before anything of the migration is there. What it says of something that the migration makes itself is
 * true then, and not the whole truth.
 */
export function toldLate(
  problems: readonly BellowsError[],
  op: Operation,
  earlier: readonly Operation[],
): BellowsError[] {
  if (problems.every(({ code }) => code !== 'migration_invalid')) return [...problems]
  const made = ownNamed(op, earlier)
  if (made === undefined) return [...problems]
  return problems.map((one) =>
    one.code === 'migration_invalid'
      ? new BellowsError(
          one.code,
          `${one.message} The migration itself makes "${made}", and the server is asked before that.`,
          {
            hint: `Put ${op.kind} into the next migration, which begins when this one is completed.`,
            facts: one.facts,
          },
        )
      : one,
  )
}

/** The name of an object or a value that operations in front of one make, and that stands in it. */
export function ownNamed(op: Operation, earlier: readonly Operation[]): string | undefined {
  const made = earlier.flatMap(madeBy)
  const text = made.length === 0 ? '' : JSON.stringify(op)
  return made.find((name) => names(text, name))
}

function madeBy(op: Operation): readonly string[] {
  if (op.kind === 'create_object') {
    const read = readDefinition(op)
    return 'problem' in read ? [] : [read.object.name.name]
  }
  return op.kind === 'add_enum_value' ? [op.value] : []
}

function names(text: string, name: string): boolean {
  return new RegExp(`(?<!\\w)${name.replace(/\W/g, '\\$&')}(?!\\w)`, 'i').test(text)
}
