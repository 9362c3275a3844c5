import { describe, expect, test } from 'vitest'
import { BellowsError } from '../../src/core/errors.ts'
import type { WorkloadEvent } from '../../src/core/rollout/workload-event.ts'
import { failureOf } from '../support/kubernetes/client.ts'
import { NIGHTLY, putCronJob, putJob, SHOP, template } from '../support/kubernetes/objects.ts'
import { bad, bodies, shopAndWorker, WORKER } from '../support/kubernetes/roll.ts'
import type { Store } from '../support/kubernetes/store.ts'
import type { Received } from '../support/kubernetes/stub.ts'

const STRATEGIC = 'application/strategic-merge-patch+json'
const isPatch = ({ method }: Received) => method === 'PATCH'
const isLook = ({ method, path }: Received) => method === 'GET' && path.endsWith('/deployments/shop')
const V1 = template('1', { isLabelled: false })
const isChanged = (store: Store) =>
  store.get('Deployment', 'shop')?.spec.template.metadata?.labels?.['bellows/version'] === '2'

describe('a roll', () => {
  test('changes one workload after the other, and waits until no old pod is left', async () => {
    const { stub, seen, roll, pods, kinds } = await shopAndWorker()
    expect(await roll({ workloads: [SHOP, WORKER] })).toEqual({
      state: 'rolled',
      because: ['the Deployment "shop" is rolled', 'the Deployment "worker" is rolled'],
      back: [],
    })
    expect(pods('shop')).toEqual({ 2: 3 })
    expect(pods('worker')).toEqual({ 2: 3 })
    const each = ['workload_saved', 'workload_changed', 'workload_rolled']
    expect(kinds()).toEqual([...each, ...each])
    expect(seen).toEqual([
      'shop rolling',
      'shop draining',
      'shop rolled',
      'worker rolling',
      'worker draining',
      'worker rolled',
    ])
    expect(bodies(stub)).toHaveLength(2)
    expect(bodies(stub).join()).not.toContain('replicas')
  })

  test('keeps the template before it touches it', async () => {
    const { stub, roll } = await shopAndWorker()
    const patchesAtSave: number[] = []
    await roll({
      remember: async ({ type }) => {
        if (type === 'workload_saved') patchesAtSave.push(bodies(stub).length)
      },
    })
    expect(patchesAtSave).toEqual([0])
  })

  test.each([true, false])(
    'is not over while old pods end, however long they take and whether the server counts them: %s',
    async (countsEnding) => {
      const { store, seen, roll, pods } = await shopAndWorker({ endSteps: 30, countsEnding })
      let isComplete = false
      const outcome = await roll({
        asked: () => {
          const { status } = store.get('Deployment', 'shop') ?? {}
          const reason = status?.conditions?.[0]?.reason
          if (reason === 'NewReplicaSetAvailable' && status?.updatedReplicas === 3 && (pods()[1] ?? 0) > 0)
            isComplete = true
          return 'go'
        },
      })
      expect(outcome.state).toBe('rolled')
      // The trap: the controller has said "complete" while old pods were there.
      expect(isComplete).toBe(true)
      expect(pods()).toEqual({ 2: 3 })
      expect(seen).toEqual(['shop rolling', 'shop draining', 'shop rolled'])
    },
  )

  test('is not misled by what the conditions said before it', async () => {
    const { store, seen, roll } = await shopAndWorker({ lagSteps: 3 })
    const exceeded = {
      type: 'Progressing',
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      lastUpdateTime: '2025-12-31T00:00:00Z',
    }
    store.merge('Deployment', 'shop', { status: { conditions: [exceeded] } })
    expect((await roll()).state).toBe('rolled')
    expect(seen).not.toContain('shop failed')
  })

  test('lets an autoscaler change the number of pods on the way, and never writes it', async () => {
    const scaled = await shopAndWorker({
      onStep: (step) => {
        const to = { 3: 5, 8: 2 }[step]
        if (to !== undefined)
          scaled.store.patch('Deployment', 'shop', STRATEGIC, {
            spec: { replicas: to },
          })
      },
      endSteps: 10,
    })
    expect((await scaled.roll()).state).toBe('rolled')
    expect(scaled.store.get('Deployment', 'shop')?.spec.replicas).toBe(2)
    expect(scaled.pods()).not.toHaveProperty('1')
    expect(bodies(scaled.stub).join()).not.toContain('replicas')
  })

  test('of a CronJob waits for the Jobs that began with the old version', async () => {
    const { store, world, seen, roll } = await shopAndWorker({
      onStep: (step) => {
        if (step === 6)
          putJob(store, 'nightly-1', '1', {
            of: 'nightly',
            status: { conditions: [{ type: 'Complete', status: 'True' }] },
          })
      },
    })
    putCronJob(store, '1')
    putJob(store, 'nightly-1', '1', { of: 'nightly' })
    world.step()
    expect((await roll({ workloads: [NIGHTLY] })).state).toBe('rolled')
    expect(seen).toEqual(['nightly draining', 'nightly rolled'])
  })

  test('goes on while the cluster does not answer for a while: not seen is not failed', async () => {
    const { stub, roll } = await shopAndWorker()
    const looks = { count: 0 }
    const blind = Array.from({ length: 30 }, () => ({ status: 503 }))
    stub.script((received) => isLook(received) && ++looks.count > 6, ...blind)
    expect((await roll()).state).toBe('rolled')
  })

  test('ends with an error when the cluster stays away, and goes on later', async () => {
    const { stub, roll, events, pods } = await shopAndWorker()
    const looks = { count: 0 }
    const attempts = 3 * 5
    const blind = Array.from({ length: attempts }, () => ({ status: 503 }))
    stub.script((received) => isLook(received) && ++looks.count > 6, ...blind)
    const error = await failureOf(() => roll({ rules: { blindMaxMs: 2_000 } }))
    expect(error.code).toBe('cluster_unreachable')
    expect(events.map(({ type }) => type)).toEqual(['workload_saved', 'workload_changed'])
    expect((await roll({ past: [...events] })).state).toBe('rolled')
    expect(pods()).toEqual({ 2: 3 })
  })

  // The first attempt of 15 looks in vain, and their repetitions by the client.
  const IN_VAIN = Array.from({ length: 15 * 5 }, () => ({ status: 503 }))

  test.each([
    ['stands still while nobody can see it', { fault: 'hang', ahead: 6, behind: 2 }],
    ['shows trouble of before that', { fault: 'image', ahead: 2, behind: 0 }],
  ] as const)('that %s is not taken back by the first look behind that', async (_what, given) => {
    const { fault, ahead, behind } = given
    const looks = { count: 0, seen: 0 }
    const isOver = () => {
      if (looks.count === ahead + IN_VAIN.length) looks.seen ||= stub.requests.filter(isLook).length
      return looks.seen > 0 && stub.requests.filter(isLook).length > looks.seen + behind
    }
    const { store, stub, roll, pods, seen } = await shopAndWorker({
      fault: (image) => (image.endsWith(':2') && !isOver() ? fault : undefined),
      stepMs: 10_000,
    })
    store.merge('Deployment', 'shop', { spec: { progressDeadlineSeconds: 2 ** 31 - 1 } })
    stub.script((one) => isLook(one) && isChanged(store) && ++looks.count > ahead, ...IN_VAIN)
    const outcome = await roll({ rules: { progressMaxMs: 120_000, blindMaxMs: 1_000_000 } })
    expect(outcome.state).toBe('rolled')
    expect(looks.seen).toBeGreaterThan(IN_VAIN.length)
    expect(pods()).toEqual({ 2: 3 })
    expect(seen).not.toContain('shop failed')
  })

  test('that nobody may look at for a moment, as behind a start of the API server, goes on', async () => {
    const { stub, store, roll, pods, unseen } = await shopAndWorker()
    stub.script((one) => isLook(one) && isChanged(store), { status: 403, message: 'not yet' })
    expect((await roll()).state).toBe('rolled')
    expect(unseen).toEqual(['The cluster refused to get the Deployment "shop" in "shop": not yet'])
    expect(pods()).toEqual({ 2: 3 })
  })

  test('that nobody may look at any more is no failure of the release', async () => {
    const { stub, store, roll, kinds } = await shopAndWorker()
    const refused = Array.from({ length: 4 }, () => ({ status: 403, message: 'forbidden' }))
    stub.script((one) => isLook(one) && isChanged(store), ...refused)
    const error = await failureOf(() => roll({ rules: { blindMaxMs: 3_000 } }))
    expect(error.code).toBe('cluster_refused')
    expect(kinds()).toEqual(['workload_saved', 'workload_changed'])
  })
})

