import { describe, expect, test } from 'vitest'
import type { GateCheck, GateRules, Override } from '../../../src/core/gate/check.ts'
import { gateChecks } from '../../../src/core/gate/checks.ts'
import type { GateFacts } from '../../../src/core/gate/facts.ts'
import { type Look, stoodAgainst } from '../../../src/core/gate/stood.ts'
import { type Watch, watched } from '../../../src/core/gate/watch.ts'
import { COLUMN, client, facts, NOW_MS, oldTransaction, RULES, stranger, usage, watch } from './facts.ts'

type Seen = Partial<Omit<GateFacts, 'watch' | 'usage'>> & { readonly usage?: Partial<GateFacts['usage']> }

/** One look after the other, each a second later, behind an hour without use. */
function looks(...all: readonly (Seen | readonly [Seen, Look])[]): GateFacts {
  let before: Watch = watch()
  let last = facts()
  for (const [at, one] of all.entries()) {
    const [seen, look] = Array.isArray(one)
      ? (one as readonly [Seen, Look])
      : [one as Seen, 'decision' as const]
    const nowMs = NOW_MS + 1_000 * (at + 1)
    const found = facts({ ...seen, usage: usage({ ...seen.usage, nowMs, now: `at ${at + 1}` }) })
    before = watched(before, { ...found.usage, stood: stoodAgainst(found, look) })
    last = { ...found, watch: before }
  }
  return last
}

const usageOf = (seen: GateFacts, rules: GateRules = RULES): GateCheck | undefined =>
  gateChecks(seen, rules).find(({ check }) => check === 'usage')

const without = (...overrides: readonly Omit<Override, 'reason'>[]): GateRules => ({
  ...RULES,
  overrides: overrides.map((one) => ({ ...one, reason: 'it is so' })),
})

const live = (instance: string) => ({ instance, state: 'live', blocks: true }) as const
const SESSION: Seen = { sessions: { strangers: [stranger], unseen: [] } }
const POD: Seen = { inventory: { version: '2', isRolledOut: false, fleet: [] } }
const NO_POD: Seen = { inventory: { version: '2', isRolledOut: true, fleet: [] } }
const UNREADABLE: Seen = { inventory: { unreadable: 'no answer' } }
const LOST = { servers: [{ server: 'the primary', identity: '1/1', unseen: 'no right' }] }

describe('the quiet time begins anew', () => {
  test.for<[string, Seen, Seen, string]>([
    ['a session of nobody known', SESSION, {}, 'the check "sessions" was red until then: the session 4711'],
    ['something of the old version', POD, NO_POD, 'the check "inventory" was red until then: the rollout'],
    [
      'an inventory that nobody could read',
      UNREADABLE,
      NO_POD,
      'the check "inventory" was unknown until then',
    ],
    [
      'an instance that uses something else since',
      { needing: [live('web-1')] },
      {},
      'the check "leases" was red',
    ],
    ['a client that nobody had answered for', { clients: [client] }, {}, 'the check "clients" was red'],
    [
      'something that named it',
      { dependents: { found: [{ kind: 'view', name: 'v' }], areJobsHidden: false } },
      {},
      'the check "dependents" was red until then: the view v depends on',
    ],
    [
      'use that nobody could see',
      { usage: LOST },
      {},
      'the check "usage" was unknown until then: the use on the primary is not known: no right',
    ],
  ])('behind the last look that saw %s', ([, then, now, because]) => {
    const seen = looks({}, then, now, now)
    expect(usageOf(seen)).toMatchObject({
      state: 'red',
      because: [expect.stringContaining(`${COLUMN} is quiet for 2 s of 60 s: ${because}`)],
    })
    expect(usageOf({ ...seen, usage: usage({ nowMs: NOW_MS + 62_000 }) })).toMatchObject({ state: 'green' })
  })

  test('with who it was, without what could hit somebody else by now', () => {
    const offenders = usageOf(looks(SESSION, {}))?.offenders
    expect(offenders).toEqual([
      {
        who: 'the session 4711',
        application: 'report',
        role: 'app',
        address: '10.0.0.3',
        firstSeen: stranger.since,
        lastSeen: 'at 1',
        fix: 'bellows gate wait; or, if it comes again and again: bellows clients add <name> --role app --owner <who>',
      },
    ])
  })

  test('not while the check is still red, which speaks for itself', () => {
    expect(usageOf(looks(SESSION, SESSION))).toMatchObject({ state: 'green' })
  })

  test('not where nobody was ever red', () => {
    expect(usageOf(looks({}, {}, NO_POD))).toMatchObject({ state: 'green' })
  })

  test('not by transactions, which are waited for behind the door, nor by a trial, whose refusals are use', () => {
    const trial = { began: '', until: '', isOver: false, refused: 0 }
    expect(usageOf(looks({ transactions: [oldTransaction], brownout: trial }, {}))?.state).toBe('green')
  })
})

