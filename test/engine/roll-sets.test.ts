import { describe, expect, test } from 'vitest'
import { isEnding } from '../support/kubernetes/moving-pods.ts'
import { AGENT, LEDGER, putSet } from '../support/kubernetes/objects.ts'
import { bad, bodies, ledgerAndAgent } from '../support/kubernetes/roll.ts'
import type { Store } from '../support/kubernetes/store.ts'

const STRATEGIC = 'application/strategic-merge-patch+json'
const SETS = [LEDGER, AGENT] as const

/** The sum of what its controller counts: too few are missing to be told apart from none. */
const readyIn = (store: Store, { kind, name }: (typeof SETS)[number]) =>
  kind === 'StatefulSet'
    ? (store.get('StatefulSet', name)?.status?.readyReplicas ?? 0)
    : (store.get('DaemonSet', name)?.status?.numberAvailable ?? 0)

const templateIn = (store: Store, { kind, name }: (typeof SETS)[number]) =>
  store.get(kind as 'StatefulSet', name)?.spec.template

describe.each(SETS)('a roll of a $kind', (set) => {
  const said = (state: string) => `${set.name} ${state}`

  test('ends when every pod is of the new version, one after the other', async () => {
    const { store, roll, pods, seen, kinds, stub } = await ledgerAndAgent()
    const fewest = { ready: 3 }
    const outcome = await roll({
      workloads: [set],
      asked: () => {
        fewest.ready = Math.min(fewest.ready, readyIn(store, set))
        return 'go'
      },
    })
    expect(outcome).toEqual({
      state: 'rolled',
      because: [`the ${set.kind} "${set.name}" is rolled`],
      back: [],
    })
    expect(pods(set.name)).toEqual({ 2: 3 })
    expect(fewest.ready).toBe(2)
    expect(seen).toEqual([said('rolling'), said('rolled')])
    expect(kinds()).toEqual(['workload_saved', 'workload_changed', 'workload_rolled'])
    expect(bodies(stub).join()).not.toContain('replicas')
  })

  test('is not over while old pods end, however long they take', async () => {
    const { roll, pods, seen } = await ledgerAndAgent({ endSteps: 30 })
    expect((await roll({ workloads: [set] })).state).toBe('rolled')
    expect(pods(set.name)).toEqual({ 2: 3 })
    expect(seen.at(-1)).toBe(said('rolled'))
  })

  test('waits for an old pod that takes long to end, and nothing is taken back for that', async () => {
    const { roll, pods, seen, events } = await ledgerAndAgent({ endSteps: 40, stepMs: 10_000 })
    const rules = { progressMaxMs: 120_000 }
    const first = await roll({ workloads: [set], rules: { ...rules, drainMaxMs: 200_000 } })
    expect(first).toMatchObject({
      state: 'draining',
      because: expect.arrayContaining([
        expect.stringMatching(`^the pod "${set.name}-.*" of version 1 is ending$`),
      ]),
    })
    expect((await roll({ workloads: [set], rules, past: [...events] })).state).toBe('rolled')
    expect(pods(set.name)).toEqual({ 2: 3 })
    expect(seen).not.toContain(said('failed'))
  })

  test('believes nothing that its controller says of the template before', async () => {
    const { store, roll, pods, seen } = await ledgerAndAgent({ lagSteps: 5 })
    const complete = { generations: 0 }
    const outcome = await roll({
      workloads: [set],
      asked: () => {
        // The trap: everything is as it should be, of the generation before.
        const { metadata, status } = store.get(set.kind as 'StatefulSet', set.name) ?? {}
        if (readyIn(store, set) === 3 && status?.observedGeneration !== metadata?.generation)
          complete.generations += 1
        return 'go'
      },
    })
    expect(outcome.state).toBe('rolled')
    expect(complete.generations).toBeGreaterThan(0)
    expect(pods(set.name)).toEqual({ 2: 3 })
    expect(seen).toEqual([said('rolling'), said('rolled')])
  })

  test('that is killed goes on where it was', async () => {
    const { store, roll, pods, events, stub } = await ledgerAndAgent()
    const pausing = await roll({
      workloads: [set],
      asked: () => (pods(set.name)[2] === 1 ? 'pause' : 'go'),
    })
    expect(pausing.state).toBe('paused')
    expect((await roll({ workloads: [set], past: [...events] })).state).toBe('rolled')
    expect(bodies(stub)).toHaveLength(1)
    expect(templateIn(store, set)?.metadata?.labels?.['bellows/version']).toBe('2')
  })

  test('that is aborted in the middle of it goes back to the kept template', async () => {
    const { store, roll, pods } = await ledgerAndAgent({ endSteps: 5 })
    const before = templateIn(store, set)
    const outcome = await roll({
      workloads: [set],
      asked: () => (pods(set.name)[2] === 2 ? 'abort' : 'go'),
    })
    expect(outcome).toEqual({
      state: 'taken_back',
      because: ['aborted by a test'],
      back: [`the ${set.kind} "${set.name}" has version 1 everywhere`],
    })
    expect(templateIn(store, set)).toEqual(before)
    expect(pods(set.name)).toEqual({ 1: 3 })
  })

  test.each([['OnDelete', 'replaces a pod only when somebody deletes it: set it to RollingUpdate']])(
    'is refused with the strategy %s, and says what to do',
    async (type, why) => {
      const { store, roll, stub } = await ledgerAndAgent()
      putSet(store, set, '1', { strategy: { type } })
      expect(await roll({ workloads: [set] })).toEqual({
        state: 'refused',
        because: [`the ${set.kind} "${set.name}" would not roll: its strategy ${type} ${why}`],
      })
      expect(bodies(stub)).toEqual([])
    },
  )
})

