import { join, lit, type Sql, sql } from '../sql.ts'

/**
 * Does a folded text name a table, or a partition of it? One that is called after its table is found with that. What is called otherwise
 * may be as short as `p1` and one of thousands: it counts as a word alone, and each word of the text is looked up among all of them.
 * A name that is more than a word is sought in a text that has its longest one.
 */
export function isNamedIn(text: Sql, table: string, parts: readonly string[]): Sql {
  const name = foldedName(table)
  const others = parts.map(foldedName).filter((one) => !one.includes(name))
  const plain = others.filter((one) => !/\W/.test(one))
  const odd = others.filter((one) => /\W/.test(one))
  const wordless = odd.filter((one) => longestWord(one) === '')
  const inWords = odd.filter((one) => longestWord(one) !== '')
  const ways = [
    hasOne(text, [name, ...wordless]),
    hasWord(text, plain),
    sql`(${hasWord(text, inWords.map(longestWord))} and ${hasOne(text, inWords)})`,
  ]
  return sql`(${join(ways, ' or ')})`
}

/** Any of some texts, wherever. */
function hasOne(text: Sql, sought: readonly string[]): Sql {
  if (sought.length === 0) return sql`false`
  return sql`exists (select from pg_catalog.unnest(array[${join(sought.map(lit))}]) sought where pg_catalog.strpos(${text}, sought) > 0)`
}

/** The server makes a hash table of a list that is a constant, once. */
function hasWord(text: Sql, words: readonly string[]): Sql {
  if (words.length === 0) return sql`false`
  return sql`exists (select from pg_catalog.regexp_split_to_table(${text}, '[^a-z0-9_]+') word where word = any (array[${join(words.map(lit))}]))`
}

function longestWord(name: string): string {
  return name.split(/\W+/).reduce((longest, word) => (word.length > longest.length ? word : longest), '')
}

/** Small letters as PostgreSQL makes them of names, which are those of ASCII. */
export function folded(text: Sql): Sql {
  return sql`pg_catalog.lower(${text} collate "C")`
}

function foldedName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}
