import { describe, expect, test } from 'vitest'
import { brownoutAbsent, brownoutCheck } from '../../../src/core/gate/brownout.ts'
import type { GateRules } from '../../../src/core/gate/check.ts'
import { clientsCheck, type DeclaredClient } from '../../../src/core/gate/clients.ts'
import { dependentsCheck } from '../../../src/core/gate/dependents.ts'
import { leasesCheck, type Needing } from '../../../src/core/gate/leases.ts'
import { type Replay, replaySentence } from '../../../src/core/gate/replay.ts'
import type { Replication } from '../../../src/core/gate/replications.ts'
import { type Stranger, sessionsCheck } from '../../../src/core/gate/sessions.ts'
import { type OldTransaction, transactionsCheck } from '../../../src/core/gate/transactions.ts'
import { COLUMN, client, oldTransaction, RULES, replay, stranger } from './facts.ts'

const SEEN = { unseen: [] }
const NAMED_ONLY: GateRules = { ...RULES, unregistered: 'allow' }

describe('leases', () => {
  test('of what nobody declares are told by the version that is to stay, where somebody has said which', () => {
    const needing: readonly Needing[] = [
      { instance: 'old', state: 'live', blocks: true, version: 'v1' },
      { instance: 'mute', state: 'live', blocks: true, version: null },
    ]
    const told = (staying: { readonly version?: string }) =>
      leasesCheck('the index i', { needing, everRegistered: true, staying }, RULES)
    expect(told({ version: 'v2' })).toMatchObject({
      state: 'red',
      because: [
        'the instance "old" may use the index i: it is of "v1", and not "v2"',
        'the instance "mute" may use the index i: it is of a version that it does not say, and not "v2"',
      ],
    })
    expect(told({})).toMatchObject({ state: 'unknown', code: 'instances_blocking' })
  })

  const live: Needing = {
    instance: 'web-1',
    state: 'live',
    blocks: true,
    application: 'shop',
    role: 'app',
    address: '10.0.0.3',
    pid: 4711,
    firstSeen: '2026-11-24T20:00:00+00:00',
    lastSeen: '2026-11-24T20:01:00+00:00',
  }
  const check = (...needing: readonly Needing[]) =>
    leasesCheck(COLUMN, { needing, everRegistered: true }, RULES)

  test('are red for one that is there, and tell everything that is known of it', () => {
    expect(check(live)).toEqual({
      check: 'leases',
      state: 'red',
      code: 'instances_blocking',
      because: [`the instance "web-1" uses ${COLUMN}`],
      offenders: [
        {
          who: 'the instance "web-1"',
          application: 'shop',
          role: 'app',
          address: '10.0.0.3',
          pid: 4711,
          firstSeen: '2026-11-24T20:00:00+00:00',
          lastSeen: '2026-11-24T20:01:00+00:00',
          fix: 'deploy the new version in its place, or stop it; if it is surely gone: bellows instances release web-1 --reason "<why>"',
        },
      ],
      hint: 'Update or stop them; of one that is surely gone say so: bellows instances release web-1 --reason "<why>"',
    })
  })

  test('are red for a silent one that may still be there, and leave out what is not known of it', () => {
    const silent: Needing = { ...live, state: 'silent', address: null, pid: null }
    const red = check(silent)
    expect(red.because).toEqual([
      `the instance "web-1" is silent but not known to be gone; it uses ${COLUMN}`,
    ])
    expect(red.offenders[0]).not.toHaveProperty('pid')
    expect(red.offenders[0]?.fix).toBe('if it is surely gone: bellows instances release web-1')
  })

  test('name only those that still stand against it', () => {
    const silentGone: Needing = { ...live, instance: 'web-0', state: 'silent', blocks: false }
    expect(check(silentGone, live).because).toEqual([`the instance "web-1" uses ${COLUMN}`])
    expect(check(silentGone)).toMatchObject({
      state: 'green',
      because: [
        'the instance "web-0" is silent, its grace is over and no session of it is left',
        `no instance uses ${COLUMN}`,
      ],
    })
  })

  test('are not known when nobody ever registered', () => {
    expect(leasesCheck(COLUMN, { needing: [], everRegistered: false }, RULES)).toMatchObject({
      state: 'unknown',
      code: 'gate_closed',
      because: [`no instance was ever registered, so nobody knows whether one uses ${COLUMN}`],
      hint: `Have the application register (import { announce } from 'bellows/app', or select bellows.register(...)), or take the responsibility: --allow-no-instances "<why>"`,
    })
  })

  test('are not known when nobody who registered uses the table', () => {
    const facts = { needing: [], everRegistered: false, registeredElsewhere: true } as const
    const overrides = [{ check: 'leases', reason: 'nothing runs' }] as const
    expect(leasesCheck(COLUMN, facts, { ...RULES, overrides })).toMatchObject({
      state: 'unknown',
      overridden: 'nothing runs',
      because: [
        `no instance was ever registered that uses anything of the table, so nobody knows whether one uses ${COLUMN}`,
      ],
    })
  })
})

