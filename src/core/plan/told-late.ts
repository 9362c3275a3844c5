import { BellowsError } from '../errors.ts'
import type { Operation } from '../operations/migration.ts'
import { shown } from '../sql.ts'
import { ownNamed, saidWithoutNamespace } from './own-named.ts'

/**
 * The server is asked before anything of the migration is there. What it says of something that the migration makes itself is
 * true then, and not the whole truth.
 */
export function toldLate(
  problems: readonly BellowsError[],
  op: Operation,
  earlier: () => readonly Operation[],
): BellowsError[] {
  if (problems.every(({ code }) => code !== 'migration_invalid')) return [...problems]
  const made = ownNamed(op, earlier())
  if (made === undefined) return [...problems]
  const plain = saidWithoutNamespace(op, earlier())
  const full = plain === undefined ? undefined : `${shown(plain.namespace)}.${shown(plain.name)}`
  const [why, hint] =
    full === undefined
      ? [
          `The migration itself makes "${made}", and the server is asked before that.`,
          `Put ${op.kind} into the next migration, which begins when this one is completed.`,
        ]
      : [`The migration makes ${full}.`, `Write it with its namespace: ${full}`]
  return problems.map((one) =>
    one.code === 'migration_invalid'
      ? new BellowsError(one.code, `${one.message} ${why}`, { hint, facts: one.facts })
      : one,
  )
}
