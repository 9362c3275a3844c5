-- Compares the schema with its record. Made anew by every upgrade of the journal: see journal.ts ------------------------------

-- Every name that a plan contains. What a run has to do with an object is told by that, whatever its operations are.
create or replace function bellows.names_in(plan jsonb) returns text[] language sql immutable as $$
  with said as (
    select distinct value #>> '{}' as it from pg_catalog.jsonb_path_query(plan, 'strict $.** ? (@.type() == "string")') as value
  )
  select coalesce(pg_catalog.array_agg(distinct name), '{}') from (
    select it as name from said where pg_catalog.octet_length(it) <= 63
    union
    select pg_catalog.replace(quoted[1], '""', '"') from said cross join lateral pg_catalog.regexp_matches(it, '"((?:[^"]|"")+)"', 'g') as quoted
    union
    select word from said cross join lateral pg_catalog.regexp_split_to_table(it, '[^\w$]+') as word where word <> ''
  ) names
$$;

-- May a plan with these names change namespaces or rights by default? Nearly every plan names a namespace, and few have to do with it.
create or replace function bellows.names_rights_of_namespaces(names text[]) returns boolean language sql immutable as $$
  select exists (select from pg_catalog.unnest(names) word where pg_catalog.lower(word) in ('sql', 'schema', 'privileges'))
$$;

-- What is not as it is on record, and by which major version that was printed, of all or of the relations with these names. Where there is no baseline a relation that nobody has
-- recorded counts for nothing.
create or replace function bellows.differing(names text[] default null)
returns table (namespace text, relation text, kind text, name text, recorded text, found text, printed_by integer, counts boolean)
language sql stable as $$
  -- Asked for once: where the function is inlined its argument may be an expression that costs more than all the rest.
  with asked as materialized (select differing.names, bellows.names_rights_of_namespaces(differing.names) as of_namespaces)
  select namespace, relation, kind, name, r.definition, f.definition, r.printed_by,
      exists (select from bellows.baseline) or r.definition is not null
        or (f.namespace, f.relation) in (select o.namespace, o.relation from bellows.recorded_object o where o.name = '')
    from bellows.catalog((select a.names from asked a)) f
    full join (
      select * from bellows.recorded_object o
        where (select a.names from asked a) is null or o.relation in (select pg_catalog.unnest(a.names) from asked a)
          or o.kind in ('namespace', 'rights by default')
    ) r using (namespace, relation, kind, name)
    where f.definition is distinct from r.definition
      -- Those of a role in all namespaces are changed without a name.
      and ((select a.names from asked a) is null or kind not in ('namespace', 'rights by default')
        or (select a.of_namespaces from asked a) and (namespace = '' or namespace in (select pg_catalog.unnest(a.names) from asked a)))
$$;

-- Takes what is there as what should be, of all or of the relations with these names, but for what a run found so already. What was
-- missing of a table or a column that the run itself has dropped is missing no more.
create or replace function bellows.record_schema(names text[] default null, run bigint default null, known boolean default false)
returns void language sql as $$
  with differing as materialized (
    select d.*, exists (select from bellows.found_object o
        where (o.run, o.namespace, o.relation, o.kind, o.name) = (record_schema.run, d.namespace, d.relation, d.kind, d.name)
          and o.definition is not distinct from d.found) as stood
      from bellows.differing(names) d where d.counts or not record_schema.known
  ), own as materialized (
    select * from differing d
      where not d.stood or d.found is null and exists (select from differing w
        where (w.namespace, w.relation) = (d.namespace, d.relation) and w.found is null and not w.stood
          and (w.name = '' and w.kind in ('table', 'view', 'materialized view')
            or w.name = d.name and w.kind = 'column' and d.kind in ('column settings', 'column comment')))
  ), gone as (
    delete from bellows.recorded_object r using own
      where own.found is null and (r.namespace, r.relation, r.kind, r.name) = (own.namespace, own.relation, own.kind, own.name)
  )
  insert into bellows.recorded_object (namespace, relation, kind, name, definition)
    select namespace, relation, kind, name, found from own where found is not null
    on conflict (namespace, relation, kind, name) do update set definition = excluded.definition, printed_by = excluded.printed_by
$$;

-- Begins a run, and remembers what somebody had changed by then of the relations that its plan names.
create or replace function bellows.start_run(migration text, parts text[], plan jsonb, plan_hash text) returns bigint language plpgsql as $$
declare
  begun bigint;
begin
  insert into bellows.run (migration, parts, plan, plan_hash, names)
    values (start_run.migration, start_run.parts, start_run.plan, start_run.plan_hash, bellows.names_in(start_run.plan)) returning id into begun;
  insert into bellows.found_object (run, namespace, relation, kind, name, definition)
    select begun, d.namespace, d.relation, d.kind, d.name, d.found
      from bellows.differing((select r.names from bellows.run r where r.id = begun)) d where d.counts;
  return begun;
end $$;

-- Is the object as the driver of a run left it?
create or replace function bellows.is_as_left(objects jsonb, place text[], found text) returns boolean language sql immutable as $$
  select objects ? place::text and objects ->> place::text is not distinct from found
$$;

