import { describe, expect, test } from 'vitest'
import { catalog } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'

const MIGRATION = {
  name: '0001_test',
  operations: [{ kind: 'rename_column', namespace: 'public', table: 'users', from: 'name', to: 'full_name' }],
} as const

describe('a step whose statements ran', () => {
  test('is done only when what it should bring about holds; otherwise nothing is changed', async () => {
    // Some keep their schemas in order by an event trigger.
    const database = await testDatabase(`create table users (id int primary key, name text);
      create function tidy() returns event_trigger language plpgsql as $$
      declare gone text;
      begin
        for gone in select conname from pg_catalog.pg_constraint where conname ~ '^bellows_proof' loop
          execute pg_catalog.format('alter table public.users drop constraint %I', gone);
        end loop;
      end $$;
      create event trigger tidy on ddl_command_end when tag in ('ALTER TABLE') execute function tidy()`)
    const bellows = await database.bellows()
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    const before = await catalog(database)

    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'verify'))).rejects.toMatchObject({
      code: 'probe_failed',
    })
    expect(await catalog(database)).toEqual(before)

    await database.query('drop event trigger tidy')
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  })
})