describe('a roll that fails', () => {
  test.each([
    [
      'crash',
      'is in CrashLoopBackOff: back-off restarting failed container; it ended last with Error, exit code 1',
    ],
    ['image', 'is in ErrImagePull: "registry/shop:2": not found'],
  ] as const)('by a %s is taken back long before its deadline, and says why', async (fault, why) => {
    const { stub, store, roll, pods, kinds } = await shopAndWorker({ fault: bad(fault) })
    const began = store.nowMs
    const outcome = await roll()
    expect(outcome).toMatchObject({
      state: 'taken_back',
      because: [expect.stringContaining(why)],
      back: ['the Deployment "shop" has version 1 everywhere'],
    })
    expect(store.nowMs - began).toBeLessThan(90_000)
    expect(store.get('Deployment', 'shop')?.spec.template).toEqual(V1)
    expect(pods()).toEqual({ 1: 3 })
    expect(kinds()).toEqual([
      'workload_saved',
      'workload_changed',
      'workload_failed',
      'workload_put_back',
      'workload_restored',
    ])
    expect(bodies(stub).join()).not.toContain('replicas')
  })

  test('by its deadline is taken back, and the deadline that has passed is not held against the way back', async () => {
    const { store, seen, roll, pods } = await shopAndWorker({ fault: bad('hang'), lagSteps: 2 })
    store.merge('Deployment', 'shop', { spec: { progressDeadlineSeconds: 60 } })
    const outcome = await roll()
    expect(outcome).toMatchObject({
      state: 'taken_back',
      because: ['the Deployment "shop" has passed its progress deadline: timed out progressing'],
    })
    expect(seen).toEqual(['shop rolling', 'shop failed', 'shop rolling', 'shop draining', 'shop rolled'])
    expect(pods()).toEqual({ 1: 3 })
  })

  test('without a word of the cluster fails when nothing has moved for too long', async () => {
    const { store, roll } = await shopAndWorker({ fault: bad('hang'), stepMs: 10_000 })
    store.merge('Deployment', 'shop', { spec: { progressDeadlineSeconds: 2 ** 31 - 1 } })
    const outcome = await roll({ rules: { progressMaxMs: 120_000 } })
    expect(outcome).toMatchObject({
      state: 'taken_back',
      because: [
        'nothing has moved in the Deployment "shop" for 130 s',
        'Deployment "shop": 1 of 3 pods are updated',
        'Deployment "shop": old pods that have not ended: 3',
      ],
    })
  })

  test('at its second workload takes both back, the newest first', async () => {
    const { store, roll, events, pods } = await shopAndWorker({
      fault: (image) => (image === 'registry/worker:2' ? 'crash' : undefined),
    })
    const worker = { ...WORKER, image: 'registry/worker:{version}' }
    store.merge('Deployment', 'worker', {
      spec: { template: template('1', { app: 'worker', image: 'registry/worker:1' }) },
    })
    const outcome = await roll({ workloads: [SHOP, worker] })
    expect(outcome).toMatchObject({
      state: 'taken_back',
      back: [
        'the Deployment "worker" has version 1 everywhere',
        'the Deployment "shop" has version 1 everywhere',
      ],
    })
    expect(
      events.map((event) => `${event.type} ${'workload' in event ? event.workload : ''}`).slice(3),
    ).toEqual([
      'workload_saved Deployment "worker"',
      'workload_changed Deployment "worker"',
      'workload_failed Deployment "worker"',
      'workload_put_back Deployment "worker"',
      'workload_put_back Deployment "shop"',
      'workload_restored Deployment "worker"',
      'workload_restored Deployment "shop"',
    ])
    expect([pods('shop'), pods('worker')]).toEqual([{ 1: 3 }, { 1: 3 }])
  })

  test('and whose way back fails, too, says both', async () => {
    let isAllBroken = false
    const { store, roll } = await shopAndWorker({
      fault: (image) => (isAllBroken || image.endsWith(':2') ? 'crash' : undefined),
    })
    const outcome = await roll({
      remember: async ({ type }) => {
        if (type !== 'workload_failed') return
        isAllBroken = true
        store.patch('Deployment', 'shop', STRATEGIC, { spec: { replicas: 5 } })
      },
    })
    expect(outcome).toMatchObject({
      state: 'stuck',
      because: [expect.stringMatching(/^the container "app" of the pod "shop-2-\d+" is in CrashLoopBackOff/)],
      back: expect.arrayContaining([
        expect.stringMatching(/^the container "app" of the pod "shop-1-\d+" is in CrashLoopBackOff/),
      ]),
    })
  })

  test('because the cluster refuses the second change takes the first back', async () => {
    const { stub, roll, pods } = await shopAndWorker()
    stub.script((one) => isPatch(one) && one.path.endsWith('/worker'), {
      status: 422,
      message: 'denied by policy',
    })
    expect(await roll({ workloads: [SHOP, WORKER] })).toEqual({
      state: 'taken_back',
      because: ['The cluster refused to patch the Deployment "worker" in "shop": denied by policy'],
      back: [
        'the Deployment "worker" has version 1 everywhere',
        'the Deployment "shop" has version 1 everywhere',
      ],
    })
    expect(pods()).toEqual({ 1: 3 })
  })

  test('because the cluster refuses the first change is an error: nothing was done', async () => {
    const { stub, roll } = await shopAndWorker()
    stub.script(isPatch, { status: 403, message: 'forbidden' })
    const error = await failureOf(() => roll({ workloads: [SHOP, WORKER] }))
    expect(error.code).toBe('cluster_refused')
    expect(error.hint).toContain('Grant "patch" on "deployments"')
  })
})

