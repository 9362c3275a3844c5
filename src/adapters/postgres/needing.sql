-- What the gate reads of sessions and transactions. Made anew by every upgrade of the journal: see journal.ts ----------------------

-- May a role, or one that it can become, use the column at all, or anything of the table, be it by a partition? Nobody may use what is
-- not there; what is on no table, such as a function, anybody may use.
create or replace function bellows.may_use(role oid, relation oid, "column" text) returns boolean language plpgsql stable as $$
declare
  able oid[] := array(select r.oid from pg_catalog.pg_roles r where pg_catalog.pg_has_role(role, r.oid, 'MEMBER'));
begin
  return relation is not distinct from 0 or exists (
    select from (
      select relation as relid
      union all
      -- A partition gives more only where it has an owner or rights of its own. Asked for when the table gives nothing.
      select k.relid from bellows.kin(relation, "column") k (relid)
        cross join lateral (select * from pg_catalog.pg_class where oid = k.relid offset 0) c
        where k.relid <> relation and (c.relacl is not null or c.relowner = any (able)
          or exists (select from pg_catalog.pg_attribute g where g.attrelid = k.relid and g.attacl is not null))
    ) one
    where (
      select bool_or(case when "column" in ('', '*', '.')
          then pg_catalog.has_any_column_privilege(r.oid, one.relid, 'SELECT, INSERT, UPDATE') or pg_catalog.has_table_privilege(r.oid, one.relid, 'DELETE, TRUNCATE')
          else pg_catalog.has_column_privilege(r.oid, one.relid, a.attnum, 'SELECT, INSERT, UPDATE') end)
        from pg_catalog.unnest(able) r (oid)
        left join pg_catalog.pg_attribute a on a.attrelid = one.relid and a.attname = "column" and not a.attisdropped));
end $$;

-- May a role, or one that it can become, keep what a look at a gate has seen? A session logs in as the one and may work as the other. On a
-- standby nobody writes, and who looks there need not be who looks here.
create or replace function bellows.may_look(role oid) returns boolean language sql stable as $$
  select exists (select from pg_catalog.pg_roles r where pg_catalog.pg_has_role(role, r.oid, 'MEMBER')
    and pg_catalog.has_table_privilege(r.oid, 'bellows.watch', case when pg_catalog.pg_is_in_recovery() then 'SELECT' else 'INSERT' end))
$$;

-- A session of Bellows is called bellows/..., and its role may look at gates: anybody can have that name, and nobody else has that right. The
-- name goes first, so that the roles of nobody else are gone through.
create or replace function bellows.is_ours(application text, role oid) returns boolean language sql stable as $$
  select application ~ '^bellows(/|$)' and bellows.may_look(role)
$$;

-- Sessions of clients on the server that answers, be it a standby, with those that read the log of this database, such as change
-- data capture.
create or replace function bellows.client_sessions()
returns table (pid integer, role_id oid, role text, application text, address text, since timestamptz) language sql stable as $$
  select s.pid, s.usesysid, s.usename::text, s.application_name, pg_catalog.host(s.client_addr), s.backend_start
    from pg_catalog.pg_stat_activity s
    where s.datid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
      and s.usesysid is not null and coalesce(s.backend_type, 'client backend') in ('client backend', 'walsender')
      and s.pid <> pg_catalog.pg_backend_pid() and not bellows.is_ours(s.application_name, s.usesysid)
$$;

-- Roles that only instances which use a column log in with: no other one does that is there, or that came after the first of
-- them. A role that versions share says nothing of either.
create or replace function bellows.old_roles(namespace text, "table" text, "column" text, beside text default null)
returns setof text language sql stable as $$
  with needs as (
    select i.instance, i.role, i.registered_at from bellows.instance i
      join bellows.users_of(old_roles.namespace, old_roles."table", old_roles."column", old_roles.beside) u (instance) on u.instance = i.instance
  )
  select r.role from (select role, min(registered_at) as since from needs group by role) r
    where not exists (select from bellows.instance i
      where i.role = r.role and (i.released_at is null or i.registered_at >= r.since)
        and not exists (select from needs where needs.instance = i.instance))
