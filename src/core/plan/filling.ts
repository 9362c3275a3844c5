import { ofRecord } from '../pin.ts'
import type { QualifiedName } from '../schema/model.ts'
import { id, join, type Sql, sql } from '../sql.ts'
import type { Names } from './names.ts'
import type { Chore, Duty } from './row-trigger.ts'

/** What gives a column its value in every row that is written without it. */
export interface Fill {
  readonly table: QualifiedName
  readonly column: string
  /** Its name while the old shape is hidden. */
  readonly hidden: string
  readonly events?: 'insert'
  readonly until: Duty['until']
  /** As the server prints them. The second is taken where the first gives NULL. */
  readonly values: readonly Sql[]
  /** Is one of them something that a role needs a right for, such as the next number of a sequence? */
  readonly needsRights: boolean
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
    return { when: sql`${field} is null`, lines: () => join(assignments, '\n') }
  }
  return {
    table: { namespace: fill.table.namespace, name: fill.table.name },
    trigger: names.trigger,
    function: names.function,
    until: fill.until,
    ...(fill.events === undefined ? {} : { events: fill.events }),
    ...(asOwner ? { asOwner } : {}),
    visible: filled(fill.column),
    hidden: filled(fill.hidden),
  }
}
