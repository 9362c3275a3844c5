import { describe, expect, test } from 'vitest'
import {
  along,
  asked,
  BACK,
  BOTH_OLD,
  batch,
  because,
  type Case,
  decided,
  FIRST,
  failed,
  fresh,
  type Given,
  HALF,
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
} from '../../support/rollout-model.ts'

/** The one that takes the place of the old one again. */
const again = (slot: string, attempt = 2) => placed(`${slot}-r7-${attempt}`, '1')
const COMING = [batch('web-2'), placing(fresh('web-2')), told('running', fresh('web-2'))]
const WARM = { passes: 2, failures: 0, healthyForMs: 1 }
/** The longest of pauses, none of which is made. */
const PAUSES = {
  canary: { instances: 1, pauseMs: 'manual' },
  pauseBetweenMs: 3_600_000,
  bakeMs: 3_600_000,
  minHealthyMs: 60_000,
} as const

describe('on its way back', () => {
  const bothNew = [seen(fresh('web-1')), seen(old('web-2')), seen(fresh('web-2'), 'starting')]
  const easy = [...FIRST, ...COMING, BACK, batch('web-2')]
  const settled = [...easy, told('gone', fresh('web-2')), SETTLED, batch('web-1')]
  const placedAgain = [...settled, placing(again('web-1')), told('running', again('web-1'))]
  test.each<Case>([
    ['begins where the old one still serves', [...FIRST, ...COMING, BACK], bothNew, ['batch web-2']],
    ['ends the new one there', easy, bothNew, ['stop web-2-r7-1!']],
    [
      'then brings the old one back where it is gone',
      [...easy, told('gone', fresh('web-2')), SETTLED],
      bothNew.slice(0, 2),
      ['batch web-1'],
    ],
    ['by a new instance of the earlier version', settled, bothNew.slice(0, 2), ['placed web-1-r7-2 1']],
    [
      'which serves as soon as it is healthy',
      placedAgain,
      [...bothNew.slice(0, 2), seen(again('web-1'), 'starting', { health: WARM })],
      ['serve web-1-r7-2!'],
    ],
    [
      'before the new one goes',
      [...placedAgain, told('serving', again('web-1'))],
      [...bothNew.slice(0, 2), seen(again('web-1'))],
      ['draining web-1-r7-1', 'drain web-1-r7-1!'],
    ],
    [
      'ends when everything is as it was',
      [...placedAgain, told('serving', again('web-1')), told('gone', fresh('web-1')), SETTLED],
      [seen(again('web-1')), seen(old('web-2'))],
      ['ended rolled_back'],
    ],
  ])('%s', along({ rules: PAUSES }))

  test('waits for one that may still come up, as its start was under way', () => {
    const events = [batch('web-1'), placing(fresh('web-1')), BACK]
    const begun = rolloutOf({}, ...events, batch('web-1'))
    expect(short(decided(rolloutOf({}, ...events), BOTH_OLD))).toEqual(['batch web-1'])
    expect(decided(begun, BOTH_OLD)).toEqual({
      events: [],
      actions: [],
      waitsFor: ['"web-1-r7-1" may still come up'],
    })
    expect(short(decided(begun, BOTH_OLD, { afterMs: 1_000 }))).toEqual(['gone web-1-r7-1'])
    expect(
      short(decided(begun, [...BOTH_OLD, seen(fresh('web-1'), 'starting')], { afterMs: 1_000 })),
    ).toEqual(['running web-1-r7-1'])
  })

  test('replaces one that gets no work any more, although it lives', () => {
    const events = [...FIRST.slice(0, 5), BACK, batch('web-1')]
    const draining = seen(old('web-1'), 'draining', { inFlight: 3 })
    const fleet = [draining, seen(old('web-2')), seen(fresh('web-1'))]
    expect(short(decided(rolloutOf({}, ...events), fleet))).toEqual([])
    expect(short(decided(rolloutOf({}, ...events, told('gone', old('web-1'))), fleet.slice(1)))).toEqual([
      'placed web-1-r7-2 1',
    ])
  })

  test('tells again to drain where that did not show, and keeps nobody who was told', () => {
    const events = [...FIRST.slice(0, 5), BACK, batch('web-1')]
    const fleet = [seen(old('web-1')), seen(old('web-2')), seen(fresh('web-1'))]
    expect(short(decided(rolloutOf({}, ...events), fleet))).toEqual(['drain web-1-old!'])
  })

  test('takes away what had been added, however many were wanted', () => {
    const given: Given = { roles: [{ role: 'web', instances: 3 }] }
    const events = [
      batch('web-3'),
      placing(fresh('web-3')),
      told('serving', fresh('web-3')),
      BACK,
      batch('web-3'),
    ]
    const fleet = [seen(old('web-1')), seen(old('web-2')), seen(fresh('web-3'))]
    expect(short(decided(rolloutOf(given, ...events), fleet))).toEqual([
      'draining web-3-r7-1',
      'drain web-3-r7-1!',
    ])
  })

  test('leaves one in place that was sick before, which is nobody’s loss', () => {
    const given: Given = {
      before: [
        { ...old('web-1'), available: true },
        { ...old('web-2'), available: false },
      ],
    }
    const events = [
      batch('web-2'),
      placing(fresh('web-2')),
      told('serving', fresh('web-2')),
      BACK,
      batch('web-2'),
    ]
    const sick = seen(old('web-2'), 'serving', { health: SICK })
    const fleet = [seen(old('web-1')), sick, seen(fresh('web-2'))]
    expect(short(decided(rolloutOf(given, ...events), fleet))).toEqual([
      'draining web-2-r7-1',
      'drain web-2-r7-1!',
    ])
  })

  test('restores what was there, not what was wanted: sizes and places as before', () => {
    const given: Given = { roles: [{ role: 'web', instances: 3 }], before: ['web-1', 'web-2', 'cron-1'] }
    const fleet = [seen(old('web-1')), seen(old('web-2')), seen(old('cron-1')), seen(fresh('web-3'))]
    const rollout = rolloutOf(given, batch('web-3'), ...replaced('web-3').slice(0, 3), SETTLED, BACK)
    expect(short(decided(rollout, fleet))).toEqual(['batch web-3'])
    const gone = rolloutOf(
      given,
      batch('web-3'),
      ...replaced('web-3').slice(0, 3),
      BACK,
      batch('web-3'),
      told('gone', fresh('web-3')),
      SETTLED,
    )
    expect(short(decided(gone, fleet.slice(0, 3)))).toEqual(['ended rolled_back'])
  })

  test('of a first deployment ends everything', () => {
    const given: Given = { before: [], roles: [{ role: 'web', instances: 1 }] }
    const events = [batch('web-1'), placing(fresh('web-1')), told('running', fresh('web-1')), BACK]
    expect(short(decided(rolloutOf(given, ...events), [seen(fresh('web-1'), 'starting')]))).toEqual([
      'batch web-1',
    ])
    expect(
      short(decided(rolloutOf(given, ...events, batch('web-1'), told('gone', fresh('web-1')), SETTLED), [])),
    ).toEqual(['ended rolled_back'])
  })

  test('takes a failed one out at once while somebody else serves', () => {
    const events = [...FIRST, failed(fresh('web-1')), BACK, batch('web-1')]
    const sick = seen(fresh('web-1'), 'serving', { health: SICK })
    const decision = short(decided(rolloutOf({}, ...events), [sick, seen(old('web-2'))]))
    expect(decision).toEqual(['draining web-1-r7-1', 'placed web-1-r7-2 1', 'drain web-1-r7-1!'])
  })
})

