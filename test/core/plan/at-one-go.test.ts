import { expect, test } from 'vitest'
import { isHeldByHand } from '../../../src/core/plan/at-one-go.ts'
import type { Step } from '../../../src/core/plan/step.ts'

const step = (more: object): Step => ({ kind: 'ddl', phase: 'verify', cost: 'instant', ...more }) as Step

test.each<[string, object, boolean]>([
  ['an index', { kind: 'concurrent_index' }, true],
  ['indexes of partitions', { kind: 'index_parts' }, true],
  ['a proof', { kind: 'validate', cost: 'scan' }, true],
  ['a proof, partition by partition', { kind: 'validate_parts' }, true],
  ['what somebody says may take long', { cost: 'unknown' }, true],
  ['what takes a moment', {}, false],
  ['batches, which the brake itself holds', { kind: 'backfill' }, false],
  ['a way back', { kind: 'concurrent_index', undoes: ['0001_test/retire/1'] }, false],
  ['what is behind the gate', { kind: 'validate', cost: 'scan', phase: 'retire' }, false],
  ['what is hidden already', { kind: 'index_parts', phase: 'purge' }, false],
])('a pause that was asked for holds %s', (_what, more, held) => {
  expect(isHeldByHand(step(more))).toBe(held)
})
