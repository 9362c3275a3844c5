import { assert } from '../../errors.ts'
import { rowWrite, type Sides } from '../../plan/dual-write.ts'
import { type Names, namesFor } from '../../plan/names.ts'
import { type Counting, rowCountingFor } from '../../plan/old-writes.ts'
import { companionsOf, type Leaving } from '../../plan/retire.ts'
import { type Duty, type Installed, triggerFor } from '../../plan/row-trigger.ts'
import { type Column, findTable, type Table } from '../../schema/model.ts'
import { type Sql, sql, trusted } from '../../sql.ts'
import type { Context } from '../operation.ts'
import { type Resolved, resolved } from './mapping.ts'
import type { NewColumn, Reshape } from './reshape.ts'

/** Everything that the steps of one reshaping have in common. */
export interface Work extends Pick<Resolved, 'olds' | 'mapping'> {
  readonly table: Table
  readonly news: readonly Made[]
  readonly names: Names
  /** One for each old column. */
  readonly leaving: readonly Leaving[]
  readonly duty: Duty
  /** The dual write while the old columns are visible, and while they are hidden. */
  readonly installed: Installed
  readonly hidden: Installed
  readonly counting: Counting
}

/** A new column, and what it is to have in the end. */
export interface Made extends NewColumn {
  readonly notNullProof: string
  readonly default: Sql | undefined
}

export function workFor(shape: Reshape, { schema, facts, seed, shared }: Context): Work {
  const table = findTable(schema, shape.table)
  assert(table !== undefined, 'steps come after check')
  const found = resolved(shape, table, facts)
  assert(!('problems' in found), 'steps come after check')
  const { olds, mapping } = found
  const triggers = table.triggers.map(({ name }) => name)
  const names = namesFor(seed, shape.olds[0]?.name ?? '', triggers)
  const leaving = olds.map(({ name }) => ({
    table: shape.table,
    column: name,
    hidden: namesFor(`${seed} ${name}`, name, []).hidden,
    known: [...companionsOf(table, name), names.proof],
    counter: names.counter,
  }))
  const sides = (name: 'column' | 'hidden'): Sides => ({
    table: shape.table,
    olds: leaving.map((one) => one[name]),
    news: shape.news.map(({ name }) => name),
    mapping,
    oldColumns: olds,
  })
  const defaults = defaultsOf(found)
  const duty: Duty = {
    table: shape.table,
    trigger: names.trigger,
    function: names.function,
    until: 'purge',
    visible: rowWrite(sides('column')),
    hidden: rowWrite(sides('hidden')),
  }
  const { visible: installed, hidden } = triggerFor(duty, shared)
  return {
    table,
    olds,
    mapping,
    names,
    leaving,
    news: shape.news.map((column, at) => ({
      ...column,
      notNullProof: namesFor(`${seed} ${column.name}`, column.name, []).notNullProof,
      default: defaults[at],
    })),
    duty,
    installed,
    hidden,
    counting: rowCountingFor(sides('column'), names.counter, names.trigger),
  }
}

/** What the old columns get where nothing is given goes the same way as every value. */
export function defaultsOf({
  olds,
  mapping,
}: Pick<Resolved, 'olds' | 'mapping'>): readonly (Sql | undefined)[] {
  if (olds.every((column) => column.default === null)) return []
  return mapping.up(olds.map(defaultValue))
}

function defaultValue({ default: text, type }: Column): Sql {
  return sql`(${trusted(text ?? 'null')})::${trusted(type)}`
}