describe('on its way back from two that are ill, and the last that serve,', () => {
  const ill = (slot: string) => seen(fresh(slot), 'serving', { health: SICK })
  const both = [batch('web-1', 'web-2'), ...replaced('web-1'), ...replaced('web-2')]
  const failing = [...both, failed(fresh('web-1')), failed(fresh('web-2')), BACK]
  const gone = told('gone', fresh('web-1'))
  const back = [placing(again('web-1')), told('running', again('web-1')), told('serving', again('web-1'))]
  const stopFirst = { order: 'stop-first', minAvailablePercent: 50 } as const

  test.each([
    [
      'two at a time: one goes, the other stays',
      { batch: 2 },
      [...failing, batch('web-1', 'web-2')],
      [ill('web-1'), ill('web-2')],
      ['draining web-1-r7-1', 'placed web-1-r7-2 1', 'placed web-2-r7-2 1', 'drain web-1-r7-1!'],
    ],
    [
      'until one that comes serves',
      { batch: 2 },
      [...failing, batch('web-1', 'web-2'), told('draining', fresh('web-1')), gone, ...back],
      [ill('web-2'), seen(again('web-1'))],
      ['draining web-2-r7-1', 'placed web-2-r7-2 1', 'drain web-2-r7-1!'],
    ],
    [
      'where one goes before the other comes: the first one goes, as another serves',
      stopFirst,
      [...failing, batch('web-1')],
      [ill('web-1'), ill('web-2')],
      ['draining web-1-r7-1', 'drain web-1-r7-1!'],
    ],
    [
      'and where nobody else is: it goes, as its place is needed',
      stopFirst,
      [...failing, batch('web-1')],
      [ill('web-1'), seen(fresh('web-2'), 'starting', { health: SICK })],
      ['draining web-1-r7-1', 'drain web-1-r7-1!'],
    ],
    [
      'so the place in which nobody serves is filled first',
      stopFirst,
      failing,
      [ill('web-1'), seen(fresh('web-2'), 'starting', { health: SICK })],
      ['batch web-2'],
    ],
    [
      'and meanwhile the last one stays',
      { ...stopFirst, batch: 2 },
      [...failing, batch('web-2', 'web-1')],
      [ill('web-1'), seen(fresh('web-2'), 'starting', { health: SICK })],
      ['stop web-2-r7-1!'],
    ],
  ])('%s', (_what, rules, events, fleet, decision) => {
    expect(short(decided(rolloutOf({ rules }, ...events), fleet))).toEqual(decision)
  })

  test('keeps the last one also where nobody has said yet that it failed, and its slot has one on its way out', () => {
    const leaving = (slot: string) => seen(old(slot), 'stopping')
    const begun = [...FIRST.slice(0, 4), ...replaced('web-2').slice(0, 4), failed(fresh('web-1')), BACK]
    const rollout = rolloutOf({ rules: { batch: 2 } }, ...begun, batch('web-1', 'web-2'))
    const fleet = [ill('web-1'), ill('web-2'), leaving('web-1'), leaving('web-2')]
    expect(short(decided(rollout, fleet))).toEqual(['draining web-1-r7-1', 'drain web-1-r7-1!'])
  })

  test('keeps the last one also where only one may be in a slot, while somebody comes into another', () => {
    const begun = [...both, failed(fresh('web-1')), BACK, batch('web-1', 'web-2')]
    const rollout = rolloutOf({ rules: { ...stopFirst, batch: 2 } }, ...begun)
    expect(short(decided(rollout, [ill('web-1'), ill('web-2')]))).toEqual([
      'draining web-1-r7-1',
      'drain web-1-r7-1!',
    ])
  })

  test('keeps the last one, too, that was told to go when more served, and has not gone yet', () => {
    const events = [...failing, batch('web-1', 'web-2'), told('draining', fresh('web-1'))]
    const fleet = [ill('web-1'), seen(fresh('web-2'), 'stopping', { health: SICK })]
    const rollout = rolloutOf({ rules: { batch: 2 } }, ...events)
    expect(short(decided(rollout, fleet))).toEqual(['placed web-1-r7-2 1', 'placed web-2-r7-2 1'])
    expect(short(decided(rollout, [ill('web-1'), ill('web-2')]))).toEqual([
      'placed web-1-r7-2 1',
      'placed web-2-r7-2 1',
      'drain web-1-r7-1!',
    ])
  })

  test('lets the last one go where nobody comes', () => {
    const given: Given = { before: [], roles: [{ role: 'web', instances: 1 }] }
    const events = [batch('web-1'), placing(fresh('web-1')), told('serving', fresh('web-1'))]
    const rollout = rolloutOf(given, ...events, failed(fresh('web-1')), BACK, batch('web-1'))
    expect(short(decided(rollout, [ill('web-1')]))).toEqual(['draining web-1-r7-1', 'drain web-1-r7-1!'])
  })
})

