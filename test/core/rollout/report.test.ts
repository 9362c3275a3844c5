import { describe, expect, test } from 'vitest'
import { type RolloutChange, rolloutRules } from '../../../src/config.ts'
import { type RoleWish, type RolloutEvent, standsBecause } from '../../../src/core/rollout/event.ts'
import type { FleetInstance } from '../../../src/core/rollout/fleet.ts'
import { previewOf } from '../../../src/core/rollout/preview.ts'
import { instanceLines } from '../../../src/core/rollout/report.ts'
import { rolloutEventText } from '../../../src/core/rollout/tell.ts'
import {
  asked,
  batch,
  failed,
  fresh,
  old,
  placed,
  placing,
  rolloutOf,
  SETTLED,
  SICK,
  seen,
  started,
  told,
} from '../../support/rollout-model.ts'

describe('the line of an instance', () => {
  const stateOf = (one: FleetInstance, events: readonly RolloutEvent[] = [placing(fresh('web-1'))]) =>
    instanceLines(rolloutOf({ before: [] }, ...events), [one]).map(({ state }) => state)
  const one = fresh('web-1')
  const health = (passes: number, failures = 0, healthyForMs = 0) => ({
    health: { passes, failures, healthyForMs },
  })

  test.each<[string, FleetInstance]>([
    ['starting', seen(one, 'starting', health(0))],
    ['probing 1/2', seen(one, 'starting', health(1))],
    ['soaking 7/10 s', seen(one, 'starting', health(9, 0, 7_900))],
    ['serving', seen(one, 'serving', health(9))],
    ['serving, 2/3 checks failed', seen(one, 'serving', health(0, 2))],
    ['draining (2 requests)', seen(one, 'draining', { inFlight: 2 })],
    ['draining (1 request)', seen(one, 'draining', { inFlight: 1 })],
    ['draining', seen(one, 'draining')],
    ['stopping', seen(one, 'stopping')],
    ['gone', seen(one, 'gone')],
  ])('says "%s"', (state, seenOne) => {
    expect(stateOf(seenOne)).toEqual([state])
  })

  test('tells of everyone: who is to come, who is there, who failed and who is gone', () => {
    const rollout = rolloutOf(
      {},
      batch('web-1'),
      placing(fresh('web-1')),
      failed(fresh('web-1'), 'it never came up'),
      placing(fresh('web-1', 2)),
      told('gone', old('web-2')),
    )
    const sick = seen(fresh('web-1'), 'stopping', { health: SICK })
    const lines = instanceLines(rollout, [
      seen(old('web-1'), 'serving', { inFlight: 3 }),
      sick,
      seen(placed('cron-1-x', '1')),
    ])
    expect(lines.map(({ id, version, state, error }) => [id, version, state, error])).toEqual([
      ['web-1-old', '1', 'serving', undefined],
      ['web-1-r7-1', '2', 'failed, stopping', 'it never came up'],
      ['web-1-r7-2', '2', 'pending', undefined],
      ['web-2-old', '1', 'gone', undefined],
      ['cron-1-x', '1', 'serving', undefined],
    ])
    expect(lines[0]).toMatchObject({ role: 'web', slot: 1, inStateMs: 1_000, inFlight: 3 })
    const gone = rolloutOf({ before: [] }, placing(one), failed(one, 'no'), told('gone', one))
    expect(instanceLines(gone, [seen(old('web-9'), 'gone')])).toMatchObject([
      { state: 'failed', error: 'no' },
    ])
  })

  test('has what the last failed check said', () => {
    const [line] = instanceLines(rolloutOf({}), [
      seen(placed('web-9-x', '1'), 'serving', { health: SICK }),
    ]).slice(-1)
    expect(line?.error).toBe('HTTP 500')
  })
})

