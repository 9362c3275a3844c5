import { assert } from '../../errors.ts'
import { columnsNamed } from '../../parse.ts'
import { ofRecord } from '../../pin.ts'
import { fillingFor } from '../../plan/filling.ts'
import { type Names, namesFor } from '../../plan/names.ts'
import { type Duty, type Installed, triggerFor } from '../../plan/row-trigger.ts'
import { printed } from '../../plan/row-value.ts'
import { theTable } from '../../plan/table-checks.ts'
import type { Tried } from '../../plan/tried.ts'
import { findTable, type QualifiedName, type Table } from '../../schema/model.ts'
import { id, lit, qualified, type Sql, sql, trusted } from '../../sql.ts'
import type { Context } from '../operation.ts'
import type { AddColumn } from './add.ts'
import { collateSql } from './collation.ts'
import { isNullable, knownDefault, unfilledOf, valuesOf } from './values.ts'
import { boundOf } from './written-anew.ts'

/** Everything that the steps have in common which fill a column row by row. */
export interface Work {
  readonly op: AddColumn
  readonly table: Table
  readonly names: Names
  readonly duty: Duty
  readonly filling: Installed
  /** Gives the numbers until the identity column has a sequence of its own. */
  readonly numbers: QualifiedName
  readonly unfilled: Sql
  readonly nullable: boolean
  readonly collate: Sql
  readonly tries: readonly Tried[]
  readonly bound: ReturnType<typeof boundOf>
}

export function workFor(op: AddColumn, context: Context): Work {
  const { schema, facts, seed, shared } = context
  const table = findTable(schema, theTable(op))
  assert(table !== undefined, 'steps come after check')
  const names = namesFor(
    seed,
    op.column,
    table.triggers.map((trigger) => trigger.name),
  )
  const numbers = { namespace: 'bellows', name: names.function }
  const { up, default: byDefault } = valuesOf(op)
  const number = sql`pg_catalog.nextval(${lit(qualified(numbers))}::pg_catalog.regclass)`
  const given = [up, byDefault].map((value) => printed(value, facts)).filter((value) => value !== undefined)
  assert(op.identity !== undefined || given.length > 0, 'the server was asked for what fills a column')
  const fill = {
    table,
    column: op.column,
    hidden: op.column,
    // A default, or the numbers, do the work as soon as all rows are filled.
    until: op.up === undefined ? 'offer' : 'purge',
    values: op.identity === undefined ? given : [number],
    // A volatile function may be one that not everybody may call, such as the one that gives the next number of a sequence.
    needsRights: op.identity !== undefined || knownDefault(op, facts)?.volatility === 'volatile',
  } as const
  const duty = fillingFor(fill, names)
  return {
    op,
    table,
    names,
    duty,
    filling: triggerFor(duty, shared).visible,
    numbers,
    unfilled: unfilledOf(id(op.column), op, facts),
    nullable: isNullable(op),
    collate: collateSql(op, facts),
    tries: triesOf(op, given, knownDefault(op, facts)?.volatility === 'volatile'),
    bound: boundOf(op, context),
  }
}

/** What differs each time may not be asked for a row that does not get it, so where that stands in for a NULL only `up` itself is tried. */
function triesOf(op: AddColumn, given: readonly Sql[], differs: boolean): readonly Tried[] {
  const [up] = given
  if (op.up === undefined || up === undefined) return []
  const values = differs ? [up] : given
  const { column, type } = op
  return [
    {
      column,
      called: column,
      type: trusted(type),
      from: [...columnsNamed(up)],
      values: values.map((value) => ofRecord(value, 'new').text),
      notNull: !isNullable(op) && !differs,
    },
  ]
}

export function defaultSql(op: AddColumn): readonly Sql[] {
  if (op.default === undefined) return []
  return [
    sql`alter table ${qualified(theTable(op))} alter column ${id(op.column)} set default (${trusted(op.default)})`,
  ]
}

export function commentSql(op: AddColumn): readonly Sql[] {
  if (op.comment === undefined) return []
  return [sql`comment on column ${qualified(theTable(op))}.${id(op.column)} is ${lit(op.comment)}`]
}