describe('sessions', () => {
  const of = (strangers: readonly Stranger[], rules = RULES) =>
    sessionsCheck(COLUMN, { strangers, unseen: [] }, rules)

  test('of somebody unknown are red, with the command that declares the client', () => {
    expect(of([stranger])).toEqual({
      check: 'sessions',
      state: 'red',
      code: 'gate_closed',
      because: [
        `the session 4711 of "app" from 10.0.0.3, called "report", is of no registered instance; it may use ${COLUMN}`,
      ],
      offenders: [
        {
          who: 'the session 4711',
          application: 'report',
          role: 'app',
          address: '10.0.0.3',
          pid: 4711,
          firstSeen: '2026-11-24T20:00:00+00:00',
          fix: 'bellows clients add <name> --role app --owner <who>, or end it: select pg_terminate_backend(4711)',
        },
      ],
      hint: 'Have it register, or end it; of a client that does not need the column say so: bellows clients add <name> --role app --owner <who>, then bellows clients acknowledge <name>',
    })
  })

  test('without a name or an address are told as such', () => {
    const [because] = of([{ ...stranger, application: '', address: null }]).because
    expect(because).toBe(
      `the session 4711 of "app", without an application_name, is of no registered instance; it may use ${COLUMN}`,
    )
  })

  test('that a released instance left behind are red, and of nobody who could be declared', () => {
    const left = { ...stranger, instance: 'web-1' }
    expect(of([left])).toMatchObject({
      state: 'red',
      because: [`the instance "web-1" was released, and its session 4711 is still there; it used ${COLUMN}`],
      offenders: [{ fix: 'select pg_terminate_backend(4711)' }],
      hint: 'End what is left of them.',
    })
  })

  test('of a role of the old version are red, whatever they are called', () => {
    const old = { ...stranger, role: 'shop_v1', application: 'shop/new-1', ofOldRole: true }
    expect(of([stranger, old])).toMatchObject({
      state: 'red',
      because: [
        expect.stringContaining('is of no registered instance'),
        `the session 4711 of "shop_v1" from 10.0.0.3, called "shop/new-1", is of the old version: only instances that use ${COLUMN} log in as "shop_v1"`,
      ],
      offenders: [{}, { role: 'shop_v1', pid: 4711, fix: 'select pg_terminate_backend(4711)' }],
      hint: expect.stringMatching(
        /^Stop whatever logs in as "shop_v1".*RECONNECT.*: alter role "shop_v1" nologin$/,
      ),
    })
  })

  test('on a standby are red as well, and not known where it cannot be asked', () => {
    expect(of([{ ...stranger, standby: 'postgres://replica/shop' }])).toMatchObject({
      state: 'red',
      because: [
        expect.stringContaining(' of "app" from 10.0.0.3 on postgres://replica/shop, called "report"'),
      ],
      offenders: [
        {
          who: 'the session 4711 on postgres://replica/shop',
          fix: expect.stringContaining('on the standby: select pg_terminate_backend(4711)'),
        },
      ],
    })
    const unseen = [{ standby: 'postgres://replica/shop', why: 'refused' }]
    const because = 'the sessions on postgres://replica/shop are not known: refused'
    expect(sessionsCheck(COLUMN, { strangers: [], unseen }, RULES)).toMatchObject({
      state: 'unknown',
      because: [because],
      hint: 'List only standbys that can be reached from here.',
    })
    expect(sessionsCheck(COLUMN, { strangers: [stranger], unseen }, RULES)).toMatchObject({
      state: 'red',
      because: [expect.anything(), because],
    })
    expect(sessionsCheck(COLUMN, { strangers: [], unseen }, NAMED_ONLY).state).toBe('green')
  })

  test('are only named where the owner has decided so', () => {
    expect(of([stranger], NAMED_ONLY)).toMatchObject({
      state: 'green',
      because: [expect.stringContaining('the session 4711')],
      offenders: [{ pid: 4711 }],
    })
    expect(of([]).state).toBe('green')
  })
})

