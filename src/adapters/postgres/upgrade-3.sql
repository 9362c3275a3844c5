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

-- Of one that has begun before, nobody knows.
alter table bellows.checkpoint add column started_at_log pg_lsn;
alter table bellows.checkpoint alter column started_at_log set default pg_current_wal_insert_lsn();
alter table bellows.checkpoint add column word jsonb;
-- What is known of partitions is known in other words: a step that is at one begins anew with the first.
update bellows.checkpoint set state = 'null' where state ? 'leaf' and not finished;

-- The version before it has none.
alter table bellows.run add if not exists names text[] not null default '{}';
update bellows.run set names = bellows.names_in(plan);

-- Rows that a backfill could not fill and went on without. Each is written in the transaction that leaves the row out, and goes in the one that
-- fills it. A row that lacks its new value is where it was: whoever changes it has it filled by the trigger.
create table bellows.quarantine (
  step text not null,
  run bigint not null references bellows.run,
  -- The partition; 0 where the table itself has the rows.
  leaf oid not null,
  "table" text not null,
  -- Of the file that the place is in.
  filenode oid not null,
  place tid not null,
  -- By its key, for people.
  name text not null,
  sqlstate text not null,
  message text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (step, leaf, place)
);

-- How a run has left what it gave another definition, as the server printed it, under the name that people have for it. The last word counts.
create table bellows.replaced_object (
  object text primary key,
  definition text not null,
  -- How the server prints what it was before, made again: it need not be as it was printed first.
  before text not null
);

-- What somebody asked of a backfill or a verification while it runs: the last word on a run counts, until it is over.
create table bellows.throttle (
  seq bigint generated always as identity primary key,
  run bigint not null references bellows.run,
  at timestamptz not null default clock_timestamp(),
  by_role text not null default session_user,
  actor jsonb not null,
  -- Of the time; 0 is a pause.
  share double precision not null check (share between 0 and 1),
  workers integer check (workers > 0),
  until timestamptz,
  reason text
);
create index throttle_of_run on bellows.throttle (run, seq);
create trigger append_only before update or delete or truncate on bellows.throttle
  for each statement execute function bellows.refuse_change();

-- Instances that somebody has released by hand.
create table bellows.released_by_hand (
  seq bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  by_role text not null default session_user,
  actor jsonb not null,
  instance text not null,
  reason text,
  -- As it was then: what the instance had said of itself, what it used, and how long the lease went on.
  lease jsonb not null
);
create trigger append_only before update or delete or truncate on bellows.released_by_hand
  for each statement execute function bellows.refuse_change();

-- What holds a run back, as whoever works on it has seen it last; void when it is not told anew.
create table bellows.brake (
  run bigint primary key references bellows.run,
  at timestamptz not null default clock_timestamp(),
  pace text not null,
  because jsonb not null
);

-- What tries each row once goes on where it was, but in a partition: see above.
update bellows.checkpoint c set state = 'null'
  where not finished and not state ? 'verdict'
    and not exists (select from bellows.run r cross join lateral pg_catalog.jsonb_array_elements(r.plan -> 'steps') s
      where r.id = c.run and s ->> 'id' = c.step and s ? 'once');

-- Whoever upgrades may be another member of the role that made the journal.
do $$ declare
  made text;
begin
  foreach made in array array['backfill_range', 'quarantine', 'replaced_object', 'throttle', 'brake', 'released_by_hand'] loop
    execute pg_catalog.format('alter table bellows.%I owner to %s', made,
      (select nspowner::regrole from pg_catalog.pg_namespace where nspname = 'bellows'));
  end loop;
end $$;

