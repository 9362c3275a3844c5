import { describe, expect, test } from 'vitest'
import { rename } from '../../support/rename.ts'
import {
  again,
  CONTRACTED,
  COPIED,
  contract,
  DEMO,
  err,
  expand,
  migrateData,
  type Place,
  play,
  row,
  type Scenario,
} from './scenario.ts'

const USERS = 'create table users (id int primary key, name text)'

const sql =
  (text: string) =>
  ({ database }: Place) =>
    database.query(text)

const count = async ({ database }: Place, condition: string): Promise<number> =>
  Number((await database.query(`select count(*) as n from users where ${condition}`))[0]?.n)

const copied = (version: number, rows: number): string =>
  `{"type": "data_migrated", "in_reply_to": N, "version": ${version}, "rows_migrated": ${rows}}`

const removed = (version: number, schema: string): string =>
  `{"type": "migration_applied", "in_reply_to": N, "version": ${version}, "name": "remove_name_column", "schema": "${schema}"}`

const added = (column: string, schema: string): string =>
  `{"type": "migration_applied", "in_reply_to": N, "version": 1, "name": "add_${column}_column", "schema": "${schema}", "backward_compatible": true}`

const SCENARIOS: readonly Scenario[] = [
  {
    title: 'row 34: what new instances wrote already is left alone and not counted',
    steps: [
      row('34, before', expand('users', 'full_name'), added('full_name', 'users (name, full_name NULL)')),
      sql('update users set full_name = name where id % 10 = 0'),
      row(34, migrateData('name', 'full_name'), copied(2, 900)),
      row(34, contract('users', 'name'), CONTRACTED),
      async (place) => expect(await count(place, `full_name = 'User ' || id`)).toBe(1000),
    ],
  },
  {
    title: 'row 35: where the old column is null there is nothing to copy, and the new one may be null, too',
    given: `${USERS}; insert into users select i, case when i > 10 then 'User ' || i end from generate_series(1, 1000) i`,
    steps: [
      row(35, migrateData('name', 'full_name'), copied(2, 990)),
      row(35, contract('users', 'name'), removed(3, 'users (full_name NULL)')),
    ],
  },
  {
    title: 'row 36: an empty table',
    given: USERS,
    steps: [
      row(36, migrateData('name', 'full_name'), copied(2, 0)),
      row(36, contract('users', 'name'), removed(3, 'users (full_name NULL)')),
      row('36, again', migrateData('name', 'full_name'), again(copied(2, 0))),
    ],
  },
  {
    title: 'row 37: rows that differ stop the contract and are left as they are',
    given: `${DEMO}; alter table users add full_name text; update users set full_name = 'another ' || id where id in (3, 500, 998)`,
    steps: [
      row(37, migrateData('name', 'full_name'), copied(1, 997)),
      row(37, contract('users', 'name'), err(22, /3 rows/, '"diverged_rows": 3, "unfilled_rows": 0')),
      row('37, again', contract('users', 'name'), err(22, /id=3/, '"diverged_rows": 3, "unfilled_rows": 0')),
      async (place) => expect(await count(place, `full_name = 'another ' || id`)).toBe(3),
      sql(`update users set full_name = name where full_name like 'another%'`),
      row('37, mended', contract('users', 'name'), removed(2, 'users (full_name)')),
    ],
  },
  {
    title: 'a row that cannot be filled stops a copy, or is left out where the message says so',
    given: `${DEMO}; update users set name = 'bad' where id = 7;
      create function refused() returns trigger language plpgsql as $$ begin raise 'not that one'; end $$;
      create trigger refused before update on users for each row when (new.name = 'bad') execute function refused()`,
    steps: [
      row('stop', migrateData('name', 'full_name'), err(13, /id=7/, '"rows_done": #')),
      row('neither', migrateData('name', 'full_name', { on_bad_row: 'skip' }), err(10, /"skip"/)),
      row(
        'quarantine',
        migrateData('name', 'full_name', { on_bad_row: 'quarantine' }),
        err(13, /1 row in quarantine/),
      ),
      async (place) => expect(await count(place, 'full_name is null')).toBe(1),
      sql(`update users set name = 'User 7' where id = 7`),
      row('mended', migrateData('name', 'full_name'), copied(2, 999)),
    ],
  },
  {
    title: 'row 39: a batch has a whole number of rows',
    steps: [
      ...[0, -1, 1.5, '10', null, 1e300].map((batch_size) =>
        row(`39, ${batch_size}`, migrateData('name', 'full_name', { batch_size }), err(12, /batch_size/)),
      ),
      row('39, one', migrateData('name', 'full_name', { batch_size: 7 }), COPIED),
    ],
  },
  {
    title: 'rows 40, 41: "copy" is the transform that is meant, and only known ones are taken',
    steps: [
      row(41, migrateData('name', 'full_name', { transform: 'reverse' }), err(10, /reverse/)),
      row('41, SQL', migrateData('name', 'full_name', { transform: 'upper(name)' }), err(10)),
      row('41, more SQL', migrateData('name', 'full_name', { transform: '; drop table users' }), err(10)),
      row('41, not a text', migrateData('name', 'full_name', { transform: 1 }), err(12, /transform/)),
      row('41, inherited', migrateData('name', 'full_name', { transform: 'constructor' }), err(10)),
      row('42, an unknown overlap', migrateData('name', 'full_name', { overlap: 'both' }), err(10, /both/)),
      row(40, migrateData('name', 'full_name', { transform: 'copy' }), COPIED),
      row('40, left out', migrateData('name', 'full_name'), again(COPIED)),
      row(
        '40, not what was done',
        migrateData('name', 'full_name', { transform: 'upper', overlap: 'forward_only' }),
        err(22, /by "copy", not by "upper"/),
      ),
    ],
  },
  {
    title: 'row 40: a copy by an expression, which a migration has begun, is not the one that is meant',
    steps: [
      async ({ database }) => {
        const bellows = await database.bellows()
        const operations = [rename({ up: 'upper(name)', down: 'lower(full_name)' })]
        await bellows.change((driver) => driver.advance({ name: '0001_by_hand', operations }, 'expand'))
      },
      row(40, migrateData('name', 'full_name'), err(22, /by "upper\(name\)", not by "copy"/)),
    ],
  },
  ...(['trim', 'upper', 'lower'] as const).map(
    (transform): Scenario => ({
      title: `row 42: ${transform} has no way back, and the message has to accept that`,
      given: `${USERS}; insert into users select i, ' Us ' || i || ' ' from generate_series(1, 100) i`,
      steps: [
        row(42, migrateData('name', 'full_name', { transform }), err(22, /forward_only/)),
        async ({ database }) => expect(await database.query('select * from bellows.version')).toEqual([]),
        row(
          '42, accepted',
          migrateData('name', 'full_name', { transform, overlap: 'forward_only' }),
          copied(2, 100),
        ),
        async (place) => {
          const wanted = { trim: 'btrim(name)', upper: 'upper(name)', lower: 'lower(name)' }[transform]
          expect(await count(place, `full_name = ${wanted}`)).toBe(100)
          await expect(place.database.query(`update users set full_name = 'x' where id = 1`)).rejects.toThrow(
            /"name" and "full_name"/,
          )
          await place.database.query(`update users set name = ' y ' where id = 1`)
        },
        row(
          '42, registering with the new column',
          { type: 'register_instance', instance: 'new-1', uses: ['users.full_name'] },
          err(22, /full_name/),
        ),
        row(
          '42, registering with the old column',
          { type: 'register_instance', instance: 'old-1', uses: ['users.name'] },
          '{"type": "instance_registered", "in_reply_to": N, "instance": "old-1", "uses": ["users.name"], "lease_ms": 30000}',
        ),
        row(
          '42, gone again',
          { type: 'deregister_instance', instance: 'old-1' },
          '{"type": "instance_deregistered", "in_reply_to": N, "instance": "old-1"}',
        ),
        row('42, the contract', contract('users', 'name'), removed(3, 'users (full_name NULL)')),
        row(
          '42, registering after it',
          { type: 'register_instance', instance: 'new-1', uses: ['users.full_name'] },
          '{"type": "instance_registered", "in_reply_to": N, "instance": "new-1", "uses": ["users.full_name"], "lease_ms": 30000}',
        ),
      ],
    }),
  ),
  {
    title:
      'rows 42, 43: a value that does not fit the new type stops the copy, which goes on when it is corrected',
    given: `create table users (id int primary key, name bigint);
      insert into users select i, case i when 512 then 99999 else i end from generate_series(1, 1000) i`,
    steps: [
      row(
        '43, before',
        expand('users', 'amount', { column_type: 'smallint' }),
        added('amount', 'users (name NULL, amount NULL)'),
      ),
      row('42, no way back', migrateData('name', 'amount'), err(22, /forward_only/)),
      row(
        43,
        { ...migrateData('name', 'amount', { overlap: 'forward_only', batch_size: 50 }), msg_id: 77 },
        err(13, /id=512/, '"rows_done": #'),
      ),
      async (place) => {
        // The row is seen before the first batch.
        expect(/"rows_done": (\d+)/.exec(place.node.stdout())?.[1]).toBe('0')
        expect(await count(place, 'amount is not null')).toBe(0)
        await place.database.query(`update users set name = 512 where id = 512`)
      },
      row(
        '20, 43: the same message is executed again',
        { ...migrateData('name', 'amount', { overlap: 'forward_only', batch_size: 50 }), msg_id: 77 },
        copied(2, 1000),
      ),
      async (place) => expect(await count(place, 'amount = name')).toBe(1000),
    ],
  },
]

describe('6.4, rows', () => {
  test.for(SCENARIOS)('$title', (scenario) => play(scenario))
})
