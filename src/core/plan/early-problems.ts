import type { BellowsError } from '../errors.ts'
import type { Operation } from '../operations/migration.ts'
import { columnsPointedAt } from '../operations/rules/followers.ts'
import { isKey } from '../operations/rules/foreign-key-problems.ts'
import type { Index } from '../schema/indexes.ts'
import { type Constraint, findTable, type Schema, type Table } from '../schema/model.ts'
import { called } from './leaver.ts'
import { findOwn, isBefore, type Own } from './own-work.ts'
import type { Phase } from './step.ts'
import { refused } from './table-checks.ts'

/** A rule of an operation, with the phase in which it comes up. */
interface Rule {
  readonly table: Table
  readonly constraint: Constraint
  readonly begins: Phase
}

/** What an operation makes, and would have come up before that on which it stands, which those in front of it make. */
export function earlyProblems(
  op: Operation,
  made: readonly Own[],
  own: readonly Own[],
  after: Schema,
): readonly BellowsError[] {
  if (own.length === 0) return []
  return made.flatMap(({ table: of, what, name, since }) => {
    const table = what === 'constraint' ? findTable(after, of) : undefined
    const constraint = table?.constraints.find((one) => one.name === name)
    if (table === undefined || constraint === undefined) return []
    const rule = { table, constraint, begins: since }
    return [...nameProblems(rule, own), ...filledProblems(rule, own), ...keyProblems(op, rule, own, after)]
  })
}

/** What goes with its column, or is renamed, has its name until then. */
function nameProblems({ table, constraint, begins }: Rule, own: readonly Own[]): readonly BellowsError[] {
  const { name } = constraint
  const gone = findOwn(own, table, 'gone constraint', name)
  if (gone === undefined || !isBefore(begins, gone.since)) return []
  return [
    refused(
      `The name "${name}" of a constraint of ${called({ table })} is taken until the migration takes that away.`,
      'Give the new one another name.',
    ),
  ]
}

/** Without NOT NULL PostgreSQL would read the whole table for it while everybody waits. */
function filledProblems({ table, constraint, begins }: Rule, own: readonly Own[]): readonly BellowsError[] {
  if (constraint.kind !== 'primary_key') return []
  return constraint.columns
    .filter((column) => isBefore(begins, findOwn(own, table, 'not_null', column)?.since ?? 'expand'))
    .map((column) =>
      refused(
        `The primary key "${constraint.name}" comes up before ${called({ table, column })} is NOT NULL, which the migration makes it later.`,
        'Leave that to the primary key, or say the same "when" of both.',
      ),
    )
}

/** A foreign key cannot come up in front of the key that it points at. */
function keyProblems(
  op: Operation,
  { table, constraint, begins }: Rule,
  own: readonly Own[],
  after: Schema,
): readonly BellowsError[] {
  const { kind, name, references } = constraint
  const other = kind !== 'foreign_key' || references === null ? undefined : findTable(after, references)
  if (other === undefined) return []
  const targets = columnsPointedAt(constraint, other)
  const keys = other.indexes.filter((index) => isKey(index, targets, other))
  const isThere = ({ constraint: key, name: index }: Index) => {
    const made = key === null ? findOwn(own, other, 'index', index) : findOwn(own, other, 'constraint', key)
    return !isBefore(begins, made?.stands ?? made?.since ?? 'expand')
  }
  if (keys.length === 0 || keys.some(isThere)) return []
  return [
    refused(
      `The foreign key "${name}" of ${called({ table })} comes up before the key of ${called({ table: other })} that it points at, which the migration makes later.`,
      op.kind === 'create_table'
        ? 'Add it with add_constraint behind that key, or make the key in the migration before.'
        : 'Say the same "when" of both, or make the key in the migration before.',
    ),
  ]
}
