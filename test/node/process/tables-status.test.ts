import { describe, expect, test } from 'vitest'
import { ROWS_DONE } from '../../support/catalog.ts'
import { until } from '../../support/node-process.ts'
import { rename } from '../../support/rename.ts'
import {
  CONTRACTED,
  COPIED,
  contract,
  DEMO,
  EXPANDED,
  err,
  expand,
  migrateData,
  type Place,
  play,
  type Request,
  row,
  type Scenario,
} from './scenario.ts'

const STATUS: Request = { type: 'status' }
const ROLLBACK: Request = { type: 'rollback' }

const V1 = '{"version": 1, "name": "add_full_name_column", "applied": true}'
const V2 = '{"version": 2, "name": "copy_name_to_full_name", "applied": true}'
const V3 = '{"version": 3, "name": "remove_name_column", "applied": true}'
const pending = (version: string): string => version.replace('true', 'false')

const status = (migrations: readonly string[], schema: string, more = ''): string =>
  `{"type": "migration_status", "in_reply_to": N, "migrations": [${migrations.join(', ')}], "schemas": {${schema === '' ? '' : `"public.users": "${schema}"`}}${more}}`

const rolledBack = (version: number, name: string): string =>
  `{"type": "migration_rolled_back", "in_reply_to": N, "version": ${version}, "name": "${name}"}`

const complete = (from: number, to: number): string =>
  `{"type": "rollback_complete", "in_reply_to": N, "rolled_back_from": ${from}, "rolled_back_to": ${to}, "duration_seconds": #}`

const columns = async ({ database }: Place): Promise<readonly string[]> =>
  (
    await database.query<{ shape: string }>(
      `select column_name || case is_nullable when 'YES' then ' NULL' else '' end as shape
         from information_schema.columns where table_name = 'users' order by ordinal_position`,
    )
  ).map(({ shape }) => shape)

const rowsDone = async ({ database }: Place): Promise<number> =>
  Number((await database.query(ROWS_DONE))[0]?.rows_done ?? 0)

/** As somebody asks from elsewhere, of all runs. */
const throttled = ({ database }: Place, share: number) =>
  database.query(
    `insert into bellows.throttle (run, actor, share) select id, '{"user": "ann"}', ${share} from bellows.run`,
  )

const holds = (wanted: readonly string[]) => async (place: Place) =>
  expect(await columns(place)).toEqual(wanted)

const THREE = [
  row(1, expand('users', 'full_name'), EXPANDED),
  row(2, migrateData('name', 'full_name'), COPIED),
  row(3, contract('users', 'name'), CONTRACTED),
]

