-- The schema as it should be: recorded by the baseline and by completed runs, compared by "bellows check" ---------------

-- Where the history begins on a database that was there before. The last one counts.
create table bellows.baseline (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  epoch bigint not null,
  by_role text not null default session_user,
  -- The files that count as applied without a run, by name, each with the SHA-256 of its text.
  files jsonb not null,
  -- The last run before it: files of those runs are taken as they were then.
  last_run bigint not null
);

-- One row an object. What belongs to no table stands under its own name as the relation; the relation itself has no name.
create table bellows.recorded_object (
  namespace text not null,
  relation text not null,
  kind text not null,
  name text not null,
  definition text not null,
  primary key (namespace, relation, kind, name),
  -- The major version of the server that printed the definition: another one may print the same in other words.
  printed_by integer not null default pg_catalog.current_setting('server_version_num')::integer / 10000
);

-- What somebody changed of the objects that a run names before it began or while nobody drove it. What is still so is none of its doing.
create table bellows.found_object (
  run bigint not null references bellows.run,
  namespace text not null,
  relation text not null,
  kind text not null,
  name text not null,
  -- How it was found; null where it was missing.
  definition text,
  primary key (run, namespace, relation, kind, name)
);

-- How the objects that a run names differed from the record when its driver left it, each by its place as text. None while a driver is
-- at work, and where one died: then nobody can tell what was changed by whom.
create table bellows.left_schema (
  run bigint primary key references bellows.run,
  objects jsonb not null
);
