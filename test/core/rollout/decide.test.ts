import { describe, expect, test } from 'vitest'
import type { RolloutEvent } from '../../../src/core/rollout/event.ts'
import type { FleetInstance } from '../../../src/core/rollout/fleet.ts'
import {
  along,
  asked,
  BOTH_OLD,
  batch,
  because,
  type Case,
  decided,
  FIRST,
  failed,
  fresh,
  type Given,
  HEALTHY,
  old,
  PAUSED,
  placed,
  placing,
  replaced,
  rolloutOf,
  SETTLED,
  SICK,
  seen,
  short,
  told,
  UNKNOWN,
} from '../../support/rollout-model.ts'

const COMING = { passes: 1, failures: 0, healthyForMs: 0 }
const SOAKING = { passes: 5, failures: 0, healthyForMs: 4_000 }
const NEVER = { passes: 0, failures: 40, healthyForMs: 0, lastError: 'HTTP 500' }

describe('on its way through a slot, start-first', () => {
  const one = fresh('web-1')
  const begun = [batch('web-1'), placing(one)]
  const serves = [...begun, told('running', one), told('serving', one)]
  const drains = [...serves, told('draining', old('web-1'))]
  test.each<Case>([
    ['begins with a batch', [], BOTH_OLD, ['batch web-1']],
    ['writes down whom it will start', [batch('web-1')], BOTH_OLD, ['placed web-1-r7-1 2']],
    ['then starts it', begun, BOTH_OLD, ['start web-1-r7-1!']],
    ['starts it again while nobody sees it', begun, BOTH_OLD, ['start web-1-r7-1!']],
    [
      'notes that it runs',
      begun,
      [...BOTH_OLD, seen(one, 'starting', { health: COMING })],
      ['running web-1-r7-1'],
    ],
    [
      'waits for two good checks',
      [...begun, told('running', one)],
      [...BOTH_OLD, seen(one, 'starting', { health: COMING })],
      [],
    ],
    [
      'waits until it was good for long enough',
      [...begun, told('running', one)],
      [...BOTH_OLD, seen(one, 'starting', { health: SOAKING })],
      [],
    ],
    [
      'gives it work',
      [...begun, told('running', one)],
      [...BOTH_OLD, seen(one, 'starting')],
      ['serve web-1-r7-1!'],
    ],
    [
      'notes that it serves',
      [...begun, told('running', one)],
      [...BOTH_OLD, seen(one)],
      ['serving web-1-r7-1'],
    ],
    ['takes the old one out', serves, [...BOTH_OLD, seen(one)], ['draining web-1-old', 'drain web-1-old!']],
    ['says so again while it does not show', drains, [...BOTH_OLD, seen(one)], ['drain web-1-old!']],
    [
      'waits for its requests',
      drains,
      [seen(old('web-1'), 'draining', { inFlight: 2 }), seen(one), ...BOTH_OLD.slice(1)],
      [],
    ],
    [
      'and no longer than it may take',
      drains,
      [seen(old('web-1'), 'draining', { inFlight: 2, inStateMs: 30_000 }), seen(one), ...BOTH_OLD.slice(1)],
      ['stop web-1-old!'],
    ],
    [
      'ends it without a request',
      drains,
      [seen(old('web-1'), 'draining', { inFlight: 0 }), seen(one), ...BOTH_OLD.slice(1)],
      ['stop web-1-old!'],
    ],
    [
      'gives it its time where requests cannot be counted',
      drains,
      [seen(old('web-1'), 'draining'), seen(one), ...BOTH_OLD.slice(1)],
      [],
    ],
    ['waits for its end', drains, [seen(old('web-1'), 'stopping'), seen(one), ...BOTH_OLD.slice(1)], []],
    [
      'notes its end',
      drains,
      [seen(old('web-1'), 'gone'), seen(one), ...BOTH_OLD.slice(1)],
      ['gone web-1-old'],
    ],
    ['also where it is forgotten at once', drains, [seen(one), ...BOTH_OLD.slice(1)], ['gone web-1-old']],
    [
      'settles the batch',
      [batch('web-1'), ...replaced('web-1')],
      [seen(one), ...BOTH_OLD.slice(1)],
      ['batch_settled'],
    ],
    ['goes on with the next one', FIRST, [seen(one), ...BOTH_OLD.slice(1)], ['batch web-2']],
    [
      'is done when all are replaced',
      [...FIRST, batch('web-2'), ...replaced('web-2'), SETTLED],
      [seen(one), seen(fresh('web-2'))],
      ['ended done'],
    ],
  ])('%s', along({}))
})