describe('somebody else', () => {
  const other = template('9')

  test('who changes the template on the way is named, and nothing is fought', async () => {
    const { stub, store, roll } = await shopAndWorker({
      onStep: (step) => {
        if (step === 4)
          store.patch('Deployment', 'shop', STRATEGIC, {
            spec: { template: other },
          })
      },
    })
    expect(await roll({ workloads: [SHOP, WORKER] })).toEqual({
      state: 'overtaken',
      because: [
        'somebody else changed the Deployment "shop": its template has version 9 in generation 3, ours was version 2 in generation 2',
      ],
      back: [],
    })
    expect(bodies(stub)).toHaveLength(1)
    expect(store.get('Deployment', 'worker')?.spec.template.metadata?.labels?.['bellows/version']).toBe('1')
  })

  test('who changes it between our look and our change is left alone', async () => {
    const { stub, store, roll } = await shopAndWorker()
    const outcome = await roll({
      remember: async ({ type }) => {
        if (type === 'workload_saved') store.merge('Deployment', 'shop', { spec: { template: other } })
      },
    })
    expect(outcome.state).toBe('overtaken')
    expect(bodies(stub)).toEqual([])
  })

  test('who changes one workload while all go back keeps it, and is named', async () => {
    const { store, roll, pods } = await shopAndWorker({ fault: bad('crash') })
    const outcome = await roll({
      remember: async ({ type }) => {
        if (type === 'workload_failed') store.merge('Deployment', 'shop', { spec: { template: other } })
      },
    })
    expect(outcome).toMatchObject({
      state: 'stuck',
      back: ['somebody else changed the Deployment "shop" before us, so it is left as it is'],
    })
    expect(pods()[1]).toBe(3)
  })
})

