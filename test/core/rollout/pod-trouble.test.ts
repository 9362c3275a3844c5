import { describe, expect, test } from 'vitest'
import { podTrouble } from '../../../src/core/rollout/pod-trouble.ts'
import type { PodFacts } from '../../../src/core/rollout/workload.ts'
import { pod, RULES } from '../../support/kubernetes/facts.ts'

const broken = (more: Partial<PodFacts>) => pod('shop-x', '2', { ready: false, notReadyMs: 31_000, ...more })
const waiting = (reason: string, message = '') => ({ container: 'app', reason, message })

describe('a pod is given up', () => {
  test.each([
    'CrashLoopBackOff',
    'CreateContainerConfigError',
    'CreateContainerError',
    'ErrImageNeverPull',
    'ErrImagePull',
    'ImageInspectError',
    'ImagePullBackOff',
    'InvalidImageName',
    'RunContainerError',
  ])('that is in %s for longer than a passing fault lasts', (reason) => {
    expect(podTrouble(broken({ waiting: waiting(reason) }), RULES)).toBe(
      `the container "app" of the pod "shop-x" is in ${reason}`,
    )
  })

  test.each<[string, Partial<PodFacts>, string]>([
    [
      'whose image has a name that is none, at once',
      { notReadyMs: 0, waiting: waiting('InvalidImageName', 'couldn\'t parse "Shop"') },
      'the container "app" of the pod "shop-x" is in InvalidImageName: couldn\'t parse "Shop"',
    ],
    [
      'that crashes quickly and often, before its time is over',
      { notReadyMs: 5_000, restarts: 3, waiting: waiting('CrashLoopBackOff'), lastEnd: 'Error, exit code 1' },
      'the container "app" of the pod "shop-x" is in CrashLoopBackOff; it ended last with Error, exit code 1',
    ],
    [
      'that was restarted often and runs at the moment, not ready',
      { notReadyMs: 5_000, restarts: 3, lastEnd: 'OOMKilled, exit code 137' },
      'the pod "shop-x" is not ready after 3 restarts; it ended last with OOMKilled, exit code 137',
    ],
    [
      'that no node takes for long',
      { state: 'pending', notReadyMs: 300_001, unschedulable: '0/3 nodes: Insufficient cpu' },
      'no node takes the pod "shop-x": 0/3 nodes: Insufficient cpu',
    ],
  ])('%s', (_what, more, trouble) => {
    expect(podTrouble(broken(more), RULES)).toBe(trouble)
  })

  test('in few words, however many the cluster uses', () => {
    const trouble = podTrouble(broken({ waiting: waiting('ErrImagePull', 'x'.repeat(5_000)) }), RULES)
    expect(trouble?.length).toBeLessThan(300)
  })
})

describe('a pod is waited for', () => {
  test.each<[string, Partial<PodFacts>]>([
    ['that is ready, whatever it went through', { ready: true, notReadyMs: 0, restarts: 9 }],
    ['whose image could not be pulled just now', { notReadyMs: 30_000, waiting: waiting('ErrImagePull') }],
    ['that crashed once', { notReadyMs: 3_000, restarts: 1, waiting: waiting('CrashLoopBackOff') }],
    ['that waits for something usual', { waiting: waiting('PodInitializing') }],
    ['that starts slowly', { notReadyMs: 500_000 }],
    ['that no node takes yet', { notReadyMs: 200_000, unschedulable: 'Insufficient cpu' }],
    ['that is ending anyway', { state: 'ending', waiting: waiting('CrashLoopBackOff'), restarts: 9 }],
    ['that has ended', { state: 'ended', restarts: 9 }],
  ])('%s', (_what, more) => {
    expect(podTrouble(broken(more), RULES)).toBeUndefined()
  })
})