describe('on its way through a slot, stop-first', () => {
  const given: Given = { rules: { order: 'stop-first', minAvailablePercent: 50 } }
  const one = fresh('web-1')
  const other = seen(old('web-2'))
  const emptied = [batch('web-1'), told('draining', old('web-1')), told('gone', old('web-1'))]
  test.each<Case>([
    ['takes the old one out first', [batch('web-1')], BOTH_OLD, ['draining web-1-old', 'drain web-1-old!']],
    [
      'waits for its end',
      [batch('web-1'), told('draining', old('web-1'))],
      [seen(old('web-1'), 'stopping'), other],
      [],
    ],
    ['then places the new one', emptied, [other], ['placed web-1-r7-1 2']],
    ['and starts it', [...emptied, placing(one)], [other], ['start web-1-r7-1!']],
    [
      'one slot after the other, as only one may be missing',
      [batch('web-1', 'web-2')],
      BOTH_OLD,
      ['draining web-1-old', 'drain web-1-old!'],
    ],
    [
      'and not the second while the first is missing',
      [batch('web-1', 'web-2'), ...emptied.slice(1)],
      [other],
      ['placed web-1-r7-1 2'],
    ],
    [
      'and not when another one is sick',
      [batch('web-1')],
      [seen(old('web-1')), seen(old('web-2'), 'serving', { health: SICK })],
      [],
    ],
  ])('%s', along(given))

  test('does not insist on what was decided while more served, where nothing came of it', () => {
    const three: Given = {
      roles: [{ role: 'web', instances: 3 }],
      before: ['web-1', 'web-2', 'web-3'],
      rules: { order: 'stop-first', minAvailablePercent: 60 },
    }
    const rollout = rolloutOf(three, batch('web-1'), told('draining', old('web-1')))
    const rest = (health: FleetInstance['health']) => [
      seen(old('web-1')),
      seen(old('web-2')),
      seen(old('web-3'), 'serving', { health }),
    ]
    expect(short(decided(rollout, rest(HEALTHY)))).toEqual(['drain web-1-old!'])
    expect(short(decided(rollout, rest(SICK)))).toEqual([])
    expect(decided(rollout, rest(SICK)).waitsFor).toEqual([
      '"web-1-old" must stay: otherwise fewer of "web" would serve than must',
    ])
  })

  test('says why it waits', () => {
    const sick = seen(old('web-2'), 'serving', { health: SICK })
    expect(decided(rolloutOf(given, batch('web-1')), [seen(old('web-1')), sick]).waitsFor).toEqual([
      '"web-1-old" must stay: otherwise fewer of "web" would serve than must',
    ])
    const coming = [batch('web-1'), placing(fresh('web-1')), told('running', fresh('web-1'))]
    const sickly = [...BOTH_OLD, seen(fresh('web-1'), 'starting', { health: NEVER })]
    expect(decided(rolloutOf({}, ...coming), sickly).waitsFor).toEqual(['"web-1-r7-1" is starting: HTTP 500'])
  })
})

describe('a worker that begins by itself', () => {
  const one = fresh('web-1')
  const events = [batch('web-1'), placing(one), told('running', one)]
  test.each<Case>([
    [
      'does not count before it is ready',
      events,
      [...BOTH_OLD, seen(one, 'serving', { health: SOAKING })],
      [],
    ],
    [
      'may fail its checks while it comes up',
      events,
      [...BOTH_OLD, seen(one, 'serving', { health: SICK })],
      [],
    ],
    ['counts when it is ready', events, [...BOTH_OLD, seen(one)], ['serving web-1-r7-1']],
    [
      'fails when it is never healthy',
      events,
      [...BOTH_OLD, seen(one, 'serving', { health: NEVER, inStateMs: 300_001 })],
      ['failed web-1-r7-1'],
    ],
  ])('%s', along({}))
})

