-- From version 2 of the journal to 3. A backfill that is under way begins anew with its ranges, and finds what is filled.

create table bellows.backfill_range (
  step text not null,
  -- The partition; 0 where the table itself has the rows.
  leaf oid not null,
  from_block bigint not null,
  from_line integer not null,
  -- The first line that is no more of it.
  to_block bigint not null,
  to_line integer not null,
  rungs smallint not null,
  next_rung smallint not null default 0,
  rows_done bigint not null default 0,
  primary key (step, leaf, from_block, from_line)
  -- Changed once for each rung, and no index with it.
) with (fillfactor = 50);

-- Whoever upgrades may be another member of the role that made the journal.
do $$ begin
  execute pg_catalog.format('alter table bellows.backfill_range owner to %s',
    (select nspowner::regrole from pg_catalog.pg_namespace where nspname = 'bellows'));
end $$;

