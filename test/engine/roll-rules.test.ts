import { describe, expect, test } from 'vitest'
import { SHOP } from '../support/kubernetes/objects.ts'
import { bad, bodies, shopAndWorker, WORKER } from '../support/kubernetes/roll.ts'

const workloads = [SHOP, WORKER]

/** A shop and a worker whose version 2 begins to crash when it is told to, however long it was ready. */
async function breaking() {
  const broken = { isSo: false }
  const shop = await shopAndWorker({
    fault: (image) => (broken.isSo && image.endsWith(':2') ? 'crash' : undefined),
  })
  const rolled = () => shop.kinds().filter((kind) => kind === 'workload_rolled').length
  return { ...shop, broken, rolled }
}

describe('with onFailure "pause"', () => {
  const rules = { onFailure: 'pause' } as const

  test('nothing is taken back: the roll stands still, says why, and goes on when that is mended', async () => {
    let fault: 'crash' | undefined = 'crash'
    const shop = await shopAndWorker({ fault: (image) => (image.endsWith(':2') ? fault : undefined) })
    expect(await shop.roll({ rules })).toMatchObject({
      state: 'stuck',
      because: [expect.stringContaining('is in CrashLoopBackOff')],
      back: [],
    })
    expect(shop.kinds()).toEqual(['workload_saved', 'workload_changed'])
    expect(bodies(shop.stub)).toHaveLength(1)
    expect(shop.pods()).toEqual({ 1: 3, 2: 1 })
    fault = undefined
    for (const { metadata } of shop.store.list('Pod'))
      if (metadata.name.startsWith('shop-2')) shop.store.remove('Pod', metadata.name)
    expect((await shop.roll({ rules, past: [...shop.events] })).state).toBe('rolled')
  })

  test('whoever aborts what stands still takes all back', async () => {
    const { roll, pods, events } = await shopAndWorker({ fault: bad('crash') })
    expect((await roll({ rules })).state).toBe('stuck')
    expect(await roll({ rules, past: [...events], asked: () => 'abort' })).toMatchObject({
      state: 'taken_back',
      because: ['aborted by a test'],
    })
    expect(pods()).toEqual({ 1: 3 })
  })

  test('a check that fails stops it, too', async () => {
    const { roll, pods } = await shopAndWorker()
    const checked = () => ({ outcome: 'fail', because: 'too many errors' }) as const
    expect(await roll({ workloads, rules, checked })).toMatchObject({
      state: 'stuck',
      because: ['too many errors'],
    })
    expect([pods('shop'), pods('worker')]).toEqual([{ 2: 3 }, { 1: 3 }])
  })
})

describe('what is rolled is watched', () => {
  const rules = { pauseBetweenMs: 60_000, bakeMs: 120_000 }

  test('for the pause before the next workload, and for the bake at the end', async () => {
    const { store, roll, events } = await shopAndWorker()
    const times = new Map<string, number>()
    const outcome = await roll({
      workloads,
      rules,
      remember: async (event) => {
        events.push(event)
        if ('workload' in event) times.set(`${event.type} ${event.workload}`, store.nowMs)
      },
    })
    expect(outcome.state).toBe('rolled')
    const at = (what: string) => times.get(what) ?? Number.NaN
    const betweenMs = at('workload_saved Deployment "worker"') - at('workload_rolled Deployment "shop"')
    expect(betweenMs).toBeGreaterThanOrEqual(rules.pauseBetweenMs)
    expect(betweenMs).toBeLessThan(rules.pauseBetweenMs + 10_000)
    const bakedMs = store.nowMs - at('workload_rolled Deployment "worker"')
    expect(bakedMs).toBeGreaterThanOrEqual(rules.bakeMs)
    expect(bakedMs).toBeLessThan(rules.bakeMs + 10_000)
  })

  test('by whoever goes on after a kill for what is left of the time', async () => {
    const { store, world, roll, events, seen } = await shopAndWorker()
    expect((await roll({ rules, asked: () => (seen.at(-1) === 'shop rolled' ? 'pause' : 'go') })).state).toBe(
      'paused',
    )
    for (let step = 0; step < 100; step += 1) world.step()
    const from = store.nowMs
    expect((await roll({ rules, past: [...events] })).state).toBe('rolled')
    expect(store.nowMs - from).toBeLessThan(30_000)
  })

  test.each([
    ['the pause', 1],
    ['the bake', 2],
  ] as const)('and one that crashes in %s fails the roll, and all go back', async (_what, after) => {
    const { store, roll, pods, broken, rolled } = await breaking()
    const outcome = await roll({
      workloads,
      rules,
      asked: () => {
        broken.isSo ||= rolled() === after
        return 'go'
      },
    })
    expect(outcome).toMatchObject({
      state: 'taken_back',
      because: expect.arrayContaining([expect.stringMatching(/"shop-2-\d+" is in CrashLoopBackOff/)]),
    })
    expect([pods('shop'), pods('worker')]).toEqual([{ 1: 3 }, { 1: 3 }])
    expect(store.get('Deployment', 'worker')?.metadata.generation).toBe(after === 1 ? 1 : 3)
  })

  test('and one that crashes stops a roll that takes nothing back, also when its time is over', async () => {
    const { world, roll, events, pods, broken, rolled } = await breaking()
    const pausing = { ...rules, onFailure: 'pause' } as const
    const asked = () => {
      broken.isSo ||= rolled() === 1
      return 'go' as const
    }
    expect((await roll({ rules: pausing, asked })).state).toBe('stuck')
    for (let step = 0; step < 200; step += 1) world.step()
    expect((await roll({ rules: pausing, past: [...events] })).state).toBe('stuck')
    expect(pods()).toEqual({ 2: 3 })
  })

  test('and whoever aborts then takes all back', async () => {
    const { roll, pods, kinds } = await shopAndWorker()
    const outcome = await roll({
      workloads,
      rules,
      asked: () => (kinds().includes('workload_rolled') ? 'abort' : 'go'),
    })
    expect(outcome.state).toBe('taken_back')
    expect([pods('shop'), pods('worker')]).toEqual([{ 1: 3 }, { 1: 3 }])
  })
})
