import { describe, expect, test } from 'vitest'
import type { RolloutHistory } from '../../../src/core/rollout/begin.ts'
import { cameOver, stoodFrom } from '../../../src/core/rollout/came-over.ts'
import type { RolloutEvent, RolloutOutcome } from '../../../src/core/rollout/event.ts'
import { placed, started } from '../../support/rollout-model.ts'

type Entry = readonly [run: number, event: RolloutEvent]
const begins = (run: number, version: string, before: readonly string[], role = 'web'): Entry => [
  run,
  {
    ...started({ roles: [{ role, instances: 1 }] }),
    version,
    before: before.map((one) => ({ ...placed(`${role}-1-${one}`, one), available: true })),
  },
]
const ends = (run: number, outcome: RolloutOutcome = 'done'): Entry => [
  run,
  { kind: 'ended', outcome, because: '' },
]
const of = (...entries: readonly Entry[]): RolloutHistory =>
  entries.map(([run, event], at) => ({ run, seq: at + 1, atMs: at, event }))
const rolled = (run: number, version: string, ...before: readonly string[]): readonly Entry[] => [
  begins(run, version, before),
  ends(run),
]

/** "2" replaced "1" for the run 1, and is to stay. */
const TWO = rolled(1, '2', '1')
const stayed = (...entries: readonly Entry[]) =>
  cameOver({ version: '2', seq: 1 }, of(...TWO, ...entries), [])

describe('where "2" was to stay, there is to stay', () => {
  test.each<[string, string, readonly Entry[]]>([
    ['it itself, while nothing came', '2', []],
    ['the one that replaced it, for whatever migration', '3', rolled(2, '3', '2')],
    ['the one that replaced that one', '4', [...rolled(2, '3', '2'), ...rolled(3, '4', '3')]],
    ['it itself, while another one is on its way', '2', [begins(2, '3', ['2'])]],
    ['it itself, when that was taken back', '2', [begins(2, '3', ['2']), ends(2, 'rolled_back')]],
    ['it itself, when that was left half way', '2', [begins(2, '3', ['2']), ends(2, 'abandoned')]],
    [
      'what was finished behind that',
      '3',
      [begins(2, '3', ['2']), ends(2, 'abandoned'), ...rolled(2, '3', '2', '3')],
    ],
    ['it itself, when it was gone back to', '2', [...rolled(2, '3', '2'), ...rolled(2, '2', '3')]],
    ['not what ran before it', '2', rolled(2, '1', '2')],
    ['not what came over what ran before it', '2', [...rolled(2, '1', '2'), ...rolled(2, '3', '1')]],
    ['not what came beside something that is not known', '2', rolled(2, '3', '2', '7')],
    ['not what came in where nothing ran', '2', rolled(2, '3')],
    ['not what replaces another application', '2', [begins(2, '3', ['2'], 'ledger'), ends(2)]],
  ])('%s', (_what, version, entries) => {
    expect(stayed(...entries)).toBe(version)
  })

  test('not what was rolled out before it, or registered', () => {
    const before = [...rolled(7, '3', '0'), ...rolled(7, '1', '3')]
    const history = of(...before, ...TWO, ...rolled(2, '3', '2'))
    expect(cameOver({ version: '2', seq: 5 }, history, [])).toBe('2')
    const later = of(...TWO, ...rolled(2, '3', '2'))
    expect(cameOver({ version: '2', seq: 1 }, later, ['2', '3'])).toBe('2')
    expect(cameOver({ version: '2', seq: 1 }, later, ['2', '1'])).toBe('3')
  })
})

describe('where it was said later that "2" is to stay', () => {
  const tried = [...TWO, begins(2, '3', ['2']), ends(2, 'rolled_back')]

  test('what came in over it before that does not count, unless it comes once more', () => {
    const gone = [...TWO, ...rolled(2, '3', '2')]
    expect(cameOver({ version: '2', seq: 4 }, of(...gone), [])).toBe('2')
    expect(cameOver({ version: '2', seq: 4 }, of(...tried, ...rolled(2, '3', '2')), [])).toBe('3')
  })

  test('its own rollout tells what is older', () => {
    expect(stoodFrom({ version: '2', seq: 4 }, of(...tried))).toBe(1)
    expect(stoodFrom({ version: '9', seq: 4 }, of(...tried))).toBe(4)
    // Whoever deployed it did so without Bellows: what came in before that may be older.
    expect(cameOver({ version: '9', seq: 4 }, of(...tried, ...rolled(2, '3', '9')), [])).toBe('9')
    expect(cameOver({ version: '9', seq: 4 }, of(...tried, ...rolled(2, '4', '9')), [])).toBe('4')
  })
})