$$;

-- Sessions that may use the column and are of nobody who registered or was declared, such as are left of an instance that said
-- it was gone, and such of a role of the old version, whatever they are called: behind a pooler a session carries the name of
-- whoever used it last. A session that is older than the last sign of life of a process, whose id another one has taken over, is
-- of the earlier one. Of another server whose sessions are given it is judged here: there it may not be known yet who went.
create or replace function bellows.strangers(namespace text, "table" text, "column" text, sessions jsonb default null, beside text default null)
returns table (pid integer, role text, application text, address text, since timestamptz, instance text, old_role boolean)
language sql stable as $$
  with relation as (select bellows.relation_of(namespace, "table") as oid),
  needs as materialized (
    select i.instance, i.application_name, i.released_at, i.renewed_at, i.lived_as from bellows.instance i
      join bellows.users_of(strangers.namespace, strangers."table", strangers."column", strangers.beside) u (instance) on u.instance = i.instance
  ),
  present as (
    select s.*, s.role in (select bellows.old_roles(strangers.namespace, strangers."table", strangers."column", strangers.beside))
        and not exists (select from needs where needs.application_name = s.application and needs.released_at is null) as old_role
      from pg_catalog.jsonb_to_recordset(coalesce(strangers.sessions,
          (select pg_catalog.jsonb_agg(pg_catalog.to_jsonb(c)) from bellows.client_sessions() c)))
        as s (pid integer, role_id oid, role text, application text, address text, since timestamptz)
  ),
  others as (
    select p.* from present p
      where not exists (select from bellows.client c
        where coalesce(c.role = p.role, not p.old_role) and coalesce(c.application_name = p.application, true))
  ),
  -- Asked once of each role, not of each session.
  allowed as (
    select o.role_id from (select distinct role_id from others offset 0) o cross join relation
      where bellows.may_use(o.role_id, relation.oid, "column")
  ),
  released as materialized (select * from needs where needs.released_at is not null)
  select o.pid, o.role, o.application, o.address, o.since, coalesce(gone.lived_as, gone.instance), o.old_role
    from others o
    join allowed on allowed.role_id = o.role_id
    left join lateral (
      select r.instance, r.lived_as from released r
        where r.application_name = o.application and (r.lived_as is null or o.since <= r.renewed_at)
        order by r.lived_as is null limit 1
    ) gone on true
    where o.old_role or gone.lived_as is not null or not exists (select from bellows.instance i where i.application_name = o.application
        and (i.released_at is null or gone.instance is null))
    order by o.pid
$$;

-- Transactions that began before a moment and may use the column, and prepared ones that hold a lock on its table, or on a partition of
-- it. A session whose details this role may not see is told as hidden.
create or replace function bellows.old_transactions(namespace text, "table" text, "column" text, before timestamptz)
returns table (pid integer, prepared text, role text, application text, address text, since timestamptz, holds boolean, hidden boolean)
language sql stable as $$
  with relation as (select bellows.relation_of(namespace, "table") as oid),
  database as (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()),
  old as (
    select s.* from pg_catalog.pg_stat_activity s cross join database
      where s.datid = database.oid and s.usesysid is not null and s.pid <> pg_catalog.pg_backend_pid()
        and coalesce(s.backend_type, 'client backend') = 'client backend' and not bellows.is_ours(s.application_name, s.usesysid)
        and (s.xact_start < before or s.backend_type is null)
  ),
  allowed as (
    select o.usesysid from (select distinct usesysid from old offset 0) o cross join relation
      where bellows.may_use(o.usesysid, relation.oid, "column")
  ),
  held as (select l.pid, l.virtualtransaction from pg_catalog.pg_locks l, database
    where l.locktype = 'relation' and l.database = database.oid and l.granted
      and l.relation in (select t.relid from relation cross join lateral bellows.tree(relation.oid, "column") t (relid)))
  select s.pid, null, s.usename::text, s.application_name, pg_catalog.host(s.client_addr), s.xact_start, h.holds, s.backend_type is null
    from old s
    join allowed on allowed.usesysid = s.usesysid
    cross join lateral (select exists (select from held where held.pid = s.pid) as holds) h
  union all
  select null, p.gid, p.owner::text, '', null, p.prepared, true, false
    from pg_catalog.pg_prepared_xacts p
    where p.database = pg_catalog.current_database()
      and exists (select from held join pg_catalog.pg_locks own
        on own.pid is null and own.virtualtransaction = held.virtualtransaction and own.transactionid = p.transaction
        where held.pid is null)
  order by 6 nulls last
