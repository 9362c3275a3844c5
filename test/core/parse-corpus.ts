/**
 * Definitions as `pg_get_indexdef` and `pg_get_constraintdef` of PostgreSQL 18 print them, each with the column that becomes
 * `full_name` and what Bellows makes of it. `parse.test.ts` proves on the server that both halves are right.
 */
export type Rewriting = readonly [printed: string, column: string, rewritten: string]

/** What the definitions speak of: names that are also those of functions, types, collations, tables and access methods. */
export const CORPUS_SCHEMA = `
create type public.full_address as (street text, name text);
create type public.mood as enum ('sad', 'it''s', 'name');
create type public.name as enum ('x');
create domain public.label as text;
create function public.name(text) returns text immutable language sql return $1;
create function public.label(text) returns text immutable language sql return $1;
create operator public.=~ (leftarg = text, rightarg = text, function = texteq);
create collation public.name (provider = icu, locale = 'de');
create table public.teams (id integer primary key, name text unique, "Na me" text unique, unique (id, name));
create schema "Other App";
create table "Other App"."User s" ("name" text primary key);
create table public.users (
  id integer, name text, lower text, text text, label text, btree text, "C" text, "Na me" text, "sel""ect" text, "select" text, "it's" text, "naïve" text,
  n numeric(10, 2), i integer, ts timestamptz, d date, words text[], j jsonb, tv tsvector, pt point, r int4range, b bytea,
  vc varchar(20), flag boolean, users text, address public.full_address, m public.mood
);
`

