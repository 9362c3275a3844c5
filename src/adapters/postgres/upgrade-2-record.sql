-- Kinds that version 1 did not record are taken as they are, of what is on record.

insert into bellows.recorded_object (namespace, relation, kind, name, definition)
  select c.namespace, c.relation, c.kind, c.name, c.definition from bellows.catalog() c
    where (c.kind in ('rule', 'publication', 'owner', 'grant') or c.kind like '% rights')
      and (c.namespace, c.relation) in (select r.namespace, r.relation from bellows.recorded_object r);
