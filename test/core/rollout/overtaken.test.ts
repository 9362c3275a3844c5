import { describe, expect, test } from 'vitest'
import type { RolloutHistory } from '../../../src/core/rollout/begin.ts'
import type { RolloutEvent, RolloutOutcome } from '../../../src/core/rollout/event.ts'
import { overtaking } from '../../../src/core/rollout/overtaken.ts'
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
    expect(overtaking(of(...TWO, ...entries), '2')).toBeUndefined()
  })

  test.each<[string, readonly Entry[], string, boolean]>([
    ['another version is on its way', [begins(1, '3', '2')], '3', false],
    ['another version runs', [begins(1, '3', '2'), ends(1, 'done')], '3', true],
    ['another version runs, for another migration', [begins(2, '3', '2'), ends(2, 'done')], '3', true],
    ['another version was left half way', [begins(1, '3', '2'), ends(1, 'abandoned')], '3', true],
    ['its own was taken back', [begins(1, '2', '1'), ends(1, 'rolled_back')], '1', true],
  ])('is overtaken: %s', (_what, entries, version, isOver) => {
    expect(overtaking(of(...TWO, ...entries), '2')).toEqual({ version, isOver })
  })
})

test('where nothing was ever rolled out nobody is overtaken', () => {
  expect(overtaking([], '2')).toBeUndefined()
})