export const INDEX_REWRITINGS: readonly Rewriting[] = [
  [
    'CREATE INDEX by_name ON public.users USING btree (name)',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (name DESC)',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name DESC)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (name DESC NULLS LAST, id)',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name DESC NULLS LAST, id)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (id, name NULLS FIRST)',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (id, full_name NULLS FIRST)',
  ],
  [
    'CREATE UNIQUE INDEX by_name ON public.users USING btree (name)',
    'name',
    'CREATE UNIQUE INDEX CONCURRENTLY twin ON public.users (full_name)',
  ],
  [
    'CREATE UNIQUE INDEX by_name ON public.users USING btree (name) NULLS NOT DISTINCT',
    'name',
    'CREATE UNIQUE INDEX CONCURRENTLY twin ON public.users (full_name) NULLS NOT DISTINCT',
  ],
  [
    'CREATE UNIQUE INDEX by_name ON public.users USING btree (id, name) INCLUDE (i, "Na me") NULLS NOT DISTINCT WHERE (i > 0)',
    'name',
    'CREATE UNIQUE INDEX CONCURRENTLY twin ON public.users (id, full_name) INCLUDE (i, "Na me") NULLS NOT DISTINCT WHERE i > 0',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (id) INCLUDE (name)',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (id) INCLUDE (full_name)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (id) INCLUDE ("Na me", name)',
    'Na me',
    'CREATE INDEX CONCURRENTLY twin ON public.users (id) INCLUDE (full_name, name)',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (name) WITH (fillfactor='70')",
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name) WITH (fillfactor=70)',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (name) WITH (fillfactor='70', deduplicate_items=off)",
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name) WITH (fillfactor=70, deduplicate_items=off)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (name text_pattern_ops)',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name text_pattern_ops)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (name varchar_pattern_ops DESC)',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name varchar_pattern_ops DESC)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (name COLLATE "C")',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name COLLATE "C")',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (name COLLATE public.name)',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name COLLATE public.name)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (name COLLATE "C" text_pattern_ops DESC NULLS LAST)',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name COLLATE "C" text_pattern_ops DESC NULLS LAST)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree ("C" COLLATE "C")',
    'C',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name COLLATE "C")',
  ],
  [
    'CREATE INDEX by_name ON public.users USING hash (name)',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users USING hash (full_name)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING gin (words)',
    'words',
    'CREATE INDEX CONCURRENTLY twin ON public.users USING gin (full_name)',
  ],
  [
    "CREATE INDEX by_name ON public.users USING gin (words) WITH (fastupdate=off, gin_pending_list_limit='128')",
    'words',
    'CREATE INDEX CONCURRENTLY twin ON public.users USING gin (full_name) WITH (fastupdate=off, gin_pending_list_limit=128)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING gin (j jsonb_path_ops)',
    'j',
    'CREATE INDEX CONCURRENTLY twin ON public.users USING gin (full_name jsonb_path_ops)',
  ],
  [
    "CREATE INDEX by_name ON public.users USING gin (to_tsvector('english'::regconfig, name))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users USING gin ((to_tsvector(CAST('english' AS regconfig), full_name)))",
  ],
  [
    "CREATE INDEX by_name ON public.users USING gin (((j -> 'name'::text)) jsonb_path_ops)",
    'j',
    "CREATE INDEX CONCURRENTLY twin ON public.users USING gin ((full_name -> 'name'::text) jsonb_path_ops)",
  ],
  [
    "CREATE INDEX by_name ON public.users USING gist (tv tsvector_ops (siglen='100'))",
    'tv',
    "CREATE INDEX CONCURRENTLY twin ON public.users USING gist (full_name tsvector_ops(siglen='100'))",
  ],
  [
    "CREATE INDEX by_name ON public.users USING gist (to_tsvector('english'::regconfig, name) tsvector_ops (siglen='64'))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users USING gist ((to_tsvector(CAST('english' AS regconfig), full_name)) tsvector_ops(siglen='64'))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING gist (pt)',
    'pt',
    'CREATE INDEX CONCURRENTLY twin ON public.users USING gist (full_name)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING gist (r) WHERE (NOT isempty(r))',
    'r',
    'CREATE INDEX CONCURRENTLY twin ON public.users USING gist (full_name) WHERE NOT (isempty(full_name))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING spgist (name)',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users USING spgist (full_name)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING spgist (pt kd_point_ops)',
    'pt',
    'CREATE INDEX CONCURRENTLY twin ON public.users USING spgist (full_name kd_point_ops)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING brin (i)',
    'i',
    'CREATE INDEX CONCURRENTLY twin ON public.users USING brin (full_name)',
  ],
  [
    "CREATE INDEX by_name ON public.users USING brin (i int4_minmax_multi_ops (values_per_range='16')) WITH (pages_per_range='32', autosummarize='true')",
    'i',
    "CREATE INDEX CONCURRENTLY twin ON public.users USING brin (full_name int4_minmax_multi_ops(values_per_range='16')) WITH (pages_per_range=32, autosummarize=true)",
  ],
  [
    "CREATE INDEX by_name ON public.users USING brin (i int4_bloom_ops (n_distinct_per_range='100', false_positive_rate='0.05'))",
    'i',
    "CREATE INDEX CONCURRENTLY twin ON public.users USING brin (full_name int4_bloom_ops(n_distinct_per_range='100', false_positive_rate='0.05'))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (name) WHERE (name IS NOT NULL)',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name) WHERE full_name IS NOT NULL',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (name) WHERE (name <> 'name'::text)",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (full_name) WHERE full_name <> 'name'::text",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (name) WHERE (name <> 'it''s'::text)",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (full_name) WHERE full_name <> 'it''s'::text",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (name) WHERE (name <> 'two\nlines'::text)",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (full_name) WHERE full_name <> 'two\nlines'::text",
  ],
  [
    String.raw`CREATE INDEX by_name ON public.users USING btree (name) WHERE (name <> 'back\slash'::text)`,
    'name',
    String.raw`CREATE INDEX CONCURRENTLY twin ON public.users (full_name) WHERE full_name <> E'back\\slash'::text`,
  ],
  [
    `CREATE INDEX by_name ON public.users USING btree (name) WHERE (name <> 'say "name"'::text)`,
    'name',
    `CREATE INDEX CONCURRENTLY twin ON public.users (full_name) WHERE full_name <> 'say "name"'::text`,
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (name) WHERE (name <> 'ü€😀'::text)",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (full_name) WHERE full_name <> 'ü€😀'::text",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (name) WHERE (name <> '; drop table users; --'::text)",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (full_name) WHERE full_name <> '; drop table users; --'::text",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (name) WHERE (name <> '/* name */'::text)",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (full_name) WHERE full_name <> '/* name */'::text",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (id) WHERE (name ~~ 'name%'::text)",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (id) WHERE full_name ~~ 'name%'::text",
  ],
  [
    String.raw`CREATE INDEX by_name ON public.users USING btree (id) WHERE (name ~ '^[a-z]+\d$'::text)`,
    'name',
    String.raw`CREATE INDEX CONCURRENTLY twin ON public.users (id) WHERE full_name ~ E'^[a-z]+\\d$'::text`,
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (id) WHERE ((NOT ((name = 'a'::text) OR (name = 'b'::text))) AND (id > 3))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (id) WHERE NOT ((full_name = 'a'::text OR full_name = 'b'::text)) AND id > 3",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (id) WHERE ((name >= 'a'::text) AND (name <= 'n'::text))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (id) WHERE full_name >= 'a'::text AND full_name <= 'n'::text",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (id) WHERE (name IS DISTINCT FROM 'a'::text)",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (id) WHERE full_name IS DISTINCT FROM 'a'::text",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (id) WHERE (name OPERATOR(public.=~) 'a'::text)",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (id) WHERE full_name OPERATOR(public.=~) 'a'::text",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (id) WHERE (name ~ similar_to_escape('a%'::text))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (id) WHERE full_name ~ similar_to_escape('a%'::text)",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (lower(name))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((lower(full_name)))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (lower(name), lower)',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((lower(full_name)), lower)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (lower(name), lower)',
    'lower',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((lower(name)), full_name)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (lower(lower))',
    'lower',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((lower(full_name)))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (public.name(name))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((public.name(full_name)))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((name)::public.label))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((CAST(full_name AS public.label)))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((label)::public.label))',
    'label',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((CAST(full_name AS public.label)))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (text)',
    'text',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name)',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (((text || ''::text)))",
    'text',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name || ''::text))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (btree)',
    'btree',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name)',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree ((((name || ' '::text) || COALESCE(lower, 'name'::text))))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (((full_name || ' '::text) || (COALESCE(lower, 'name'::text))))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((name)::character varying(5)))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((CAST(full_name AS varchar(5))))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((name)::bpchar))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((full_name::bpchar))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((n)::numeric(5,1)))',
    'n',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((CAST(full_name AS numeric(5, 1))))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((i)::text))',
    'i',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((full_name::text))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree ((((i)::bigint)::numeric(4,2)))',
    'i',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((CAST(CAST(full_name AS bigint) AS numeric(4, 2))))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((vc)::text))',
    'vc',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((full_name::text))',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree ((\nCASE\n    WHEN (name = 'a'::text) THEN 1\n    WHEN (name IS NULL) THEN 2\n    ELSE i\nEND))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((CASE WHEN full_name = 'a'::text THEN 1 WHEN full_name IS NULL THEN 2 ELSE i END))",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree ((\nCASE name\n    WHEN 'a'::text THEN 1\n    ELSE 0\nEND))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((CASE full_name WHEN 'a'::text THEN 1 ELSE 0 END))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree ((words[1]))',
    'words',
    'CREATE INDEX CONCURRENTLY twin ON public.users (((full_name)[1]))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree ((words[1:2]))',
    'words',
    'CREATE INDEX CONCURRENTLY twin ON public.users (((full_name)[1:2]))',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (((j ->> 'name'::text)))",
    'j',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name ->> 'name'::text))",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (((j #>> '{name,b}'::text[])))",
    'j',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name #>> CAST('{name,b}' AS text[])))",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree ((((j ->> 'n'::text))::integer))",
    'j',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((CAST(full_name ->> 'n'::text AS int)))",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree ((j['name'::text]))",
    'j',
    "CREATE INDEX CONCURRENTLY twin ON public.users (((full_name)['name'::text]))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((address).street))',
    'address',
    'CREATE INDEX CONCURRENTLY twin ON public.users (((full_name).street))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree ((((address).name || name)))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users (((address).name || full_name))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree ((((address).name || name)))',
    'address',
    'CREATE INDEX CONCURRENTLY twin ON public.users (((full_name).name || name))',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree ((((name = 'a'::text) AND (i = 1))))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name = 'a'::text AND i = 1))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (COALESCE(name, users))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((COALESCE(full_name, users)))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (COALESCE(name, users))',
    'users',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((COALESCE(name, full_name)))',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (NULLIF(name, ''::text))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((NULLIF (full_name, ''::text)))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (GREATEST(name, lower))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((GREATEST(full_name, lower)))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((length(name) > 3)))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((length(full_name) > 3))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((name IS NULL)))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((full_name IS NULL))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((NOT flag)))',
    'flag',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((NOT (full_name)))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((flag IS NOT TRUE)))',
    'flag',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((full_name IS NOT TRUE))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (lower("Na me"))',
    'Na me',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((lower(full_name)))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree ("sel""ect")',
    'sel"ect',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (lower("select"))',
    'select',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((lower(full_name)))',
  ],
  [
    `CREATE INDEX by_name ON public.users USING btree ("it's")`,
    "it's",
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree ("naïve")',
    'naïve',
    'CREATE INDEX CONCURRENTLY twin ON public.users (full_name)',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (SUBSTRING(name FROM 1 FOR 3))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((SUBSTRING(full_name FROM 1 FOR 3)))',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (POSITION(('name'::text) IN (name)))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((POSITION('name'::text IN full_name)))",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (OVERLAY(name PLACING 'x'::text FROM 1 FOR 2))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((OVERLAY(full_name PLACING 'x'::text FROM 1 FOR 2)))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (TRIM(BOTH FROM name))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((TRIM(BOTH FROM full_name)))',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (TRIM(LEADING 'x'::text FROM name))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((TRIM(LEADING 'x'::text FROM full_name)))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (EXTRACT(year FROM d))',
    'd',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((EXTRACT(YEAR FROM full_name)))',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree ((ts AT TIME ZONE 'UTC'::text))",
    'ts',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name AT TIME ZONE 'UTC'::text))",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree ((((ts AT TIME ZONE 'UTC'::text))::date))",
    'ts',
    "CREATE INDEX CONCURRENTLY twin ON public.users (((full_name AT TIME ZONE 'UTC'::text)::date))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((- i)))',
    'i',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((- full_name))',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (((i - '-5'::integer)))",
    'i',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name - '-5'::int))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((i % 2)))',
    'i',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((full_name % 2))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((@ i)))',
    'i',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((@ full_name))',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (((n * '-1.5'::numeric)))",
    'n',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name * '-1.5'::numeric))",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (((n > '10000000000'::numeric)))",
    'n',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name > '10000000000'::numeric))",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (((d + '1 day'::interval)))",
    'd',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name + '1 day'::interval))",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (((d - '2020-01-01'::date)))",
    'd',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name - '2020-01-01'::date))",
  ],
  [
    String.raw`CREATE INDEX by_name ON public.users USING btree (((b = '\x00ff'::bytea)))`,
    'b',
    String.raw`CREATE INDEX CONCURRENTLY twin ON public.users ((full_name = '\x00ff'::bytea))`,
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (((m = 'name'::public.mood)))",
    'm',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name = CAST('name' AS public.mood)))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((name = ALL (words))))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((full_name = ALL (words)))',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (((name = 'a'::name)))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name = CAST('a' AS name)))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree ((name IS NORMALIZED))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((full_name IS NORMALIZED))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((((i >= 5) AND (i <= 1)) OR ((i >= 1) AND (i <= 5)))))',
    'i',
    'CREATE INDEX CONCURRENTLY twin ON public.users (((full_name >= 5 AND full_name <= 1) OR (full_name >= 1 AND full_name <= 5)))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (num_nonnulls(name, lower))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((num_nonnulls(full_name, lower)))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (mod(i, 3))',
    'i',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((mod(full_name, 3)))',
  ],
  [
    String.raw`CREATE INDEX by_name ON public.users USING btree (regexp_replace(name, '\s+'::text, ''::text, 'g'::text))`,
    'name',
    String.raw`CREATE INDEX CONCURRENTLY twin ON public.users ((regexp_replace(full_name, E'\\s+'::text, ''::text, 'g'::text)))`,
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((i)::bit(4)))',
    'i',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((CAST(full_name AS pg_catalog.bit(4))))',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree ((('1 mon'::interval month * (i)::double precision)))",
    'i',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((CAST('1 mon' AS interval month) * CAST(full_name AS double precision)))",
  ],
  [
    `CREATE INDEX by_name ON public.users USING btree (((j @> '{"name": 1}'::jsonb)))`,
    'j',
    `CREATE INDEX CONCURRENTLY twin ON public.users ((full_name @> '{"name": 1}'::jsonb))`,
  ],
  [
    `CREATE INDEX by_name ON public.users USING btree (jsonb_path_exists(j, '$."name"'::jsonpath))`,
    'j',
    `CREATE INDEX CONCURRENTLY twin ON public.users ((jsonb_path_exists(full_name, CAST('$."name"' AS jsonpath))))`,
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (((name ^@ 'a'::text)))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name ^@ 'a'::text))",
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (((i = ANY ('{1,2}'::integer[]))))",
    'i',
    "CREATE INDEX CONCURRENTLY twin ON public.users ((full_name = ANY (CAST('{1,2}' AS int[]))))",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((NOT (name IS DISTINCT FROM lower))))',
    'lower',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((NOT (name IS DISTINCT FROM full_name)))',
  ],
  [
    "CREATE INDEX by_name ON public.users USING btree (id) WHERE (name = ANY (ARRAY['a'::text, 'name'::text]))",
    'name',
    "CREATE INDEX CONCURRENTLY twin ON public.users (id) WHERE full_name = ANY (ARRAY['a'::text, 'name'::text])",
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree ((ARRAY[name, lower]))',
    'name',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((ARRAY[full_name, lower]))',
  ],
  [
    'CREATE INDEX by_name ON public.users USING btree (((i = ANY (ARRAY[1, 2, 3]))))',
    'i',
    'CREATE INDEX CONCURRENTLY twin ON public.users ((full_name = ANY (ARRAY[1, 2, 3])))',
  ],
]

