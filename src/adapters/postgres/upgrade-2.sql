-- From version 1 of the journal to 2. What was made by hand before a run that is under way cannot be told any more.

drop function bellows.record_run(bigint), bellows.set_baseline(bigint, jsonb), bellows.record_schema(text[]);

alter table bellows.recorded_object
  add printed_by integer not null default pg_catalog.current_setting('server_version_num')::integer / 10000;

-- What differed from the record before a run began: what the run has not changed since is none of its doing.
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
