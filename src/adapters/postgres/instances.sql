-- How instances say that they are there, and who of them needs what. Made anew by every upgrade of the journal: see journal.ts --------

-- The relation that something is on; 0 of what is on none, such as has a door of its own name alone.
create or replace function bellows.relation_of(namespace text, "table" text) returns oid language sql stable as $$
  select case when '' in (namespace, "table") then 0 else pg_catalog.to_regclass(pg_catalog.format('%I.%I', namespace, "table")) end::oid
$$;

-- A relation with its partitions on all levels, by the catalog alone: pg_partition_tree() would lock each of them. Of what goes by its
-- name alone, `.`, they keep theirs, and are no part of it.
create or replace function bellows.tree(relation oid, "column" text) returns setof oid language sql stable as $$
  with recursive tree (relid) as (
    select relation union select i.inhrelid from tree join pg_catalog.pg_inherits i on i.inhparent = tree.relid where "column" <> '.'
  )
  select relid from tree
$$;

-- Whoever names one of these may use what goes. What is on a partition, `*`, is also met by whoever names the table that it is of.
create or replace function bellows.kin(relation oid, "column" text) returns setof oid language sql stable as $$
  select t.relid from bellows.tree(relation, "column") t (relid)
  union
  select up.relid from pg_catalog.pg_partition_ancestors(relation) up (relid) where "column" = '*'
$$;

-- Is it a partition, on whatever level?
create or replace function bellows.is_part(namespace text, "table" text, of_namespace text, of_table text) returns boolean language sql stable as $$
  select bellows.relation_of(of_namespace, of_table) in (
    select up.relid from pg_catalog.pg_partition_ancestors(bellows.relation_of(is_part.namespace, is_part."table")) up (relid))
$$;

-- The names by which an instance may have said so; the one that is asked for is one, be it there or not. Who is a partition is asked anew
-- each time: one may have come or gone since the instance registered. As a rule there is none, which costs next to nothing; each is looked up
-- by itself, because the planner takes them for many and would read the whole catalog.
create or replace function bellows.names_of(namespace text, "table" text, "column" text)
returns table (space text, relation text) language plpgsql stable rows 1 as $$
declare
  of oid := bellows.relation_of(names_of.namespace, names_of."table");
begin
  return query select names_of.namespace, names_of."table";
  if exists (select from pg_catalog.pg_class c where c.oid = of and (c.relhassubclass or c.relispartition)) then
    return query select n.nspname::text, c.relname::text from bellows.kin(of, names_of."column") k (relid)
      cross join lateral (select * from pg_catalog.pg_class where oid = k.relid offset 0) c
      cross join lateral (select * from pg_catalog.pg_namespace where oid = c.relnamespace offset 0) n;
  end if;
end $$;

-- Instances that use a column, or the whole table of it, be it by the name of a partition. Where no column is asked for: those that use
-- anything of the table. What no instance declares, such as an index or a function, is needed by whoever is not of the version that is to
-- stay, `beside`: of those that use its table where the column is *, else of all, and by those that declare the relation itself.
create or replace function bellows.users_of(namespace text, "table" text, "column" text, beside text default null)
returns setof text language sql stable as $$
  select distinct u.instance from bellows.names_of(users_of.namespace, users_of."table", users_of."column") n
    join bellows.instance_use u on (u.namespace, u."table") = (n.space, n.relation)
    where (users_of."column" in ('', '*', '.') or u."column" in (users_of."column", ''))
      and (users_of."column" <> '*' or not exists (select from bellows.instance i where i.instance = u.instance and i.version = users_of.beside))
  union
  select i.instance from bellows.instance i
    where users_of."column" = '' and users_of.beside is not null and i.version is distinct from users_of.beside
$$;