describe('transactions', () => {
  const of = (transactions: readonly OldTransaction[], rules = RULES) =>
    transactionsCheck(COLUMN, { transactions, replays: [], sessions: SEEN }, rules)

  test('from before the door was closed are red', () => {
    expect(of([oldTransaction])).toMatchObject({
      state: 'red',
      because: [
        `the session 4712 of "app" is in a transaction since 2026-11-24T19:00:00+00:00 and has used the table of ${COLUMN}`,
      ],
      offenders: [{ pid: 4712, fix: 'wait, or end it: select pg_terminate_backend(4712)' }],
    })
    expect(of([{ ...oldTransaction, holds: false }]).because).toEqual([
      `the session 4712 of "app" is in a transaction since 2026-11-24T19:00:00+00:00 and may use ${COLUMN}`,
    ])
  })

  test('that were prepared are named by what ends them', () => {
    const prepared = { ...oldTransaction, pid: null, prepared: "it's" }
    expect(of([prepared])).toMatchObject({
      because: [
        `the prepared transaction "it's" of "app" since 2026-11-24T19:00:00+00:00 holds the table of ${COLUMN}`,
      ],
      offenders: [{ fix: "end it: rollback prepared 'it''s'; or: commit prepared 'it''s'" }],
    })
  })

  test('that cannot be seen are not taken for none', () => {
    const hidden = { ...oldTransaction, since: null, hidden: true }
    expect(of([hidden, { ...hidden, pid: 4713 }])).toMatchObject({
      state: 'unknown',
      because: ['2 sessions of "app" do not show this role when their transactions began'],
      hint: 'Let this role see what others do: grant pg_read_all_stats to <role>',
    })
    expect(of([hidden, oldTransaction]).state).toBe('red')
  })

  test('are only named where the owner has decided so, but for those on a standby', () => {
    const idle = { ...oldTransaction, pid: 4713, holds: false }
    expect(of([idle], NAMED_ONLY)).toMatchObject({ state: 'green', offenders: [{ pid: 4713 }] })
    expect(of([]).state).toBe('green')
    expect(of([oldTransaction], NAMED_ONLY).state).toBe('green')
    const there = { ...oldTransaction, standby: 'the replica' }
    expect(of([idle, there], NAMED_ONLY)).toMatchObject({ state: 'red', offenders: [{}, {}] })
    // It may have begun a moment ago.
    expect(of([{ ...oldTransaction, hidden: true }], NAMED_ONLY).state).toBe('green')
  })

  test.each([RULES, NAMED_ONLY])('on a standby that does not answer are not taken for none', (rules) => {
    const sessions = { unseen: [{ standby: 'postgres://replica/shop', why: 'refused' }] }
    const told = (...transactions: readonly OldTransaction[]) =>
      transactionsCheck(COLUMN, { transactions, replays: [], sessions }, rules)
    expect(told()).toMatchObject({
      state: 'unknown',
      because: ['the transactions on postgres://replica/shop are not known: refused'],
      hint: 'List only standbys that can be reached from here.',
    })
    expect(told({ ...oldTransaction, holds: false }).state).not.toBe('green')
    expect(told({ ...oldTransaction, standby: 'the replica' })).toMatchObject({
      state: 'red',
      hint: expect.stringContaining('Wait'),
    })
  })

  test('tell how each standby follows, whatever stands against it', () => {
    const replays = [replay]
    const said =
      'postgres://replica/shop has replayed everything; the contract waits there for readers of the table up to 30 s, and then ends their queries'
    expect(transactionsCheck(COLUMN, { transactions: [], replays, sessions: SEEN }, RULES)).toMatchObject({
      state: 'green',
      because: ['no transaction is left from before the door was closed', said],
    })
    expect(
      transactionsCheck(COLUMN, { transactions: [oldTransaction], replays, sessions: SEEN }, RULES),
    ).toMatchObject({
      state: 'red',
      because: [expect.anything(), said],
    })
  })

  test.for<[string, Partial<Replay>]>([
    ['is 2,048 bytes and 90 s behind; the contract waits', { behindBytes: 2048, behindMs: 90_000 }],
    ['is 5 min behind; the contract waits', { behindBytes: null, behindMs: 300_000 }],
    [
      'replays nothing, somebody has paused it; it is 10 bytes and 0 s behind;',
      { isPaused: true, behindBytes: 10, behindMs: 500 },
    ],
    [
      'waits for a reader already; it is 10 bytes and 3 s behind;',
      { isWaiting: true, behindBytes: 10, behindMs: 3_000 },
    ],
    ['; the contract waits there for readers of the table for as long as they take', { patienceMs: -1 }],
    [
      '; the contract ends queries on the table there at once (7 ended so far)',
      { patienceMs: 0, cancelled: 7 },
    ],
    ['follows no other server', { isStandby: false }],
  ])('say of a standby: %s', ([words, more]) => {
    expect(replaySentence({ ...replay, ...more })).toContain(words)
  })
})