describe('a roll of a StatefulSet', () => {
  test('replaces the highest number first, each when the last one is ready', async () => {
    const { store, roll } = await ledgerAndAgent()
    const ended: string[] = []
    await roll({
      asked: () => {
        const ending = store
          .list('Pod')
          .filter((pod) => isEnding(pod) && pod.metadata.labels?.app === 'ledger')
        expect(ending.length).toBeLessThan(2)
        for (const { metadata } of ending) if (!ended.includes(metadata.name)) ended.push(metadata.name)
        return 'go'
      },
    })
    expect(ended).toEqual(['ledger-2', 'ledger-1', 'ledger-0'])
  })

  test('lets an autoscaler change the number of pods on the way', async () => {
    const { store, roll, pods, stub } = await ledgerAndAgent({
      endSteps: 6,
      onStep: (step) => {
        const to = { 5: 5, 14: 2 }[step]
        if (to !== undefined) store.patch('StatefulSet', 'ledger', STRATEGIC, { spec: { replicas: to } })
      },
    })
    expect((await roll()).state).toBe('rolled')
    expect(store.get('StatefulSet', 'ledger')?.spec.replicas).toBe(2)
    expect(pods('ledger')).toEqual({ 2: 2 })
    expect(bodies(stub).join()).not.toContain('replicas')
  })

  test('is refused with a partition, which would keep old pods', async () => {
    const { store, roll, stub } = await ledgerAndAgent()
    const strategy = { type: 'RollingUpdate', rollingUpdate: { partition: 1 } }
    putSet(store, LEDGER, '1', { strategy })
    expect(await roll()).toEqual({
      state: 'refused',
      because: [
        'the StatefulSet "ledger" would not roll: its partition 1 keeps pods on the old template: set it to 0',
      ],
    })
    expect(bodies(stub)).toEqual([])
  })

  test('does not end while somebody sets a partition on the way: old pods stay below it', async () => {
    const { store, roll, pods, seen } = await ledgerAndAgent({
      onStep: (step) => {
        const partition = { 2: 2, 40: 0 }[step]
        if (partition !== undefined)
          store.patch('StatefulSet', 'ledger', STRATEGIC, {
            spec: { updateStrategy: { rollingUpdate: { partition } } },
          })
        if (step === 39) expect(pods('ledger')).toEqual({ 1: 2, 2: 1 })
      },
    })
    expect((await roll()).state).toBe('rolled')
    expect(seen).toEqual(['ledger rolling', 'ledger rolled'])
    expect(pods('ledger')).toEqual({ 2: 3 })
  })

  test.each(['crash', 'image', 'hang'] as const)(
    'whose new pod has a %s is taken back; the pod holds it up until somebody deletes it, and is named',
    async (fault) => {
      const { store, roll, pods, events } = await ledgerAndAgent({ fault: bad(fault), stepMs: 5_000 })
      const before = templateIn(store, LEDGER)
      const rules = { progressMaxMs: 120_000 }
      const stuck = await roll({ rules })
      expect(stuck).toMatchObject({
        state: 'stuck',
        back: expect.arrayContaining([
          expect.stringMatching(/^nothing has moved in the StatefulSet "ledger" for \d+ s$/),
          'StatefulSet "ledger": the pod "ledger-2" of version 2 holds it up: kubectl delete pod ledger-2',
        ]),
      })
      expect(templateIn(store, LEDGER), 'the template is back meanwhile').toEqual(before)
      expect(pods('ledger'), 'no other pod was touched').toEqual({ 1: 2, 2: 1 })
      store.remove('Pod', 'ledger-2')
      const past = events.filter(({ type }) => type !== 'workload_stuck')
      expect(await roll({ rules, past })).toMatchObject({
        state: 'taken_back',
        back: ['the StatefulSet "ledger" has version 1 everywhere'],
      })
      expect(pods('ledger')).toEqual({ 1: 3 })
    },
  )
})