-- users.name, sales.users.name, or with quotes where a name has a dot: "my.table".name. The column * stands for the whole table,
-- and is kept as the empty name, which no column has.
create or replace function bellows.parse_use(use text) returns text[] language plpgsql immutable as $$
declare
  is_whole boolean := use like '%.*';
  named text := case when is_whole then pg_catalog.left(use, -2) else use end;
  parts text[] := case when named like '%"%' then pg_catalog.parse_ident(named) else pg_catalog.string_to_array(named, '.') end;
begin
  if is_whole then
    parts := parts || ''::text;
  end if;
  if pg_catalog.cardinality(parts) = 2 then
    parts := array['public'] || parts;
  end if;
  if pg_catalog.cardinality(parts) is distinct from 3 then
    raise exception '"%" is not table.column or namespace.table.column', use using errcode = 'BW003', detail = 'name_invalid';
  end if;
  return parts;
end $$;

-- For people: users.name, or the table users.
create or replace function bellows.use_name("table" text, "column" text) returns text language sql immutable as $$
  select case "column" when '' then 'the table ' || "table" else "table" || '.' || "column" end
$$;

-- Why an instance may not use a column, or a whole table; null when it may. Whoever uses all of a table cannot join while a column
-- of it is on its way out, and does without that one once it is gone. A column of a partition is that of its table; with the table itself
-- a partition need not go, and where it does it has a door of its own.
create or replace function bellows.use_problem(parts text[]) returns text language plpgsql stable as $$
declare
  leaves boolean;
  closed boolean;
  relation oid := pg_catalog.to_regclass(pg_catalog.format('%I.%I', parts[1], parts[2]));
begin
  select bool_or(c.state = 'retiring' and c.until > pg_catalog.clock_timestamp() or c.state = 'retired' and c."column" in (parts[3], '')),
      bool_or(c.state = 'closed' and c."column" = parts[3])
    into leaves, closed
    from bellows.column_state c
    where (parts[3] = '' or c."column" in (parts[3], ''))
      and ((c.namespace, c."table") = (parts[1], parts[2])
        or c."column" <> '' and bellows.is_part(parts[1], parts[2], c.namespace, c."table"));
  if leaves then
    return pg_catalog.format('%s is being retired: this instance is too old to join', bellows.use_name(parts[2], parts[3]));
  end if;
  if closed then
    return pg_catalog.format('%s.%s cannot be written until the column that it replaces is retired', parts[2], parts[3]);
  end if;
  if relation is null or parts[3] <> '' and not exists (
      select from pg_catalog.pg_attribute a where a.attrelid = relation and a.attname = parts[3] and a.attnum > 0 and not a.attisdropped) then
    return pg_catalog.format('%s does not exist: run the migration that adds it before deploying what uses it; if one has removed it, this instance is too old', bellows.use_name(parts[2], parts[3]));
  end if;
  return null;
end $$;

-- Replaces what an instance uses, if it may use all of it.
create or replace function bellows.set_uses(instance text, uses text[]) returns void language plpgsql as $$
declare
  use text;
  parts text[];
  problem text;
begin
  perform from bellows.door for share;
  delete from bellows.instance_use u where u.instance = set_uses.instance;
  foreach use in array uses loop
    parts := bellows.parse_use(use);
    problem := bellows.use_problem(parts);
    if problem is not null then
      raise exception '%', problem using errcode = 'BW003', detail = 'instance_refused';
    end if;
    insert into bellows.instance_use values (set_uses.instance, parts[1], parts[2], parts[3]) on conflict do nothing;
  end loop;
end $$;

-- What register and renew answer. Columns that exist but are not filled and verified yet are told as not_ready; whoever uses
-- one that is retired for good must stop. One query, as a large fleet asks it all the time; who is a partition is asked once of each state
-- that there is of a column which the instance names. Of a whole table, which a partition need not leave with, its own name counts.
create or replace function bellows.registration(instance text, lease_ms integer) returns jsonb language plpgsql stable as $$
declare
  not_ready jsonb;
  gone text;
