-- The objects of the schema as texts. Made anew by every upgrade of the journal: see journal.ts ------------------------------

-- What a publication shows of a table that it names. Columns and rows can be left out since PostgreSQL 15.
create or replace function bellows.published() returns table (relation oid, publication name, definition text) language plpgsql stable as $$
begin
  if pg_catalog.current_setting('server_version_num')::integer < 150000 then
    return query select r.prrelid, p.pubname, 'published'::text
      from pg_catalog.pg_publication_rel r join pg_catalog.pg_publication p on p.oid = r.prpubid;
  else
    return query select r.prrelid, p.pubname, pg_catalog.concat('published',
        ' (' || (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum) from pg_catalog.pg_attribute a
          where a.attrelid = r.prrelid and a.attnum = any (r.prattrs)) || ')',
        ' where ' || pg_catalog.pg_get_expr(r.prqual, r.prrelid))
      from pg_catalog.pg_publication_rel r join pg_catalog.pg_publication p on p.oid = r.prpubid;
  end if;
end $$;

-- Every object whose relation has one of these names; all when there are none. The settings are those that the texts depend on.
create or replace function bellows.catalog(names text[] default null)
returns table (namespace text, relation text, kind text, name text, definition text)
language sql stable
set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set timezone = 'UTC'
set extra_float_digits = 1 set bytea_output = 'hex' set quote_all_identifiers = off as $$
with home as materialized (
  select n.oid, n.nspname from pg_namespace n
    where n.nspname not in ('information_schema', 'bellows') and n.nspname not like 'pg\_%'
), of_extension as materialized (
  select d.classid, d.objid from pg_depend d where d.deptype = 'e'
), rel as materialized (
  select c.oid, h.nspname, c.relname, c.relkind, c.relpersistence, c.relispartition, c.relpartbound, c.reloptions, c.relreplident,
      c.relrowsecurity, c.relforcerowsecurity, c.relowner, c.relacl
    from pg_class c join home h on h.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and (names is null or c.relname::text in (select unnest(names)))
      and not exists (select from of_extension e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
), tab as materialized (
  select * from rel where relkind in ('r', 'p', 'f')
), own_type as materialized (
  select y.oid, h.nspname, y.typname, y.typtype, y.typrelid, y.typbasetype, y.typtypmod, y.typdefault, y.typnotnull, y.typowner, y.typacl
    from pg_type y join home h on h.oid = y.typnamespace
    where y.typtype in ('e', 'd', 'c', 'r') and (y.typtype <> 'c' or exists (select from pg_class c where c.oid = y.typrelid and c.relkind = 'c'))
      and (names is null or y.typname::text in (select unnest(names)))
      and not exists (select from of_extension e where e.classid = 'pg_type'::regclass and e.objid = y.oid)
), routine as materialized (
  select f.oid, h.nspname, f.proname, case f.prokind when 'p' then 'procedure' else 'function' end as kind,
      pg_get_function_identity_arguments(f.oid) as arguments, f.proowner, f.proacl
    from pg_proc f join home h on h.oid = f.pronamespace
    where f.prokind <> 'a' and (names is null or f.proname::text in (select unnest(names)))
      and not exists (select from of_extension e where e.classid = 'pg_proc'::regclass and e.objid = f.oid)
      -- What comes with a range type is a part of it.
      and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = f.oid and d.deptype = 'i' and d.refclassid = 'pg_type'::regclass)
), part_sequence as materialized (
  -- That of a serial or an identity column is a part of the column.
  select d.objid as oid, d.refobjid as of_table from pg_depend d
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') and d.refobjsubid > 0
)
select t.nspname, t.relname, 'table', '',
    concat(case t.relpersistence when 'u' then 'unlogged ' end,
      case t.relkind when 'p' then 'partitioned by ' || pg_get_partkeydef(t.oid) when 'f' then 'foreign table' else 'table' end,
      (select string_agg(case when t.relispartition then ' partition of ' else ' inherits ' end || i.inhparent::regclass, '' order by i.inhseqno)
        from pg_inherits i where i.inhrelid = t.oid),
      ' ' || pg_get_expr(t.relpartbound, t.oid),
      ' with (' || (select string_agg(o, ', ' order by o) from unnest(t.reloptions) o) || ')',
      case when t.relrowsecurity then ' row level security' end, case when t.relforcerowsecurity then ' forced' end,
      case t.relreplident when 'f' then ' replica identity full' when 'n' then ' replica identity nothing'
        when 'i' then ' replica identity using index ' || (select i.indexrelid::regclass from pg_index i where i.indrelid = t.oid and i.indisreplident) end)
  from tab t