describe('a way back that fails', () => {
  const given: Given = { rules: { retries: 0 } }
  const events = [
    ...FIRST,
    BACK,
    batch('web-1'),
    placing(again('web-1')),
    failed(again('web-1')),
    told('gone', again('web-1')),
  ]

  test('pauses and says so', () => {
    const decision = decided(rolloutOf(given, ...events), HALF)
    expect([short(decision), because(decision)]).toEqual([
      ['paused'],
      'the rollback failed: "web-1-r7-2" failed',
    ])
  })

  test('pauses, however many failures are tolerated on the way forward', () => {
    for (const rules of [{ maxFailures: 9 }, { onFailure: 'continue' as const }]) {
      const rollout = rolloutOf({ rules: { retries: 0, ...rules } }, ...events)
      expect(short(decided(rollout, HALF))).toEqual(['paused'])
    }
  })

  test('is tried again when somebody resumes', () => {
    expect(short(decided(rolloutOf(given, ...events, PAUSED, asked('resume')), HALF))).toEqual([
      'placed web-1-r7-3 1',
    ])
  })

  test('is given up when somebody aborts that, too: the fleet stays as it is', () => {
    const decision = decided(rolloutOf(given, ...events, PAUSED, asked('abort')), HALF)
    expect([short(decision), because(decision)]).toEqual([
      ['ended abandoned'],
      'aborted by ada on the way back, after: it was bad',
    ])
  })

  test('is not given up by an abort while it is under way', () => {
    const rollout = rolloutOf(given, ...FIRST, BACK, asked('abort'))
    expect(short(decided(rollout, HALF))).toEqual(['batch web-1'])
  })

  test('because nothing moves pauses, too', () => {
    const rollout = rolloutOf(given, ...FIRST, BACK, batch('web-1'), told('draining', fresh('web-1')))
    const stuck = [seen(fresh('web-1'), 'stopping'), seen(old('web-2')), seen(again('web-1'), 'stopping')]
    const decision = decided(rollout, stuck, { afterMs: 630_001 })
    expect(because(decision)).toMatch(/^the rollback failed: nothing moved for 630 s: /)
    expect(short(decision)).toEqual(['paused'])
  })
})