describe('clients', () => {
  const of = (clients: readonly DeclaredClient[], replications: readonly Replication[] = [], rules = RULES) =>
    clientsCheck(COLUMN, { clients, replications, migration: '0001_rename' }, rules)
  const answered = { ...client, acknowledged: { by: 'ana', at: '2026-11-20' } }

  test('are red until their owner has answered', () => {
    expect(of([client])).toMatchObject({
      state: 'red',
      because: [`"data team" has not said that the client "metabase" does without ${COLUMN}`],
      offenders: [{ role: 'metabase', fix: 'bellows clients acknowledge metabase 0001_rename --by <who>' }],
    })
  })

  test('are green then, with who answered', () => {
    expect(of([answered])).toMatchObject({
      state: 'green',
      because: ['"ana" answered for the client "metabase" on 2026-11-20'],
    })
    expect(of([answered, { ...client, client: 'fivetran' }]).because).toEqual([
      `"data team" has not said that the client "fivetran" does without ${COLUMN}`,
    ])
    expect(of([]).state).toBe('green')
  })

  const slot = { kind: 'slot', name: 'cdc', role: null, application: null } as const
  const connected = { ...slot, role: 'capture', application: 'Debezium' } as const

  test.for<[string, Replication, DeclaredClient, 'red' | 'green']>([
    ['nobody connected, declared by its name', slot, { ...answered, client: 'cdc' }, 'green'],
    ['nobody connected, declared by its application', slot, { ...answered, applicationName: 'cdc' }, 'green'],
    ['nobody connected, another one declared', slot, answered, 'red'],
    ['somebody connected, of the declared role', connected, { ...answered, role: 'capture' }, 'green'],
    [
      'somebody connected, of the declared role and another application',
      connected,
      { ...answered, role: 'capture', applicationName: 'psql' },
      'red',
    ],
  ])('stand for a replication slot: %s', ([, replication, declared, state]) => {
    expect(of([declared], [replication]).state).toBe(state)
  })

  test('that replicate and nobody has declared are named with what to do', () => {
    expect(of([], [slot, { ...slot, kind: 'subscription', name: 's' }])).toMatchObject({
      state: 'red',
      because: [
        expect.stringContaining('"cdc" is kept for a reader of the log, which is not connected now'),
        expect.stringContaining('the subscription "s" writes into the table'),
      ],
      offenders: [
        { fix: expect.stringContaining(`select pg_drop_replication_slot('cdc')`) },
        { fix: expect.stringContaining('drop subscription "s"') },
      ],
    })
    expect(of([], [slot], NAMED_ONLY)).toMatchObject({
      state: 'green',
      because: [expect.stringContaining('"cdc"')],
    })
  })
})