union all
select t.nspname, t.relname, 'column', a.attname,
    concat(format_type(a.atttypid, a.atttypmod),
      ' collate ' || (select a.attcollation::regcollation from pg_type y where y.oid = a.atttypid and a.attcollation not in (0, y.typcollation)),
      case when a.attgenerated <> '' then ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ')' || case a.attgenerated when 's' then ' stored' else ' virtual' end
        else ' default ' || pg_get_expr(d.adbin, d.adrelid) end,
      case a.attidentity when 'a' then ' generated always as identity' when 'd' then ' generated by default as identity' end,
      case when a.attnotnull then ' not null' end)
  from tab t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
union all
-- What a column has of its own, and not from its type. A statistics target of none is -1 before PostgreSQL 17, and NULL since.
select t.nspname, t.relname, 'column settings', a.attname,
    concat_ws(' ', 'statistics ' || nullif(a.attstattarget, -1),
      'storage ' || case when a.attstorage <> y.typstorage then case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end end,
      'compression ' || case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end,
      'with (' || (select string_agg(o, ', ' order by o) from unnest(a.attoptions) o) || ')')
  from tab t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
  join pg_type y on y.oid = a.atttypid
  where a.attstattarget <> -1 or a.attstorage <> y.typstorage or a.attcompression <> '' or a.attoptions is not null
union all
select t.nspname, t.relname, case when a.attname is null then 'table comment' else 'column comment' end, coalesce(a.attname, ''), c.description
  from tab t join pg_description c on c.classoid = 'pg_class'::regclass and c.objoid = t.oid
  left join pg_attribute a on a.attrelid = t.oid and a.attnum = c.objsubid and c.objsubid > 0
union all
-- NOT NULL is said of its column.
select t.nspname, t.relname, 'constraint', k.conname, pg_get_constraintdef(k.oid)
  from tab t join pg_constraint k on k.conrelid = t.oid and k.contype in ('p', 'u', 'f', 'c', 'x') and k.conparentid = 0
union all
select t.nspname, t.relname, 'index', x.relname, pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' (invalid)' end
  from rel t join pg_index i on i.indrelid = t.oid join pg_class x on x.oid = i.indexrelid
  where not x.relispartition and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = t.oid and k.contype in ('p', 'u', 'x'))
union all
select t.nspname, t.relname, 'trigger', g.tgname,
    pg_get_triggerdef(g.oid) || case g.tgenabled when 'D' then ' (disabled)' when 'R' then ' (replica)' when 'A' then ' (always)' else '' end
  from rel t join pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal and g.tgparentid = 0
  join pg_proc f on f.oid = g.tgfoid and f.pronamespace is distinct from to_regnamespace('bellows')