describe('a new instance has failed', () => {
  const one = fresh('web-1')
  const begun = [batch('web-1'), placing(one), told('running', one)]
  const served = [...FIRST, batch('web-2')]
  test.each<readonly [string, readonly RolloutEvent[], readonly FleetInstance[], string]>([
    [
      'when its process ends',
      begun,
      [seen(one, 'gone', { ended: 'exit code 1' })],
      '"web-1-r7-1" ended by itself: exit code 1',
    ],
    ['when it is not there any more', begun, [], '"web-1-r7-1" is not there any more'],
    [
      'when it is not healthy in time',
      begun,
      [seen(one, 'starting', { health: NEVER, inStateMs: 300_001 })],
      '"web-1-r7-1" was not healthy within 300 s: HTTP 500',
    ],
    [
      'when it turns bad long after it served',
      served,
      [seen(one, 'serving', { health: SICK })],
      '"web-1-r7-1" served and failed 3 health checks in a row: HTTP 500',
    ],
    ['when it ends long after it served', served, [], '"web-1-r7-1" is not there any more'],
  ])('%s', (_what, events, fleet, reason) => {
    const decision = decided(rolloutOf({}, ...events), [...BOTH_OLD, ...fleet])
    expect(decision.events.map(({ kind }) => kind)).toContain('failed')
    expect(decision.events.find(({ kind }) => kind === 'failed')).toMatchObject({ because: reason })
  })

  test('when it cannot be started, with what the attempts said', () => {
    const decision = decided(rolloutOf({}, batch('web-1'), placing(one)), BOTH_OLD, {
      afterMs: 300_001,
      troubles: new Map([[one.id, 'no such image']]),
    })
    expect(because(decision)).toBe('"web-1-r7-1" could not be started within 300 s: no such image')
  })

  test('but not by the time in which nobody could have started it', () => {
    const rollout = rolloutOf({}, batch('web-1'), placing(one))
    const nowMs = rollout.movedAtMs + 400_000
    expect(short(decided(rollout, BOTH_OLD, { nowMs, sinceMs: nowMs - 1_000 }))).toEqual([
      'start web-1-r7-1!',
    ])
  })

  test.each<readonly [string, readonly RolloutEvent[], readonly FleetInstance[]]>([
    ['its checks fail while it starts', begun, [seen(one, 'starting', { health: NEVER })]],
    [
      'it takes long and is healthy now',
      begun,
      [seen(one, 'starting', { health: SOAKING, inStateMs: 400_000 })],
    ],
    ['a check or two fail', served, [seen(one, 'serving', { health: { ...SICK, failures: 2 } })]],
    ['nobody could measure it', served, [seen(one, 'serving', { health: UNKNOWN })]],
  ])('but not when %s', (_what, events, fleet) => {
    const decision = decided(rolloutOf({}, ...events), [...BOTH_OLD, ...fleet])
    expect(decision.events.map(({ kind }) => kind)).not.toContain('failed')
  })

  test('but nobody from before has: what was sick is replaced in its turn', () => {
    const sick = seen(old('web-2'), 'serving', { health: SICK })
    const decision = decided(rolloutOf({}, batch('web-1')), [seen(old('web-1')), sick])
    expect(short(decision)).toEqual(['placed web-1-r7-1 2'])
  })
})

describe('behind a failed instance', () => {
  const first = fresh('web-1')
  const second = fresh('web-1', 2)
  const once = [batch('web-1'), placing(first), told('running', first), failed(first)]
  const twice = [...once, told('gone', first), placing(second), told('running', second), failed(second)]
  test.each<Case>([
    [
      'it is ended, and nobody waits for it',
      once,
      [...BOTH_OLD, seen(first, 'starting', { health: NEVER })],
      ['placed web-1-r7-2 2', 'stop web-1-r7-1!'].slice(1),
    ],
    [
      'another one is placed in the same slot',
      [...once, told('gone', first)],
      BOTH_OLD,
      ['placed web-1-r7-2 2'],
    ],
    ['the second failure takes everything back', twice, BOTH_OLD, ['gone web-1-r7-2']],
    [
      'the second failure takes everything back, when it is gone',
      [...twice, told('gone', second)],
      BOTH_OLD,
      ['turned_back'],
    ],
  ])('%s', along({}))

  test.each<readonly [string, NonNullable<Given['rules']>, readonly string[], string | undefined]>([
    ['taken back', { onFailure: 'rollback' }, ['turned_back'], '"web-1-r7-2" failed (attempt 2 of 2)'],
    ['paused', { onFailure: 'pause' }, ['paused'], '"web-1-r7-2" failed (attempt 2 of 2)'],
    ['gone on with', { onFailure: 'continue' }, ['batch_settled'], undefined],
    ['gone on with when so many may fail', { maxFailures: 1 }, ['batch_settled'], undefined],
  ])('the rollout is %s, as the rules say', (_what, rules, decision, reason) => {
    const answer = decided(rolloutOf({ rules }, ...twice, told('gone', second)), BOTH_OLD)
    expect([short(answer), because(answer)]).toEqual([decision, reason])
  })

  test('what was gone on without is told at the end, for a human', () => {
    const events = [...twice, told('gone', second), SETTLED, batch('web-2'), ...replaced('web-2'), SETTLED]
    const fleet = [seen(old('web-1')), seen(fresh('web-2'))]
    const rollout = rolloutOf({ rules: { onFailure: 'continue' } }, ...events)
    expect(because(decided(rollout, fleet))).toBe(
      'all others are replaced, 1 instance could not be: "web-1-r7-2" failed (attempt 2 of 2)',
    )
    // Who resumes gives the slot another chance.
    const again = rolloutOf({ rules: { onFailure: 'continue' } }, ...events, PAUSED, asked('resume'))
    expect(short(decided(again, fleet))).toEqual(['placed web-1-r7-3 2'])
  })

  test('in a slot that failed for good, a sick one of before stays all the same', () => {
    const rollout = rolloutOf({ rules: { onFailure: 'continue' } }, ...twice, batch('web-2'))
    const sick = seen(old('web-1'), 'serving', { health: SICK })
    const fleet = [sick, seen(old('web-2')), seen(second, 'stopping')]
    expect(short(decided(rollout, fleet))).toEqual(['placed web-2-r7-1 2'])
  })

  test('a settled batch is settled anew', () => {
    const one = fresh('web-1')
    const events = [...FIRST, failed(one), told('gone', one)]
    const rollout = rolloutOf({}, ...events)
    expect(short(decided(rollout, BOTH_OLD.slice(1)))).toEqual(['placed web-1-r7-2 2'])
    expect(rollout.settledAtMs).toBeUndefined()
  })
})

