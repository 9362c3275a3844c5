import { describe, expect, test } from 'vitest'
import {
  along,
  asked,
  BACK,
  batch,
  because,
  type Case,
  decided,
  FIRST,
  failed,
  fresh,
  type Given,
  old,
  placed,
  placing,
  replaced,
  rolloutOf,
  SICK,
  seen,
  short,
  told,
} from '../../support/rollout-model.ts'

const back = (one: ReturnType<typeof old>) => seen(one, 'starting', { returning: true, restarts: 1 })
const coming = [batch('web-1'), placing(fresh('web-1')), told('running', fresh('web-1'))]
const stopFirst = { order: 'stop-first', minAvailablePercent: 50 } as const

describe('one that served, ended by itself and is being started again,', () => {
  test.each<Case>([
    [
      'stays while what replaces it comes up',
      coming,
      [back(old('web-1')), seen(old('web-2')), seen(fresh('web-1'), 'starting')],
      ['serve web-1-r7-1!'],
    ],
    [
      'leaves room for that',
      [batch('web-1')],
      [back(old('web-1')), seen(old('web-2'))],
      ['placed web-1-r7-1 2'],
    ],
    [
      'goes when that serves',
      [...coming, told('serving', fresh('web-1'))],
      [back(old('web-1')), seen(old('web-2')), seen(fresh('web-1'))],
      ['stop web-1-old!'],
    ],
    [
      'goes where another one is in its slot, too: two are the most',
      [batch('web-1')],
      [back(old('web-1')), back(placed('web-1-left', '0')), seen(old('web-2'))],
      ['stop web-1-left!'],
    ],
    [
      'goes when it had failed and others serve',
      [...FIRST, failed(fresh('web-1'))],
      [back(fresh('web-1')), seen(old('web-2'))],
      ['placed web-1-r7-2 2', 'stop web-1-r7-1!'],
    ],
    [
      'stays, too, when it had failed and nobody else serves',
      [...FIRST, failed(fresh('web-1')), told('gone', old('web-2'))],
      [back(fresh('web-1'))],
      ['placed web-1-r7-2 2'],
    ],
    [
      'goes where nobody shall be in its slot',
      [...FIRST, batch('web-3')],
      [seen(fresh('web-1')), seen(old('web-2')), back(old('web-3'))],
      ['stop web-3-old!'],
    ],
  ])('%s', along({}))

  test('goes first where only one may be in a slot', () => {
    const fleet = [back(old('web-1')), seen(old('web-2'))]
    expect(short(decided(rolloutOf({ rules: stopFirst }, batch('web-1')), fleet))).toEqual([
      'stop web-1-old!',
    ])
  })

  test('has failed where it is of the new version, however well it is by now', () => {
    const again = seen(fresh('web-1'), 'serving', { restarts: 1, ended: 'exit code 3' })
    const decision = decided(rolloutOf({}, ...FIRST), [again, seen(old('web-2'))])
    expect(short(decision)).toEqual(['failed web-1-r7-1'])
    expect(because(decision)).toBe('"web-1-r7-1" ended by itself: exit code 3, and was started again')
  })

  test('has not where it is of the earlier version', () => {
    const again = seen(old('web-2'), 'serving', { restarts: 1, ended: 'exit code 3' })
    expect(short(decided(rolloutOf({}, ...FIRST), [seen(fresh('web-1')), again]))).toEqual(['batch web-2'])
  })

  test('has not where it is of the earlier version, and was brought back', () => {
    const restored = placed('web-1-r7-2', '1')
    const events = [...FIRST, BACK, batch('web-1'), told('gone', fresh('web-1')), placing(restored)]
    const rollout = rolloutOf({ rules: { retries: 0 } }, ...events, told('serving', restored))
    const again = seen(restored, 'serving', { restarts: 1, ended: 'exit code 3' })
    expect(short(decided(rollout, [again, seen(old('web-2'))]))).toEqual(['batch_settled'])
  })

  test('has failed when it does not come up in time, although it served before', () => {
    const late = seen(fresh('web-1'), 'starting', { returning: true, inStateMs: 300_001, health: SICK })
    const decision = decided(rolloutOf({}, ...FIRST), [late, seen(old('web-2'))])
    expect(because(decision)).toBe('"web-1-r7-1" was not healthy within 300 s: HTTP 500')
  })
})

describe('the last of a role that serves', () => {
  test('stays where its slot failed for good and the rollout goes on without it', () => {
    const given: Given = {
      rules: { retries: 0, onFailure: 'continue' },
      roles: [{ role: 'web', instances: 1 }],
      before: ['web-1'],
    }
    const rollout = rolloutOf(given, batch('web-1'), ...replaced('web-1'), failed(fresh('web-1')))
    const ill = seen(fresh('web-1'), 'serving', { health: SICK })
    expect(short(decided(rollout, [ill]))).toEqual(['batch_settled'])
    const another = seen(old('web-2'))
    expect(short(decided(rollout, [ill, another]))).toEqual(['draining web-1-r7-1', 'drain web-1-r7-1!'])
  })

  test('stays until one that comes serves, also when all may be missing and it has no place any more', () => {
    const given: Given = {
      rules: { minAvailablePercent: 0 },
      roles: [{ role: 'web', instances: 1 }],
    }
    const gone = told('gone', old('web-1'))
    const events = [batch('web-1', 'web-2'), gone, placing(fresh('web-1')), told('running', fresh('web-1'))]
    const fleet = [seen(old('web-2')), seen(fresh('web-1'), 'starting', { health: SICK })]
    expect(short(decided(rolloutOf(given, ...events), fleet))).toEqual([])
    const served = [...events, told('serving', fresh('web-1'))]
    expect(short(decided(rolloutOf(given, ...served), [seen(old('web-2')), seen(fresh('web-1'))]))).toEqual([
      'draining web-2-old',
      'drain web-2-old!',
    ])
  })

  test('stays, too, where it was told to go and that did not show', () => {
    const given: Given = { rules: { minAvailablePercent: 0 } }
    const gone = [told('gone', fresh('web-1')), told('gone', old('web-2'))]
    const events = [batch('web-1'), ...replaced('web-1').slice(0, 4), failed(fresh('web-1')), ...gone]
    const decision = decided(rolloutOf(given, ...events), [seen(old('web-1'))])
    expect(short(decision)).toEqual(['placed web-1-r7-2 2'])
  })
})

