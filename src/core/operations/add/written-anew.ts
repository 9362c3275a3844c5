import type { BellowsError } from '../../errors.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { isNeverNull } from '../../plan/never-null.ts'
import { rowHolders } from '../../plan/row-types.ts'
import { isSmall, rewriteBound, staysFree, staysSmall, tooLarge } from '../../plan/small-table.ts'
import type { TransactionStep } from '../../plan/step.ts'
import { refused, theTable } from '../../plan/table-checks.ts'
import type { Facts } from '../../schema/facts.ts'
import { findTable, type Table } from '../../schema/model.ts'
import { trusted } from '../../sql.ts'
import type { Context } from '../operation.ts'
import type { AddColumn } from './add.ts'
import { generatedAs, isFilled, isWrittenAnew } from './values.ts'

/** PostgreSQL reads, or writes, the whole table for some columns while everybody waits: that is done where it is soon over. */
export function boundOf(
  op: AddColumn,
  { facts, given }: Context,
): Pick<TransactionStep, 'requires' | 'cost' | 'hazards'> {
  const table = theTable(op)
  const isAnew = isWrittenAnew(op, facts)
  const known = findTable(given, table)
  const otherwise = `"${op.column}" cannot be added without stopping everybody for too long`
  const isDomain = facts.types[op.type]?.typeKind === 'domain'
  if (!isAnew && !isRead(op, facts))
    return { requires: isDomain ? [staysFree(trusted(op.type))] : [], cost: 'instant', hazards: [] }
  // Of a table that the migration makes itself nobody has seen a row.
  const bound =
    isAnew && known !== undefined
      ? rewriteBound(known, otherwise, op.unsafe)
      : { requires: [staysSmall(table, otherwise)], hazards: [] }
  return { ...bound, cost: 'small', hazards: [...bound.hazards, ...failingHazards(op, facts)] }
}

/** Of a virtual column nothing is written, but that it is NOT NULL is looked at row by row. */
function isRead(op: AddColumn, facts: Facts): boolean {
  return generatedAs(op, facts) === 'virtual' && !op.nullable
}

/** One that is stored is computed for whoever writes the row. */
function failingHazards(op: AddColumn, facts: Facts): readonly Hazard[] {
  if (generatedAs(op, facts) !== 'stored') return []
  return [
    {
      code: 'may_break',
      because: `From this step on a write of "${op.table}" fails for whose values generated (${op.generated}) fails.`,
    },
  ]
}

/** What is generated is so for old writers, too, who leave the column out. */
export function generatedNullProblems(op: AddColumn): readonly BellowsError[] {
  if (op.generated === undefined || op.nullable || isNeverNull(op.generated)) return []
  return [
    refused(
      `"${op.column}" is a generated column and NOT NULL, and nobody knows that ${op.generated} is NULL for no row: an old writer would fail.`,
      'Write coalesce(<what it says>, <a value>), or add it as nullable.',
    ),
  ]
}

/** What takes a table that is larger than can be read, or written, while everybody waits. */
export function sizeProblems(op: AddColumn, table: Table, facts: Facts): readonly BellowsError[] {
  if (isSmall(table)) return []
  const size = tooLarge(table)
  if (generatedAs(op, facts) === 'stored')
    return [
      refused(
        `"${op.column}" is a stored generated column: PostgreSQL writes the whole table anew for it under a lock, and ${size}.`,
        `Add a plain column with up: ${op.generated}, and in front of it a trigger of your own that keeps it so (docs/operations/add-column.md#instead-of-a-stored-generated-column)${op.stored === true ? '; or leave "stored" out, on PostgreSQL 18' : ''}; or compute the value in a view.`,
      ),
    ]
  if (isRead(op, facts))
    return [
      refused(
        `"${op.column}" is a generated column and NOT NULL: PostgreSQL reads the whole table for it under a lock, and ${size}.`,
        'Add it as nullable.',
      ),
    ]
  if (!isWrittenAnew(op, facts)) return []
  return [
    refused(
      `"${op.column}" is of the domain ${op.type}, which has a constraint or a default: PostgreSQL writes the whole table anew for it under a lock, and ${size}.`,
      AS_THE_DOMAIN,
    ),
  ]
}

const AS_THE_DOMAIN =
  'Take the type that the domain is of, and give the column a check that says what the domain says.'

/** With a value of its own PostgreSQL would have to change those rows, too; filled row by row it comes without one. */
export function heldRowProblems(op: AddColumn, facts: Facts): readonly BellowsError[] {
  const comesWithValue = !isFilled(op, facts) && (op.default !== undefined || op.generated !== undefined)
  if (!comesWithValue && !isWrittenAnew(op, facts)) return []
  return rowHolders(theTable(op), facts).map((column) =>
    refused(
      `${column} holds rows of "${op.table}", and PostgreSQL adds no column with a value to such a table.`,
      heldRowHint(op, facts),
    ),
  )
}

function heldRowHint(op: AddColumn, facts: Facts): string {
  // Of such a domain a column is never filled row by row.
  if (op.generated === undefined && isWrittenAnew(op, facts)) return AS_THE_DOMAIN
  return op.default === undefined
    ? 'Add a plain column, or keep those rows in another form.'
    : `Write the value as "up" as well, by which rows are filled one by one: up: ${op.default}`
}

/** Until it is filled, and where it is left out, the column is NULL, or has the default of its domain. */
export function domainProblems(op: AddColumn, facts: Facts): readonly BellowsError[] {
  const domain = facts.types[op.type]?.domain
  if (domain === undefined) return []
  const { hasDefault, takesNull } = domain
  if (isFilled(op, facts) && hasDefault)
    return [
      refused(
        `"${op.column}" is of the domain ${op.type}, which has a default: every row has that at once, and there is none left to fill.`,
        'Give the column the type that the domain is of, or a default that is the same for all rows.',
      ),
    ]
  if (takesNull || (!isFilled(op, facts) && (hasDefault || op.default !== undefined))) return []
  return [
    refused(
      `"${op.column}" is of the domain ${op.type}, which does not take NULL, and ${isFilled(op, facts) ? 'is NULL until it is filled' : 'has no default: an old writer would fail'}.`,
      isFilled(op, facts)
        ? 'Give it a default that is the same for all rows, or the type that the domain is of.'
        : 'Give it a default.',
    ),
  ]
}
