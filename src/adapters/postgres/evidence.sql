-- What the gate keeps as evidence that nobody needs a column, or a whole table (its column is the empty name then). Part of the
-- namespace "bellows"; installed right behind journal.sql. What it reads is in needing.sql.

-- How long the use of a column has been watched, and what the counters said then. Kept by whoever looks.
create table bellows.watch (
  run bigint not null references bellows.run,
  namespace text not null,
  "table" text not null,
  "column" text not null,
  state jsonb not null,
  primary key (run, namespace, "table", "column")
);

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

-- Clients that do not register (reports, exports, replication), each with somebody who answers for it.
create table bellows.client (
  client text primary key,
  role text,
  application_name text,
  owner text not null,
  declared_at timestamptz not null default clock_timestamp(),
  check (role is not null or application_name is not null)
);

-- That a client does not need what goes: in one migration, or in any when run is null.
create table bellows.acknowledgement (
  client text not null references bellows.client on delete cascade,
  run bigint references bellows.run,
  by text not null,
  at timestamptz not null default clock_timestamp()
);
create index acknowledgement_of_client on bellows.acknowledgement (client);

-- Trials in which every write through an old shape fails: each ends by itself, by the clock of this server.
create table bellows.brownout (
  counter text primary key,
  began timestamptz not null,
  until timestamptz not null,
  -- What the counter said when it began: whatever comes on top until then was refused.
  writes bigint not null
);