describe('a glance', () => {
  test('counts for what it has seen', () => {
    expect(usageOf(looks([SESSION, 'glance'], {}))?.state).toBe('red')
  })

  test('does not hold against the gate what it could not see', () => {
    const unseen: Seen = { ...UNREADABLE, usage: LOST, everRegistered: false }
    expect(usageOf(looks([unseen, 'glance'], NO_POD))?.state).toBe('green')
    expect(usageOf(looks(unseen, NO_POD))?.state).toBe('red')
  })

  test('does not make anybody forget what was seen before', () => {
    expect(usageOf(looks(SESSION, [{}, 'glance'], [UNREADABLE, 'glance'], {}))).toMatchObject({
      because: [expect.stringContaining('is quiet for 3 s of 60 s: the check "sessions"')],
    })
  })
})

test('who decides without the word for it, or the means, has not looked', () => {
  const unasked: Seen = {
    inventory: { unreadable: 'no deployer is configured here', unasked: true },
    needing: [live('web-1')],
    staying: {},
  }
  expect(looks(unasked).watch.stood).toEqual([])
  expect(looks({ ...unasked, staying: { version: '2' } }).watch.stood).toMatchObject([{ check: 'leases' }])
})

describe('what is gone without does not begin it anew', () => {
  test('be it a check, or sessions that are only named', () => {
    const seen = looks(SESSION, {})
    expect(usageOf(seen, without({ check: 'sessions' }))?.state).toBe('green')
    expect(usageOf(seen, { ...RULES, unregistered: 'allow' })?.state).toBe('green')
    expect(usageOf(seen, without({ check: 'clients' }, { check: 'leases' }))?.state).toBe('red')
  })

  test('or whoever reads the log and is only named, however often it is seen', () => {
    const slot = { kind: 'slot', name: 'cdc', role: null, application: null } as const
    const seen = looks({ replications: [slot] }, { replications: [slot] })
    expect(usageOf(seen, { ...RULES, unregistered: 'allow' })?.state).toBe('green')
    expect(usageOf(looks({ replications: [slot] }, {}), RULES)?.state).toBe('red')
  })

  test('or an instance by its name, whoever had looked without that word', () => {
    const both = { needing: [live('web-1'), live('web-2')] }
    const one = { needing: [live('web-1')] }
    const only = without({ check: 'leases', instance: 'web-1' })
    expect(usageOf(looks([one, 'glance'], one), only)?.state).toBe('green')
    // The other one was there until the first look, however often the first one is seen.
    expect(usageOf(looks(both, one, one), only)).toMatchObject({
      because: [expect.stringContaining('is quiet for 2 s of 60 s: the check "leases"')],
    })
    expect(looks(both, one, both, both).watch.stood).toHaveLength(1)
  })
})

test('where nobody ever registered, use alone opens the gate, and no earlier look is in the way', () => {
  const readers = {
    servers: [{ server: 'the primary', identity: '1/1', statements: { epoch: '', used: [] } }],
  }
  const seen: Seen = { everRegistered: false, usage: readers }
  const checks = gateChecks(looks(seen, seen), RULES)
  expect(checks.find(({ check }) => check === 'leases')).toMatchObject({ state: 'green' })
})

test('that use is seen does not tell which version is to stay', () => {
  const index = {
    needing: [live('web-1')],
    staying: {},
    usage: { servers: [{ server: 'the primary', identity: '1/1', statements: { epoch: '', used: [] } }] },
  }
  const checks = gateChecks(looks(index), RULES)
  expect(checks.find(({ check }) => check === 'leases')).toMatchObject({ state: 'unknown' })
})

test('what is older than the last use is forgotten', () => {
  const used = usage({ nowMs: NOW_MS + 9_000, lastThereMs: NOW_MS + 8_000 })
  expect(watched(looks(SESSION, {}).watch, used).stood).toEqual([])
})
