import type { QualifiedName } from '../schema/model.ts'
import { lit, type Sql, sql } from '../sql.ts'
import type { Lock } from './step.ts'

/**
 * What `bellows.register` tells an instance about a column: `not_ready` (being filled; registering is accepted with that
 * answer), `closed` (writes to it fail until the old column is retired; refused) and `retired` (refused).
 */
export type ColumnState = 'not_ready' | 'closed' | 'retired'

export function setColumnState(table: QualifiedName, column: string, state: ColumnState): Sql {
  return sql`insert into bellows.column_state values (${lit(table.namespace)}, ${lit(table.name)}, ${lit(column)}, ${lit(state)}, null)
 on conflict (namespace, "table", "column") do update set state = excluded.state, until = null, since = null`
}

export function clearColumnState(table: QualifiedName, column: string): Sql {
  return sql`delete from bellows.column_state where ${isColumn(table, column)}`
}

export function columnIsOffered(table: QualifiedName, column: string): Sql {
  return sql`not exists (select from bellows.column_state where ${isColumn(table, column)})`
}

/**
 * Closes the door to a column: nobody can register with it any more, and whoever was registering has finished. It opens by
 * itself when its driver does not live to hide the column or to open it again.
 */
export function closeDoorSql(table: QualifiedName, column: string, doorMs: number): Sql {
  return sql`with closed as (${holdDoorSql()})
insert into bellows.column_state values (${lit(table.namespace)}, ${lit(table.name)}, ${lit(column)}, 'retiring',
    pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => ${lit(doorMs / 1000)}), pg_catalog.clock_timestamp())
 on conflict (namespace, "table", "column") do update set state = excluded.state, until = excluded.until, since = excluded.since`
}

/** What is in the way of `holdDoorSql`: whoever registers or renews has a row of it locked for as long. */
export const DOOR: Lock = { relation: { namespace: 'bellows', name: 'door' }, level: 'exclusive' }

/** Waits for whoever is registering, and lets nobody register until the transaction ends. */
export function holdDoorSql(): Sql {
  return sql`update bellows.door set closings = closings + 1`
}

/** The door that the gate closed is still closed: nobody can have registered since the registry was looked at. */
export function doorIsClosed(table: QualifiedName, column: string): Sql {
  return sql`exists (select from bellows.column_state where ${isColumn(table, column)} and state = 'retiring' and until > pg_catalog.clock_timestamp())`
}

function isColumn(table: QualifiedName, column: string): Sql {
  return sql`(namespace, "table", "column") = (${lit(table.namespace)}, ${lit(table.name)}, ${lit(column)})`
}