describe('a fleet that cannot be read', () => {
  const fleet = { unreadable: 'timeout' }
  const rollout = rolloutOf({}, batch('web-1'), placing(fresh('web-1')))

  test('blames nobody: nothing is done', () => {
    const decision = decided(rollout, [], { fleet, afterMs: 500_000 })
    expect([short(decision), decision.waitsFor]).toEqual([[], ['the fleet cannot be read: timeout']])
  })

  test('for too long pauses the rollout, and never takes it back', () => {
    const decision = decided(rollout, [], { fleet, afterMs: 600_001 })
    expect([short(decision), because(decision)]).toEqual([['paused'], 'the fleet cannot be read: timeout'])
  })
})

describe('when nothing moves', () => {
  const one = fresh('web-1')
  const waiting = [batch('web-1'), ...replaced('web-1').slice(0, 4)]
  const fleet = [seen(old('web-1'), 'stopping'), seen(one), seen(old('web-2'))]

  test('for too long the failure action is taken', () => {
    const rollout = rolloutOf({}, ...waiting)
    const stays = [seen(old('web-1'), 'draining'), ...fleet.slice(1)]
    expect(short(decided(rollout, stays, { afterMs: 600_000 }))).toEqual([])
    const decision = decided(rollout, stays, { afterMs: 600_001 })
    expect([short(decision), because(decision)]).toEqual([
      ['turned_back'],
      'nothing moved for 600 s: "web-1-old" is draining',
    ])
  })

  test.each<[string, Given, number]>([
    ['by the rules', { rules: { stopTimeoutMs: 900_000 } }, 1_500_000],
    ['by its role', { roles: [{ role: 'web', instances: 2, stopTimeoutMs: 1_800_000 }] }, 2_400_000],
  ])('because one that was told to end has its time, %s, nobody is blamed', (_what, given, ms) => {
    const rollout = rolloutOf(given, ...waiting)
    expect(short(decided(rollout, fleet, { afterMs: ms }))).toEqual([])
    const decision = decided(rollout, fleet, { afterMs: ms + 1 })
    expect([short(decision), because(decision)]).toEqual([
      ['turned_back'],
      `nothing moved for ${ms / 1_000} s: "web-1-old" is stopping`,
    ])
  })

  test('because nobody was there to move it, nobody is blamed', () => {
    const rollout = rolloutOf({}, ...waiting)
    const nowMs = rollout.movedAtMs + 9_000_000
    expect(short(decided(rollout, fleet, { nowMs, sinceMs: nowMs - 1_000 }))).toEqual([])
  })

  test('in a pause that was asked for, that is no failure', () => {
    const rules = { pauseBetweenMs: 3_600_000 }
    const rollout = rolloutOf({ rules }, ...FIRST)
    const decision = decided(rollout, [seen(one), seen(old('web-2'))], { afterMs: 700_000 })
    expect(decision).toEqual({
      events: [],
      actions: [],
      waitsFor: ['another 2900 s of the pause behind the batch'],
    })
  })
})