union all
select t.nspname, t.relname, 'policy', p.polname,
    concat(case when p.polpermissive then 'permissive' else 'restrictive' end,
      ' for ', case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
      ' to ', (select string_agg(case when r.role = 0 then 'public' else r.role::regrole::text end, ', ' order by r.role) from unnest(p.polroles) as r (role)),
      ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
  from tab t join pg_policy p on p.polrelid = t.oid
union all
select t.nspname, t.relname, 'rule', w.rulename,
    pg_get_ruledef(w.oid) || case w.ev_enabled when 'D' then ' (disabled)' when 'R' then ' (replica)' when 'A' then ' (always)' else '' end
  from rel t join pg_rewrite w on w.ev_class = t.oid and w.rulename <> '_RETURN'
union all
select t.nspname, t.relname, 'statistics',
    case when h.nspname = t.nspname then s.stxname::text else format('%I.%I', h.nspname, s.stxname) end,
    concat(pg_get_statisticsobjdef(s.oid), ' target ' || nullif(s.stxstattarget, -1))
  from tab t join pg_statistic_ext s on s.stxrelid = t.oid join pg_namespace h on h.oid = s.stxnamespace
union all
select t.nspname, t.relname, 'publication', p.publication, p.definition
  from tab t join bellows.published() p on p.relation = t.oid
union all
select t.nspname, t.relname, 'owner', '', t.relowner::regrole::text from rel t where t.relkind <> 'S'
union all
select g.nspname, g.relname, 'grant', g.grantee, string_agg(distinct g."right", ', ' order by g."right")
  from (
    select t.nspname, t.relname, r.grantee, r."right" from rel t cross join lateral bellows.rights(t.relacl, t.relowner) r
      where t.relkind <> 'S' and t.relacl is not null
    union all
    select t.nspname, t.relname, r.grantee, r."right"
      from rel t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and a.attacl is not null and not a.attisdropped
      cross join lateral bellows.rights(a.attacl, t.relowner, a.attname) r
    union all
    select t.nspname, t.relname, format('%s on sequence %s', r.grantee, s.relname), r."right"
      from part_sequence p join rel t on t.oid = p.of_table join pg_class s on s.oid = p.oid and s.relkind = 'S' and s.relacl is not null
      cross join lateral bellows.rights(s.relacl, s.relowner) r
  ) g
  group by g.nspname, g.relname, g.grantee
union all
select v.nspname, v.relname, case v.relkind when 'v' then 'view' else 'materialized view' end, '',
    concat(pg_get_viewdef(v.oid), ' with (' || (select string_agg(o, ', ' order by o) from unnest(v.reloptions) o) || ')')
  from rel v where v.relkind in ('v', 'm')
union all
select s.nspname, s.relname, 'sequence', '',
    format('%s start %s increment %s from %s to %s%s', format_type(q.seqtypid, null), q.seqstart, q.seqincrement, q.seqmin, q.seqmax, case when q.seqcycle then ' cycle' end)
  from rel s join pg_sequence q on q.seqrelid = s.oid
  where s.oid not in (select p.oid from part_sequence p)
union all
select y.nspname, y.typname, 'type', '',
    case y.typtype
      when 'e' then 'enum (' || (select coalesce(string_agg(quote_literal(l.enumlabel), ', ' order by l.enumsortorder), '') from pg_enum l where l.enumtypid = y.oid) || ')'
      when 'c' then 'composite (' || (select coalesce(string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum), '')
        from pg_attribute a where a.attrelid = y.typrelid and a.attnum > 0 and not a.attisdropped) || ')'
      when 'r' then (select concat('range of ', format_type(g.rngsubtype, null),
          ' collate ' || (select g.rngcollation::regcollation from pg_type u where u.oid = g.rngsubtype and g.rngcollation not in (0, u.typcollation)),
          ' by ' || (select format('%I.%I', n.nspname, o.opcname) from pg_opclass o join pg_namespace n on n.oid = o.opcnamespace where o.oid = g.rngsubopc and not o.opcdefault),
          ' canonical ' || nullif(g.rngcanonical::oid, 0)::regproc, ' difference ' || nullif(g.rngsubdiff::oid, 0)::regproc, ', multirange ', g.rngmultitypid::regtype)
        from pg_range g where g.rngtypid = y.oid)
      else concat('domain over ', format_type(y.typbasetype, y.typtypmod), ' default ' || y.typdefault, case when y.typnotnull then ' not null' end,
        (select string_agg(' constraint ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid), '' order by k.conname)
          from pg_constraint k where k.contypid = y.oid and k.contype = 'c')) end
  from own_type y
union all
select f.nspname, f.proname, f.kind, f.arguments, pg_get_functiondef(f.oid) from routine f
union all
select o.nspname, o.name, o.kind || ' rights', o.arguments,
    concat('owner ', o.owner::regrole, (select string_agg(format(', %s to %s', r."right", r.grantee), '' order by r.grantee, r."right")
      from (select distinct * from bellows.rights(o.acl, o.owner)) r))
  from (
    select s.nspname, s.relname as name, 'sequence' as kind, '' as arguments, s.relowner as owner, s.relacl as acl
      from rel s where s.relkind = 'S' and s.oid not in (select p.oid from part_sequence p)
    union all
    select y.nspname, y.typname, 'type', '', y.typowner, coalesce(y.typacl, acldefault('T', y.typowner)) from own_type y
    union all
    select f.nspname, f.proname, f.kind, f.arguments, f.proowner, coalesce(f.proacl, acldefault('f', f.proowner)) from routine f
  ) o
union all
select o.namespace, o.relation, o.kind, o.name, o.definition from bellows.database_objects(names) o
$$;
