declare const brand: unique symbol

/** SQL text that is safe to send: built only from `sql`, `id`, `lit`, `join` and, for what the author wrote, `trusted`. */
export type Sql = string & { readonly [brand]: 'Sql' }

/** Joins SQL parts. A plain string as a part does not type-check; that is the point. */
export function sql(strings: TemplateStringsArray, ...parts: readonly Sql[]): Sql {
  return String.raw({ raw: strings }, ...parts) as Sql
}

/** Stands in every statement of a trigger of Bellows, so that it is told from what applications do. */
export const OWN_MARK = '/* bellows keeps columns in step */' as Sql

/** Begins what Bellows reads about a table, so that it is told from what applications read. */
export const OWN_READ = 'select /* bellows */ coalesce(pg_catalog.json_agg(r), ' as Sql

/** A quoted identifier, always quoted, so that `User` and `full name` mean what they say. */
export function id(name: string): Sql {
  return `"${name.replaceAll('"', '""')}"` as Sql
}

/** `"namespace"."name"` */
export function qualified(of: { readonly namespace: string; readonly name: string }): Sql {
  return `${id(of.namespace)}.${id(of.name)}` as Sql
}

/** Of a table, an index or whatever else is called like one; NULL where there is none. */
export function regclass(of: { readonly namespace: string; readonly name: string }): Sql {
  return sql`pg_catalog.to_regclass(${lit(qualified(of))})`
}

/** A literal. Backslashes are written as an escape string, so the setting `standard_conforming_strings` does not matter. */
export function lit(value: string | number | boolean | null): Sql {
  if (value === null) return trusted('null')
  if (typeof value !== 'string') return trusted(String(value))
  const quoted = `'${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`
  return trusted(value.includes('\\') ? ` e${quoted}` : quoted)
}

/**
 * Takes text as SQL unseen: for catalog definitions, for numbers, and for what the author of a migration wrote after the
 * parser has accepted it. A search for this name lists every place that relies on somebody else's text.
 */
export function trusted(text: string): Sql {
  return text as Sql
}

export function join(parts: readonly Sql[], separator = ', '): Sql {
  return parts.join(separator) as Sql
}

/** The name as a person would write it: quoted only where SQL needs it. For display, never for sending. */
export function shown(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name) ? name : id(name)
}

/** Words that PostgreSQL's `quote_ident` quotes (reserved, or reserved as a column name). Source: `pg_get_keywords()` of 18. */
const RESERVED = new Set(
  `all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast char
  character check coalesce collate collation column concurrently constraint create cross current_catalog current_date
  current_role current_schema current_time current_timestamp current_user dec decimal default deferrable desc distinct do
  else end except exists extract false fetch float for foreign freeze from full grant greatest group grouping having ilike
  in initially inner inout int integer intersect interval into is isnull join json json_array json_arrayagg json_exists
  json_object json_objectagg json_query json_scalar json_serialize json_table json_value lateral leading least left like
  limit localtime localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric offset
  on only or order out outer overlaps overlay placing position precision primary real references returning right row
  select session_user setof similar smallint some substring symmetric system_user table tablesample then time timestamp to
  trailing treat trim true union unique user using values varchar variadic verbose when where window with xmlattributes
  xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable`.split(
    /\s+/,
  ),
)

/** A name as part of a regular expression of PostgreSQL, where it stands for itself. */
export function pattern(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}_]/gu, (character) => `\\${character}`)
}