describe('what a rollout would do', () => {
  const lines = (
    fleet: readonly FleetInstance[],
    change: RolloutChange = {},
    roles: readonly RoleWish[] = [{ role: 'web', instances: 2 }],
  ) => previewOf({ version: '2', roles, rules: rolloutRules(change) }, fleet).lines
  const two = [seen(old('web-1')), seen(old('web-2'))]

  test('is told before it begins', () => {
    expect(lines(two)).toEqual([
      'will replace 2 instances, 1 at a time, each new one before the old one goes',
      '  web: 2 from "1" to "2"',
      '  first 1 instance as a canary',
      '  when it fails: the earlier version is brought back everywhere',
    ])
  })

  test('is told of every role, of what comes and goes, and of what stays', () => {
    const roles = [
      { role: 'web', instances: 3 },
      { role: 'worker', instances: 1 },
    ]
    const fleet = [
      ...two.slice(0, 1),
      seen(placed('web-2-x', '2')),
      seen(placed('web-9-x', '1')),
      seen(placed('cron-1-x', '0')),
    ]
    const change: RolloutChange = {
      batch: '25%',
      order: 'stop-first',
      canary: { instances: 2, pauseMs: 'manual' },
      onFailure: 'pause',
    }
    expect(lines(fleet, change, roles)).toEqual([
      'will replace 1 instance, 25% at a time, each old one before the new one comes, start 2 more, remove 2',
      '  web: 1 from "1" to "2", 1 new of "2", 1 removed, 1 as they are',
      '  worker: 1 new of "2"',
      '  cron: 1 removed',
      '  first 2 instances as a canary, then it waits for "bellows deploy resume"',
      '  when it fails: it stands still for somebody to look at it',
    ])
  })

  test('is only starting where nothing serves', () => {
    expect(lines([], { onFailure: 'continue' })).toEqual([
      'will start 2',
      '  web: 2 new of "2"',
      '  when it fails: it goes on with the others, and stands still at the end',
    ])
  })

  test('has a canary that is watched, or none', () => {
    expect(lines(two, { canary: { pauseMs: 90_000 } })).toContain(
      '  first 1 instance as a canary, watched for 90 s',
    )
    expect(lines(two, { canary: { instances: 0 } })).toContain('  without a canary')
  })

  test('is nothing where all is as it shall be', () => {
    const there = [seen(placed('web-1-x', '2')), seen(placed('web-2-x', '2'))]
    expect(lines(there)).toEqual(['every instance serves "2" already'])
    const roles = [
      { role: 'web', instances: 2 },
      { role: 'worker', instances: 1 },
    ]
    expect(lines(there, {}, roles)).toContain('  web: 2 as they are')
  })
})

describe('what is told of an event', () => {
  test.each<[RolloutEvent, string | undefined]>([
    [started(), 'rollout 7 begins: "2" for 2 web'],
    [batch('web-1', 'web-2'), 'next: web-1, web-2'],
    [placing(fresh('web-1')), 'web-1-r7-1 starts'],
    [told('running', fresh('web-1')), undefined],
    [told('serving', fresh('web-1')), 'web-1-r7-1 serves'],
    [told('draining', old('web-1')), 'web-1-old drains'],
    [told('gone', old('web-1')), 'web-1-old is gone'],
    [failed(fresh('web-1'), 'it ended'), 'web-1-r7-1 failed: it ended'],
    [SETTLED, 'all of it is as it should be'],
    [
      { kind: 'checked', name: 'errors', outcome: 'pass', because: 'it is true' },
      'check "errors": pass, it is true',
    ],
    [asked('pause'), 'ada asks to pause'],
    [{ kind: 'paused', because: 'so' }, 'paused: so'],
    [{ kind: 'turned_back', because: 'so' }, 'taking it back: so'],
    [{ kind: 'ended', outcome: 'done', because: 'so' }, 'done: so'],
    [{ kind: 'ended', outcome: 'rolled_back', because: 'so' }, 'taken back: so'],
  ])('%#: is one line', (event, text) => {
    expect(rolloutEventText(event)).toBe(text)
  })

  test.each<[RolloutEvent, string | undefined]>([
    [{ kind: 'paused', because: 'so' }, 'the rollout is paused: so'],
    [{ kind: 'paused', because: 'so', held: true }, 'the rollout is paused: so'],
    [asked('resume'), undefined],
    [{ kind: 'turned_back', because: 'so' }, 'the rollout is being taken back: so'],
    [{ kind: 'ended', outcome: 'rolled_back', because: 'so' }, 'the rollout was taken back: so'],
    [{ kind: 'ended', outcome: 'abandoned', because: 'so' }, 'the rollout was abandoned: so'],
    [{ kind: 'ended', outcome: 'done', because: 'so' }, undefined],
    [SETTLED, undefined],
  ])('%#: says why the run stands still, if it does', (event, text) => {
    expect(standsBecause(event)).toBe(text)
  })
})