create or replace function bellows.leave_run(run bigint) returns void language sql as $$
  insert into bellows.left_schema
    select r.id, coalesce(pg_catalog.jsonb_object_agg(array[d.namespace, d.relation, d.kind, d.name]::text, d.found) filter (where d.counts), '{}')
      from bellows.run r left join lateral bellows.differing(r.names) d on true
      where r.id = leave_run.run and not r.recorded group by r.id
    on conflict on constraint left_schema_pkey do update set objects = excluded.objects
$$;

-- What is not as the last driver of a run left it somebody else has changed.
create or replace function bellows.take_up_run(run bigint) returns void language sql as $$
  with taken as (
    delete from bellows.left_schema l using bellows.run r where l.run = take_up_run.run and r.id = l.run returning r.names, l.objects
  )
  insert into bellows.found_object
    select take_up_run.run, d.namespace, d.relation, d.kind, d.name, d.found
      from taken cross join lateral bellows.differing(taken.names) d
      where d.counts and not bellows.is_as_left(taken.objects, array[d.namespace, d.relation, d.kind, d.name], d.found)
    on conflict on constraint found_object_pkey do update set definition = excluded.definition
$$;

-- What a run renamed keeps its record under the new name, so that what somebody had changed of it still differs.
create or replace function bellows.rename_recorded(operation jsonb) returns void language plpgsql as $$
declare
  home text := operation ->> 'namespace';
  "table" text := operation ->> 'table';
  target text := operation ->> 'to';
  -- A function or a type of the same name is another thing.
  parts text[] := '{table,table comment,column,column settings,column comment,constraint,index,trigger,policy,rule,statistics,publication,owner,grant}';
  of_column text[] := '{column,column settings,column comment}';
  place text;
begin
  foreach place in array '{recorded_object,found_object}'::text[] loop
    if operation ->> 'kind' = 'rename_table' then
      execute pg_catalog.format('delete from bellows.%I o where (o.namespace, o.relation) = ($1, $3) and o.kind = any ($4)
        and exists (select from bellows.%1$I s where (s.namespace, s.relation) = ($1, $2) and s.kind = any ($4))', place)
        using home, "table", target, parts;
      execute pg_catalog.format('update bellows.%I o set relation = $3 where (o.namespace, o.relation) = ($1, $2) and o.kind = any ($4)', place)
        using home, "table", target, parts;
    elsif operation ->> 'kind' = 'rename_column' then
      execute pg_catalog.format('delete from bellows.%I o where (o.namespace, o.relation, o.name) = ($1, $2, $3) and o.kind = any ($5)
        and exists (select from bellows.%1$I s where (s.namespace, s.relation, s.name) = ($1, $2, $4) and s.kind = any ($5))', place)
        using home, "table", target, operation ->> 'from', of_column;
      execute pg_catalog.format('update bellows.%I o set name = $3 where (o.namespace, o.relation, o.name) = ($1, $2, $4) and o.kind = any ($5)', place)
        using home, "table", target, operation ->> 'from', of_column;
    end if;
  end loop;
end $$;

-- What a completed run has left. Behind its end and not within: its last transaction holds a lock that stops everybody.
create or replace function bellows.record_run(run bigint) returns void language plpgsql as $$
declare
  plan jsonb;
  names text[];
begin
  update bellows.run r set recorded = true where r.id = record_run.run and not r.recorded returning r.plan, r.names into plan, names;
  if found then
    perform bellows.rename_recorded(o) from pg_catalog.jsonb_array_elements(plan #> '{migration,operations}') o;
    perform bellows.record_schema(names, run);
    delete from bellows.found_object o where o.run = record_run.run;
    delete from bellows.left_schema l where l.run = record_run.run;
  end if;
end $$;

-- A run that was taken back has left nothing but what some of its steps said would stay, such as a value of an enum or a wider type.
create or replace function bellows.record_rollback(run bigint) returns void language plpgsql as $$
declare
  staying jsonb;
begin
  select pg_catalog.jsonb_agg(s -> 'statements') into staying
    from bellows.run r cross join lateral pg_catalog.jsonb_array_elements(r.plan -> 'steps') s
    where r.id = record_rollback.run and s -> 'hazards' @@ '$[*].code like_regex "^stays"'
      and exists (select from bellows.event e where e.run = r.id and e.event @> pg_catalog.jsonb_build_object('type', 'step_done', 'step', s -> 'id'));
  if staying is not null then
    perform bellows.record_schema(bellows.names_in(staying), run, known => true);
  end if;
  delete from bellows.found_object o where o.run = record_rollback.run;
  delete from bellows.left_schema l where l.run = record_rollback.run;
end $$;

create or replace function bellows.set_baseline(epoch bigint, files jsonb) returns void language sql as $$
  insert into bellows.baseline (epoch, files, last_run)
    values (set_baseline.epoch, set_baseline.files, (select coalesce(max(r.id), 0) from bellows.run r));
  update bellows.run set recorded = true where not recorded;
  delete from bellows.found_object;
  delete from bellows.left_schema;
  select bellows.record_schema();
  update bellows.recorded_object set printed_by = default where printed_by <> pg_catalog.current_setting('server_version_num')::integer / 10000;
$$;

revoke execute on function bellows.set_baseline(bigint, jsonb), bellows.start_run(text, text[], jsonb, text), bellows.leave_run(bigint), bellows.take_up_run(bigint),
    bellows.rename_recorded(jsonb),    bellows.record_schema(text[], bigint, boolean), bellows.record_run(bigint), bellows.record_rollback(bigint)
  from public;
