-- The tables on which the examples in docs/operations run, each by itself: psql -f example-schema.sql in an empty database.
-- The example of "grant" is for a role "shop": create role shop.

create table users (
  id bigint generated always as identity primary key,
  name text not null,
  age text,
  bio text,
  plan text,
  legacy text
);
create index users_legacy_idx on users (legacy);
insert into users (name, age, bio, plan) values
  ('Ada Lovelace', '36', 'wrote the first program', 'free'),
  ('Grace Hopper', '85', null, 'paid'),
  ('Plato', null, null, null);

create table profiles (
  user_id bigint primary key references users on delete cascade,
  picture text
);
insert into profiles (user_id) select id from users;

create table customers (
  id bigint generated always as identity primary key,
  name text not null
);
insert into customers (name) values ('Analytical Engines'), ('Harvard');

create table orders (
  id bigint generated always as identity primary key,
  customer bigint,
  total numeric(10,2) not null default 0,
  status text
);
insert into orders (customer, total, status) values (1, 12.50, 'new'), (1, 3, 'paid'), (2, 99, 'sent');

create table events (
  at date not null,
  what text
) partition by range (at);
create table events_2020 partition of events for values from ('2020-01-01') to ('2021-01-01');
create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01');
insert into events values ('2020-05-01', 'opened'), ('2025-05-01', 'moved');

create table events_2026 (like events including all);
insert into events_2026 values ('2026-05-01', 'grew');
