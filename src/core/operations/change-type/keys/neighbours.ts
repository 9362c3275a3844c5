import type { Carried } from '../../../plan/carry.ts'
import { rewriteConstraint, rewriteIndex } from '../../../rewrite.ts'
import { type Constraint, isSameName, needsColumn, type Table } from '../../../schema/model.ts'
import { withoutShared } from '../../copy/shared-things.ts'
import type { Work } from '../../copy/work.ts'
import type { Follower } from '../../rules/followers.ts'

/** The table as a column sees it whose neighbours have their twins: what needs both is made of both twins. */
export function besides(table: Table, others: readonly Work[], linked: readonly Follower[]): Table {
  const known = linked.map(({ identity }) => identity)
  return {
    ...table,
    constraints: table.constraints.map((one) => ({
      ...one,
      definition: others
        .filter(({ from }) => one.kind !== 'not_null' && needsColumn(table, one, from))
        .reduce<string>((text, { from, to }) => rewriteConstraint(text, { from, to }), one.definition),
    })),
    indexes: table.indexes.map((one) => ({
      ...one,
      definition: others
        .filter(({ from }) => one.columns.includes(from))
        .reduce<string>((text, { from, to }) => rewriteIndex(text, { from, to }, one.name), one.definition),
    })),
    dependents: table.dependents.filter(({ kind, name }) => kind !== 'foreign key' || !known.includes(name)),
  }
}

/** What several of the columns need comes with the last one, when the others are verified; and foreign keys between them by themselves. */
export function ownThings(
  { things, table }: Work,
  later: readonly Work[],
  linked: readonly Follower[],
): Carried {
  const own = withoutShared(
    things,
    table,
    later.map(({ from }) => from),
  )
  const isLink = (one: Constraint): boolean =>
    linked.some((link) => link.key.name === one.name && isSameName(link.table, table))
  return {
    ...own,
    keys: [],
    foreignKeys: own.foreignKeys.filter(({ original }) => !isLink(original)),
  }
}