describe('dependents', () => {
  const of = (...found: readonly { kind: string; name: string }[]) =>
    dependentsCheck(COLUMN, { found, areJobsHidden: false }, [])

  test('are named one by one', () => {
    const view = { kind: 'view', name: 'public.names' }
    const policy = { kind: 'policy', name: 'own on public.users' }
    expect(of(view, policy)).toMatchObject({
      state: 'red',
      code: 'dependents_found',
      because: [
        `the view public.names depends on ${COLUMN}`,
        `the policy own on public.users depends on ${COLUMN}`,
      ],
      hint: 'Change each to do without it, or drop it; Bellows never drops what it did not make.',
    })
    expect(of().state).toBe('green')
  })

  test.for([
    ['view', 'public.names', 'drop view public.names'],
    ['materialized view', 'sums', 'drop materialized view sums'],
    ['function', 'area(integer)', 'drop routine area(integer)'],
    ['policy', 'own on public.users', 'drop policy own on public.users'],
    ['foreign key', 'fk on public.orders', 'alter table public.orders drop constraint fk'],
    ['job of pg_cron', "it's", "select cron.unschedule('it''s')"],
    ['job of pg_cron', 'number 12', 'select cron.unschedule(12)'],
  ] as const)('are told with what drops them: %s %s', ([kind, name, drops]) => {
    expect(of({ kind, name }).offenders).toEqual([
      { who: `the ${kind} ${name}`, fix: `change it to do without, or drop it: ${drops}` },
    ])
    expect(of({ kind: 'wonder', name }).offenders[0]?.fix).toBe('change it to do without, or drop it')
  })

  test('are not known where jobs of pg_cron are hidden, unless somebody answers for all of them', () => {
    const hidden = { found: [], areJobsHidden: true }
    expect(dependentsCheck(COLUMN, hidden, [client])).toMatchObject({
      state: 'unknown',
      code: 'gate_closed',
      hint: expect.stringContaining('bellows clients add pg_cron --application pg_cron --owner <who>'),
    })
    const cron = { ...client, client: 'pg_cron', role: null, applicationName: 'pg_cron' }
    expect(dependentsCheck(COLUMN, hidden, [cron]).state).toBe('green')
    expect(dependentsCheck(COLUMN, hidden, [{ ...cron, role: 'app' }]).state).toBe('unknown')
    const found = [{ kind: 'job of pg_cron', name: 'nightly' }]
    expect(dependentsCheck(COLUMN, { found, areJobsHidden: true }, [cron]).state).toBe('red')
  })
})

describe('a trial', () => {
  const began = '2026-11-24 20:00:00+00'
  const until = '2026-11-24 20:05:00+00'
  const of = (refused: number, isOver = true) =>
    brownoutCheck(COLUMN, { began, until, isOver, refused }, '0001 it')

  test('names what stands against it, since when, and the command that goes on', () => {
    expect(of(0)).toMatchObject({ state: 'green', offenders: [] })
    expect(of(3).offenders).toEqual([
      {
        who: `whoever tried to write ${COLUMN}: 3 statements, which failed with SQLSTATE 42703`,
        firstSeen: began,
        lastSeen: until,
        fix: expect.stringMatching(/try again: bellows brownout '0001 it' --for 5min$/),
      },
    ])
    expect(of(0, false).offenders).toEqual([
      { who: 'the trial', firstSeen: began, fix: `bellows brownout '0001 it' --stop` },
    ])
    expect(of(2, false).offenders.map(({ lastSeen }) => lastSeen)).toEqual([undefined, undefined])
    expect(of(-1).offenders).toMatchObject([{ fix: `bellows brownout '0001 it' --for 5min` }])
  })

  test.for([
    ['unavailable', {}, /nothing counts/],
    ['unavailable', { counted: 'writes' }, /^reads of .* Its writes can: bellows brownout 0001 --for 5min$/],
    ['unavailable', { counted: 'writes', isMade: true }, /^reads of .* ends by itself$/],
    [
      'unavailable',
      { counted: 'changes' },
      /^reads of .* Changes of it in rows that are there can: bellows brownout 0001/,
    ],
    ['not_asked_for', { counted: 'uses' }, /: bellows brownout 0001 --for 5min$/],
  ] as const)('is %s for %o', ([state, given, because]) => {
    expect(brownoutAbsent(COLUMN, { isMade: false, migration: '0001', ...given })).toEqual([
      { check: 'brownout', state, because: expect.stringMatching(because) },
    ])
  })

  test('that was made of a view speaks for all of its use', () => {
    expect(brownoutAbsent('the view v', { counted: 'uses', isMade: true, migration: '0001' })).toEqual([])
  })
})