describe('an earlier version that the database cannot serve any more', () => {
  const tooOld = [{ version: '1', because: 'its columns are gone' }]

  test('is not brought back: a failure pauses', () => {
    const events = [...FIRST, failed(fresh('web-1')), told('gone', fresh('web-1'))]
    const decision = decided(rolloutOf({ rules: { retries: 0 } }, ...events), HALF.slice(1), { tooOld })
    expect([short(decision), because(decision)]).toEqual([
      ['paused'],
      '"web-1-r7-1" failed; "1" cannot be brought back: its columns are gone',
    ])
  })

  test('is not brought back: an abort leaves the fleet as it is', () => {
    const decision = decided(rolloutOf({}, ...FIRST, asked('abort')), HALF, { tooOld })
    expect([short(decision), because(decision)]).toEqual([
      ['ended abandoned'],
      'aborted by ada; "1" cannot be brought back: its columns are gone',
    ])
  })

  test('is no obstacle to the way forward', () => {
    expect(short(decided(rolloutOf({}, ...FIRST), HALF, { tooOld }))).toEqual(['batch web-2'])
  })
})

describe('a rollout that is over', () => {
  test.each([['done'], ['rolled_back'], ['abandoned']] as const)(
    'as %s stays so, whatever is asked for or seen',
    (outcome) => {
      const rollout = rolloutOf({}, { kind: 'ended', outcome, because: 'of that' })
      const decision = decided(rollout, [seen(old('web-1'), 'serving', { health: HEALTHY })], {
        requests: [{ seq: 1, request: 'abort', by: 'ada' }],
      })
      expect(decision).toEqual({
        events: [],
        actions: [],
        waitsFor: [],
        verdict: { is: outcome, because: 'of that' },
      })
    },
  )
})
