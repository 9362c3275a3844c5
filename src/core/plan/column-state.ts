import type { QualifiedName } from '../schema/model.ts'
import { lit, type Sql, sql } from '../sql.ts'
import type { Lock } from './step.ts'

/**
 * What `bellows.register` tells an instance about a column, or about a whole table where no column is named: `not_ready` (being
 * filled; registering is accepted with that answer), `closed` (writes to it fail until the old column is retired; refused) and
 * `retired` (refused).
 */
export type ColumnState = 'not_ready' | 'closed' | 'retired'

export function setColumnState(table: QualifiedName, column: string | undefined, state: ColumnState): Sql {
  return sql`insert into bellows.column_state values (${columnKey(table, column)}, ${lit(state)}, null)
 on conflict (namespace, "table", "column") do update set state = excluded.state, until = null, since = null`
}

export function clearColumnState(table: QualifiedName, column: string | undefined): Sql {
  return sql`delete from bellows.column_state where ${isColumn(table, column)}`
}

export function columnIsOffered(table: QualifiedName, column: string | undefined): Sql {
  return sql`not exists (select from bellows.column_state where ${isColumn(table, column)})`
}

export function columnIsRetired(table: QualifiedName, column: string | undefined): Sql {
  return sql`exists (select from bellows.column_state where ${isColumn(table, column)} and state = 'retired')`
}

/**
 * Closes the door to a column, or to a whole table: nobody can register with it any more, and whoever was registering has
 * finished. It opens by itself when its driver does not live to hide what it guards or to open it again; what is retired stays so.
 */
export function closeDoorSql(table: QualifiedName, column: string | undefined, doorMs: number): Sql {
  return sql`with closed as (${holdDoorSql()})
insert into bellows.column_state values (${columnKey(table, column)}, 'retiring',
    pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => ${lit(doorMs / 1000)}), pg_catalog.clock_timestamp())
 on conflict (namespace, "table", "column") do update set until = excluded.until, since = excluded.since,
    state = case column_state.state when 'retired' then 'retired' else excluded.state end`
}

/** Opens a door that a gate closed. */
export function openDoorSql(table: QualifiedName, column: string | undefined): Sql {
  return sql`with retired as (update bellows.column_state set until = null, since = null where ${isColumn(table, column)} and state = 'retired')
delete from bellows.column_state where ${isColumn(table, column)} and state = 'retiring'`
}

/** What is in the way of `holdDoorSql`: whoever registers or renews has a row of it locked for as long. */
export const DOOR: Lock = { relation: { namespace: 'bellows', name: 'door' }, level: 'exclusive' }

/** Waits for whoever is registering, and lets nobody register until the transaction ends. */
export function holdDoorSql(): Sql {
  return sql`update bellows.door set closings = closings + 1`
}

/**
 * The door that the gate closed is still closed, and for some time longer: nobody can have registered since the registry was
 * looked at.
 */
export function doorIsClosed(table: QualifiedName, column: string | undefined, forMs = 0): Sql {
  const then = forMs === 0 ? sql`` : sql` + pg_catalog.make_interval(secs => ${lit(forMs / 1000)})`
  return sql`exists (select from bellows.column_state where ${isColumn(table, column)} and state in ('retiring', 'retired') and until > pg_catalog.clock_timestamp()${then})`
}

function isColumn(table: QualifiedName, column: string | undefined): Sql {
  return sql`(namespace, "table", "column") = (${columnKey(table, column)})`
}

/** As the tables and functions of `bellows` know it: the whole table has the empty name, which no column has. */
export function columnKey(table: QualifiedName, column: string | undefined): Sql {
  return sql`${lit(table.namespace)}, ${lit(table.name)}, ${lit(column ?? '')}`
}
