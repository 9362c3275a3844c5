-- Tables as the model in core/schema/model.ts has them. $tables stands for their oids.
select json_build_object(
  'namespace', n.nspname,
  'name', c.relname,
  'kind', case when c.relispartition then 'partition'
    else case c.relkind when 'r' then 'table' when 'p' then 'partitioned' when 'f' then 'foreign' else 'view' end end,
  'inherits', exists (select from pg_inherits i where i.inhparent = c.oid or i.inhrelid = c.oid) and not c.relispartition and c.relkind = 'r',
  'owned', pg_has_role(c.relowner, 'USAGE'),
  'mayReference', has_table_privilege(c.oid, 'REFERENCES'),
  'comment', (select y.description from pg_description y where y.objoid = c.oid and y.classoid = 'pg_class'::regclass and y.objsubid = 0),
  'options', (select coalesce(json_agg(option order by option), '[]') from (
      select unnest(c.reloptions) as option
      union all select 'toast.' || unnest(o.reloptions) from pg_class o where o.oid = c.reltoastrelid) options),
  'replicaIdentity', case c.relreplident when 'n' then 'nothing' when 'f' then 'full' when 'i' then 'index' else 'default' end,
  'publications', coalesce(publishing.names, '[]'),
  'referencedBy', (select coalesce(json_agg(json_build_object('constraint', k.conname,
      'table', json_build_object('namespace', kn.nspname, 'name', kc.relname),
      'identity', format('%I on %I.%I', k.conname, kn.nspname, kc.relname)) order by kn.nspname, kc.relname, k.conname), '[]')
    from pg_constraint k join pg_class kc on kc.oid = k.conrelid join pg_namespace kn on kn.oid = kc.relnamespace
    -- What points at a table depends on it, and that has an index.
    where k.oid in (select p.objid from pg_depend p
        where p.refclassid = 'pg_class'::regclass and p.refobjid = c.oid and p.classid = 'pg_constraint'::regclass)
      and k.confrelid = c.oid and k.conrelid <> c.oid and k.contype = 'f' and k.conparentid = 0),
  'typed', c.reloftype <> 0,
  'rowSecurity', c.relrowsecurity,
  'updateRules', (select coalesce(json_agg(distinct r.rulename order by r.rulename), '[]')
    from (select c.oid as relid union all select y.relid from pg_partition_tree(c.oid) y where y.relid <> c.oid and c.relkind = 'p') t
    cross join lateral (select * from pg_rewrite where ev_class = t.relid offset 0) r where r.ev_type = '2' and r.ev_enabled in ('O', 'A')),
  'grants', (select coalesce(json_agg(json_build_object('grantee', coalesce(r.rolname, 'public'), 'toPublic', g.grantee = 0,
        'privilege', g.privilege_type, 'grantable', g.is_grantable) order by r.rolname nulls first, g.privilege_type, g.is_grantable), '[]')
    from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) g left join pg_roles r on r.oid = g.grantee),
  -- Or on a partition of it, where the rows are.
  'rowSecurityForced', (c.relrowsecurity and c.relforcerowsecurity or c.relkind = 'p' and exists (select from pg_partition_tree(c.oid) t
      join pg_class r on r.oid = t.relid where r.relrowsecurity and r.relforcerowsecurity))
    and not (select rolsuper or rolbypassrls from pg_roles where rolname = current_user),
  'closedPartners', (select coalesce(json_agg(distinct jsonb_build_object('namespace', pn.nspname, 'name', o.relname)), '[]')
    from pg_constraint k join pg_class o on o.oid = k.confrelid join pg_namespace pn on pn.oid = o.relnamespace
    where k.conrelid = c.oid and k.contype = 'f' and not has_table_privilege(o.oid, 'REFERENCES')
      and exists (select from unnest(k.confkey) num where not has_column_privilege(o.oid, num, 'REFERENCES'))),
  'closed', case when has_table_privilege(c.oid, 'REFERENCES') and has_table_privilege(c.oid, 'SELECT') and not row_security_active(c.oid) then '[]'
    else (select coalesce(json_agg(a.attname order by a.attnum), '[]') from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and (row_security_active(c.oid)
      or not has_column_privilege(c.oid, a.attnum, 'REFERENCES') or not has_column_privilege(c.oid, a.attnum, 'SELECT'))) end,
  -- A partitioned table by its partitions.
  'published', publishing.names is not null or c.relkind = 'p' and exists (select from pg_publication p
    cross join lateral pg_get_publication_tables(p.pubname) t where (p.pubupdate or p.pubdelete)
      and t.relid in (select y.relid from pg_partition_tree(c.oid) y)),
  -- A new column comes to each partition as well, of which one may have had more of them.
  'columnSlots', greatest(c.relnatts, (select max(p.relnatts) from pg_partition_tree(c.oid) y join pg_class p on p.oid = y.relid where c.relkind = 'p')),
  'rowsEstimate', c.reltuples::bigint,
  -- As of the last ANALYZE: to look at the file would cost more than all the rest, and wait for whoever has locked the table.
  'bytes', (select coalesce(sum(greatest(f.relpages, 0) + coalesce((select greatest(o.relpages, 0) from pg_class o where o.oid = f.reltoastrelid), 0)), 0)
      from (select c.oid as relid union all select y.relid from pg_partition_tree(c.oid) y where y.relid <> c.oid and c.relkind = 'p') t join pg_class f on f.oid = t.relid)
    * current_setting('block_size')::bigint,
  'parts', (select coalesce(json_agg(json_build_object('namespace', pn.nspname, 'name', p.relname,
      'kind', case p.relkind when 'r' then 'table' when 'p' then 'partitioned' else 'foreign' end,
      'under', json_build_object('namespace', un.nspname, 'name', u.relname),
      'owned', pg_has_role(p.relowner, 'USAGE'),
      'own', (select coalesce(json_agg(json_build_object('what', o.what, 'columns', o.columns) order by o.what), '[]') from (
        select 'the index ' || x.relname || ' of its own' as what, (select coalesce(json_agg(distinct a.attname), '[]') from pg_attribute a
            where a.attrelid = p.oid and a.attnum > 0 and a.attnum = any (i.indkey::smallint[] || array(select d.refobjsubid::smallint from pg_depend d
              where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid and d.refclassid = 'pg_class'::regclass and d.refobjid = p.oid))) as columns
          from pg_index i join pg_class x on x.oid = i.indexrelid where i.indrelid = p.oid
            and (i.indisreplident or i.indisclustered or not exists (select from pg_inherits h where h.inhrelid = x.oid))
        union all select 'the constraint ' || k.conname || ' of its own', (select json_agg(a.attname order by a.attname) from pg_attribute a where a.attrelid = p.oid and a.attnum = any (k.conkey))
          from pg_constraint k where k.conrelid = p.oid and k.contype in ('c', 'f', 'x') and k.conparentid = 0 and k.coninhcount = 0
        union all select 'a primary key of its own', (select json_agg(a.attname order by a.attname) from pg_attribute a where a.attrelid = p.oid and a.attnum = any (k.conkey))
          from pg_constraint k where k.conrelid = p.oid and k.contype = 'p' and k.conparentid = 0
        union all select w.what, json_build_array(a.attname)
          from pg_attribute a join pg_attribute b on b.attrelid = c.oid and b.attname = a.attname
          left join pg_attrdef ad on ad.adrelid = a.attrelid and ad.adnum = a.attnum left join pg_attrdef bd on bd.adrelid = b.attrelid and bd.adnum = b.attnum
          cross join lateral (values ('a NOT NULL of its own', a.attnotnull and not b.attnotnull),
            -- Before PostgreSQL 17 a partition has nothing of the identity of its table.
            ('an identity of its own', exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
              and d.refobjid = p.oid and d.refobjsubid = a.attnum and d.deptype = 'i')),
            ('another default', a.attgenerated = '' and pg_get_expr(ad.adbin, ad.adrelid) is distinct from pg_get_expr(bd.adbin, bd.adrelid)),
            ('grants of its own', a.attacl is not null), ('another statistics target', a.attstattarget is distinct from b.attstattarget), ('options of its own', a.attoptions is not null),
            ('another storage', (a.attstorage, a.attcompression) is distinct from (b.attstorage, b.attcompression)),
            ('a comment of its own', col_description(p.oid, a.attnum) is not null)) w (what, has)
          where a.attrelid = p.oid and a.attnum > 0 and not a.attisdropped and w.has) o)) order by y.level, pg_get_expr(p.relpartbound, p.oid) = 'DEFAULT', pn.nspname, p.relname), '[]')
    from pg_partition_tree(c.oid) y join pg_class p on p.oid = y.relid join pg_namespace pn on pn.oid = p.relnamespace
    join pg_class u on u.oid = y.parentrelid join pg_namespace un on un.oid = u.relnamespace
    where y.relid <> c.oid and c.relkind = 'p'),
  'keyedBy', (select coalesce(json_agg(distinct a.attname), '[]')
    from pg_partition_tree(c.oid) y join pg_partitioned_table k on k.partrelid = y.relid
    join pg_attribute a on a.attrelid = k.partrelid and (a.attnum = any (k.partattrs::smallint[])
      -- A column that an expression of the key names hangs on its table as a whole.
      or exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = k.partrelid and d.objsubid = a.attnum
        and d.refclassid = 'pg_class'::regclass and d.refobjid = k.partrelid and d.refobjsubid = 0))
    where c.relkind = 'p' and a.attnum > 0),
  'neighbours', (select coalesce(json_agg(x.relname order by x.relname), '[]')
    -- Of a long name PostgreSQL may take only the beginning for the name of an index.
    from (select coalesce(case when octet_length(c.relname) > 24 then substring(c.relname from '^[!-~]{1,24}') end, c.relname || '_') as head) h
    cross join lateral (select * from pg_class where relnamespace = c.relnamespace and oid <> c.oid and starts_with(relname, h.head)
      -- By the index on names: up to the character behind the last one.
      and relname >= h.head::name and relname < (left(h.head, -1) || chr(ascii(right(h.head, 1)) + 1))::name offset 0) x),

  'columns', (select coalesce(json_agg(json_build_object(
      'name', a.attname,
      'type', format_type(a.atttypid, a.atttypmod),
      'baseType', format_type(a.atttypid, null),
      'typeKind', case t.typtype when 'b' then 'base' when 'd' then 'domain' when 'c' then 'composite' else 'other' end,
      'typeConstrained', $constrained,
      'collatable', t.typcollation <> 0,
      'collation', case when a.attcollation in (0, t.typcollation) then null
        else (select json_build_object('namespace', cn.nspname, 'name', co.collname)
          from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace where co.oid = a.attcollation) end,
      'nullable', not a.attnotnull,
      'default', case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end,
      'defaultVolatility', null,
      'defaultText', null,
      'generated', case a.attgenerated when '' then 'no' when 's' then 'stored' else 'virtual' end,
      'identity', case a.attidentity when '' then 'no' when 'a' then 'always' else 'by_default' end,
      'comment', comment.description,
      'statisticsTarget', coalesce(a.attstattarget, -1),
      'options', coalesce(to_json(a.attoptions), '[]'),
      'storage', case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'x' then 'extended' else 'main' end,
      'typeStorage', case t.typstorage when 'p' then 'plain' when 'e' then 'external' when 'x' then 'extended' else 'main' end,
      'compression', case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end,
      'grants', case when a.attacl is null then '[]'
        else (select coalesce(json_agg(json_build_object('grantee', coalesce(r.rolname, 'public'), 'toPublic', g.grantee = 0,
          'privilege', g.privilege_type, 'grantable', g.is_grantable) order by r.rolname nulls first, g.privilege_type, g.is_grantable), '[]')
        from aclexplode(a.attacl) g left join pg_roles r on r.oid = g.grantee) end,
      'sequences', coalesce(owned.sequences, '[]')
    ) order by a.attnum), '[]')
    from pg_attribute a
    -- By its oid, one by one: the planner would go through a good part of all types, for every table.
    cross join lateral (select * from pg_type where oid = a.atttypid offset 0) t
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join (select p.refobjsubid as num, json_agg(json_build_object('namespace', sn.nspname, 'name', s.relname) order by s.relname) as sequences
      from pg_depend p join pg_class s on s.oid = p.objid and s.relkind = 'S' join pg_namespace sn on sn.oid = s.relnamespace
      where p.classid = 'pg_class'::regclass and p.refclassid = 'pg_class'::regclass and p.refobjid = c.oid and p.deptype = 'a'
      group by p.refobjsubid) owned on owned.num = a.attnum
    left join (select y.objsubid, y.description from pg_description y
      where y.objoid = c.oid and y.classoid = 'pg_class'::regclass offset 0) comment on comment.objsubid = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),

  'constraints', (select coalesce(json_agg(json_build_object(
      'name', k.conname,
      'kind', case k.contype when 'p' then 'primary_key' when 'u' then 'unique' when 'f' then 'foreign_key' when 'c' then 'check'
        when 'x' then 'exclusion' else 'not_null' end,
      'columns', case cardinality(k.conkey) when 1 then json_build_array((select a.attname from pg_attribute a where a.attrelid = c.oid and a.attnum = k.conkey[1]))
        else (select coalesce(json_agg(a.attname order by array_position(k.conkey, a.attnum)), '[]')
          from pg_attribute a where a.attrelid = c.oid and a.attnum = any (k.conkey)) end,
      'definition', pg_get_constraintdef(k.oid),
      'validated', k.convalidated,
      'deferrable', k.condeferrable,
      'comment', (select y.description from pg_description y where y.objoid = k.oid and y.classoid = 'pg_constraint'::regclass and y.objsubid = 0),
      'index', case when k.contype in ('p', 'u', 'x') then (select x.relname from pg_class x where x.oid = k.conindid) end,
      'references', case when k.confrelid <> 0 then (select json_build_object('namespace', fn.nspname, 'name', f.relname)
        from pg_class f join pg_namespace fn on fn.oid = f.relnamespace where f.oid = k.confrelid) end,
      'partnerParts', case when (select up.relkind from pg_class up where up.oid = k.confrelid) = 'p'
        then (select coalesce(json_agg(json_build_object('namespace', fn.nspname, 'name', f.relname) order by y.level, fn.nspname, f.relname), '[]')
          from pg_partition_tree(k.confrelid) y join pg_class f on f.oid = y.relid join pg_namespace fn on fn.oid = f.relnamespace where y.level > 0) end,
      'under', case when (select up.relkind from pg_class up where up.oid = k.confrelid) = 'p'
        then (with recursive tree as (select k.oid union all select o.oid from pg_constraint o join tree t on o.conparentid = t.oid where o.conrelid = c.oid)
          select coalesce(json_agg(o.conname order by o.conname), '[]') from tree join pg_constraint o on o.oid = tree.oid where o.oid <> k.oid) end,
      'setsDefault', 'd' in (k.confdeltype, k.confupdtype),
      -- Nothing can hang on a constraint that has no index.
      'dependents', case when k.contype not in ('p', 'u', 'x') then '[]' else (select coalesce(json_agg(o.what order by o.what), '[]') from (
        select distinct pg_describe_object(d.classid, d.objid, d.objsubid) as what
          from (values ('pg_constraint'::regclass, k.oid), ('pg_class'::regclass, k.conindid)) r (class, object)
          join pg_depend d on d.refclassid = r.class and d.refobjid = r.object where d.deptype = 'n') o) end
    ) order by k.contype, k.conname), '[]')
    from pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'u', 'f', 'c', 'x', 'n')
      -- A foreign key to a partitioned table has one to each of its partitions under it, which comes and goes with it.
      and (k.conparentid = 0 or k.conrelid <> (select up.conrelid from pg_constraint up where up.oid = k.conparentid))),

  'indexes', (select coalesce(json_agg(json_build_object(
      'name', x.relname,
      'columns', (select coalesce(json_agg(distinct a.attname), '[]') from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and a.attnum = any (i.indkey::smallint[]
          || case when i.indexprs is null and i.indpred is null then '{}' else array(select p.refobjsubid::smallint from pg_depend p
            where p.classid = 'pg_class'::regclass and p.objid = i.indexrelid and p.refclassid = 'pg_class'::regclass and p.refobjid = c.oid) end)),
      -- An expression is called after its function or its cast, as PostgreSQL named it when the index was built.
      'nameParts', (select coalesce(json_agg(coalesce(
          (select a.attname from pg_attribute a where a.attrelid = c.oid and a.attnum = o.num and o.num > 0),
          (select e.attname from pg_attribute e where e.attrelid = i.indexrelid and e.attnum = o.at)) order by o.at), '[]')
        from unnest(i.indkey::smallint[]) with ordinality o (num, at)),
      'definition', pg_get_indexdef(i.indexrelid),
      'unique', i.indisunique,
      'valid', i.indisvalid,
      'constraint', (select k.conname from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x') and k.conrelid = c.oid),
      'comment', (select y.description from pg_description y where y.objoid = i.indexrelid and y.classoid = 'pg_class'::regclass and y.objsubid = 0),
      'tablespace', case when x.reltablespace <> 0 then (select s.spcname from pg_tablespace s where s.oid = x.reltablespace) end,
      'replicaIdentity', i.indisreplident,
      'clustered', i.indisclustered,
      'markedParts', case when x.relkind = 'I' then (select coalesce(json_agg(json_build_object('namespace', pn.nspname, 'name', p.relname,
          'replicaIdentity', m.indisreplident) order by pn.nspname, p.relname), '[]')
        from pg_partition_tree(x.oid) y join pg_index m on m.indexrelid = y.relid join pg_class p on p.oid = m.indrelid join pg_namespace pn on pn.oid = p.relnamespace
        where y.level > 0 and (m.indisreplident or m.indisclustered)) end,
      'foreignKeys', case when not i.indisunique then '[]' else (select coalesce(json_agg(format('%s on %s', quote_ident(k.conname), k.conrelid::regclass) order by 1), '[]')
        -- A foreign key depends on its index, and that has an index.
        from pg_constraint k where k.conindid = i.indexrelid and k.contype = 'f' and k.conparentid = 0 and k.oid in (select p.objid from pg_depend p
          where p.refclassid = 'pg_class'::regclass and p.refobjid = i.indexrelid and p.classid = 'pg_constraint'::regclass)) end
    ) order by x.relname), '[]')
    from pg_index i join pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid),

  'triggers', (select coalesce(json_agg(json_build_object(
      'name', g.tgname,
      'enabled', g.tgenabled <> 'D',
      'rowLevel', (g.tgtype::integer & 1) <> 0,
      'before', (g.tgtype::integer & 2) <> 0,
      'onInsert', (g.tgtype::integer & 4) <> 0,
      'onUpdate', (g.tgtype::integer & 16) <> 0,
      'asksForBackfill', f.prosrc like '%bellows.backfill%' or pg_get_triggerdef(g.oid) like '%bellows.backfill%',
      'text', f.prosrc
    ) order by g.tgname), '[]')
    -- Those of a partition fire beside the ones that it has from its table. Its table is asked for them one by one.
    from (select c.oid as relid union all select y.relid from pg_partition_tree(c.oid) y where y.relid <> c.oid and c.relkind = 'p') t
    cross join lateral (select * from pg_trigger where tgrelid = t.relid offset 0) g join pg_proc f on f.oid = g.tgfoid
    where not g.tgisinternal and g.tgparentid = 0 and f.pronamespace is distinct from to_regnamespace('bellows'))
) as "table"
from pg_class c join pg_namespace n on n.oid = c.relnamespace
-- Once for all of them: a publication lists all that it has. The rows of a partition are those of the tables that it is a part of.
left join (select up.oid, json_agg(distinct p.pubname order by p.pubname) as names from pg_publication p
    cross join lateral pg_get_publication_tables(p.pubname) t
    join (select o.oid, a.relid from unnest(array[$tables]::oid[]) o (oid)
      cross join lateral (select o.oid as relid union select relid::oid from pg_partition_ancestors(o.oid)) a) up on up.relid = t.relid
    where p.pubupdate or p.pubdelete group by up.oid) publishing on publishing.oid = c.oid
where c.oid = any (array[$tables]::oid[])