begin
  select pg_catalog.jsonb_agg(distinct case u.namespace when 'public' then '' else u.namespace || '.' end || u."table" || '.' || u."column")
      filter (where s.state = 'not_ready'), min(bellows.use_name(u."table", u."column")) filter (where s.state = 'retired')
    into not_ready, gone
    from (select * from bellows.column_state s where s.state in ('not_ready', 'retired') and (s."column" = ''
        or s."column" in (select u."column" from bellows.instance_use u where u.instance = registration.instance)) offset 0) s
      cross join lateral bellows.names_of(s.namespace, s."table", coalesce(nullif(s."column", ''), '.')) n
      join bellows.instance_use u on (u.namespace, u."table") = (n.space, n.relation) and s."column" in (u."column", '')
    where u.instance = registration.instance;
  if gone is not null then
    raise exception '% is retired: this instance must stop', gone using errcode = 'BW003', detail = 'instance_refused';
  end if;
  return pg_catalog.jsonb_strip_nulls(
    pg_catalog.jsonb_build_object('instance', instance, 'lease_ms', lease_ms, 'not_ready', not_ready));
end $$;

-- Whoever registers with an id that was there before is most often another process, such as the next one of a StatefulSet. What
-- the one before used and this one does not stays on record, as of an instance that was released; its sessions may still be there.
-- One of another version is another process, whatever both use.
create or replace function bellows.succeed(instance text, uses text[], version text) returns void language plpgsql as $$
begin
  update bellows.instance i set instance = i.instance || '~' || pg_catalog.gen_random_uuid(), lived_as = i.instance,
      released_at = coalesce(i.released_at, pg_catalog.clock_timestamp())
    where i.instance = succeed.instance and (i.version is distinct from succeed.version
      or exists (select from bellows.instance_use u where u.instance = i.instance
        and not exists (select from pg_catalog.unnest(uses) as named (use)
          where bellows.parse_use(named.use) = array[u.namespace, u."table", u."column"])));
end $$;

-- Planned once a session: what these ask is planned anew each time otherwise, which takes longer than the answer.
create or replace function bellows.register(
  instance text, uses text[], lease_ms integer default 30000, application text default null, application_name text default null,
  version text default null, kind text default null, host text default null
) returns jsonb language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  perform bellows.succeed(register.instance, uses, register.version);
  insert into bellows.instance as i (instance, lease_ms, application, application_name, version, kind, host)
    -- Shortened as the server shortens what a session is called, or none would be found under it. Sessions of whoever has no name
    -- carry an empty one: it tells nobody apart.
    values (register.instance, register.lease_ms, register.application, nullif(register.application_name::name::text, ''),
      register.version, register.kind, register.host)
    on conflict on constraint instance_pkey do update set lease_ms = excluded.lease_ms, application = excluded.application,
      application_name = excluded.application_name, version = excluded.version, kind = excluded.kind, host = excluded.host,
      role = excluded.role, renewed_at = clock_timestamp(), released_at = null;
  perform bellows.set_uses(register.instance, uses);
  return bellows.registration(register.instance, register.lease_ms);
end $$;

-- Without uses, what was registered goes on; then only a column that is retired for good is refused, so that a gate that looks
-- and finds the column in use disturbs nobody.
create or replace function bellows.renew(instance text, uses text[] default null, health text default null)
returns jsonb language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  lease_ms integer;
begin
  perform from bellows.door for share;
  update bellows.instance i set renewed_at = clock_timestamp(), health = coalesce(renew.health, i.health)
    where i.instance = renew.instance and i.released_at is null
    returning i.lease_ms into lease_ms;
  if not found then
    raise exception 'no instance "%" is registered', renew.instance using errcode = 'BW003', detail = 'instance_unknown';
  end if;
  if uses is not null then
    perform bellows.set_uses(renew.instance, uses);
  end if;
  return bellows.registration(renew.instance, lease_ms);
end $$;

create or replace function bellows.release(instance text)
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update bellows.instance i set released_at = clock_timestamp() where i.instance = release.instance and i.released_at is null;
end $$;