describe('what would not roll is refused before anything is changed', () => {
  test('such as a Deployment that is paused', async () => {
    const { stub, store, roll } = await shopAndWorker()
    store.merge('Deployment', 'worker', { spec: { paused: true } })
    expect(await roll({ workloads: [SHOP, WORKER] })).toEqual({
      state: 'refused',
      because: [
        'the Deployment "worker" would not roll: it is paused: kubectl rollout resume deployment worker',
      ],
    })
    expect(bodies(stub)).toEqual([])
  })
})

describe('what a user wants to hold behind each workload', () => {
  const workloads = [SHOP, WORKER]

  test('is asked before the next one, before the end, and by whoever goes on after a crash', async () => {
    const { roll, events } = await shopAndWorker()
    const askedAt: number[] = []
    const checked = () => void askedAt.push(events.length)
    expect((await roll({ workloads, checked })).state).toBe('rolled')
    expect(askedAt, 'saved, changed, rolled: twice').toEqual([3, 6])
    askedAt.length = 0
    expect((await roll({ workloads, checked, past: events.slice(0, 6) })).state).toBe('rolled')
    expect(askedAt).toHaveLength(1)
  })

  test('takes all back when it does not hold', async () => {
    const { roll, pods } = await shopAndWorker()
    const checked = () => ({ outcome: 'fail', because: 'too many errors' }) as const
    expect(await roll({ workloads, checked })).toMatchObject({
      state: 'taken_back',
      because: ['too many errors'],
    })
    expect([pods('shop'), pods('worker')]).toEqual([{ 1: 3 }, { 1: 3 }])
  })

  test('stands still where nobody can tell, and goes on from there', async () => {
    const { roll, pods, events } = await shopAndWorker()
    const checked = () => ({ outcome: 'unknown', because: 'no answer' }) as const
    expect(await roll({ workloads, checked })).toMatchObject({ state: 'stuck', because: ['no answer'] })
    expect([pods('shop'), pods('worker')]).toEqual([{ 2: 3 }, { 1: 3 }])
    expect((await roll({ workloads, past: [...events] })).state).toBe('rolled')
  })
})

