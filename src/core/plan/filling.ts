import { ofRecord } from '../pin.ts'
import type { QualifiedName } from '../schema/model.ts'
import { id, join, lit, qualified, type Sql, sql } from '../sql.ts'
import type { Installed } from './dual-write.ts'
import type { Names } from './names.ts'

/** A trigger that gives a column its value in every row that is written without it. */
export interface Filling extends Installed {
  readonly column: string
  readonly events: 'insert' | 'insert or update'
  /** Runs with the rights of the owner and a fixed `search_path`, because a writer may lack what the value needs. */
  readonly asOwner: boolean
}

export interface Fill {
  readonly table: QualifiedName
  readonly column: string
  readonly events: Filling['events']
  /** As the server prints them. The second is taken where the first gives NULL. */
  readonly values: readonly Sql[]
  /** Is one of them something that a role needs a right for, such as the next number of a sequence? */
  readonly needsRights: boolean
}

/**
 * Each value is assigned on its own, so each is converted to the type of the column as a written value is. Nothing but the
 * column itself is changed, and only where it is NULL: whoever writes it is left alone.
 */
export function fillingFor(fill: Fill, names: Pick<Names, 'trigger' | 'function'>): Filling {
  const values = fill.values.map((value) => ofRecord(value, 'new'))
  const field = sql`new.${id(fill.column)}`
  const assignments = values.map(({ text }, at) =>
    at === 0
      ? sql`  ${field} := ${text};`
      : sql`  if ${field} is null then
    ${field} := ${text};
  end if;`,
  )
  return {
    table: { namespace: fill.table.namespace, name: fill.table.name },
    column: fill.column,
    events: fill.events,
    trigger: names.trigger,
    function: names.function,
    asOwner: fill.needsRights || values.some(({ isPinned }) => !isPinned),
    body: sql`
begin
${join(assignments, '\n')}
  return new;
end`,
  }
}

export function fillingFunctionSql({ function: name, body, asOwner }: Filling): Sql {
  const rights = asOwner ? sql` security definer set search_path = pg_catalog, pg_temp` : sql``
  return sql`create or replace function bellows.${id(name)}() returns trigger language plpgsql${rights} as ${lit(body)}`
}

/** ALWAYS, because loaders and replication set `session_replication_role`. Where the column is given the function is not called. */
export function fillSql(filling: Filling): readonly Sql[] {
  const table = qualified(filling.table)
  const events = filling.events === 'insert' ? sql`insert` : sql`insert or update`
  return [
    fillingFunctionSql(filling),
    sql`create trigger ${id(filling.trigger)} before ${events} on ${table} for each row when (new.${id(filling.column)} is null) execute function bellows.${id(filling.function)}()`,
    sql`alter table ${table} enable always trigger ${id(filling.trigger)}`,
  ]
}
