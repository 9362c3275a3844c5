import { expect, test } from 'vitest'
import { testDatabase } from '../support/database.ts'
import { MIGRATION, ROWS, SETTINGS, table } from './wide-rows.ts'

const TRIGGERS = `
  create table heard (by_trigger text, id int);
  create function hears() returns trigger language plpgsql as $$ begin insert into public.heard values (tg_name, new.id); return new; end $$;
  create function hears_writers() returns trigger language plpgsql as $$ begin
    if current_setting('bellows.backfill', true) is distinct from 'on' then insert into public.heard values (tg_name, new.id); end if; return new; end $$;
  create trigger all_updates after update on users for each row execute function hears();
  create trigger by_condition after update on users for each row when (current_setting('bellows.backfill', true) is distinct from 'on') execute function hears();
  create trigger by_function before update on users for each row execute function hears_writers();`

test('a trigger of the user fires for the rows that are filled, unless it asks for whom it is', async () => {
  const database = await testDatabase(table(TRIGGERS))
  const writer = await database.session('writer')
  const bellows = await database.bellows({ settings: SETTINGS })
  const heard = () =>
    database.query('select by_trigger as by, count(*)::int as rows from heard group by 1 order by 1')
  await writer.query(`begin; update users set pad = pad || '.' where id = 7; commit`)
  expect(await heard(), 'an application is heard').toEqual([
    { by: 'all_updates', rows: 1 },
    { by: 'by_condition', rows: 1 },
    { by: 'by_function', rows: 1 },
  ])
  const { steps } = await bellows.plan(MIGRATION)
  const listed = steps.flatMap(({ hazards }) => hazards).filter(({ code }) => code === 'user_triggers_fire')
  expect(
    [...new Set(listed.map(({ because }) => because.split(/[:.]/)[0]))],
    'the plan says which of them ask',
  ).toEqual([
    'The trigger all_updates fires for every row that the backfill fills',
    'The trigger by_condition looks at the setting bellows',
    'The trigger by_function looks at the setting bellows',
  ])
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  expect(await heard(), 'the backfill is heard by the first').toEqual([
    { by: 'all_updates', rows: ROWS + 1 },
    { by: 'by_condition', rows: 1 },
    { by: 'by_function', rows: 1 },
  ])
  await writer.query(`update users set pad = pad || '.' where id = 7`)
  expect(await heard(), 'behind it the application is heard as before').toEqual([
    { by: 'all_updates', rows: ROWS + 2 },
    { by: 'by_condition', rows: 2 },
    { by: 'by_function', rows: 2 },
  ])
})
