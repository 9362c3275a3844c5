import { describe, expect, test } from 'vitest'
import type { RolloutHistory } from '../../../src/core/rollout/begin.ts'
import type { RolloutEvent, RolloutOutcome } from '../../../src/core/rollout/event.ts'
import { cameInBehind, overtaking } from '../../../src/core/rollout/overtaken.ts'
import { placed, started } from '../../support/rollout-model.ts'

type Entry = readonly [run: number, event: RolloutEvent]
const begins = (run: number, version: string, ...before: readonly string[]): Entry => [
  run,
  {
    ...started(),
    version,
    before: before.map((one) => ({ ...placed(`web-1-${one}`, one), available: true })),
  },
]
const ends = (run: number, outcome: RolloutOutcome): Entry => [run, { kind: 'ended', outcome, because: '' }]
const of = (...entries: readonly Entry[]): RolloutHistory =>
  entries.map(([run, event], at) => ({ run, seq: at, atMs: at, event }))

const TWO = [begins(1, '2', '1'), ends(1, 'done')] as const

describe('whoever has rolled out "2" and waits', () => {
  test.each<[string, readonly Entry[]]>([
    ['alone', []],
    ['beside the same command', [begins(1, '2', '2')]],
    ['beside the same command, which is through', [begins(1, '2', '2'), ends(1, 'done')]],
    ['while another version was tried and taken back', [begins(1, '3', '2'), ends(1, 'rolled_back')]],
    ['while it was overtaken, and rolled out anew', [begins(1, '3', '2'), ends(1, 'done'), ...TWO]],
  ])('is not overtaken: %s', (_what, entries) => {
    expect(overtaking(of(...TWO, ...entries), { run: 1, version: '2' })).toBeUndefined()
  })

  test.each<[string, readonly Entry[], string, boolean]>([
    ['another version is on its way', [begins(1, '3', '2')], '3', false],
    ['another version runs', [begins(1, '3', '2'), ends(1, 'done')], '3', true],
    ['another version runs, for another migration', [begins(2, '3', '2'), ends(2, 'done')], '3', true],
    ['another version was left half way', [begins(1, '3', '2'), ends(1, 'abandoned')], '3', true],
    ['its own was taken back', [begins(1, '2', '1'), ends(1, 'rolled_back')], '1', true],
  ])('is overtaken: %s', (_what, entries, version, isOver) => {
    expect(overtaking(of(...TWO, ...entries), { run: 1, version: '2' })).toEqual({ version, isOver })
  })
})

describe('a deployment that has heard of the first rollout', () => {
  const numbered = (run: number, version: string, number: number): Entry => [
    run,
    { ...started(), version, number },
  ]
  const of2 = (outcome?: RolloutOutcome) =>
    of(
      numbered(1, '2', 1),
      ends(1, 'done'),
      numbered(2, '3', 2),
      ...(outcome === undefined ? [] : [ends(2, outcome)]),
    )

  test.each([[undefined], ['done'], ['abandoned']] as const)(
    'finds what came in behind that: %s',
    (outcome) => {
      expect(cameInBehind(of2(outcome), 1, started())).toBe('3')
      expect(cameInBehind(of2(outcome), 2, started())).toBeUndefined()
    },
  )

  test('but nothing that was tried and taken back', () => {
    expect(cameInBehind(of2('rolled_back'), 1, started())).toBeUndefined()
  })
})

describe('beside another application on the same database', () => {
  const other = (role: string, version: string): RolloutEvent => ({
    ...started({ roles: [{ role, instances: 1 }], before: [] }),
    version,
  })
  const roll = (version: string, ...names: readonly string[]): RolloutEvent => ({
    kind: 'rollout_started',
    number: 8,
    version,
    heard: 0,
    mode: 'drive',
    workloads: names.map((name) => ({ kind: 'Deployment', name, container: 'app' })),
    before: [{ version: '1' }],
  })

  test.each<[string, readonly Entry[]]>([
    ['that is being rolled out', [[2, other('ledger', '7')]]],
    ['that runs', [[2, other('ledger', '7')], ends(2, 'done')]],
    [
      'that has the same version as we, and then another one',
      [[2, other('ledger', '2')], ends(2, 'done'), [2, other('ledger', '3')]],
    ],
    ['in a cluster', [[2, roll('7', 'web')], ends(2, 'done')]],
  ])('nobody is overtaken by one %s', (_what, entries) => {
    expect(overtaking(of(...TWO, ...entries), { run: 1, version: '2' })).toBeUndefined()
  })

  test('somebody is by his own all the same', () => {
    const entries: readonly Entry[] = [begins(1, '3', '2'), ends(1, 'done'), [2, other('ledger', '2')]]
    expect(overtaking(of(...TWO, ...entries), { run: 1, version: '2' })).toMatchObject({ version: '3' })
  })

  test('workloads are told apart by their names', () => {
    const shop: Entry = [1, roll('2', 'shop', 'worker')]
    const by = (...names: readonly string[]) =>
      overtaking(of(shop, ends(1, 'done'), [2, roll('7', ...names)]), { run: 1, version: '2' })
    expect(by('ledger')).toBeUndefined()
    expect(by('ledger', 'worker')).toEqual({ version: '7', isOver: false })
  })
})

test('where nothing was ever rolled out nobody is overtaken', () => {
  expect(overtaking([], { run: 1, version: '2' })).toBeUndefined()
})