-- Somebody says of an instance that it is gone, which it did not say itself. While its lease goes on it may be there: that takes a
-- reason. Who it was, why, and what the lease looked like stays on record. Is there no such instance, nothing happens.
create or replace function bellows.release_by_hand(instance text, reason text, actor jsonb) returns boolean language plpgsql as $$
declare
  lease jsonb;
begin
  select pg_catalog.jsonb_strip_nulls(pg_catalog.to_jsonb(i) - 'instance' - 'lived_as') || pg_catalog.jsonb_build_object(
      'state', case when over.at > pg_catalog.clock_timestamp() then 'live' else 'silent' end, 'over_at', over.at,
      'uses', (select coalesce(pg_catalog.jsonb_agg(pg_catalog.concat_ws('.', u.namespace, u."table", coalesce(nullif(u."column", ''), '*'))
          order by u.namespace, u."table", u."column"), '[]') from bellows.instance_use u where u.instance = i.instance))
    into lease
    from bellows.instance i cross join lateral (select i.renewed_at + pg_catalog.make_interval(secs => i.lease_ms / 1000.0) as at) over
    where i.instance = release_by_hand.instance and i.released_at is null
    for update of i;
  if lease is null then
    return false;
  end if;
  if lease ->> 'state' = 'live' and reason is null then
    raise exception 'the instance "%" is there: its lease goes on until %', release_by_hand.instance, lease ->> 'over_at'
      using errcode = 'BW002', detail = 'config_invalid',
        hint = pg_catalog.format('Stop it, or say why it is gone all the same: bellows instances release %s --reason "<why>"', release_by_hand.instance);
  end if;
  insert into bellows.released_by_hand (actor, instance, reason, lease) values (release_by_hand.actor, release_by_hand.instance, release_by_hand.reason, lease);
  perform bellows.release(release_by_hand.instance);
  return true;
end $$;

-- Who still needs a column, or anything of a table where none is named. A silent instance is gone only when its lease has been over for the grace and nothing of it
-- is left among the sessions, be it on another server: `elsewhere` are the names of those.
create or replace function bellows.needing(namespace text, "table" text, "column" text, grace_ms bigint, elsewhere text[] default '{}', beside text default null)
returns table (instance text, state text, blocks boolean, application text, version text, host text, role text, address text,
  pid integer, first_seen timestamptz, last_seen timestamptz) language sql stable as $$
  with session as materialized (
    select distinct on (s.application_name) s.application_name, s.pid, pg_catalog.host(s.client_addr) as address
      from pg_catalog.pg_stat_activity s order by s.application_name, s.pid
  )
  select i.instance,
      case when over.ms < 0 then 'live' else 'silent' end,
      over.ms < grace_ms or i.application_name is null or session.pid is not null or i.application_name = any (elsewhere),
      i.application, i.version, i.host, i.role, session.address, session.pid, i.registered_at, i.renewed_at
    from bellows.users_of(needing.namespace, needing."table", needing."column", needing.beside) u (instance)
    join bellows.instance i on i.instance = u.instance and i.released_at is null
    cross join lateral (select extract(epoch from pg_catalog.clock_timestamp() - i.renewed_at) * 1000 - i.lease_ms as ms) over
    left join session on session.application_name = i.application_name
    order by i.instance collate "C" -- a thousand names by the rules of a language take longer than all the rest
$$;

-- Any role may say that it is there; nobody but the owner may change what is written down.
grant usage on schema bellows to public;
-- By name: the database may be one where functions are not for everybody.
grant execute on function bellows.register(text, text[], integer, text, text, text, text, text), bellows.renew(text, text[], text), bellows.release(text)
  to public;
revoke execute on function bellows.fence(bigint), bellows.record(bigint, bigint, jsonb), bellows.set_uses(text, text[]),
    bellows.succeed(text, text[], text), bellows.release_by_hand(text, text, jsonb)
  from public;
