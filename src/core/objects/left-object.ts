import { lit, type Sql, sql } from '../sql.ts'
import { type DatabaseObject, shownObject } from './database-object.ts'
import { definitionSql } from './object-catalog.ts'

/** What a run gives another definition, as people call it, and how the server prints that. */
export interface Printed {
  readonly name: string
  readonly definition: Sql
}

export function printedObject(object: DatabaseObject): Printed {
  return { name: shownObject(object), definition: definitionSql(object) }
}

/**
 * For a transaction that has just made it: how the server prints it from now on. When that is as it was, again, the text need not be what it was
 * before, for the server may print what it has read of its own in other words (`in ('a')` of a `varchar`).
 */
export function rememberMade({ name, definition }: Printed): Sql {
  return sql`insert into bellows.replaced_object (object, definition, before) select ${lit(name)}, d, d from (select ${definition} as d) made
 on conflict (object) do update set definition = excluded.definition, before = excluded.before`
}

/** Behind that, for the transaction that gives it another definition. */
export function rememberReplaced({ name, definition }: Printed): Sql {
  return sql`update bellows.replaced_object set definition = ${definition} where object = ${lit(name)}`
}

/** Is it still what that transaction has made of it? */
export function isAsRemembered(printed: Printed): Sql {
  return isAs(printed, sql`definition`)
}

/** Is it what the definition from before makes? */
export function isAsBefore(printed: Printed): Sql {
  return isAs(printed, sql`before`)
}

function isAs({ name, definition }: Printed, column: Sql): Sql {
  return sql`exists (select from bellows.replaced_object r where r.object = ${lit(name)} and r.${column} = ${definition})`
}