describe('a roll that stops goes on', () => {
  class Killed extends Error {}

  /** Kills the process at its n-th event: before it is durable, or right after. */
  const killAt = (at: number, when: 'before' | 'after', kept: WorkloadEvent[]) => {
    let count = 0
    return async (event: WorkloadEvent) => {
      count += 1
      if (count === at && when === 'before') throw new Killed()
      kept.push(event)
      if (count === at) throw new Killed()
    }
  }

  const cases = [1, 2, 3, 4, 5, 6].flatMap((at) => [[at, 'before'] as const, [at, 'after'] as const])

  test.each(cases)('after a kill at event %i, %s it is durable: forward', async (at, when) => {
    const { stub, roll, pods } = await shopAndWorker()
    const kept: WorkloadEvent[] = []
    const workloads = [SHOP, WORKER]
    await expect(roll({ workloads, remember: killAt(at, when, kept) })).rejects.toThrow(Killed)
    const outcome = await roll({ workloads, past: kept })
    expect(outcome.state).toBe('rolled')
    expect([pods('shop'), pods('worker')]).toEqual([{ 2: 3 }, { 2: 3 }])
    expect(bodies(stub)).toHaveLength(2)
  })

  test.each(cases.filter(([at]) => at <= 5))(
    'after a kill at event %i, %s it is durable: and back',
    async (at, when) => {
      const { stub, store, roll, pods } = await shopAndWorker({ fault: bad('image') })
      const kept: WorkloadEvent[] = []
      await expect(roll({ remember: killAt(at, when, kept) })).rejects.toThrow(Killed)
      const outcome = await roll({ past: kept })
      expect(outcome.state).toBe('taken_back')
      expect(store.get('Deployment', 'shop')?.spec.template).toEqual(V1)
      expect(pods()).toEqual({ 1: 3 })
      expect(bodies(stub)).toHaveLength(2)
    },
  )

  test.each(['cut before', 'cut after'] as const)('after a change whose answer was lost: %s', async (cut) => {
    const { stub, roll, events, pods } = await shopAndWorker()
    stub.script(isPatch, cut)
    expect((await failureOf(() => roll())).code).toBe('cluster_unreachable')
    expect((await roll({ past: [...events] })).state).toBe('rolled')
    expect(pods()).toEqual({ 2: 3 })
    expect(stub.requests.filter(isPatch)).toHaveLength(cut === 'cut before' ? 2 : 1)
  })

  test('after a pause, which leaves the cluster to itself', async () => {
    const { roll, events, pods, world } = await shopAndWorker()
    const outcome = await roll({
      workloads: [SHOP, WORKER],
      asked: () => (events.some(({ type }) => type === 'workload_changed') ? 'pause' : 'go'),
    })
    expect(outcome).toEqual({ state: 'paused', because: ['stopped as asked, at the Deployment "shop"'] })
    for (let step = 0; step < 30; step += 1) world.step()
    expect([pods('shop'), pods('worker')]).toEqual([{ 2: 3 }, { 1: 3 }])
    expect((await roll({ workloads: [SHOP, WORKER], past: [...events] })).state).toBe('rolled')
    expect(pods('worker')).toEqual({ 2: 3 })
  })

  test('after old pods were waited for long enough by one call', async () => {
    const { roll, events } = await shopAndWorker({ endSteps: 200 })
    const outcome = await roll({ rules: { drainMaxMs: 60_000 } })
    expect(outcome.state).toBe('draining')
    expect(outcome.because.every((one) => /^the pod "shop-1-\d+" of version 1 is ending$/.test(one))).toBe(
      true,
    )
    expect((await roll({ past: [...events] })).state).toBe('rolled')
  })
})

