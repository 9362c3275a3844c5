import { expect, test } from 'vitest'
import { givingWay } from '../../../src/core/run/give-way.ts'

const GIVEN = { lockTimeoutMs: 300, statementTimeoutMs: 600, targetMs: 25, rows: 7 }

test.for([
  ['as long as it is said on a usual server', 1_000, GIVEN],
  ['also where the server looks later', 5_000, GIVEN],
  [
    'shorter in the same measure where it looks sooner',
    200,
    { lockTimeoutMs: 60, statementTimeoutMs: 120, targetMs: 5, rows: 7 },
  ],
] as const)('a batch is %s', ([, deadlockTimeoutMs, expected]) => {
  expect(givingWay(GIVEN, deadlockTimeoutMs)).toEqual(expected)
})

test('bounds that are short enough stay, and longer ones on a usual server are the choice of their owner', () => {
  const short = { ...GIVEN, lockTimeoutMs: 50, statementTimeoutMs: 100 }
  expect(givingWay(short, 200)).toEqual(short)
  const long = { ...GIVEN, statementTimeoutMs: 5_000 }
  expect(givingWay(long, 1_000)).toEqual(long)
})