describe('who is in the way', () => {
  test.each<Case>([
    [
      'goes first where two of an earlier time are in one slot: not what a way back would need',
      [batch('web-1')],
      [...BOTH_OLD, seen(placed('web-1-left', '0'))],
      ['draining web-1-left', 'drain web-1-left!'],
    ],
    [
      'goes first where none of two is healthy',
      [batch('web-1')],
      [
        seen(old('web-1'), 'serving', { health: SICK }),
        seen(old('web-2')),
        seen(placed('web-1-left', '0'), 'serving', { health: SICK }),
      ],
      ['draining web-1-left', 'drain web-1-left!'],
    ],
    [
      'is ended when it never got work',
      [batch('web-1')],
      [...BOTH_OLD, seen(placed('web-1-left', '0'), 'starting')],
      ['stop web-1-left!'],
    ],
    [
      'has a place that nobody wants: it goes at the end',
      [...FIRST, batch('web-2'), ...replaced('web-2'), SETTLED],
      [seen(fresh('web-1')), seen(fresh('web-2')), seen(old('cron-1'))],
      ['batch cron-1'],
    ],
  ])('%s', along({}))
})

describe('a size that changes', () => {
  const three = [{ role: 'web', instances: 3 }]
  const one = [{ role: 'web', instances: 1 }]

  test('to more: what is missing comes first, as it helps at once', () => {
    expect(short(decided(rolloutOf({ roles: three }), BOTH_OLD))).toEqual(['batch web-3'])
  })

  test('to more: of what was there already some may be missing, and no more than that', () => {
    const given: Given = {
      roles: [{ role: 'web', instances: 4 }],
      rules: { order: 'stop-first', minAvailablePercent: 50 },
    }
    expect(short(decided(rolloutOf(given, batch('web-1', 'web-2')), BOTH_OLD))).toEqual([
      'draining web-1-old',
      'drain web-1-old!',
    ])
  })

  test('to fewer: what is too many goes last, and nothing more than that', () => {
    const rollout = rolloutOf({ roles: one }, ...FIRST)
    const fleet = [seen(fresh('web-1')), seen(old('web-2'))]
    expect(short(decided(rollout, fleet))).toEqual(['batch web-2'])
    const next = rolloutOf({ roles: one }, ...FIRST, batch('web-2'))
    expect(short(decided(next, fleet))).toEqual(['draining web-2-old', 'drain web-2-old!'])
  })

  test('to nothing: all go', () => {
    const rollout = rolloutOf({ roles: [{ role: 'web', instances: 0 }] }, batch('web-1'))
    expect(short(decided(rollout, BOTH_OLD))).toEqual(['draining web-1-old', 'drain web-1-old!'])
  })

  test('from nothing: all of a role start at once, without a canary', () => {
    const given: Given = {
      roles: [...three, { role: 'worker', instances: 2 }],
      before: [],
      rules: { canary: { instances: 1 } },
    }
    expect(short(decided(rolloutOf(given), []))).toEqual(['batch web-1 web-2 web-3'])
  })

  test('not at all, to the version that is there: nothing is to be done', () => {
    const there = [seen(placed('web-1-x', '2')), seen(placed('web-2-x', '2'), 'serving', { health: SICK })]
    expect(short(decided(rolloutOf({ before: [] }), there))).toEqual(['ended done'])
  })
})

test('roles are replaced one after the other, in the order that is given', () => {
  const given: Given = {
    roles: [
      { role: 'worker', instances: 1 },
      { role: 'web', instances: 1 },
    ],
    before: ['web-1', 'worker-1'],
  }
  const fleet = [seen(old('web-1')), seen(old('worker-1'))]
  expect(short(decided(rolloutOf(given), fleet))).toEqual(['batch worker-1'])
})

test('one whose requests do not end has its time for them, and is then told to end', () => {
  const given: Given = {
    roles: [{ role: 'web', instances: 1 }],
    before: ['web-1'],
    rules: { drainTimeoutMs: 90_000 },
  }
  const rollout = rolloutOf(given, batch('web-1'), ...replaced('web-1').slice(0, 4))
  const draining = (inStateMs: number) => seen(old('web-1'), 'draining', { inFlight: 1, inStateMs })
  expect(short(decided(rollout, [draining(60_000), seen(fresh('web-1'))]))).toEqual([])
  expect(short(decided(rollout, [draining(90_000), seen(fresh('web-1'))]))).toEqual(['stop web-1-old!'])
})

test('a call that failed is made again, and told', () => {
  const rollout = rolloutOf({}, batch('web-1'), placing(fresh('web-1')))
  const decision = decided(rollout, BOTH_OLD, { troubles: new Map([['web-1-r7-1', 'no such image']]) })
  expect([short(decision), decision.waitsFor]).toEqual([
    ['start web-1-r7-1!'],
    ['"web-1-r7-1": start failed: no such image'],
  ])
})
