import { describe, expect, test } from 'vitest'
import { until } from '../../support/node-process.ts'
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

const register = (instance: unknown, uses: unknown, more: Request = {}): Request => ({
  type: 'register_instance',
  instance,
  uses,
  ...more,
})
const heartbeat = (instance: unknown, more: Request = {}): Request => ({
  type: 'heartbeat',
  instance,
  ...more,
})
const deregister = (instance: unknown): Request => ({ type: 'deregister_instance', instance })
const INSTANCES: Request = { type: 'instances' }

const registered = (instance: string, uses: readonly string[], more = '', leaseMs = 30_000): string =>
  `{"type": "instance_registered", "in_reply_to": N, "instance": "${instance}", "uses": [${uses.map((use) => JSON.stringify(use)).join(', ')}], "lease_ms": ${leaseMs}${more}}`
const alive = (instance: string, more = '', leaseMs = 30_000): string =>
  `{"type": "heartbeat_ok", "in_reply_to": N, "instance": "${instance}", "lease_ms": ${leaseMs}${more}}`
const gone = (instance: string): string =>
  `{"type": "instance_deregistered", "in_reply_to": N, "instance": "${instance}"}`
const NOT_READY = ', "not_ready": ["users.full_name"]'

const state = async ({ database }: Place, instance: string): Promise<unknown> =>
  (
    await database.query('select state, blocks from bellows.needing($1, $2, $3, 0) where instance = $4', [
      'public',
      'users',
      'name',
      instance,
    ])
  )[0]

const hidden = ({ database }: Place): Promise<unknown> => database.query('select name from users limit 1')

