import { id, join, lit, type Sql, sql } from '../sql.ts'

/**
 * May a folded text name a table, or a partition of it? Whoever reads the text says whether it does. One that is called after its table is
 * found with that. What is called otherwise may be as short as `p1` and one of thousands: it counts as words alone, as many in a row as it
 * has, and those of the text are looked up among all of them.
 */
export function isNamedIn(text: Sql, table: string, parts: readonly string[]): Sql {
  const name = foldedName(table)
  const others = parts.map(foldedName).filter((one) => !one.includes(name))
  const wordless = others.filter((one) => wordsOf(one).length === 0)
  return sql`(${hasOne(text, [name, ...wordless])} or ${hasWords(text, others.map(wordsOf))})`
}

/** Any of some texts, wherever. */
function hasOne(text: Sql, sought: readonly string[]): Sql {
  return sql`exists (select from pg_catalog.unnest(array[${join(sought.map(lit))}]) sought where pg_catalog.strpos(${text}, sought) > 0)`
}

/** The server makes a hash table of a list that is a constant, once: there is one for each number of words. */
function hasWords(text: Sql, sought: readonly (readonly string[])[]): Sql {
  const counts = [...new Set(sought.map(({ length }) => length))].filter((count) => count > 0)
  if (counts.length === 0) return sql`false`
  const runs = counts.map((count) => ({
    called: id(`run_${count}`),
    made: count === 1 ? sql`word` : sql`pg_catalog.concat_ws(' ', word, ${join(behind(count))})`,
    names: sought.filter(({ length }) => length === count).map((words) => lit(words.join(' '))),
  }))
  const made = join(runs.map((one) => sql`${one.made} as ${one.called}`))
  const isOne = join(
    runs.map(({ called, names }) => sql`${called} = any (array[${join(names)}])`),
    ' or ',
  )
  return sql`exists (select from (select ${made}
    from pg_catalog.regexp_split_to_table(${text}, '[^a-z0-9_]+') with ordinality said (word, at) window as_said as (order by at)) runs where ${isOne})`
}

/** The words that make a run of so many with the one before them. */
function behind(count: number): readonly Sql[] {
  return Array.from({ length: count - 1 }, (_, at) => sql`pg_catalog.lead(word, ${lit(at + 1)}) over as_said`)
}

function wordsOf(name: string): readonly string[] {
  return name.split(/\W+/).filter((word) => word !== '')
}

/** Small letters as PostgreSQL makes them of names, which are those of ASCII; and a quote in a name stands twice between its own. */
export function folded(text: Sql): Sql {
  return sql`pg_catalog.replace(pg_catalog.lower(${text} collate "C"), '""', '"')`
}

function foldedName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()).replaceAll('""', '"')
}
