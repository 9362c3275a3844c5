import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'

const VERSION_1 = readFileSync(new URL('./schema-record-1.sql', import.meta.url), 'utf8')

const SHOP = `
create table users (id int primary key, name text);
create table orders (id int primary key);
grant select on users to pg_monitor;
create rule kept as on delete to users do instead nothing;
create function twice(a int) returns int language sql as 'select a * 2';
alter table users alter name set statistics 100; comment on table users is 'people'; comment on column users.name is 'in full';
create type spans as range (subtype = float8); create type steps as range (subtype = int)`

/** What has other arguments by now, as far as an upgrade has to know it. */
const FUNCTIONS_1 = `
drop function bellows.relation_of(text, text), bellows.users_of(text, text, text, text), bellows.succeed(text, text[], text),
  bellows.needing(text, text, text, bigint, text[], text), bellows.old_roles(text, text, text, text), bellows.strangers(text, text, text, jsonb, text);
create function bellows.users_of(text, text, text) returns setof text language sql as $$select '1'$$;
create function bellows.succeed(text, text[]) returns void language sql as $$select null::void$$;
create function bellows.needing(text, text, text, bigint, text[] default '{}') returns setof text language sql as $$select '1'$$;
create function bellows.old_roles(text, text, text) returns setof text language sql as $$select '1'$$;
create function bellows.strangers(text, text, text, jsonb default null) returns setof text language sql as $$select '1'$$`

/** A database with the journal as version 1 had it. */
async function ofVersion1(): Promise<TestDatabase> {
  const database = await testDatabase(SHOP)
  await (await database.bellows()).install()
  const made = await database.query<{ name: string }>(`
select p.oid::regprocedure::text as name from pg_proc p
  where p.pronamespace = 'bellows'::regnamespace
    and p.proname in ('catalog', 'rights', 'published', 'names_in', 'differing', 'record_schema', 'start_run', 'rename_recorded', 'leave_run', 'take_up_run', 'is_as_left',
      'record_run', 'record_rollback', 'set_baseline')`)
  await database.query(`
drop table bellows.found_object, bellows.left_schema, bellows.recorded_object, bellows.baseline, bellows.backfill_range, bellows.quarantine, bellows.replaced_object, bellows.throttle, bellows.brake, bellows.released_by_hand;
alter table bellows.checkpoint drop column started_at_log, drop column word;
alter table bellows.run drop column names;
${made.map(({ name }) => `drop function ${name}`).join(';\n')};
${VERSION_1};
${FUNCTIONS_1};
update bellows.meta set journal_version = 1`)
  return database
}

/** All of the namespace: columns in their order, functions with their rights, constraints, indexes. */
const shape = (database: TestDatabase) =>
  database.query(`
select concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) as it
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped left join pg_attrdef d on (d.adrelid, d.adnum) = (c.oid, a.attnum)
  where c.relnamespace = 'bellows'::regnamespace
union all
select pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '') from pg_proc p where p.pronamespace = 'bellows'::regnamespace
union all
select concat_ws(' ', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) from pg_constraint k where k.connamespace = 'bellows'::regnamespace
union all
select j.journal_version::text from bellows.meta j
order by 1`)

const ADD: Operation = {
  kind: 'add_column',
  namespace: 'public',
  table: 'users',
  column: 'slug',
  type: 'text',
  nullable: true,
}

describe('a journal of version 1', () => {
  test('becomes the one that is made anew, once, however many come at once', async () => {
    const [old, anew] = [await ofVersion1(), await testDatabase(SHOP)]
    await (await anew.bellows()).install()
    expect(await shape(old)).not.toEqual(await shape(anew))
    const all = await Promise.all(Array.from({ length: 8 }, () => old.bellows()))
    await Promise.all(all.map((bellows) => bellows.install()))
    expect(await shape(old)).toEqual(await shape(anew))
  })

  test('is read and not changed by whoever only looks', async () => {
    const database = await ofVersion1()
    await database.query(`select bellows.set_baseline(0, '{}')`)
    const before = await shape(database)
    const bellows = await database.bellows()
    expect(await bellows.drift()).toMatchObject({ recorded: 'outdated', differences: [] })
    expect(await bellows.runs()).toEqual([])
    expect(await bellows.progress(1)).toBeUndefined()
    expect(await bellows.filling()).toBeUndefined()
    expect(await shape(database)).toEqual(before)
  })

  test('keeps what it knows of drift; what it did not record is taken as it is', async () => {
    const database = await ofVersion1()
    await database.query(`select bellows.set_baseline(0, '{}')`)
    await database.query('alter table users add by_hand int; create table fresh (id int); drop type steps')
    const gone = [
      'function steps integer, integer',
      'function steps integer, integer, text',
      'function steps_multirange',
      'function steps_multirange VARIADIC public.steps[]',
      'function steps_multirange public.steps',
    ]
    const bellows = await database.bellows()
    await bellows.install()
    const drift = async () =>
      (await bellows.drift()).differences.map(({ kind, relation, name }) =>
        `${kind} ${relation} ${name}`.trim(),
      )
    expect(await drift()).toEqual(['table fresh', ...gone, 'column users by_hand'])
    await database.query(`revoke select on users from pg_monitor; drop rule kept on users; drop table fresh;
      alter table users alter name set statistics 10; comment on table users is null; comment on column users.name is null; drop type spans`)
    expect(await drift()).toEqual([
      'type spans',
      ...gone,
      'table comment users',
      'column users by_hand',
      'column comment users name',
      'column settings users name',
      'grant users pg_monitor',
      'rule users kept',
    ])
  })

  test('has a step begin anew that is at a partition, or not at the rows that it tries once; what it has found out stays', async () => {
    const database = await ofVersion1()
    await database.query(`insert into bellows.run (id, migration, plan, plan_hash) overriding system value
        values (7, '0001_test', '{"migration": {"name": "0001_test", "operations": []}, "steps": [{"id": "once", "once": true}, {"id": "once in a part", "once": true}]}', 'x');
      insert into bellows.checkpoint (step, run, state, finished, rows_done, rows_total) select step, 7, state::jsonb, finished, 0, 0 from (values
        ('all', '{"block": 1}', false), ('once', '{"block": 2}', false), ('once in a part', '{"block": 3, "leaf": {"oid": 1}}', false),
        ('in a part', '{"leaf": {"oid": 1}, "verdict": {"wrong": 0}}', false), ('compared', '{"leaf": {"oid": 1}, "verdict": {"wrong": 1}}', true)) s (step, state, finished)`)
    await (await database.bellows()).install()
    expect(await database.query('select step, state from bellows.checkpoint order by step')).toEqual([
      { step: 'all', state: null },
      { step: 'compared', state: { leaf: { oid: 1 }, verdict: { wrong: 1 } } },
      { step: 'in a part', state: null },
      { step: 'once', state: { block: 2 } },
      { step: 'once in a part', state: null },
    ])
  })

  test('with a run under way takes that to its end', async () => {
    const database = await ofVersion1()
    await database.query(`select bellows.set_baseline(0, '{}')`)
    const plan = await (await database.bellows()).plan({ name: '0001_test', operations: [ADD] })
    await database.query('insert into bellows.run (migration, plan, plan_hash) values ($1, $2, $3)', [
      '0001_test',
      JSON.stringify(plan),
      plan.hash,
    ])
    const bellows = await database.bellows()
    await bellows.change((driver) => driver.advance({ name: '0001_test', operations: [ADD] }, 'purge'))
    expect(await bellows.drift()).toMatchObject({ recorded: 'everything', differences: [], atWork: [] })
  })
})