describe('a roll of a DaemonSet', () => {
  test.each(['crash', 'image', 'hang'] as const)(
    'whose new pod has a %s is taken back, and no other pod was touched',
    async (fault) => {
      const { store, roll, pods } = await ledgerAndAgent({ fault: bad(fault), stepMs: 5_000 })
      const before = templateIn(store, AGENT)
      const outcome = await roll({
        workloads: [AGENT],
        rules: { progressMaxMs: 120_000 },
        remember: async ({ type }) => {
          if (type === 'workload_failed') expect(pods('agent')).toEqual({ 1: 2, 2: 1 })
        },
      })
      expect(outcome).toMatchObject({
        state: 'taken_back',
        back: ['the DaemonSet "agent" has version 1 everywhere'],
      })
      expect(templateIn(store, AGENT)).toEqual(before)
      expect(pods('agent')).toEqual({ 1: 3 })
    },
  )

  test('counts an old pod that still ends on a node that is gone: its controller counts it no more', async () => {
    const nodes = ['node-1', 'node-2', 'node-3']
    let isComplete = false
    const { store, roll, pods, seen } = await ledgerAndAgent({ endSteps: 40, nodes: () => nodes })
    const outcome = await roll({
      workloads: [AGENT],
      asked: () => {
        if (pods('agent')[2] === 2 && nodes.length === 3) nodes.pop()
        const { status, metadata } = store.get('DaemonSet', 'agent') ?? {}
        const { updatedNumberScheduled: updated, numberAvailable: available } = status ?? {}
        isComplete ||=
          updated === 2 &&
          available === 2 &&
          status?.observedGeneration === metadata?.generation &&
          (pods('agent')[1] ?? 0) > 0
        return 'go'
      },
    })
    expect(outcome.state).toBe('rolled')
    expect(pods('agent')).toEqual({ 2: 2 })
    expect(seen).toEqual(['agent rolling', 'agent draining', 'agent rolled'])
    expect(isComplete).toBe(true)
  })

  test('waits for a node that comes on the way', async () => {
    const nodes = ['node-1', 'node-2', 'node-3']
    const { roll, pods } = await ledgerAndAgent({
      nodes: () => nodes,
      onStep: (step) => void (step === 8 && nodes.push('node-4')),
    })
    expect((await roll({ workloads: [AGENT] })).state).toBe('rolled')
    expect(pods('agent')).toEqual({ 2: 4 })
  })
})
