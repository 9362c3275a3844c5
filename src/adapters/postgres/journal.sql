-- The namespace of Bellows in the user's database. Installed once, in one transaction; see journal.ts.
-- Every function names what it uses in full: they run with the search_path of whoever calls them.

create schema bellows;
comment on schema bellows is 'Journal, instance registry and dual-write functions of Bellows.';

create table bellows.meta (
  singleton boolean primary key default true check (singleton),
  journal_version integer not null
);

-- Who may change anything. Every changing transaction holds this row FOR SHARE, so raising the epoch waits them out.
create table bellows.driver (
  singleton boolean primary key default true check (singleton),
  epoch bigint not null
);
insert into bellows.driver (epoch) values (0);

-- Apart from bellows.driver, because renewing it must not wait for a long changing transaction.
create table bellows.heartbeat (
  singleton boolean primary key default true check (singleton),
  epoch bigint not null,
  beat_at timestamptz not null,
  -- Backends of the driver: [{"pid": 4711, "backend_start": "..."}]. A pid alone may belong to somebody else by now.
  backends jsonb not null,
  application text not null
);

create table bellows.run (
  id bigint generated always as identity primary key,
  migration text not null,
  -- Where several were released as one: their names, the one above included.
  parts text[] not null default '{}',
  plan jsonb not null,
  plan_hash text not null,
  created_at timestamptz not null default clock_timestamp(),
  -- All that stand in the plan, which take longer to find than to read: see names_in.
  names text[] not null default '{}',
  -- Does the record of the schema have what it has left? See schema-record.sql.
  recorded boolean not null default false
);

create table bellows.event (
  seq bigint generated always as identity primary key,
  run bigint not null references bellows.run,
  at timestamptz not null default clock_timestamp(),
  epoch bigint not null,
  by_role text not null default session_user,
  event jsonb not null,
  -- Only of version_applied: its number and the shape of the table after it.
  version integer,
  shape text
);
create index event_of_run on bellows.event (run, seq);
create index run_of_migration on bellows.run (migration);

create function bellows.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the journal of Bellows is append-only';
end $$;
create trigger append_only before update or delete or truncate on bellows.event
  for each statement execute function bellows.refuse_change();

-- How far a step has come that works through a table; written in the transaction of each batch.
create table bellows.checkpoint (
  step text primary key,
  run bigint not null references bellows.run,
  state jsonb not null,
  rows_done bigint not null default 0,
  rows_total bigint not null default 0,
  finished boolean not null default false,
  started_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  -- Where the log of the server was at that time.
  started_at_log pg_lsn default pg_current_wal_insert_lsn(),
  -- What its driver said last of the pace: rowsPerSecond, secondsLeft, and its epoch.
  word jsonb
);

-- Where a first pass over a table stands that several may work on at once: ranges of its file, each gone through in several rungs, a
-- part of its rows in each. A batch locks its range, does the next rung of it and raises next_rung, all in one transaction: no range has an
-- owner, so there is nothing to take over from one that died.
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

create function bellows.fence(mine bigint) returns void language plpgsql as $$
begin
  perform from bellows.driver where epoch = mine for share;
  if not found then
    raise exception 'another driver took over' using errcode = 'BW001';
  end if;
end $$;

create function bellows.require(holds boolean, code text, otherwise text) returns void language plpgsql as $$
begin
  if holds is not true then
    raise exception '%', otherwise using errcode = 'BW002', detail = code;
  end if;
end $$;

-- The table as people write it: users (name, full_name NULL). Columns of the primary key are left out.
create function bellows.shape(namespace text, "table" text) returns text language sql stable as $$
  select pg_catalog.format('%I (%s)', c.relname, pg_catalog.string_agg(
      pg_catalog.quote_ident(a.attname) || case when a.attnotnull then '' else ' NULL' end, ', ' order by a.attnum))
    from pg_catalog.pg_class c
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_catalog.pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
    where c.oid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', namespace, "table"))
      and not coalesce(a.attnum = any (k.conkey), false)
    group by c.relname
$$;

-- The versions that stand: the last word on each number is that it was applied.
create view bellows.version as
  select number as version, run, at, event ->> 'name' as name, event -> 'facts' as facts, shape
    from (
      select distinct on (coalesce(version, (event ->> 'version')::integer))
          coalesce(version, (event ->> 'version')::integer) as number, run, at, event, shape
        from bellows.event
        where coalesce(version, (event ->> 'version')::integer) is not null
        order by coalesce(version, (event ->> 'version')::integer), seq desc
    ) last_word
    where event ->> 'type' = 'version_applied';
-- So that a long history costs nothing where only its versions matter.
create index version_of_event on bellows.event (coalesce(version, (event ->> 'version')::integer), seq desc)
  where coalesce(version, (event ->> 'version')::integer) is not null;

create function bellows.record(run bigint, epoch bigint, event jsonb) returns jsonb language plpgsql as $$
declare
  next_version integer;
  shape_after text;
  recorded bigint;
begin
  if event ->> 'type' = 'version_applied' then
    select coalesce(max(v.version), 0) + 1 into next_version from bellows.version v;
    shape_after := bellows.shape(event #>> '{facts,table,namespace}', event #>> '{facts,table,name}');
  end if;
  insert into bellows.event (run, epoch, event, version, shape)
    values (record.run, record.epoch, record.event, next_version, shape_after)
    returning seq into recorded;
  return pg_catalog.jsonb_strip_nulls(
    pg_catalog.jsonb_build_object('seq', recorded, 'version', next_version, 'schema', shape_after));
end $$;

-- Instances -------------------------------------------------------------------------------------------------------

create table bellows.instance (
  instance text primary key,
  application text,
  -- What its sessions carry as application_name; without it a silent instance cannot be told from a dead one.
  application_name text,
  -- The login role that registered it.
  role text not null default session_user,
  lease_ms integer not null check (lease_ms between 1000 and 86400000),
  registered_at timestamptz not null default clock_timestamp(),
  renewed_at timestamptz not null default clock_timestamp(),
  released_at timestamptz,
  health text,
  -- For whoever has to find it: the version of the application, what kind of process it is, and where it runs.
  version text,
  kind text,
  host text,
  -- The id that it had until another process registered with that, and does without some of what this one used.
  lived_as text
) with (fillfactor = 50); -- room for the next renewal on the same page, so that no index grows by it

create table bellows.instance_use (
  instance text not null references bellows.instance on delete cascade on update cascade,
  namespace text not null,
  "table" text not null,
  "column" text not null,
  primary key (instance, namespace, "table", "column")
);
create index instance_use_of_column on bellows.instance_use (namespace, "table", "column");

-- The door that whoever registers or renews passes, and that the gate closes: changing the row waits for those within.
create table bellows.door (
  singleton boolean primary key default true check (singleton),
  closings bigint not null default 0
);
insert into bellows.door default values;

create table bellows.column_state (
  namespace text not null,
  "table" text not null,
  -- Empty for the table as a whole.
  "column" text not null,
  state text not null check (state in ('not_ready', 'closed', 'retiring', 'retired')),
  -- A door that its driver did not live to open again opens by itself.
  until timestamptz,
  -- When the door was closed.
  since timestamptz,
  primary key (namespace, "table", "column")
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

-- What holds a run back, as whoever works on it has seen it last; void when it is not told anew.
create table bellows.brake (
  run bigint primary key references bellows.run,
  at timestamptz not null default clock_timestamp(),
  pace text not null,
  because jsonb not null
);

insert into bellows.meta (journal_version) values (3);
