import type { Carried } from '../../plan/carry.ts'
import type { Index } from '../../schema/indexes.ts'
import { type Constraint, needsColumn, type Table } from '../../schema/model.ts'

/** What a column shares with others that get a twin is made of all twins at once, with the last of them: this is the rest. */
export function withoutShared(things: Carried, table: Table, later: readonly string[]): Carried {
  const isMine = ({ original: one }: { readonly original: Constraint | Index }): boolean =>
    !later.some((column) => ('kind' in one ? needsColumn(table, one, column) : one.columns.includes(column)))
  return {
    indexes: things.indexes.filter(isMine),
    uniques: things.uniques.filter(isMine),
    keys: things.keys.filter(isMine),
    checks: things.checks.filter(isMine),
    foreignKeys: things.foreignKeys.filter(isMine),
  }
}
