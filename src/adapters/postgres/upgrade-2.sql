-- From version 1 of the journal to 2. What was made by hand before a run that is under way cannot be told any more.

drop function bellows.record_run(bigint), bellows.set_baseline(bigint, jsonb), bellows.record_schema(text[]);
-- Each of these asks for more by now.
drop function bellows.users_of(text, text, text), bellows.succeed(text, text[]), bellows.needing(text, text, text, bigint, text[]),
  bellows.old_roles(text, text, text), bellows.strangers(text, text, text, jsonb);

-- Of version 3, for the functions that are made next.
alter table bellows.run add names text[] not null default '{}';

alter table bellows.recorded_object
  add printed_by integer not null default pg_catalog.current_setting('server_version_num')::integer / 10000;

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
