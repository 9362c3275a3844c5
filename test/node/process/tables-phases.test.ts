import { describe, expect, test } from 'vitest'
import {
  again,
  CONTRACTED,
  COPIED,
  contract,
  DEMO,
  EXPANDED,
  err,
  expand,
  FRESH,
  migrateData,
  type Place,
  play,
  row,
  type Scenario,
} from './scenario.ts'

/** Row 41 cannot be filled, so a copy by single rows ends with 40. */
const STUMBLING = `${DEMO};
  create function stumble() returns trigger language plpgsql as $$
    begin if new.id = 41 and new.full_name is not null then raise 'not this one'; end if; return new; end $$;
  create trigger zzz_stumble before update on users for each row execute function stumble()`

const smoothed = ({ database }: Place) => database.query('drop trigger zzz_stumble on users')

const history = async ({ database }: Place): Promise<unknown> =>
  database.query(`select version, name, facts -> 'implied' as implied from bellows.version order by version`)

const events = async ({ database }: Place): Promise<number> =>
  Number((await database.query('select count(*) as n from bellows.event'))[0]?.n)

const VERSION_4 =
  '{"type": "migration_applied", "in_reply_to": N, "version": 4, "name": "add_email_column", "schema": "users (full_name, email NULL)", "backward_compatible": true}'
const BACK = [
  '{"type": "migration_applied", "in_reply_to": N, "version": 4, "name": "add_name_column", "schema": "users (full_name, name NULL)", "backward_compatible": true}',
  '{"type": "data_migrated", "in_reply_to": N, "version": 5, "rows_migrated": 1000}',
  '{"type": "migration_applied", "in_reply_to": N, "version": 6, "name": "remove_full_name_column", "schema": "users (name)"}',
] as const
const FORTH = [
  '{"type": "migration_applied", "in_reply_to": N, "version": 7, "name": "add_full_name_column", "schema": "users (name, full_name NULL)", "backward_compatible": true}',
  '{"type": "data_migrated", "in_reply_to": N, "version": 8, "rows_migrated": 1000}',
  '{"type": "migration_applied", "in_reply_to": N, "version": 9, "name": "remove_name_column", "schema": "users (full_name)"}',
] as const

const PHASES: readonly Scenario[] = [
  {
    title: 'rows 1, 2, 3, 10, 16: the three phases, the next change, and each of them again',
    steps: [
      row(1, expand('users', 'full_name'), EXPANDED),
      row(2, migrateData('name', 'full_name'), COPIED),
      row(3, contract('users', 'name'), CONTRACTED),
      row(16, expand('users', 'full_name'), again(EXPANDED)),
      row(16, migrateData('name', 'full_name'), again(COPIED)),
      row(16, contract('users', 'name'), again(CONTRACTED)),
      row(10, expand('users', 'email'), VERSION_4),
    ],
  },
  {
    title: 'row 4: a copy on a fresh table expands first, and the history says that this was implied',
    steps: [
      row(4, migrateData('name', 'full_name'), COPIED),
      async (place) =>
        expect(await history(place)).toEqual([
          { version: 1, name: 'add_full_name_column', implied: true },
          { version: 2, name: 'copy_name_to_full_name', implied: null },
        ]),
      row('4, then 1', expand('users', 'full_name'), again(EXPANDED)),
      row('4, then 3', contract('users', 'name'), CONTRACTED),
    ],
  },
  {
    title: 'row 5: --strict refuses a copy without the column, and nothing is done',
    args: [...FRESH, '--strict'],
    steps: [
      row(5, migrateData('name', 'full_name'), err(22, 'users.full_name does not exist: expand first')),
      async (place) => expect(await history(place)).toEqual([]),
      row('5, then 1', expand('users', 'full_name'), EXPANDED),
      row('5, then 2', migrateData('name', 'full_name'), COPIED),
    ],
  },
  {
    title: 'row 5: "strict" in the message does the same, and wins over the flag',
    steps: [
      row(
        5,
        migrateData('name', 'full_name', { strict: true }),
        err(22, 'users.full_name does not exist: expand first'),
      ),
      row('5, not strict', migrateData('name', 'full_name', { strict: false }), COPIED),
    ],
  },
  {
    title: 'rows 6, 8: no contract before the copy',
    steps: [
      row(6, contract('users', 'name'), err(22, 'users.name has not been copied to a replacement')),
      row('6, then 1', expand('users', 'full_name'), EXPANDED),
      row(8, contract('users', 'name'), err(22, 'users.name has not been copied to a replacement')),
      row('6, only with "to"', contract('users', 'name', { to: 'full_name' }), err(22)),
      row('8, then 2', migrateData('name', 'full_name'), COPIED),
    ],
  },
  {
    title: 'row 7: contract brings along what it needs when it is asked to',
    steps: [
      row(7, contract('users', 'name', { to: 'full_name', with_prerequisites: true }), CONTRACTED),
      async (place) =>
        expect(await history(place)).toEqual([
          { version: 1, name: 'add_full_name_column', implied: true },
          { version: 2, name: 'copy_name_to_full_name', implied: true },
          { version: 3, name: 'remove_name_column', implied: null },
        ]),
      row('7, again', contract('users', 'name', { to: 'full_name' }), again(CONTRACTED)),
      row('7, by another', contract('users', 'name', { to: 'nick' }), err(22, /replaced by full_name/)),
    ],
  },
  {
    title: 'row 7: --implied all says the same for all messages',
    args: [...FRESH, '--implied', 'all'],
    steps: [
      row(
        '7, no "to"',
        contract('users', 'name'),
        err(22, 'users.name has not been copied to a replacement'),
      ),
      row(7, contract('users', 'name', { to: 'full_name' }), CONTRACTED),
    ],
  },
  {
    title: 'row 7: the gate still applies, and is asked before anything is brought along',
    args: [],
    steps: [
      row(
        7,
        contract('users', 'name', { to: 'full_name', with_prerequisites: true }),
        err(22, /no instance was ever registered/),
      ),
      async (place) => expect(await history(place)).toEqual([]),
      row(
        '7, registered',
        { type: 'register_instance', instance: 'app-1', uses: ['users.name'] },
        '{"type": "instance_registered", "in_reply_to": N, "instance": "app-1", "uses": ["users.name"], "lease_ms": 30000}',
      ),
      row(
        '7, blocked',
        contract('users', 'name', { to: 'full_name', with_prerequisites: true }),
        err(22, /app-1/, '"blocking_instances": ["app-1"]'),
      ),
      async (place) => expect(await history(place)).toEqual([]),
    ],
  },
  {
    title: 'row 9: no contract of what is copied in part; the copy goes on where it stopped',
    given: STUMBLING,
    steps: [
      row(
        '9, before',
        migrateData('name', 'full_name', { batch_size: 1 }),
        err(13, /id=41/, '"rows_done": 40'),
      ),
      row(9, contract('users', 'name'), err(22, /users\.name has not been copied/, '"rows_done": 40')),
      row('9, another change', expand('users', 'email'), err(22, /rename_name_to_full_name/)),
      smoothed,
      row('9, after', migrateData('name', 'full_name'), COPIED),
      row('9, then 3', contract('users', 'name'), CONTRACTED),
    ],
  },
  {
    title: 'row 11: two additions',
    steps: [
      row(11, expand('users', 'full_name'), EXPANDED),
      row(
        11,
        expand('users', 'email'),
        '{"type": "migration_applied", "in_reply_to": N, "version": 2, "name": "add_email_column", "schema": "users (name, full_name NULL, email NULL)", "backward_compatible": true}',
      ),
    ],
  },
]

