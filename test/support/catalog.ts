import type { TestDatabase } from './database.ts'

/** The user's catalog as text lines, sorted: what `pg_dump --schema-only` would write, and the names that it leaves out. */
export async function catalog(database: TestDatabase): Promise<string[]> {
  const rows = await database.query<{ line: string }>(CATALOG)
  return rows.map(({ line }) => line)
}

/** Of these lines all keys, and what numbers are made of, but nothing of ours. */
export async function keysOf(database: TestDatabase): Promise<readonly string[]> {
  const lines = await catalog(database)
  return lines.filter((line) => /^(constraint|sequence)|identity a/.test(line) && !line.includes('bellows_'))
}

/** Everything that carries a name of ours, or sits in our namespace without belonging to the journal. */
export async function traces(database: TestDatabase): Promise<string[]> {
  const rows = await database.query<{ line: string }>(`
    select 'column ' || attrelid::regclass || '.' || attname as line from pg_attribute where attname ~ 'bellows' and not attisdropped
    union all select 'relation ' || oid::regclass from pg_class where relname ~ 'bellows' and relnamespace <> 'bellows'::regnamespace
    union all select 'sequence ' || oid::regclass from pg_class where relkind = 'S' and relname ~ 'dual_write'
    union all select 'constraint ' || conname from pg_constraint where conname ~ 'bellows'
    union all select 'trigger ' || tgname from pg_trigger where tgname ~ 'bellows'
    union all select 'function ' || oid::regprocedure from pg_proc where proname ~ 'dual_write'
    union all select 'state of ' || "table" || '.' || "column" from bellows.column_state
    union all select 'checkpoint ' || c.step from bellows.checkpoint c
      where exists (select from bellows.event e where e.run = c.run and e.event ->> 'type' = 'run_rolled_back')
    union all select 'range ' || r.step from bellows.backfill_range r
    union all select 'left out ' || q.name from bellows.quarantine q
    order by 1`)
  return rows.map(({ line }) => line)
}

/** Who may do what: what is nowhere written, because it is as usual, is the same as what is. */
const grants = (acl: string, kind: string, owner: string) =>
  `array(select unnest(coalesce(${acl}, acldefault((${kind})::"char", ${owner})))::text order by 1)`

const OURS = `nspname !~ '^pg_' and nspname not in ('information_schema', 'bellows')`

const CATALOG = `
with spaces as (select oid, nspname from pg_namespace where ${OURS}),
tables as (select c.* from pg_class c join spaces n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'S'))
select line from (
  select format('table %s kind %s replica identity %s options %s toast %s grants %s comment %s', t.oid::regclass, t.relkind, t.relreplident, array(select unnest(t.reloptions) order by 1),
      array(select unnest(o.reloptions) from pg_class o where o.oid = t.reltoastrelid order by 1), 
      ${grants('t.relacl', "case t.relkind when 'S' then 's' else 'r' end", 't.relowner')}, obj_description(t.oid, 'pg_class')) as line from tables t
  union all
  select format('column %s.%s at %s: %s%s%s collation %s storage %s compression %s statistics %s options %s grants %s identity %s generated %s comment %s',
      t.oid::regclass, a.attname, row_number() over (partition by t.oid order by a.attnum), format_type(a.atttypid, a.atttypmod),
      case when a.attnotnull then ' not null' else '' end, ' default ' || pg_get_expr(d.adbin, d.adrelid),
      a.attcollation::regcollation, a.attstorage, a.attcompression, coalesce(a.attstattarget, -1), a.attoptions, array(select unnest(a.attacl)::text order by 1), a.attidentity, a.attgenerated,
      col_description(t.oid, a.attnum))
    from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum where t.relkind <> 'S'
  union all
  select format('constraint %s on %s: %s validated %s comment %s', c.conname, c.conrelid::regclass,
      case when u.shows_no_proof then replace(pg_get_constraintdef(c.oid), ' NOT VALID', '') else pg_get_constraintdef(c.oid) end, c.convalidated or u.shows_no_proof,
      obj_description(c.oid, 'pg_constraint'))
    from pg_constraint c join tables t on t.oid = c.conrelid
    -- Before PostgreSQL 18 VALIDATE proves a foreign key to a partitioned table, and leaves those to its partitions as they are.
    cross join lateral (select current_setting('server_version_num')::integer < 180000
      and exists (select from pg_constraint up where up.oid = c.conparentid and up.conrelid = c.conrelid) as shows_no_proof) u
  union all
  select format('index %s valid %s clustered %s identity %s comment %s', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, i.indisreplident,
      obj_description(i.indexrelid, 'pg_class'))
    from pg_index i join tables t on t.oid = i.indrelid
  union all
  select format('trigger %s enabled %s', pg_get_triggerdef(g.oid), g.tgenabled) from pg_trigger g join tables t on t.oid = g.tgrelid where not g.tgisinternal
  union all
  select format('sequence %s owned by %s.%s', t.oid::regclass, d.refobjid::regclass, a.attname) from tables t
    left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = t.oid and d.deptype in ('a', 'i') and d.refclassid = 'pg_class'::regclass
    left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid where t.relkind = 'S'
  union all
  select format('function %s: %s grants %s', p.oid::regprocedure, case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) end, ${grants('p.proacl', "'f'", 'p.proowner')})
    from pg_proc p join spaces n on n.oid = p.pronamespace
  union all
  select format('policy %s on %s for %s to %s using %s check %s permissive %s comment %s', p.polname, p.polrelid::regclass, p.polcmd, array(select unnest(p.polroles)::regrole::text order by 1),
      pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), p.polpermissive, obj_description(p.oid, 'pg_policy'))
    from pg_policy p join tables t on t.oid = p.polrelid
  union all
  select format('type %s kind %s not null %s default %s grants %s: %s', t.oid::regtype, t.typtype, t.typnotnull, t.typdefault, ${grants('t.typacl', "'T'", 't.typowner')}, coalesce(
      (select string_agg(e.enumlabel, ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
      (select string_agg(format('%s %s validated %s', c.conname, pg_get_constraintdef(c.oid), c.convalidated), ', ' order by c.conname) from pg_constraint c where c.contypid = t.oid)))
    from pg_type t join spaces n on n.oid = t.typnamespace where t.typtype in ('e', 'd')
  union all
  select format('namespace %s grants %s', n.nspname, ${grants('n.nspacl', "'n'", 'n.nspowner')}) from spaces s join pg_namespace n on n.oid = s.oid
  union all
  select format('view %s: %s', t.oid::regclass, pg_get_viewdef(t.oid)) from tables t where t.relkind in ('v', 'm')
) all_lines order by line`

/** How many rows all backfills have set, those of ranges that are not closed yet among them; fails where there is no journal. */
export const ROWS_DONE =
  'select (select coalesce(sum(rows_done), 0) from bellows.checkpoint) + (select coalesce(sum(rows_done), 0) from bellows.backfill_range) as rows_done'
