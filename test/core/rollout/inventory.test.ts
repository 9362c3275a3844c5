import { describe, expect, test } from 'vitest'
import {
  type Inventory,
  inventoryWarnings,
  oldGone,
  type TemplateFacts,
} from '../../../src/core/rollout/inventory.ts'
import { inventory, pod } from '../../support/kubernetes/facts.ts'

const V1 = { known: '1' }
const V2 = { known: '2' }
const UNCLEAR = { unclear: 'no tag' }
const template = (more: Partial<TemplateFacts>): TemplateFacts => ({
  kind: 'Deployment',
  name: 'shop',
  version: V2,
  suspended: false,
  ...more,
})
const old = (more: Partial<Inventory>) => oldGone(inventory(more), '2')
const GONE = 'no pod, Job or template of another version than 2 is left'

describe('the old version is gone', () => {
  test.each<[string, Partial<Inventory>, readonly string[]]>([
    ['when only the new one runs', { pods: [pod('a', '2'), pod('b', '2', { state: 'ending' })] }, [GONE]],
    ['when its pods have ended', { pods: [pod('a', '1', { state: 'ended' })] }, [GONE]],
    [
      'when its ReplicaSets are empty',
      { revisions: [{ name: 'a', version: V1, replicas: 0, terminating: 0 }] },
      [GONE],
    ],
    ['when its Jobs have ended', { jobs: [{ name: 'a', version: V1, state: 'ended' }] }, [GONE]],
    ['when a Job of it is suspended', { jobs: [{ name: 'a', version: V1, state: 'suspended' }] }, [GONE]],
    [
      'when a registered Job of it has ended',
      { templates: [template({ kind: 'Job', version: V1 })] },
      [GONE],
    ],
    [
      'when its CronJob starts nothing, which is said',
      { templates: [template({ kind: 'CronJob', name: 'nightly', version: V1, suspended: true })] },
      ['the CronJob "nightly" of version 1 is suspended', GONE],
    ],
    [
      'when what is unclear has ended',
      {
        pods: [pod('a', '2', { version: UNCLEAR, state: 'ended' })],
        jobs: [{ name: 'a', version: UNCLEAR, state: 'ended' }],
        revisions: [{ name: 'a', version: UNCLEAR, replicas: 0, terminating: 0 }],
      },
      [GONE],
    ],
    [
      'when a stranger uses the same Secret',
      { sharing: [{ kind: 'CronJob', name: 'x', secret: 'db' }] },
      [GONE],
    ],
  ])('%s', (_what, more, because) => {
    expect(old(more)).toEqual({ state: 'gone', because })
  })
})

describe('the old version is left', () => {
  test.each<[string, Partial<Inventory>, string]>([
    ['in a pod that runs', { pods: [pod('a', '1')] }, 'the pod "a" of version 1 is running'],
    [
      'in a pod that ends: it uses the database until it has',
      { pods: [pod('a', '1', { state: 'ending' })] },
      'the pod "a" of version 1 is ending',
    ],
    [
      'in a pod that starts',
      { pods: [pod('a', '1', { state: 'pending' })] },
      'the pod "a" of version 1 is pending',
    ],
    [
      'in a pod that is newer: it is not the one that was asked for',
      { pods: [pod('a', '3')] },
      'the pod "a" of version 3 is running',
    ],
    [
      'in a template that would start it again, though nothing runs',
      { templates: [template({ version: V1 })] },
      'the Deployment "shop" would start pods of version 1',
    ],
    [
      'in a CronJob that waits for its hour',
      { templates: [template({ kind: 'CronJob', name: 'nightly', version: V1 })] },
      'the CronJob "nightly" would start pods of version 1',
    ],
    [
      'in a workload whose controller has not acted yet',
      { templates: [template({ kind: 'StatefulSet', unsettled: 'is between two revisions' })] },
      'the StatefulSet "shop" is between two revisions',
    ],
    [
      'in a ReplicaSet that is to have pods',
      { revisions: [{ name: 'shop-5d', version: V1, replicas: 2, terminating: 1 }] },
      'the ReplicaSet "shop-5d" of version 1 has pods (2)',
    ],
    [
      'in ending pods that no list shows',
      { revisions: [{ name: 'shop-5d', version: V1, replicas: 0, terminating: 1 }] },
      'the ReplicaSet "shop-5d" of version 1 has pods that are ending (1)',
    ],
    [
      'in a Job that is active',
      { jobs: [{ name: 'nightly-1', version: V1, state: 'active' }] },
      'the Job "nightly-1" of version 1 is active',
    ],
  ])('%s', (_what, more, because) => {
    expect(old(more)).toEqual({ state: 'left', because: [because] })
  })

  test('whatever else could not be read', () => {
    expect(old({ pods: [pod('a', '1')], unread: ['list the jobs: forbidden'] })).toEqual({
      state: 'left',
      because: ['the pod "a" of version 1 is running', 'list the jobs: forbidden'],
    })
  })
})

describe('nobody knows whether the old version is gone', () => {
  test.each<[string, Partial<Inventory>, string]>([
    [
      'when something could not be read',
      { unread: ['list the jobs: forbidden'] },
      'list the jobs: forbidden',
    ],
    [
      'when no workload is registered',
      { templates: [] },
      'no workload is registered, so nobody knows what runs',
    ],
    [
      'when the version of a pod is unclear',
      { pods: [pod('a', '2', { version: UNCLEAR })] },
      'nobody can tell the version of the pod "a": no tag',
    ],
    [
      'when the version of a template is unclear',
      { templates: [template({ version: UNCLEAR })] },
      'nobody can tell the version of the Deployment "shop": no tag',
    ],
    [
      'when the version of a ReplicaSet with pods is unclear',
      { revisions: [{ name: 'a', version: UNCLEAR, replicas: 1, terminating: 0 }] },
      'nobody can tell the version of the ReplicaSet "a": no tag',
    ],
    [
      'when the version of an active Job is unclear',
      { jobs: [{ name: 'a', version: UNCLEAR, state: 'active' }] },
      'nobody can tell the version of the Job "a": no tag',
    ],
  ])('%s', (_what, more, because) => {
    expect(old(more)).toEqual({ state: 'unknown', because: [because] })
  })
})

test('a stranger with the same Secret is named, because it may be a client of the database', () => {
  const sharing = [{ kind: 'CronJob', name: 'report', secret: 'shop-db' }]
  expect(inventoryWarnings(inventory({ sharing }))).toEqual([
    'the CronJob "report" is not registered and uses the Secret "shop-db", as a registered workload does',
  ])
})