$$;

-- The server that answers, as far as its counters go: another one, or the same after a restore, has counted differently; and so has a
-- database that was made of the dump of another. Its timeline a server that was promoted has in the names of its log at once, and in
-- its control file with the next checkpoint. A copy of its files has both, and is told by when it was started; a crash, which empties its
-- statistics also where a session alone has died, by when those began.
create or replace function bellows.server_identity() returns text language sql stable as $$
  select pg_catalog.concat_ws('/', (select system_identifier from pg_catalog.pg_control_system()),
    case when pg_catalog.pg_is_in_recovery() then (select timeline_id from pg_catalog.pg_control_checkpoint())
      else ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8))::bit(32)::integer end,
    (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()),
    extract(epoch from pg_catalog.pg_postmaster_start_time()), (select extract(epoch from stats_reset) from pg_catalog.pg_stat_archiver))
$$;

-- For the transaction that hides or drops a column, with its table locked and the door held: raises when somebody came back
-- since the gate looked. Statistics are cached within a transaction, hence the clearing.
create or replace function bellows.require_nobody(namespace text, "table" text, "column" text, rules jsonb) returns void
language plpgsql as $$
declare
  blocking text;
  -- What no instance declares has a name of its own, also for its door.
  thing text := rules ->> 'thing';
  beside text := rules ->> 'beside';
  -- Where its name alone goes, the door is that of the table.
  door text := case "column" when '.' then '' else "column" end;
  named text := coalesce(thing, bellows.use_name("table", door));
begin
  perform pg_catalog.pg_stat_clear_snapshot();
  select pg_catalog.string_agg(n.instance, ', ') into blocking
    from bellows.needing(namespace, "table", "column", (rules ->> 'grace_ms')::bigint, beside => beside) n
    where n.blocks and not coalesce(rules -> 'instances' ? n.instance, false);
  if blocking is not null then
    raise exception '% is needed by %', named, blocking using errcode = 'BW002', detail = 'instances_blocking';
  end if;
  if (rules -> 'sessions')::boolean then
    select pg_catalog.string_agg(pg_catalog.format('session %s of role %s', s.pid, s.role), ', ') into blocking
      from bellows.strangers(namespace, "table", "column", beside => beside) s;
    if blocking is not null then
      raise exception '% may be needed by %', named, blocking using errcode = 'BW002', detail = 'gate_closed';
    end if;
  end if;
  if (rules -> 'transactions')::boolean then
    select pg_catalog.string_agg(coalesce(pg_catalog.format('the transaction of session %s', t.pid), 'the prepared transaction ' || t.prepared), ', ')
      into blocking
      from bellows.old_transactions(require_nobody.namespace, require_nobody."table", require_nobody."column", (
          select c.since from bellows.column_state c
            where (c.namespace, c."table", c."column") = (case when thing is null then require_nobody.namespace else '' end,
              coalesce(thing, require_nobody."table"), case when thing is null then door else '' end))) t
      where not t.hidden;
    if blocking is not null then
      raise exception '% may be needed by %', named, blocking using errcode = 'BW002', detail = 'gate_closed';
    end if;
  end if;
end $$;

revoke execute on function bellows.require_nobody(text, text, text, jsonb) from public;
