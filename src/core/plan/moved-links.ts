import type { BellowsError } from '../errors.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import { linksOf, type MoveColumn, targetOf } from '../operations/move/move.ts'
import type { Facts } from '../schema/facts.ts'
import { isSameName } from '../schema/model.ts'
import { shown } from '../sql.ts'
import { replacedBy } from './needs.ts'
import { refused, theTable } from './table-checks.ts'

/** What a move finds the rows of its target by stays as it is until the move is through. */
export function movedLinkProblems({ operations }: Migration, facts: Facts): readonly BellowsError[] {
  return operations.flatMap((op) => {
    const [link] = op.kind === 'move_column' ? linksOf(op, facts) : []
    if (op.kind !== 'move_column' || link === undefined) return []
    const names = [link.name, ...(link.unique === null ? [] : [link.unique])]
    return [
      ...names
        .filter((name) => operations.some((other) => takesAway(other, op, name)))
        .map((name) => `${shown(name)} of "${op.to.table}"`),
      ...op.on
        .filter(({ target }) => operations.some((other) => allowsNull(other, op, target)))
        .map(({ target }) => `NOT NULL of "${op.to.table}"."${target}"`),
    ].map((what) =>
      refused(
        `The move of "${op.from.column}" needs ${what}, which another operation of the migration takes away or renames.`,
        'Put them into two migrations; the second begins when the first is contracted.',
      ),
    )
  })
}

/** The index of a constraint has its name among those of tables, and the constraint has it within its own. */
function takesAway(op: Operation, move: MoveColumn, name: string): boolean {
  const target = targetOf(move)
  return replacedBy(op).some((touch) =>
    isSameName(touch.table, target)
      ? touch.constraint === name
      : touch.column === undefined && isSameName(touch.table, { ...target, name }),
  )
}

function allowsNull(op: Operation, move: MoveColumn, column: string): boolean {
  return (
    op.kind === 'alter_column' &&
    op.nullable === true &&
    op.column === column &&
    isSameName(theTable(op), targetOf(move))
  )
}
