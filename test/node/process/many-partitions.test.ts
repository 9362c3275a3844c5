import { describe, expect, test } from 'vitest'
import { contract, err, expand, migrateData, type Place, play, row, type Scenario } from './scenario.ts'

const parted = (
  count: number,
) => `create table users (id bigint not null, name text not null) partition by range (id);
  do $$ begin for i in 1 .. ${count} loop execute format('create table users_%s partition of users for values from (%s) to (%s)', i, i, i + 1); end loop; end $$;
  insert into users values (1, 'Ada'), (2, 'Bert')`
const REASON = { unsafe: 'nobody works at four' }
const reasons = async ({ database }: Place) =>
  database.query(
    `select distinct hazard ->> 'because' as because from bellows.run, jsonb_path_query(plan::jsonb, '$.steps[*].hazards[*] ? (@.code == "unsafe")') hazard`,
  )
const TOLD = expect.stringContaining('The reason given: ')

const PARTED: readonly Scenario[] = [
  {
    title: 'a copy that holds up very many partitions needs a reason, which the message may give',
    given: parted(200),
    steps: [
      row('without', migrateData('name', 'title'), err(22, /for more than 100 ms somebody has to say why/)),
      async ({ database }) =>
        expect(await database.query('select from bellows.version'), 'nothing is done').toEqual([]),
      row('ill-typed', migrateData('name', 'title', { unsafe: 1 }), err(12, /"unsafe" is not a string/)),
      row(
        'with',
        contract('users', 'name', { to: 'title', with_prerequisites: true, ...REASON }),
        '{"type": "migration_applied", "in_reply_to": N, "version": 3, "name": "remove_name_column", "schema": "users (id, title)"}',
      ),
      async (place) =>
        expect(await reasons(place)).toContainEqual({
          because: expect.stringContaining('The reason given: nobody works at four'),
        }),
    ],
  },

  {
    title: 'a column that came without a reason is taken away again without one',
    given: parted(400),
    steps: [
      row(
        'there',
        expand('users', 'email'),
        '{"type": "migration_applied", "in_reply_to": N, "version": 1, "name": "add_email_column", "schema": "users (id, name, email NULL)", "backward_compatible": true}',
      ),
      async (place) => expect(await reasons(place)).toEqual([]),
      row(
        'back',
        { type: 'rollback' },
        '{"type": "migration_rolled_back", "in_reply_to": N, "version": 1, "name": "add_email_column"}',
      ),
      async (place) => {
        expect(await reasons(place)).toContainEqual({ because: TOLD })
        expect(
          await place.database.query(
            `select attname from pg_attribute where attrelid = 'users'::regclass and attname = 'email'`,
          ),
        ).toEqual([])
      },
    ],
  },
]

describe('a table of very many partitions', () => {
  test.for(PARTED)('$title', (scenario) => play(scenario))
})
