import { lit, type Sql, sql } from '../sql.ts'
import { type DatabaseObject, shownObject } from './database-object.ts'
import { definitionSql } from './object-catalog.ts'

/** For the transaction that gives an object another definition: how the server prints it from now on. */
export function rememberDefinition(object: DatabaseObject): Sql {
  return sql`insert into bellows.replaced_object values (${nameOf(object)}, ${definitionSql(object)})
 on conflict (object) do update set definition = excluded.definition`
}

/** Is it still what that transaction has made of it? */
export function isAsRemembered(object: DatabaseObject): Sql {
  return sql`exists (select from bellows.replaced_object r where r.object = ${nameOf(object)} and r.definition = ${definitionSql(object)})`
}

export function forgetDefinition(object: DatabaseObject): Sql {
  return sql`delete from bellows.replaced_object where object = ${nameOf(object)}`
}

function nameOf(object: DatabaseObject): Sql {
  return lit(shownObject(object))
}
