-- What belongs to no table and to no namespace, as texts; of namespaces their rights. See catalog.sql, which sets what the texts depend on ------

-- The rights on something, those of its owner left out, by who has them.
create or replace function bellows.rights(acl aclitem[], owner oid, on_column name default null)
returns table (grantee text, "right" text) language sql stable as $$
  select case x.grantee when 0 then 'public' else x.grantee::pg_catalog.regrole::text end,
      pg_catalog.concat(x.privilege_type, ' (' || pg_catalog.quote_ident(on_column) || ')', case when x.is_grantable then ' with grant option' end)
    from pg_catalog.aclexplode(acl) x where x.grantee <> owner
$$;

-- The namespaces of a publication, as a list; NULL for none, and before PostgreSQL 15, which has no such.
create or replace function bellows.published_namespaces(publication oid) returns text language plpgsql stable as $$
begin
  if pg_catalog.current_setting('server_version_num')::integer < 150000 then
    return null;
  end if;
  return (select pg_catalog.string_agg(pg_catalog.quote_ident(n.nspname), ', ' order by n.nspname)
    from pg_catalog.pg_publication_namespace p join pg_catalog.pg_namespace n on n.oid = p.pnnspid where p.pnpubid = publication);
end $$;

-- Those that have one of these names; of namespaces and of rights by default all, which differing() chooses from.
create or replace function bellows.database_objects(names text[])
returns table (namespace text, relation text, kind text, name text, definition text)
language sql stable set search_path = pg_catalog, pg_temp as $$
with of_extension as materialized (
  select d.classid, d.objid from pg_depend d where d.deptype = 'e'
), home as materialized (
  select n.oid, n.nspname, n.nspowner, n.nspacl from pg_namespace n
    where n.nspname not in ('information_schema', 'bellows') and n.nspname not like 'pg\_%'
      and not exists (select from of_extension e where e.classid = 'pg_namespace'::regclass and e.objid = n.oid)
), published as materialized (
  -- Of namespaces since PostgreSQL 15; asked for so that it can be read before.
  select p.oid, p.pubname, p.puballtables, to_jsonb(p) as more from pg_publication p
)
select h.nspname, h.nspname, 'namespace', '',
    concat('owner ', h.nspowner::regrole, (select string_agg(format(', %s to %s', r."right", r.grantee), '' order by r.grantee, r."right")
      from bellows.rights(coalesce(h.nspacl, acldefault('n', h.nspowner)), h.nspowner) r))
  from home h
union all
-- What a role gives others of what it makes from then on.
select coalesce(n.nspname, ''), d.defaclrole::regrole::text, 'rights by default',
    case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' when 'n' then 'schemas' else 'others' end,
    coalesce((select string_agg(format('%s to %s', r."right", r.grantee), ', ' order by r.grantee, r."right") from bellows.rights(d.defaclacl, d.defaclrole) r), 'none')
  from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace
union all
select '', x.extname, 'extension', '', 'in ' || n.nspname
  from pg_extension x join pg_namespace n on n.oid = x.extnamespace
  where names is null or x.extname::text in (select unnest(names))
union all
select '', t.evtname, 'event trigger', '',
    concat('on ', t.evtevent, ' when tag in (' || (select string_agg(quote_literal(g), ', ' order by g) from unnest(t.evttags) g) || ')',
      ' execute function ', t.evtfoid::regproc, case t.evtenabled when 'D' then ' (disabled)' when 'R' then ' (replica)' when 'A' then ' (always)' end)
  from pg_event_trigger t
  where (names is null or t.evtname::text in (select unnest(names)))
    and not exists (select from of_extension e where e.classid = 'pg_event_trigger'::regclass and e.objid = t.oid)
union all
select '', p.pubname, 'publication', '',
    concat(case when p.puballtables then 'for all tables, ' end,
      'for tables in schema ' || bellows.published_namespaces(p.oid) || ', ',
      concat_ws(', ', case when (p.more ->> 'pubinsert')::boolean then 'insert' end, case when (p.more ->> 'pubupdate')::boolean then 'update' end,
        case when (p.more ->> 'pubdelete')::boolean then 'delete' end, case when (p.more ->> 'pubtruncate')::boolean then 'truncate' end,
        case when (p.more ->> 'pubviaroot')::boolean then 'via partition root' end,
        'generated columns ' || case p.more ->> 'pubgencols' when 's' then 'stored' end))
  from published p where names is null or p.pubname::text in (select unnest(names))
union all
-- The server prints none. What stands here tells one from another.
select n.nspname, f.proname, 'aggregate', pg_get_function_identity_arguments(f.oid),
    concat(format_type(f.prorettype, null), ' by ', a.aggtransfn::regprocedure, ' over ', format_type(a.aggtranstype, null),
      ' from ' || quote_literal(a.agginitval), ' ends by ' || nullif(a.aggfinalfn::oid, 0)::regprocedure,
      ' combines by ' || nullif(a.aggcombinefn::oid, 0)::regprocedure, ' sorts by ' || nullif(a.aggsortop, 0)::regoperator,
      case a.aggkind when 'o' then ' ordered set' when 'h' then ' hypothetical set' end, case f.proparallel when 's' then ' parallel safe' when 'r' then ' parallel restricted' end)
  from pg_proc f join home n on n.oid = f.pronamespace join pg_aggregate a on a.aggfnoid = f.oid
  where (names is null or f.proname::text in (select unnest(names)))
    and not exists (select from of_extension e where e.classid = 'pg_proc'::regclass and e.objid = f.oid)
$$;