describe('on its way back from more than there were', () => {
  const given: Given = { roles: [{ role: 'web', instances: 2 }], before: ['web-1'] }
  const grown = [
    batch('web-2'),
    ...replaced('web-2').slice(0, 3),
    batch('web-1'),
    ...replaced('web-1'),
    failed(fresh('web-1')),
    BACK,
  ]
  const fleet = [seen(fresh('web-1'), 'serving', { health: SICK }), seen(fresh('web-2'))]

  test('fills the places again in which nobody well is, while whoever has none must serve', () => {
    const begun = [...grown, batch('web-2')]
    expect(short(decided(rolloutOf(given, ...grown), fleet))).toEqual(['batch web-2'])
    expect(short(decided(rolloutOf(given, ...begun), fleet))).toEqual(['batch web-1'])
    const decision = decided(rolloutOf(given, ...begun, batch('web-1')), fleet)
    expect(short(decision)).toEqual(['draining web-1-r7-1', 'placed web-1-r7-2 1', 'drain web-1-r7-1!'])
    expect(decision.waitsFor).toEqual([
      '"web-2-r7-1" must stay: otherwise fewer of "web" would serve than must',
    ])
  })

  test('but not behind a pause that was asked for', () => {
    const begun = [...grown, asked('pause'), batch('web-2')]
    expect(short(decided(rolloutOf(given, ...begun), fleet))).toEqual(['paused'])
  })

  test('takes away at once whoever is too many where the others are as before', () => {
    const events = [batch('web-2'), ...replaced('web-2').slice(0, 3), BACK]
    expect(short(decided(rolloutOf(given, ...events), [seen(old('web-1')), seen(fresh('web-2'))]))).toEqual([
      'batch web-2',
    ])
  })

  describe('where one goes before another comes', () => {
    const rules = { ...stopFirst, minAvailablePercent: 75 }
    const roles = [{ role: 'web', instances: 4 }]
    const three = { rules, roles, before: ['web-1', 'web-2', 'web-3'] }
    const all = ['web-1', 'web-2', 'web-3', 'web-4']
    const events = [batch(...all), ...all.flatMap(replaced), BACK]

    test('whoever is too many serves meanwhile, and goes last', () => {
      const fleet = all.map((slot) => seen(fresh(slot)))
      expect(short(decided(rolloutOf(three, ...events), fleet))).toEqual(['batch web-1'])
      const restored = all.slice(0, 3).map((slot) => seen(placed(`${slot}-r7-2`, '1')))
      const gone = all.slice(0, 3).map((slot) => told('gone', fresh(slot)))
      const rollout = rolloutOf(three, ...events, ...gone)
      expect(short(decided(rollout, [...restored, ...fleet.slice(3)]))).toEqual(['batch web-4'])
    })

    test('also in one batch, and where all of a few may be missing', () => {
      const two = {
        rules: { ...stopFirst, batch: 2 },
        roles: [{ role: 'web', instances: 2 }],
        before: ['web-1'],
      }
      const both = ['web-1', 'web-2']
      const events = [batch(...both), ...replaced('web-1'), ...replaced('web-2').slice(0, 3), BACK]
      const begun = [...events, batch(...both)]
      const decision = decided(
        rolloutOf(two, ...begun),
        both.map((slot) => seen(fresh(slot))),
      )
      expect(short(decision)).toEqual(['draining web-1-r7-1', 'drain web-1-r7-1!'])
      const coming = placed('web-1-r7-2', '1')
      const gone = [...begun, told('draining', fresh('web-1')), told('gone', fresh('web-1'))]
      const rollout = rolloutOf(two, ...gone, placing(coming), told('running', coming))
      const fleet = [seen(coming, 'starting', { health: SICK }), seen(fresh('web-2'))]
      expect(short(decided(rollout, fleet))).toEqual([])
      const served = rolloutOf(
        two,
        ...gone,
        placing(coming),
        told('running', coming),
        told('serving', coming),
      )
      expect(short(decided(served, [seen(coming), seen(fresh('web-2'))]))).toEqual([
        'draining web-2-r7-1',
        'drain web-2-r7-1!',
      ])
    })

    test('one may be missing, however few there were, or nobody could ever go', () => {
      const fleet = all.slice(0, 3).map((slot) => seen(fresh(slot)))
      const rollout = rolloutOf(three, ...events, told('gone', fresh('web-4')), batch('web-1'))
      expect(short(decided(rollout, fleet))).toEqual(['draining web-1-r7-1', 'drain web-1-r7-1!'])
    })
  })
})