const SCENARIOS: readonly Scenario[] = [
  {
    title: 'rows 44, 45, 46, 50: an instance keeps its column until it says that it uses another one',
    args: [],
    steps: [
      row(2, migrateData('name', 'full_name'), COPIED),
      row(44, register('app-1', ['users.name']), registered('app-1', ['users.name'])),
      row(45, contract('users', 'name'), err(22, /app-1/, '"blocking_instances": ["app-1"]')),
      row('45, it can go on', heartbeat('app-1'), alive('app-1')),
      row('45, the column is not retired', heartbeat('app-1', { uses: ['users.name'] }), alive('app-1')),
      row(46, heartbeat('app-1', { uses: ['users.full_name'] }), alive('app-1')),
      row(46, contract('users', 'name'), CONTRACTED),
      row(50, register('app-2', ['users.name']), err(22, /users\.name/i)),
      row('50, heartbeat', heartbeat('app-1', { uses: ['users.name'] }), err(22, /users\.name/i)),
      row('50, as it was before', heartbeat('app-1'), alive('app-1')),
      row('50, nothing was entered', heartbeat('app-2'), err(20, /app-2/)),
    ],
  },
  {
    title: 'row 47: an instance that is silent is not gone',
    args: [],
    steps: [
      row(2, migrateData('name', 'full_name'), COPIED),
      row(
        '44',
        register('app-1', ['users.name'], { lease_ms: 1000 }),
        registered('app-1', ['users.name'], '', 1000),
      ),
      row('44', register('app-2', ['users.name']), registered('app-2', ['users.name'])),
      async (place) =>
        until(async () => JSON.stringify(await state(place, 'app-1')).includes('silent'), 'app-1 is silent'),
      row(
        47,
        contract('users', 'name'),
        err(22, /app-1/, '"blocking_instances": ["app-1", "app-2"], "silent": ["app-1"]'),
      ),
      row(48, deregister('app-2'), gone('app-2')),
      row(
        47,
        contract('users', 'name'),
        err(22, /app-1/, '"blocking_instances": ["app-1"], "silent": ["app-1"]'),
      ),
      row(48, deregister('app-1'), gone('app-1')),
      row('48, and then', contract('users', 'name'), CONTRACTED),
    ],
  },
  {
    title: 'row 47: one that is silent for longer than the grace is gone when no session of it is left',
    args: ['--silent-grace', '1ms'],
    steps: [
      row(2, migrateData('name', 'full_name'), COPIED),
      row(
        '44, with its sessions',
        register('app-1', ['users.name'], { lease_ms: 1000, application_name: 'app/app-1' }),
        registered('app-1', ['users.name'], '', 1000),
      ),
      row(
        '44, without',
        register('app-2', ['users.name'], { lease_ms: 1000 }),
        registered('app-2', ['users.name'], '', 1000),
      ),
      async (place) => {
        const session = await place.database.session('app/app-1')
        await until(
          async () => JSON.stringify(await state(place, 'app-2')).includes('silent'),
          'both are silent',
        )
        const line = await place.node.ask({ ...contract('users', 'name'), msg_id: 100 })
        expect(line, 'a session of it is left').toContain('"blocking_instances": ["app-1", "app-2"]')
        await session.end()
        await until(async () => JSON.stringify(await state(place, 'app-1')).includes('false'), 'it is gone')
      },
      row(
        '47, nobody can tell',
        contract('users', 'name'),
        err(22, /app-2/, '"blocking_instances": ["app-2"], "silent": ["app-2"]'),
      ),
      row(48, deregister('app-2'), gone('app-2')),
      row('47, gone', contract('users', 'name'), CONTRACTED),
    ],
  },
  {
    title: 'rows 48, 49, 51, 53, 54: the registry',
    args: [],
    steps: [
      row(48, deregister('nobody'), gone('nobody')),
      row(49, register('app-1', ['users.full_name']), err(22, /full_name does not exist/)),
      row('49, no such table', register('app-1', ['nowhere.name']), err(22, /nowhere/i)),
      row('49, one of two', register('app-1', ['users.name', 'users.full_name']), err(22, /full_name/)),
      row(51, heartbeat('app-1'), err(20, /app-1/)),
      row('54, nobody', INSTANCES, '{"type": "instances", "in_reply_to": N, "instances": []}'),
      row(44, register('app-1', ['users.name']), registered('app-1', ['users.name'])),
      row(53, register('app-1', ['users.name']), registered('app-1', ['users.name'])),
      row(
        '53, other uses',
        register('app-1', ['users.id', 'users.name']),
        registered('app-1', ['users.id', 'users.name']),
      ),
      row('53, uses nothing', register('app-2', []), registered('app-2', [])),
      row(
        54,
        INSTANCES,
        '{"type": "instances", "in_reply_to": N, "instances": [{"instance": "app-1", "uses": ["users.id", "users.name"], "state": "live", "last_seen_ms_ago": #}, {"instance": "app-2", "uses": [], "state": "live", "last_seen_ms_ago": #}]}',
      ),
      row(48, deregister('app-1'), gone('app-1')),
      row('48, twice', deregister('app-1'), gone('app-1')),
      row('51, after it is gone', heartbeat('app-1'), err(20, /app-1/)),
      row('53, back again', register('app-1', ['users.name']), registered('app-1', ['users.name'])),
      row('1', expand('users', 'full_name'), EXPANDED),
      row(
        '5.7, there and not filled by anybody',
        register('app-2', ['users.full_name']),
        registered('app-2', ['users.full_name']),
      ),
    ],
  },
  {
    title: 'fields of the registry that are missing, ill-typed or impossible',
    args: [],
    steps: [
      row('no instance', register(undefined, ['users.name']), err(12, /instance/)),
      row('an empty instance', register('', ['users.name']), err(12, /instance/)),
      row('a number', register(1, ['users.name']), err(12, /instance/)),
      row('NUL', register('app\0', ['users.name']), err(12, /instance/)),
      row('no uses', register('app-1', undefined), err(12, /uses/)),
      row('uses are no list', register('app-1', 'users.name'), err(12, /uses/)),
      row('a use is a number', register('app-1', [1]), err(12, /uses/)),
      row('a use without a table', register('app-1', ['name']), err(12, /name/)),
      row('a use of four parts', register('app-1', ['a.b.c.d']), err(12, /a\.b\.c\.d/)),
      row('an unbalanced quote', register('app-1', ['users."name']), err(12)),
      row('an empty use', register('app-1', ['']), err(12)),
      row('NUL in a use', register('app-1', ['users.na\0me']), err(12)),
      row('a lease too short', register('app-1', ['users.name'], { lease_ms: 999 }), err(12, /lease_ms/)),
      row(
        'a lease too long',
        register('app-1', ['users.name'], { lease_ms: 86_400_001 }),
        err(12, /lease_ms/),
      ),
      row('a lease of text', register('app-1', ['users.name'], { lease_ms: '30s' }), err(12, /lease_ms/)),
      row('an application of a number', register('app-1', [], { application: 5 }), err(12, /application/)),
      row('heartbeat of nobody', heartbeat(undefined), err(12, /instance/)),
      row('health is no text', heartbeat('app-1', { health: true }), err(12, /health/)),
      row('uses of a heartbeat', heartbeat('app-1', { uses: {} }), err(12, /uses/)),
      row('deregister nobody', deregister(undefined), err(12, /instance/)),
      row('nobody was entered', INSTANCES, '{"type": "instances", "in_reply_to": N, "instances": []}'),
    ],
  },
  {
    title: 'row 52: --require-instances wants to know somebody before the first contract',
    args: ['--require-instances'],
    steps: [
      row(2, migrateData('name', 'full_name'), COPIED),
      row(52, contract('users', 'name'), err(22, /no instance was ever registered/)),
      row('44', register('app-1', ['users.full_name']), registered('app-1', ['users.full_name'])),
      row('52, after', contract('users', 'name'), CONTRACTED),
    ],
  },
  {
    title:
      'row 52, A13: without a word no contract passes on a database of others; the reason why one did is kept',
    args: ['--allow-no-instances'],
    steps: [
      row(2, migrateData('name', 'full_name'), COPIED),
      row('A13', contract('users', 'name'), CONTRACTED),
      async ({ database }) =>
        expect(
          await database.query(
            `select event -> 'overrides' as overrides from bellows.event where event ->> 'type' = 'gate_opened'`,
          ),
        ).toEqual([{ overrides: [{ check: 'leases', reason: '--allow-no-instances' }] }]),
    ],
  },
  {
    title: '5.7: a column that is not filled yet is said to be so, until it is',
    args: [],
    given: `${DEMO};
      create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.05); return null; end $$;
      create trigger slow before update on users for each statement execute function slow()`,
    steps: [
      async (place) => {
        place.node.write(
          `${JSON.stringify({ ...migrateData('name', 'full_name', { batch_size: 50 }), msg_id: 50 })}\n`,
        )
        await until(
          async () =>
            (await place.database.query(`select to_regclass('bellows.checkpoint') as there`))[0]?.there !==
              null && (await place.database.query('select * from bellows.checkpoint')).length > 0,
          'the copy has begun',
        )
        const line = await place.node.ask({
          src: 'app',
          dest: 'n',
          body: { ...register('new-1', ['users.full_name']), msg_id: 1 },
        })
        expect(line).toBe(registered('new-1', ['users.full_name'], NOT_READY).replace('N', '1'))
        expect(await place.node.line()).toBe(COPIED.replace('N', '50'))
      },
      row('5.7, ready', heartbeat('new-1'), alive('new-1')),
    ],
  },
  {
    title: 'row 50: while the column is being retired nobody joins with it, and afterwards nobody had',
    args: [],
    steps: [
      row(2, migrateData('name', 'full_name'), COPIED),
      row('44', register('new-1', ['users.full_name']), registered('new-1', ['users.full_name'])),
      async (place) => {
        const reader = await place.database.session('reader')
        await reader.query('begin; select 1 from users limit 1')
        place.node.write(`${JSON.stringify({ ...contract('users', 'name'), msg_id: 50 })}\n`)
        await until(
          async () =>
            (await place.database.query(`select * from bellows.column_state where state = 'retiring'`))
              .length > 0,
          'the door is closed',
        )
        await hidden(place)
        const line = await place.node.ask({
          src: 'app',
          dest: 'n',
          body: { ...register('old-1', ['users.name']), msg_id: 1 },
        })
        expect(line).toMatch(/"code": 22, "text": "Users\.name is being retired/i)
        const renewed = await place.node.ask({
          src: 'app',
          dest: 'n',
          body: { ...heartbeat('new-1', { uses: ['users.name'] }), msg_id: 2 },
        })
        expect(renewed).toContain('"code": 22')
        await reader.query('commit')
        expect(await place.node.line()).toBe(CONTRACTED.replace('N', '50'))
      },
      row(
        '50, still what it was',
        INSTANCES,
        '{"type": "instances", "in_reply_to": N, "instances": [{"instance": "new-1", "uses": ["users.full_name"], "state": "live", "last_seen_ms_ago": #}]}',
      ),
    ],
  },
]

describe('6.5, instances', () => {
  test.for(SCENARIOS)('$title', (scenario) => play(scenario))
})