export const CONSTRAINT_REWRITINGS: readonly Rewriting[] = [
  ["CHECK ((name <> ''::text))", 'name', "CHECK (full_name <> ''::text)"],
  ["CHECK ((name <> 'name'::text))", 'name', "CHECK (full_name <> 'name'::text)"],
  ["CHECK ((name <> ''::text)) NO INHERIT", 'name', "CHECK (full_name <> ''::text) NO INHERIT"],
  ["CHECK ((name <> ''::text)) NOT VALID", 'name', "CHECK (full_name <> ''::text) NOT VALID"],
  [
    "CHECK ((name <> ''::text)) NO INHERIT NOT VALID",
    'name',
    "CHECK (full_name <> ''::text) NOT VALID NO INHERIT",
  ],
  ['CHECK ((length(name) < 90))', 'name', 'CHECK (length(full_name) < 90)'],
  [
    "CHECK (((name = 'a'::text) OR (name = 'b'::text)))",
    'name',
    "CHECK (full_name = 'a'::text OR full_name = 'b'::text)",
  ],
  ["CHECK ((name ~ '^[a-z]+$'::text))", 'name', "CHECK (full_name ~ '^[a-z]+$'::text)"],
  [
    String.raw`CHECK (((name ~* '\d'::text) AND (name !~ 'x'::text)))`,
    'name',
    String.raw`CHECK (full_name ~* E'\\d'::text AND full_name !~ 'x'::text)`,
  ],
  [
    "CHECK ((name ~~ like_escape('a!%'::text, '!'::text)))",
    'name',
    "CHECK (full_name ~~ like_escape('a!%'::text, '!'::text))",
  ],
  [`CHECK ((name <> 'it''s "name"'::text))`, 'name', `CHECK (full_name <> 'it''s "name"'::text)`],
  ["CHECK ((name <> 'two\nlines'::text))", 'name', "CHECK (full_name <> 'two\nlines'::text)"],
  [
    String.raw`CHECK ((name <> 'back\slash'::text))`,
    'name',
    String.raw`CHECK (full_name <> E'back\\slash'::text)`,
  ],
  [
    "CHECK ((name <> ') not valid; drop table users; --'::text))",
    'name',
    "CHECK (full_name <> ') not valid; drop table users; --'::text)",
  ],
  ['CHECK ((public.name(name) = name))', 'name', 'CHECK (public.name(full_name) = full_name)'],
  ['CHECK ((name = (name COLLATE "C")))', 'name', 'CHECK (full_name = full_name COLLATE "C")'],
  [
    "CHECK ((name > ('a'::text COLLATE public.name)))",
    'name',
    "CHECK (full_name > 'a'::text COLLATE public.name)",
  ],
  [
    'CHECK (((i > 0) AND (i < 100) AND (name IS NOT NULL)))',
    'i',
    'CHECK (full_name > 0 AND full_name < 100 AND name IS NOT NULL)',
  ],
  ['CHECK (((i >= 0) AND (i <= 9)))', 'i', 'CHECK (full_name >= 0 AND full_name <= 9)'],
  ['CHECK (((i > 0) = (name IS NOT NULL)))', 'name', 'CHECK ((i > 0) = (full_name IS NOT NULL))'],
  ['CHECK ((num_nonnulls(i, name) = 1))', 'name', 'CHECK (num_nonnulls(i, full_name) = 1)'],
  [
    'CHECK (\nCASE\n    WHEN flag THEN (name IS NOT NULL)\n    ELSE true\nEND)',
    'name',
    'CHECK (CASE WHEN flag THEN full_name IS NOT NULL ELSE true END)',
  ],
  [
    "CHECK (\nCASE name\n    WHEN 'a'::text THEN (i > 0)\n    ELSE (i < 0)\nEND)",
    'i',
    "CHECK (CASE name WHEN 'a'::text THEN full_name > 0 ELSE full_name < 0 END)",
  ],
  ["CHECK ((m = 'it''s'::public.mood))", 'm', "CHECK (full_name = CAST('it''s' AS public.mood))"],
  ["CHECK ((m < 'name'::public.mood))", 'm', "CHECK (full_name < CAST('name' AS public.mood))"],
  [
    "CHECK ((COALESCE(name, ''::text) <> ''::text))",
    'name',
    "CHECK ((COALESCE(full_name, ''::text)) <> ''::text)",
  ],
  ["CHECK (('name'::text = ANY (words)))", 'words', "CHECK ('name'::text = ANY (full_name))"],
  ["CHECK ((words[1] <> 'name'::text))", 'words', "CHECK ((full_name)[1] <> 'name'::text)"],
  ["CHECK ((j ? 'name'::text))", 'j', "CHECK (full_name ? 'name'::text)"],
  ["CHECK ((jsonb_typeof(j) = 'object'::text))", 'j', "CHECK (jsonb_typeof(full_name) = 'object'::text)"],
  ['CHECK (((r @> 5) AND (NOT isempty(r))))', 'r', 'CHECK (full_name @> 5 AND NOT (isempty(full_name)))'],
  ["CHECK ((d > '2020-01-01'::date))", 'd', "CHECK (full_name > '2020-01-01'::date)"],
  ["CHECK ((d < 'infinity'::date))", 'd', "CHECK (full_name < 'infinity'::date)"],
  [
    'CHECK ((EXTRACT(year FROM d) > (2000)::numeric))',
    'd',
    'CHECK (EXTRACT(YEAR FROM full_name) > 2000::numeric)',
  ],
  [
    "CHECK (((d + '1 day'::interval) > '2020-01-01 00:00:00'::timestamp without time zone))",
    'd',
    "CHECK ((full_name + '1 day'::interval) > '2020-01-01 00:00:00'::timestamp)",
  ],
  [
    "CHECK (((n >= (0)::numeric) AND (n < '1000000'::numeric)))",
    'n',
    "CHECK (full_name >= 0::numeric AND full_name < '1000000'::numeric)",
  ],
  ['CHECK ((((n)::integer % 2) = 0))', 'n', 'CHECK ((full_name::int % 2) = 0)'],
  ["CHECK ((n > '-0.5'::numeric))", 'n', "CHECK (full_name > '-0.5'::numeric)"],
  [
    "CHECK ((n > '12345678901234567890'::numeric))",
    'n',
    "CHECK (full_name > '12345678901234567890'::numeric)",
  ],
  ["CHECK ((i > '-2147483648'::integer))", 'i', "CHECK (full_name > '-2147483648'::int)"],
  ["CHECK (((vc)::text <> 'x'::text))", 'vc', "CHECK (full_name::text <> 'x'::text)"],
  ["CHECK (((vc)::text ~ 'x'::text))", 'vc', "CHECK (full_name::text ~ 'x'::text)"],
  ['CHECK (flag)', 'flag', 'CHECK (full_name)'],
  ['CHECK (((NOT flag) OR (name IS NULL)))', 'flag', 'CHECK (NOT (full_name) OR name IS NULL)'],
  ['CHECK ((flag IS NOT FALSE))', 'flag', 'CHECK (full_name IS NOT FALSE)'],
  ['CHECK ((name IS DISTINCT FROM lower))', 'lower', 'CHECK (name IS DISTINCT FROM full_name)'],
  ['CHECK ((lower(name) = lower))', 'lower', 'CHECK (lower(name) = full_name)'],
  ["CHECK ((text <> ''::text))", 'text', "CHECK (full_name <> ''::text)"],
  [
    "CHECK ((((label)::public.label)::text <> 'label'::text))",
    'label',
    "CHECK (CAST(CAST(full_name AS public.label) AS text) <> 'label'::text)",
  ],
  [
    `CHECK ((("select" <> ''::text) AND ("C" <> ''::text)))`,
    'select',
    `CHECK (full_name <> ''::text AND "C" <> ''::text)`,
  ],
  [`CHECK (("Na me" <> 'Na me'::text))`, 'Na me', "CHECK (full_name <> 'Na me'::text)"],
  [`CHECK (("sel""ect" <> ''::text))`, 'sel"ect', "CHECK (full_name <> ''::text)"],
  ["CHECK (((name <> 'a'::text) OR (i <> 1)))", 'name', "CHECK (full_name <> 'a'::text OR i <> 1)"],
  ['CHECK ((TRIM(BOTH FROM name) = name))', 'name', 'CHECK (TRIM(BOTH FROM full_name) = full_name)'],
  [
    "CHECK ((SUBSTRING(name FROM 1 FOR 1) = 'a'::text))",
    'name',
    "CHECK (SUBSTRING(full_name FROM 1 FOR 1) = 'a'::text)",
  ],
  ['CHECK (((address).name <> name))', 'name', 'CHECK ((address).name <> full_name)'],
  ['CHECK (((address).name <> name))', 'address', 'CHECK ((full_name).name <> name)'],
  ["CHECK ((i <> ALL ('{1,2}'::integer[])))", 'i', "CHECK (full_name <> ALL (CAST('{1,2}' AS int[])))"],
  [
    "CHECK ((name ~ similar_to_escape('(a|b)%'::text)))",
    'name',
    "CHECK (full_name ~ similar_to_escape(CAST('(a|b)%' AS text)))",
  ],
  ["CHECK ((name OPERATOR(public.=~) 'x'::text))", 'name', "CHECK (full_name OPERATOR(public.=~) 'x'::text)"],
  ['CHECK ((name IS NFC NORMALIZED))', 'name', 'CHECK (full_name IS NFC NORMALIZED)'],
  ["CHECK ((users <> ''::text))", 'users', "CHECK (full_name <> ''::text)"],
  [
    'FOREIGN KEY (name) REFERENCES public.teams(name)',
    'name',
    'FOREIGN KEY (full_name) REFERENCES public.teams (name)',
  ],
  [
    'FOREIGN KEY (name) REFERENCES public.teams(name) ON DELETE CASCADE',
    'name',
    'FOREIGN KEY (full_name) REFERENCES public.teams (name) ON DELETE CASCADE',
  ],
  [
    'FOREIGN KEY (name) REFERENCES public.teams(name) ON UPDATE CASCADE ON DELETE RESTRICT',
    'name',
    'FOREIGN KEY (full_name) REFERENCES public.teams (name) ON UPDATE CASCADE ON DELETE RESTRICT',
  ],
  [
    'FOREIGN KEY (name) REFERENCES public.teams(name) ON DELETE SET NULL',
    'name',
    'FOREIGN KEY (full_name) REFERENCES public.teams (name) ON DELETE SET NULL',
  ],
  [
    'FOREIGN KEY (name) REFERENCES public.teams(name) ON UPDATE SET NULL ON DELETE SET DEFAULT',
    'name',
    'FOREIGN KEY (full_name) REFERENCES public.teams (name) ON UPDATE SET NULL ON DELETE SET DEFAULT',
  ],
  [
    'FOREIGN KEY (id, name) REFERENCES public.teams(id, name) ON DELETE SET NULL (name)',
    'name',
    'FOREIGN KEY (id, full_name) REFERENCES public.teams (id, name) ON DELETE SET NULL (full_name)',
  ],
  [
    'FOREIGN KEY (id, name) REFERENCES public.teams(id, name) ON DELETE SET NULL (id, name)',
    'name',
    'FOREIGN KEY (id, full_name) REFERENCES public.teams (id, name) ON DELETE SET NULL (id, full_name)',
  ],
  [
    'FOREIGN KEY (id, name) REFERENCES public.teams(id, name) ON DELETE SET DEFAULT (id)',
    'name',
    'FOREIGN KEY (id, full_name) REFERENCES public.teams (id, name) ON DELETE SET DEFAULT (id)',
  ],
  [
    'FOREIGN KEY (id, name) REFERENCES public.teams(id, name) MATCH FULL',
    'id',
    'FOREIGN KEY (full_name, name) REFERENCES public.teams (id, name) MATCH FULL',
  ],
  [
    'FOREIGN KEY (name) REFERENCES public.teams(name) DEFERRABLE',
    'name',
    'FOREIGN KEY (full_name) REFERENCES public.teams (name) DEFERRABLE',
  ],
  [
    'FOREIGN KEY (name) REFERENCES public.teams(name) DEFERRABLE INITIALLY DEFERRED',
    'name',
    'FOREIGN KEY (full_name) REFERENCES public.teams (name) DEFERRABLE INITIALLY DEFERRED',
  ],
  [
    'FOREIGN KEY (name) REFERENCES public.teams(name) NOT VALID',
    'name',
    'FOREIGN KEY (full_name) REFERENCES public.teams (name) NOT VALID',
  ],
  [
    'FOREIGN KEY (name) REFERENCES public.teams(name) ON UPDATE SET NULL ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED NOT VALID',
    'name',
    'FOREIGN KEY (full_name) REFERENCES public.teams (name) ON UPDATE SET NULL ON DELETE SET NULL NOT VALID DEFERRABLE INITIALLY DEFERRED',
  ],
  [
    'FOREIGN KEY ("Na me") REFERENCES public.teams("Na me")',
    'Na me',
    'FOREIGN KEY (full_name) REFERENCES public.teams ("Na me")',
  ],
  [
    'FOREIGN KEY (name) REFERENCES "Other App"."User s"(name)',
    'name',
    'FOREIGN KEY (full_name) REFERENCES "Other App"."User s" (name)',
  ],
  [
    'FOREIGN KEY (i) REFERENCES public.teams(id)',
    'i',
    'FOREIGN KEY (full_name) REFERENCES public.teams (id)',
  ],
  ['UNIQUE (name)', 'name', 'UNIQUE (full_name)'],
  ['UNIQUE (id, name)', 'name', 'UNIQUE (id, full_name)'],
  ['UNIQUE NULLS NOT DISTINCT (name)', 'name', 'UNIQUE NULLS NOT DISTINCT (full_name)'],
  ['UNIQUE (name) DEFERRABLE', 'name', 'UNIQUE (full_name) DEFERRABLE'],
  ['UNIQUE (name) DEFERRABLE INITIALLY DEFERRED', 'name', 'UNIQUE (full_name) DEFERRABLE INITIALLY DEFERRED'],
  [
    "CHECK ((name = ANY (ARRAY['a'::text, 'b'::text])))",
    'name',
    "CHECK (full_name = ANY (ARRAY['a'::text, 'b'::text]))",
  ],
  ['CHECK ((i <> ALL (ARRAY[1, 2, 3])))', 'i', 'CHECK (full_name <> ALL (ARRAY[1, 2, 3]))'],
  [
    "CHECK ((words <@ ARRAY['a'::text, 'b'::text]))",
    'words',
    "CHECK (full_name <@ ARRAY['a'::text, 'b'::text])",
  ],
]