const SCENARIOS: readonly Scenario[] = [
  {
    title: 'row 55: the status before and after each phase',
    steps: [
      row('55, fresh', STATUS, status([], '')),
      row(1, expand('users', 'full_name'), EXPANDED),
      row(55, STATUS, status([V1], 'users (name, full_name NULL)')),
      row(2, migrateData('name', 'full_name'), COPIED),
      row('55, after 2', STATUS, status([V1, V2, pending(V3)], 'users (name, full_name NULL)')),
      row(3, contract('users', 'name'), CONTRACTED),
      row('55, after 3', STATUS, status([V1, V2, V3], 'users (full_name)')),
    ],
  },
  {
    title: 'row 56: the status while a copy runs',
    steps: [
      row(1, expand('users', 'full_name'), EXPANDED),
      async (place) => {
        const holder = await place.database.session('holder')
        await holder.query('begin; select 1 from users where id = 41 for update')
        const copy = { ...migrateData('name', 'full_name', { batch_size: 1 }), msg_id: 50 }
        place.node.write(`${JSON.stringify(copy)}\n`)
        await until(async () => (await rowsDone(place)) === 40, '40 rows are done')
        let msg_id = 0
        const told = () => {
          msg_id += 1
          return place.node.ask({ src: 'watcher', dest: 'n', body: { ...STATUS, msg_id } })
        }
        expect(
          (await told())
            .replace(/ "seconds_left": \d+,/, '')
            .replace(/(_second|_bytes|"growth)": [0-9.]+/g, '$1": #'),
        ).toBe(
          status(
            [V1, pending(V2), pending(V3)],
            'users (name, full_name NULL)',
            ', "progress": {"rows_done": 40, "rows_total": 1000, "state": "copying"}, "pace": {"rows_per_second": #, "log_bytes": #, "growth": #, "workers": 1}',
          ).replace('N', '1'),
        )
        await throttled(place, 0.5)
        await until(async () => (await told()).includes('"slowed": ["'), 'the brake is told in the pace')
        await throttled(place, 0)
        await until(async () => (await told()).includes('"held": ["paused by ann"]'), 'the brake is told')
        await throttled(place, 1)
        await holder.query('commit')
        expect(await place.node.line()).toBe(COPIED.replace('N', '50'))
      },
      row('56, after', STATUS, status([V1, V2, pending(V3)], 'users (name, full_name NULL)')),
    ],
  },
  {
    title: 'the status while all rows are compared, here by somebody else',
    steps: [
      async (place) => {
        const bellows = await place.database.bellows()
        const run = { name: '0001_elsewhere', operations: [rename()] }
        await bellows.change((driver) => driver.advance(run, 'backfill'))
        await throttled(place, 0)
        const comparing = bellows.change((driver) => driver.advance(run, 'verify'))
        let msg_id = 0
        await until(async () => {
          msg_id += 1
          const told = await place.node.ask({ src: 'watcher', dest: 'n', body: { ...STATUS, msg_id } })
          return told.includes('"held": ["paused by ann"], "state": "comparing"}')
        }, 'the comparison is told')
        await throttled(place, 1)
        await comparing
      },
    ],
  },
  {
    title: 'row 56: the status after a copy was interrupted',
    given: `${DEMO};
      create function stumble() returns trigger language plpgsql as $$
        begin if new.id = 41 and new.full_name is not null then raise 'not this one'; end if; return new; end $$;
      create trigger zzz_stumble before update on users for each row execute function stumble()`,
    steps: [
      row(2, migrateData('name', 'full_name', { batch_size: 1 }), err(13, /id=41/, '"rows_done": 40')),
      row(
        '56, interrupted',
        STATUS,
        status(
          [V1.replace('}', ', "implied": true}'), pending(V2), pending(V3)],
          'users (name, full_name NULL)',
          ', "progress": {"rows_done": 40, "rows_total": 1000, "state": "interrupted"}, "interrupted": "0002_rename_name_to_full_name"',
        ),
      ),
    ],
  },
  {
    title: 'rows 57, 58: back from 2 and then from 1, and forward again',
    steps: [
      row(1, expand('users', 'full_name'), EXPANDED),
      row(2, migrateData('name', 'full_name'), COPIED),
      row(57, ROLLBACK, rolledBack(2, 'copy_name_to_full_name')),
      row('57, pending', STATUS, status([V1, pending(V2), pending(V3)], 'users (name, full_name NULL)')),
      async ({ database }: Place) =>
        expect(
          await database.query(
            `select (select count(*) from users where full_name = name) as filled,
              (select count(*) from pg_trigger where tgrelid = 'users'::regclass) as triggers`,
          ),
          'data and dual write stay',
        ).toEqual([{ filled: '1000', triggers: '3' }]),
      row('57, no contract', contract('users', 'name'), err(22, /not been copied/, '"rows_done": 1000')),
      row('57, again', migrateData('name', 'full_name'), COPIED),
      row('57, twice', ROLLBACK, rolledBack(2, 'copy_name_to_full_name')),
      row(58, ROLLBACK, rolledBack(1, 'add_full_name_column')),
      holds(['id', 'name']),
      row('58, nothing is left', STATUS, status([], '')),
      row(61, ROLLBACK, err(22)),
      ...THREE,
    ],
  },
  {
    title: 'row 58: what only the new column holds is not dropped',
    steps: [
      row(1, expand('users', 'full_name'), EXPANDED),
      async ({ database }) => database.query(`update users set full_name = 'new' where id = 7`),
      row(58, ROLLBACK, err(22, /full_name/)),
      row('58, nothing was done', STATUS, status([V1], 'users (name, full_name NULL)')),
      row(
        '58, another change can come',
        expand('users', 'email'),
        '{"type": "migration_applied", "in_reply_to": N, "version": 2, "name": "add_email_column", "schema": "users (name, full_name NULL, email NULL)", "backward_compatible": true}',
      ),
      row('58, empty', ROLLBACK, rolledBack(2, 'add_email_column')),
      async ({ database }) => database.query('update users set full_name = null'),
      row('58, emptied', ROLLBACK, rolledBack(1, 'add_full_name_column')),
      holds(['id', 'name']),
    ],
  },
  {
    title: 'row 58: what an instance uses is not dropped, and the refusal changes nothing',
    args: [],
    steps: [
      row(1, expand('users', 'full_name'), EXPANDED),
      row(
        '44',
        { type: 'register_instance', instance: 'new-1', uses: ['users.full_name'] },
        '{"type": "instance_registered", "in_reply_to": N, "instance": "new-1", "uses": ["users.full_name"], "lease_ms": 30000}',
      ),
      row(58, ROLLBACK, err(22, /new-1/, '"blocking_instances": ["new-1"]')),
      row('58, as it was', STATUS, status([V1], 'users (name, full_name NULL)')),
      row('58, the next phase', migrateData('name', 'full_name'), COPIED),
      row('58, from further on', ROLLBACK, rolledBack(2, 'copy_name_to_full_name')),
      row('58, and no further', ROLLBACK, err(22, /new-1/, '"blocking_instances": ["new-1"]')),
      row('58, forward again', migrateData('name', 'full_name'), COPIED),
      row('58, to the end', contract('users', 'name'), CONTRACTED),
    ],
  },
  {
    title: 'row 59: after the contract a run in the opposite direction brings the old column back',
    steps: [
      ...THREE,
      async ({ database }) => database.query(`insert into users (full_name) values ('new one')`),
      row(59, ROLLBACK, rolledBack(3, 'remove_name_column')),
      async ({ database }) => {
        expect(await database.query('select count(*) as n from users where name = full_name')).toEqual([
          { n: '1001' },
        ])
        await database.query(`insert into users (name) values ('old writer')`)
        await database.query(`insert into users (full_name) values ('new writer')`)
      },
      row('59, pending', STATUS, status([V1, V2, pending(V3)], 'users (name, full_name NULL)')),
      row('59, the way of the rollback itself', migrateData('full_name', 'name'), err(22)),
      row('59, contract again', contract('users', 'name'), CONTRACTED),
      async ({ database }) =>
        expect(await database.query(`select full_name from users where id > 1001 order by 1`)).toEqual([
          { full_name: 'new writer' },
          { full_name: 'old writer' },
        ]),
      row('59, back once more', ROLLBACK, rolledBack(3, 'remove_name_column')),
      row('59, further', ROLLBACK, rolledBack(2, 'copy_name_to_full_name')),
      row(
        '59, further, pending',
        STATUS,
        status([V1, pending(V2), pending(V3)], 'users (name, full_name NULL)'),
      ),
      row('59, to the start', ROLLBACK, rolledBack(1, 'add_full_name_column')),
      holds(['id', 'name']),
      row('61', ROLLBACK, err(22)),
    ],
  },
  {
    title:
      'rows 60, 62: back to a version that is named, newest first; the same message again goes back no further',
    steps: [
      ...THREE,
      row('60, not there', { ...ROLLBACK, version: 4 }, err(20, /4/)),
      row('60, no version', { ...ROLLBACK, version: 0 }, err(12, /version/)),
      row('60, no version', { ...ROLLBACK, version: '3' }, err(12, /version/)),
      row(60, { ...ROLLBACK, version: 3, msg_id: 60 }, complete(3, 2)),
      row(62, { ...ROLLBACK, version: 3, msg_id: 60 }, complete(3, 2)),
      row('62, a new msg_id, but with a version', { ...ROLLBACK, version: 3, msg_id: 61 }, err(20, /3/)),
      row('60, forward', contract('users', 'name'), CONTRACTED),
      row(60, { ...ROLLBACK, version: 2 }, complete(3, 1)),
      row('60, status', STATUS, status([V1, pending(V2), pending(V3)], 'users (name, full_name NULL)')),
      row('60, forward', migrateData('name', 'full_name'), COPIED),
      row('60, forward', contract('users', 'name'), CONTRACTED),
      row(60, { ...ROLLBACK, version: 1 }, complete(3, 0)),
      holds(['id', 'name']),
      row('60, from the start', migrateData('name', 'full_name'), COPIED),
    ],
  },
  {
    title: 'row 62: without a version the same message is the same reply, and a new one goes back one more',
    steps: [
      row(1, expand('users', 'full_name'), EXPANDED),
      row(
        11,
        expand('users', 'email'),
        '{"type": "migration_applied", "in_reply_to": N, "version": 2, "name": "add_email_column", "schema": "users (name, full_name NULL, email NULL)", "backward_compatible": true}',
      ),
      row('62, first', { ...ROLLBACK, msg_id: 70 }, rolledBack(2, 'add_email_column')),
      row(62, { ...ROLLBACK, msg_id: 70 }, rolledBack(2, 'add_email_column')),
      row('62, new', { ...ROLLBACK, msg_id: 71 }, rolledBack(1, 'add_full_name_column')),
      row(61, { ...ROLLBACK, msg_id: 72 }, err(22)),
    ],
  },
  {
    title: 'row 60: a rollback that is refused half way does not say that nothing was done',
    args: [],
    steps: [
      row(1, expand('users', 'full_name'), EXPANDED),
      row(2, migrateData('name', 'full_name'), COPIED),
      row(
        '44',
        { type: 'register_instance', instance: 'new-1', uses: ['users.full_name'] },
        '{"type": "instance_registered", "in_reply_to": N, "instance": "new-1", "uses": ["users.full_name"], "lease_ms": 30000}',
      ),
      row(
        '60, refused at 1',
        { ...ROLLBACK, version: 1 },
        err(13, /new-1/, '"blocking_instances": ["new-1"]'),
      ),
      row('60, what stands', STATUS, status([V1, pending(V2), pending(V3)], 'users (name, full_name NULL)')),
      row('60, forward', migrateData('name', 'full_name'), COPIED),
    ],
  },
  {
    title: 'row 60: there and back is taken back version by version',
    steps: [
      ...THREE,
      row(
        17,
        expand('users', 'name'),
        '{"type": "migration_applied", "in_reply_to": N, "version": 4, "name": "add_name_column", "schema": "users (full_name, name NULL)", "backward_compatible": true}',
      ),
      row(
        17,
        migrateData('full_name', 'name'),
        '{"type": "data_migrated", "in_reply_to": N, "version": 5, "rows_migrated": 1000}',
      ),
      row(
        17,
        contract('users', 'full_name'),
        '{"type": "migration_applied", "in_reply_to": N, "version": 6, "name": "remove_full_name_column", "schema": "users (name)"}',
      ),
      row(60, { ...ROLLBACK, version: 4 }, complete(6, 3)),
      holds(['id', 'full_name']),
      row(60, { ...ROLLBACK, version: 1 }, complete(3, 0)),
      holds(['id', 'name']),
    ],
  },
]

describe('6.6, status and rollback', () => {
  test.for(SCENARIOS)('$title', (scenario) => play(scenario))
})
