import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/adapters/clock.ts'
import type { Clock } from '../../../src/engine/ports.ts'
import { clusterOf } from '../../support/kubernetes/client.ts'
import { putPod, SHOP } from '../../support/kubernetes/objects.ts'
import { startKubernetesStub } from '../../support/kubernetes/stub.ts'

const LONG_MS = 60_000

/** Real waits for the one who waits; the pauses between two watches are short. */
const quick: Clock = {
  sleep: (ms, signal) => systemClock.sleep(ms < LONG_MS ? Math.min(ms, 5) : ms, signal),
  passed: () => systemClock.passed(),
  random: () => 0.5,
}

async function started() {
  const stub = await startKubernetesStub()
  const cluster = clusterOf(stub, [SHOP], quick)
  // The first wait ends at once: whatever happened before it is seen by looking.
  await cluster.changed(LONG_MS)
  await expect.poll(() => stub.watches).toBe(1)
  const waits = () => {
    let isOver = false
    const over = (async () => {
      await cluster.changed(LONG_MS)
      isOver = true
    })()
    return { over, isOver: () => isOver }
  }
  return { stub, store: stub.store, cluster, waits }
}

describe('whoever waits for a change', () => {
  test('is told of one that happens', async () => {
    const { store, waits } = await started()
    const { over, isOver } = waits()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isOver()).toBe(false)
    putPod(store, 'shop-a', '1')
    await over
  })

  test('is told of one that happened while nobody waited', async () => {
    const { store, waits } = await started()
    putPod(store, 'shop-a', '1')
    await waits().over
  })

  test('is not woken by a bookmark, and goes on from it', async () => {
    const { stub, store, waits } = await started()
    const { over, isOver } = waits()
    store.forget()
    stub.bookmark()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isOver()).toBe(false)
    stub.cutWatches()
    await expect.poll(() => stub.watches).toBe(1)
    expect(isOver()).toBe(false)
    putPod(store, 'shop-a', '1')
    await over
    expect(stub.requests.filter(({ query }) => query.limit === '1')).toHaveLength(1)
  })

  test('misses nothing when the connection breaks', async () => {
    const { stub, store, waits } = await started()
    stub.cutWatches()
    putPod(store, 'shop-a', '1')
    await waits().over
  })

  test.each(['in the watch', 'before it'] as const)(
    'is woken to look when the cluster no longer knows what happened: told %s',
    async (how) => {
      const { stub, store, waits } = await started()
      const { over } = waits()
      if (how === 'before it') stub.script(({ query }) => query.watch === '1', { status: 410 })
      else store.forget()
      stub.cutWatches()
      await over
      expect(stub.requests.filter(({ query }) => query.limit === '1')).toHaveLength(2)
      await expect.poll(() => stub.watches).toBe(1)
    },
  )

  test('waits its time where it may not watch', async () => {
    const stub = await startKubernetesStub()
    stub.script(({ query }) => query.watch === '1', { status: 403 })
    const cluster = clusterOf(stub, [SHOP], quick)
    await cluster.changed(LONG_MS)
    await expect.poll(() => stub.requests.length).toBe(2)
    await cluster.changed(20)
    await cluster.changed(20)
    expect(stub.requests).toHaveLength(2)
  })

  test('waits its time when the cluster does not answer, and is told again when it does', async () => {
    const stub = await startKubernetesStub()
    const failure = { status: 503 }
    stub.script(() => true, ...Array.from({ length: 12 }, () => failure))
    const cluster = clusterOf(stub, [SHOP], quick)
    await cluster.changed(20)
    await cluster.changed(LONG_MS)
    await expect.poll(() => stub.watches).toBe(1)
  })

  test('is let go when the cluster is closed, and the watch with it', async () => {
    const { stub, cluster, waits } = await started()
    const { over } = waits()
    cluster.close()
    await over
    await expect.poll(() => stub.watches).toBe(0)
  })
})