let eventsBefore = 0

const REPEATS: readonly Scenario[] = [
  {
    title: 'rows 12, 13, 14: the same message, the same content, and another body under the same id',
    steps: [
      row(1, { ...expand('users', 'full_name'), msg_id: 1 }, EXPANDED),
      async (place) => {
        eventsBefore = await events(place)
      },
      row(12, { ...expand('users', 'full_name'), msg_id: 1 }, EXPANDED),
      async (place) => expect(await events(place), 'nothing is executed').toBe(eventsBefore),
      row(13, { ...expand('users', 'full_name'), msg_id: 2 }, again(EXPANDED)),
      row('13, its type', expand('users', 'full_name', { column_type: 'text' }), again(EXPANDED)),
      row(
        '13, not its type',
        expand('users', 'full_name', { column_type: 'integer' }),
        err(21, /text.*integer/),
      ),
      row(14, { ...migrateData('name', 'full_name'), msg_id: 1 }, COPIED),
      row('12, the first body once more', { ...expand('users', 'full_name'), msg_id: 1 }, EXPANDED),
      row('12, a refusal', { ...expand('nowhere', 'x'), msg_id: 9 }, err(20)),
      async ({ database }) => database.query('create table public.nowhere (id int primary key)'),
      row('12, a refusal is kept, too', { ...expand('nowhere', 'x'), msg_id: 9 }, err(20)),
    ],
  },
  {
    title: 'row 15: a copy that is done is not done again',
    steps: [
      row('1', expand('users', 'full_name'), EXPANDED),
      row('2', migrateData('name', 'full_name'), COPIED),
      row(15, migrateData('name', 'full_name'), again(COPIED)),
      row('15, with the table', migrateData('name', 'full_name', { table: 'users' }), again(COPIED)),
    ],
  },
  {
    title: 'row 17: there, back, and there again are nine versions',
    steps: [
      row(1, expand('users', 'full_name'), EXPANDED),
      row(2, migrateData('name', 'full_name'), COPIED),
      row(3, contract('users', 'name'), CONTRACTED),
      row(17, expand('users', 'name'), BACK[0]),
      row(17, migrateData('full_name', 'name'), BACK[1]),
      row(17, contract('users', 'full_name'), BACK[2]),
      row('17, a third time', expand('users', 'full_name'), FORTH[0]),
      row('17, a third time', migrateData('name', 'full_name'), FORTH[1]),
      row('17, a third time', contract('users', 'name'), FORTH[2]),
      row('17, again', contract('users', 'name'), again(FORTH[2])),
      row('17, again', migrateData('name', 'full_name'), again(FORTH[1])),
    ],
  },
]

describe('6.1, the three phases', () => {
  test.for(PHASES)('$title', (scenario) => play(scenario))
})

describe('6.2, repeats', () => {
  test.for(REPEATS)('$title', (scenario) => play(scenario))
})
