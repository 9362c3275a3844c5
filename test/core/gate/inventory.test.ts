import { describe, expect, test } from 'vitest'
import { inventoryCheck } from '../../../src/core/gate/inventory.ts'
import type { FleetInstance } from '../../../src/core/rollout/fleet.ts'
import type { Inventory } from '../../../src/core/rollout/inventory.ts'
import { inventory, pod } from '../../support/kubernetes/facts.ts'

const instance = (version: string, state: FleetInstance['state'] = 'serving'): FleetInstance => ({
  id: `web-1-${version}`,
  role: 'web',
  slot: 1,
  version,
  state,
  health: { passes: 1, failures: 0, healthyForMs: 1 },
  inStateMs: 1,
})

describe('the inventory of what was rolled out', () => {
  test('is green when nothing of another version is left', () => {
    const fleet = [instance('2'), instance('1', 'gone')]
    expect(inventoryCheck({ version: '2', isRolledOut: true, fleet })).toMatchObject({
      state: 'green',
      because: ['every instance that its deployer knows is of "2"'],
    })
  })

  test.for(['starting', 'serving', 'draining', 'stopping'] as const)(
    'is red while an old instance is %s',
    (state) => {
      expect(
        inventoryCheck({ version: '2', isRolledOut: true, fleet: [instance('1', state)] }),
      ).toMatchObject({
        state: 'red',
        because: [`the instance "web-1-1" of "1" is still there, ${state}`],
        offenders: [{ who: 'the instance "web-1-1"', version: '1' }],
      })
    },
  )

  test('is red while the rollout has not ended well, whatever runs', () => {
    expect(inventoryCheck({ version: '2', isRolledOut: false, fleet: [instance('2')] })).toMatchObject({
      state: 'red',
      because: ['the rollout of "2" has not ended well'],
    })
  })

  test('is not known when the deployer does not answer', () => {
    expect(inventoryCheck({ unreadable: 'no socket' })).toMatchObject({
      state: 'unknown',
      because: ['no socket'],
    })
  })
})

describe('the inventory of a cluster', () => {
  const judged = (more: Partial<Inventory>, isRolledOut = true) =>
    inventoryCheck({ version: '2', isRolledOut, workloads: inventory(more) })

  test('is green when nothing of another version is left; who shares a Secret is named all the same', () => {
    const sharing = [{ kind: 'CronJob', name: 'report', secret: 'db' }]
    expect(judged({ sharing })).toMatchObject({
      state: 'green',
      because: [
        'no pod, Job or template of another version than 2 is left',
        'the CronJob "report" is not registered and uses the Secret "db", as a registered workload does',
      ],
    })
  })

  test('is red while something is, and says what to do about each', () => {
    const check = judged({
      templates: [
        {
          kind: 'StatefulSet',
          name: 'worker',
          version: { known: '1' },
          suspended: false,
          unsettled: 'moves',
        },
      ],
      pods: [
        pod('a', '1', { node: 'node-1', since: '2026-01-01T00:05:00Z' }),
        pod('b', '1', { state: 'ending' }),
      ],
      revisions: [
        { name: 'c', version: { known: '1' }, replicas: 1, terminating: 0 },
        { name: 'd', version: { known: '1' }, replicas: 0, terminating: 1 },
      ],
      jobs: [{ name: 'e', version: { known: '1' }, state: 'active' }],
      unread: ['and more'],
    })
    expect(check).toMatchObject({ state: 'red', code: 'gate_closed' })
    expect(check.because).toHaveLength(8)
    expect(check.offenders).toEqual([
      {
        who: 'the StatefulSet "worker"',
        version: '1',
        fix: 'bring version 2 into it: bellows deploy rollout --to 2',
      },
      {
        who: 'the StatefulSet "worker"',
        fix: 'wait for its controller: kubectl rollout status statefulset/worker',
      },
      {
        who: 'the pod "a"',
        version: '1',
        host: 'node-1',
        firstSeen: '2026-01-01T00:05:00Z',
        fix: 'bring the new version into its workload; of none: kubectl delete pod a',
      },
      {
        who: 'the pod "b"',
        version: '1',
        fix: 'wait until it has ended: kubectl wait --for=delete pod/b --timeout=10m',
      },
      {
        who: 'the ReplicaSet "c"',
        version: '1',
        fix: 'bring version 2 into its Deployment: bellows deploy rollout --to 2',
      },
      { who: 'the ReplicaSet "d"', version: '1', fix: 'wait until they have ended: bellows gate wait' },
      { who: 'the Job "e"', version: '1', fix: 'wait until it has ended, or end it: kubectl delete job e' },
    ])
  })

  test('is red while the rollout is not over, whatever runs', () => {
    expect(judged({}, false)).toMatchObject({
      state: 'red',
      because: [
        'the rollout of "2" has not ended well',
        'no pod, Job or template of another version than 2 is left',
      ],
    })
  })

  test('is not known when something could not be read', () => {
    expect(judged({ unread: ['no answer'] })).toMatchObject({ state: 'unknown', because: ['no answer'] })
  })
})
