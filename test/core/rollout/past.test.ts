import { expect, test } from 'vitest'
import type { RolloutHistory } from '../../../src/core/rollout/begin.ts'
import type { RolloutEvent } from '../../../src/core/rollout/event.ts'
import { pastRollouts } from '../../../src/core/rollout/past.ts'
import { started } from '../../support/rollout-model.ts'

const history = (...events: readonly (readonly [run: number, event: RolloutEvent])[]): RolloutHistory =>
  events.map(([run, event], at) => ({ run, seq: at + 1, atMs: (at + 1) * 1_000, event }))
const began = (number: number, version: string): RolloutEvent => ({ ...started(), number, version })
const ended = (outcome: 'done' | 'rolled_back'): RolloutEvent => ({ kind: 'ended', outcome, because: 'so' })

test('what was rolled out, the newest first, and each with its own end', () => {
  const past = pastRollouts(
    history(
      [1, began(1, '1')],
      [1, ended('done')],
      [1, began(2, '2')],
      // A run that was left before its end.
      [2, began(3, '3')],
      [1, ended('rolled_back')],
    ),
    [{ version: '1', because: 'it needs what is gone' }],
  )
  expect(past).toEqual([
    { number: 3, run: 2, version: '3', beganAtMs: 4_000 },
    {
      number: 2,
      run: 1,
      version: '2',
      beganAtMs: 3_000,
      ended: { atMs: 5_000, outcome: 'rolled_back', because: 'so' },
    },
    {
      number: 1,
      run: 1,
      version: '1',
      beganAtMs: 1_000,
      ended: { atMs: 2_000, outcome: 'done', because: 'so' },
      tooOld: 'it needs what is gone',
    },
  ])
})