test('a roll that is aborted goes back from where it is', async () => {
  const { roll, pods, events, store } = await shopAndWorker()
  const outcome = await roll({
    workloads: [SHOP, WORKER],
    asked: () => (events.some(({ type }) => type === 'workload_rolled') ? 'abort' : 'go'),
  })
  expect(outcome).toEqual({
    state: 'taken_back',
    because: ['aborted by a test'],
    back: ['the Deployment "shop" has version 1 everywhere'],
  })
  expect(store.get('Deployment', 'shop')?.spec.template).toEqual(V1)
  expect([pods('shop'), pods('worker')]).toEqual([{ 1: 3 }, { 1: 3 }])
})

describe('what a contract has made too old', () => {
  const tooOld = [{ version: '1', because: 'it needs what is gone' }]
  const barred = '"1" cannot be brought back: it needs what is gone'

  test('is not put back when the new version fails; when that is mended, the roll goes on', async () => {
    let fault: 'crash' | undefined = 'crash'
    const shop = await shopAndWorker({ fault: (image) => (image.endsWith(':2') ? fault : undefined) })
    expect(await shop.roll({ tooOld })).toEqual({
      state: 'stuck',
      because: [expect.stringContaining('CrashLoopBackOff'), barred],
      back: [],
    })
    expect(bodies(shop.stub)).toHaveLength(1)
    expect(shop.kinds()).toEqual(['workload_saved', 'workload_changed'])
    fault = undefined
    // A new container, as the kubelet starts one after the other.
    for (const { metadata } of shop.store.list('Pod'))
      if (metadata.name.startsWith('shop-2')) shop.store.remove('Pod', metadata.name)
    expect((await shop.roll({ tooOld, past: [...shop.events] })).state).toBe('rolled')
  })

  test('is not put back because somebody asks for that', async () => {
    const { stub, roll } = await shopAndWorker()
    let asked = 0
    const outcome = await roll({ tooOld, asked: () => (++asked > 4 ? 'abort' : 'go') })
    expect(outcome).toEqual({ state: 'stuck', because: ['aborted by a test', barred], back: [] })
    expect(bodies(stub)).toHaveLength(1)
  })

  test('is not put back by a roll that was on its way back before', async () => {
    const { stub, roll, events } = await shopAndWorker({ fault: bad('crash') })
    await failureOf(() =>
      roll({
        remember: async (event) => {
          events.push(event)
          if (event.type === 'workload_failed') throw new BellowsError('interrupted', 'killed')
        },
      }),
    )
    expect(await roll({ tooOld, past: [...events] })).toMatchObject({
      state: 'stuck',
      because: [expect.stringContaining('CrashLoopBackOff'), barred],
    })
    expect(bodies(stub)).toHaveLength(1)
  })

  test('may be what nobody can tell the version of, so that is not put back either', async () => {
    const { store, stub, roll } = await shopAndWorker({ fault: bad('crash') })
    store.merge('Deployment', 'shop', {
      spec: { template: { metadata: { labels: { 'bellows/version': '0' } } } },
    })
    expect(await roll({ tooOld })).toMatchObject({
      state: 'stuck',
      because: [
        expect.stringContaining('CrashLoopBackOff'),
        'an unclear version (its label says "0", its image "1") cannot be brought back: it may be one that a contract has made too old',
      ],
    })
    expect(bodies(stub)).toHaveLength(1)
  })
})

test('what cannot be understood is thrown, not taken for a failed roll', async () => {
  const { roll } = await shopAndWorker()
  const broken = roll({
    remember: async () => {
      throw new BellowsError('connection_lost', 'no journal')
    },
  })
  expect((await failureOf(broken)).code).toBe('connection_lost')
})
