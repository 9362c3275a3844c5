import { describe, expect, test } from 'vitest'
import {
  heldByEnding,
  progressMaxMs,
  type Standing,
  standing,
  stoodForMs,
} from '../../../src/core/rollout/stall.ts'
import type { WorkloadFacts } from '../../../src/core/rollout/workload.ts'
import { cronJob, daemonSet, deployment, pod, RULES, statefulSet } from '../../support/kubernetes/facts.ts'

const later = <F extends WorkloadFacts>(facts: F, more: Partial<F> = {}): F => ({
  ...facts,
  ...more,
  atMs: facts.atMs + 60_000,
})

describe('a roll stands still', () => {
  test.each<[string, WorkloadFacts]>([
    ['a Deployment', deployment()],
    ['a StatefulSet', statefulSet()],
    ['a DaemonSet', daemonSet()],
    ['a CronJob', cronJob()],
  ])('while all counts of %s and all its pods are as before', (_what, facts) => {
    const second = standing(standing(undefined, facts, false), later(facts), false)
    expect(stoodForMs(second, later(facts))).toBe(60_000)
  })

  test('but not for the time in which nobody could see it', () => {
    const looks = [deployment(), later(deployment()), later(later(deployment()))] as const
    const seen = looks.reduce<Standing | undefined>(
      (before, facts, at) => standing(before, facts, at === 1),
      undefined,
    )
    expect(stoodForMs(seen!, looks[2])).toBe(60_000)
  })

  const rolling = deployment({ pods: [pod('a', '1'), pod('b', '2', { ready: false })] })

  test('whatever order the pods come in, and however often one restarts', () => {
    const [a, b] = rolling.pods
    const same = later(rolling, { pods: [{ ...b!, restarts: 7, ageMs: 9 }, a!] })
    expect(stoodForMs(standing(standing(undefined, rolling, false), same, false), same)).toBe(60_000)
  })

  test.each<[string, WorkloadFacts, WorkloadFacts]>([
    ['a count', rolling, later(rolling, { updated: 2 })],
    ['the generation', rolling, later(rolling, { generation: 6 })],
    ['what the controller has seen', rolling, later(rolling, { observedGeneration: 4 })],
    ['a pod that comes', rolling, later(rolling, { pods: [...rolling.pods, pod('c', '2')] })],
    ['a pod that goes', rolling, later(rolling, { pods: rolling.pods.slice(1) })],
    ['a pod that becomes ready', rolling, later(rolling, { pods: [pod('a', '1'), pod('b', '2')] })],
    ['a pod that ends', rolling, later(rolling, { pods: [pod('a', '1', { state: 'ending' })] })],
    ['a ready pod of a StatefulSet', statefulSet({ ready: 1 }), later(statefulSet({ ready: 2 }))],
    ['an updated node', daemonSet({ updated: 1 }), later(daemonSet({ updated: 2 }))],
    [
      'a Job that ends',
      cronJob({ jobs: [{ name: 'a', version: { known: '1' }, state: 'active' }] }),
      later(cronJob({ jobs: [{ name: 'a', version: { known: '1' }, state: 'ended' }] })),
    ],
  ])('no longer after %s', (_what, before, after) => {
    const moved = standing(standing(undefined, before, false), after, false)
    expect(stoodForMs(moved, after)).toBe(0)
  })
})

test('a Deployment with a later deadline of its own has until then to say so', () => {
  expect(progressMaxMs(deployment({ progressDeadlineMs: 3_600_000 }), RULES)).toBe(3_660_000)
  expect(progressMaxMs(deployment({ progressDeadlineMs: 1_000 }), RULES)).toBe(600_000)
  const { progressDeadlineMs: _none, ...endless } = deployment()
  expect(progressMaxMs(endless, RULES)).toBe(600_000)
  expect(progressMaxMs(statefulSet(), RULES)).toBe(600_000)
})

test.each([
  ['StatefulSet', statefulSet],
  ['DaemonSet', daemonSet],
])('a %s whose pods may take longer to start has until then', (_kind, set) => {
  expect(progressMaxMs(set({ slowStartMs: 3_600_000 }), RULES)).toBe(3_660_000)
  expect(progressMaxMs(set({ slowStartMs: 1_000 }), RULES)).toBe(600_000)
})

describe('pods that end hold a workload up', () => {
  const ending = pod('a', '1', { state: 'ending' })
  const held = (facts: WorkloadFacts) => heldByEnding(facts, { known: '2' }).length > 0

  test.each<[string, WorkloadFacts, boolean]>([
    ['of a StatefulSet', statefulSet({ pods: [ending, pod('b', '2')] }), true],
    ['of a DaemonSet', daemonSet({ pods: [ending] }), true],
    ['not of a Deployment, which makes others beside them', deployment({ pods: [ending] }), false],
    ['not those of the new version', daemonSet({ pods: [pod('a', '2', { state: 'ending' })] }), false],
    [
      'not where a new one is there and does not become ready',
      daemonSet({ pods: [ending, pod('b', '2', { ready: false })] }),
      false,
    ],
    [
      'nor where it waits for a node',
      daemonSet({ pods: [ending, pod('b', '2', { state: 'pending', ready: false })] }),
      false,
    ],
  ])('%s', (_what, facts, isHeld) => {
    expect(held(facts)).toBe(isHeld)
  })
})
