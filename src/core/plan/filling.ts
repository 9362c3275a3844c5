import { ofRecord } from '../pin.ts'
import type { QualifiedName } from '../schema/model.ts'
import { id, join, lit, type Sql, sql, trusted } from '../sql.ts'
import { same } from './dual-write.ts'
import type { Names } from './names.ts'
import type { Chore, Duty } from './row-trigger.ts'

/** What gives a column its value in every row that is written without it. */
export interface Fill {
  readonly table: QualifiedName
  readonly column: string
  /** Its name while the old shape is hidden. */
  readonly hidden: string
  /** What is updated is left as it is, also where it goes to another partition by that. */
  readonly events?: 'insert'
  readonly moves?: Moves
  readonly until: Duty['until']
  /** As the server prints them. The second is taken where the first gives NULL. */
  readonly values: readonly Sql[]
  /** Is one of them something that a role needs a right for, such as the next number of a sequence? */
  readonly needsRights: boolean
}

/** Where a NULL may be meant: an UPDATE that takes a row to another partition inserts it there, and no trigger is told so. */
export interface Moves {
  /** The columns by which it goes there. */
  readonly keys: readonly string[]
  /** A setting that says, within a transaction, which row was updated last, and in which partition. */
  readonly moving: string
}

/**
 * Each value is assigned on its own, so each is converted to the type of the column as a written value is. Nothing but the
 * column itself is changed, and only where it is NULL: whoever writes it is left alone.
 */
export function fillingFor(fill: Fill, names: Pick<Names, 'trigger' | 'function'>): Duty {
  const values = fill.values.map((value) => ofRecord(value, 'new'))
  const asOwner = fill.needsRights || values.some(({ isPinned }) => !isPinned)
  const filled = (column: string): Chore => {
    const field = sql`new.${id(column)}`
    const assignments = values.map(({ text }, at) =>
      at === 0
        ? sql`  ${field} := ${text};`
        : sql`  if ${field} is null then
    ${field} := ${text};
  end if;`,
    )
    const lines = join(assignments, '\n')
    return {
      when: sql`${field} is null`,
      lines: (leave) =>
        fill.moves === undefined
          ? lines
          : sql`${unlessMoved(fill.moves, leave)}
${lines}`,
    }
  }
  return {
    table: { namespace: fill.table.namespace, name: fill.table.name },
    trigger: names.trigger,
    function: names.function,
    until: fill.until,
    // It has to see the UPDATE by which a row goes to another partition.
    ...(fill.events === undefined || fill.moves !== undefined ? {} : { events: fill.events }),
    ...(asOwner ? { asOwner } : {}),
    visible: filled(fill.column),
    hidden: filled(fill.hidden),
  }
}

/** The INSERT comes right behind the UPDATE, in a partition that is another one. */
function unlessMoved({ keys, moving }: Moves, leave: Sql): Sql {
  const of = (row: 'new' | 'old') => join(keys.map((key) => sql`${trusted(row)}.${id(key)}`))
  const updated = sql`coalesce(pg_catalog.current_setting(${lit(moving)}, true), '')`
  const here = sql`pg_catalog.concat(row(${of('new')}), ' ', tg_relid)`
  return sql`  if tg_op operator(pg_catalog.=) 'UPDATE' then
    if not ${same(of('new'), of('old'))} then
      perform pg_catalog.set_config(${lit(moving)}, ${here}, true);
    end if;
    ${leave};
  elsif pg_catalog.starts_with(${updated}, pg_catalog.concat(row(${of('new')}), ' ')) and ${updated} operator(pg_catalog.<>) ${here} then
    perform pg_catalog.set_config(${lit(moving)}, '', true);
    ${leave};
  end if;`
}
