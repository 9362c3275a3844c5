import { join, lit, type Sql, sql } from '../sql.ts'

/**
 * Does a folded text name a table, or a partition of it? One that is called after its table is found with that. What is called otherwise
 * may be as short as `p1` and one of thousands: it counts as a word alone, and each word of the text is looked up among all of them.
 */
export function isNamedIn(text: Sql, table: string, parts: readonly string[]): Sql {
  const name = foldedName(table)
  const others = parts.map(foldedName).filter((one) => !one.includes(name))
  const words = others.filter((one) => !/\W/.test(one)).map(lit)
  const anywhere = [name, ...others.filter((one) => /\W/.test(one))].map(lit)
  const isAnywhere = sql`exists (select from pg_catalog.unnest(array[${join(anywhere)}]) name where pg_catalog.strpos(${text}, name) > 0)`
  if (words.length === 0) return isAnywhere
  return sql`(${isAnywhere} or exists (select from pg_catalog.regexp_split_to_table(${text}, '[^a-z0-9_]+') word where word = any (array[${join(words)}])))`
}

/** Small letters as PostgreSQL makes them of names, which are those of ASCII. */
export function folded(text: Sql): Sql {
  return sql`pg_catalog.lower(${text} collate "C")`
}

function foldedName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}
