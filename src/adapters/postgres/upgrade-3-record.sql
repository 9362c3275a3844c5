-- What version 2 did not record is taken as it is, of what is on record: settings and comments of columns, comments of tables, range types.

insert into bellows.recorded_object (namespace, relation, kind, name, definition)
  select namespace, relation, c.kind, name, c.definition
    from bellows.catalog() c join bellows.recorded_object r using (namespace, relation, name)
    where c.kind in ('column settings', 'column comment', 'table comment') and r.kind = pg_catalog.split_part(c.kind, ' ', 1)
  on conflict do nothing;

-- Of a range type it knew the functions that come with it, which are a part of it by now. Of one that has gone they say so further on.
with made as (
  delete from bellows.recorded_object r
    where r.kind = 'function' and r.definition ~ 'AS \$function\$(multi)?range_constructor\d\$function\$'
      and pg_catalog.to_regtype(pg_catalog.format('%I.%I', r.namespace, r.relation)) is not null
    returning r.namespace, r.relation, r.name
)
delete from bellows.recorded_object r using made m
  where (r.namespace, r.relation, r.kind, r.name) = (m.namespace, m.relation, 'function rights', m.name);

insert into bellows.recorded_object (namespace, relation, kind, name, definition)
  select c.namespace, c.relation, c.kind, c.name, c.definition
    from bellows.catalog() c join bellows.catalog() t using (namespace, relation)
    where exists (select from bellows.baseline) and c.kind in ('type', 'type rights') and t.kind = 'type' and t.definition like 'range of %'
  on conflict do nothing;

-- Statistics of several columns, what belongs to no table, and rights on namespaces it did not record.
insert into bellows.recorded_object (namespace, relation, kind, name, definition)
  select c.namespace, c.relation, c.kind, c.name, c.definition from bellows.catalog() c
    where c.kind = 'statistics' and (c.namespace, c.relation) in (select r.namespace, r.relation from bellows.recorded_object r where r.kind = 'table')
      or exists (select from bellows.baseline)
        and (c.kind in ('namespace', 'rights by default', 'extension', 'event trigger', 'aggregate') or c.kind = 'publication' and c.name = '')
  on conflict do nothing;
