import { describe, expect, test, vi } from 'vitest'
import { isGone } from '../../../src/adapters/kubernetes/refusal.ts'
import type { WatchEvent } from '../../../src/adapters/kubernetes/watch.ts'
import { BellowsError } from '../../../src/core/errors.ts'
import { accessTo, clientOf, failureOf, impatientClock } from '../../support/kubernetes/client.ts'
import { type Received, startKubernetesStub } from '../../support/kubernetes/stub.ts'

const isRead = ({ method }: Received) => method === 'GET'
const isPatch = ({ method }: Received) => method === 'PATCH'
const pod = (name: string, labels: Record<string, string> = {}) => ({
  metadata: { name, labels },
  spec: { containers: [] },
})
const rename = { type: 'strategic-merge', content: { metadata: { annotations: { a: 'b' } } } } as const

async function started(clock = impatientClock()) {
  const stub = await startKubernetesStub()
  return { stub, clock, client: clientOf(accessTo(stub.url), clock) }
}

describe('a read', () => {
  test('brings the object, and the time by the clock of the server', async () => {
    const { stub, client } = await started()
    stub.store.put('Pod', pod('web-1'))
    const { value, atMs } = await client.get('Pod', 'web-1')
    expect(value.metadata.name).toBe('web-1')
    expect(atMs).toBe(stub.store.nowMs)
    expect(stub.requests.map(({ path }) => path)).toEqual(['/api/v1/namespaces/shop/pods/web-1'])
  })

  test('keeps the path that the server is reached under', async () => {
    const { stub } = await started()
    const client = clientOf(accessTo(`${stub.url}/k8s/clusters/c-1/`))
    await client.get('Pod', 'web-1').catch(() => undefined)
    expect(stub.requests[0]?.path).toBe('/k8s/clusters/c-1/api/v1/namespaces/shop/pods/web-1')
  })

  test.each([
    ['a server that is busy', { status: 503 }],
    ['a server that fails', { status: 500 }],
    ['a connection that breaks', 'cut before'],
  ] as const)('is repeated after %s', async (_what, answer) => {
    const { stub, client, clock } = await started()
    stub.store.put('Pod', pod('web-1'))
    stub.script(isRead, answer, answer)
    expect((await client.get('Pod', 'web-1')).value.metadata.name).toBe('web-1')
    expect(clock.pauses).toEqual([200, 400])
  })

  test('is repeated after the time that the server asks for, if that is short enough', async () => {
    const { stub, client, clock } = await started()
    stub.script(
      isRead,
      { status: 429, headers: { 'retry-after': '3' } },
      { status: 429, headers: { 'retry-after': '600' } },
      { status: 429, headers: { 'retry-after': 'tomorrow' } },
    )
    await client.list('Pod')
    expect(clock.pauses).toEqual([3000, 10_000, 800])
  })

  test.each([
    ['answers that it cannot', { status: 503 }, 'refused to list the pods in "shop": scripted 503'],
    ['breaks the connection', 'cut before', 'could not be asked to list the pods in "shop"'],
  ] as const)('is given up after five attempts at a server that %s', async (_what, answer, message) => {
    const { stub, client } = await started()
    stub.script(isRead, answer, answer, answer, answer, answer, answer)
    const error = await failureOf(() => client.list('Pod'))
    expect(error.code).toBe('cluster_unreachable')
    expect(error.message).toContain(message)
    expect(stub.requests).toHaveLength(5)
  })

  test('of a server that is not there says so', async () => {
    const client = clientOf(accessTo('http://127.0.0.1:1'))
    const error = await failureOf(() => client.get('Deployment', 'shop'))
    expect(error.code).toBe('cluster_unreachable')
    expect(error.message).toContain(
      'The cluster at http://127.0.0.1:1 could not be asked to get the Deployment "shop" in "shop"',
    )
    expect(error.hint).toContain('kubectl get pods')
  })

  test('that brings no JSON says that this is no API server', async () => {
    const { stub, client } = await started()
    stub.script(isRead, { text: '<html>Log in</html>' })
    expect((await failureOf(() => client.list('Pod'))).message).toContain('is it an API server?')
  })
})

describe('a refusal', () => {
  test.each([
    [403, 'Grant "patch" on "deployments" in the namespace "shop": examples/kubernetes/rbac.yaml'],
    [404, 'kubectl get deployments -n shop'],
    [409, 'Somebody else changed it'],
    [401, 'The credentials of the context "test" are not accepted.'],
    [422, 'it looks before it acts'],
  ])(
    'of a change with HTTP %i is not repeated, and says what was asked for and what to do',
    async (status, hint) => {
      const { stub, client, clock } = await started()
      stub.script(isPatch, { status, message: 'deployments.apps "shop" is not yours' })
      const error = await failureOf(() => client.patch('Deployment', 'shop', rename))
      expect(error.code).toBe('cluster_refused')
      expect(error.message).toBe(
        'The cluster refused to patch the Deployment "shop" in "shop": deployments.apps "shop" is not yours',
      )
      expect(error.hint).toContain(hint)
      expect(error.facts).toEqual({ status })
      expect(clock.pauses).toEqual([])
    },
  )

  test('without a word of the server names the status', async () => {
    const { stub, client } = await started()
    stub.script(isRead, { status: 418, message: '' })
    expect((await failureOf(() => client.get('Pod', 'a'))).message).toMatch(/: HTTP 418$/)
  })
})

describe('a change', () => {
  test.each(['cut before', 'cut after', { status: 500 }] as const)(
    'is not repeated by itself when nobody knows whether it was made: %j',
    async (answer) => {
      const { stub, client } = await started()
      stub.store.put('Pod', pod('web-1'))
      stub.script(isPatch, answer)
      const error = await failureOf(() => client.patch('Pod', 'web-1', rename))
      expect(error.code).toBe('cluster_unreachable')
      expect(stub.requests).toHaveLength(1)
      expect(stub.store.get('Pod', 'web-1')?.metadata.annotations).toEqual(
        answer === 'cut after' ? { a: 'b' } : undefined,
      )
    },
  )

  test('is repeated when the server says that it has not looked at it yet', async () => {
    const { stub, client } = await started()
    stub.store.put('Pod', pod('web-1'))
    stub.script(isPatch, { status: 429, headers: { 'retry-after': '1' } })
    expect((await client.patch('Pod', 'web-1', rename)).value.metadata.annotations).toEqual({ a: 'b' })
  })

  test('says which kind of patch it is', async () => {
    const { stub, client } = await started()
    stub.store.put('Pod', pod('web-1', { a: 'b' }))
    await client.patch('Pod', 'web-1', rename)
    await client.patch('Pod', 'web-1', {
      type: 'json',
      content: [{ op: 'replace', path: '/metadata/labels/a', value: 'c' }],
    })
    expect(stub.requests.map(({ query }) => query.contentType)).toEqual([
      'application/strategic-merge-patch+json',
      'application/json-patch+json',
    ])
    expect(stub.store.get('Pod', 'web-1')?.metadata).toMatchObject({
      labels: { a: 'c' },
      annotations: { a: 'b' },
    })
  })
})

describe('a server that says nothing', () => {
  test.each(['silence', 'silence in the answer'] as const)(
    'is waited for no longer than its bound: %s',
    async (silence) => {
      const { stub, client } = await started()
      stub.store.put('Pod', pod('web-1'))
      stub.script(isPatch, silence)
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      try {
        const failed = failureOf(client.patch('Pod', 'web-1', rename))
        while (stub.requests.length === 0 || vi.getTimerCount() === 0)
          await new Promise((resolve) => setImmediate(resolve))
        for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
        await vi.advanceTimersByTimeAsync(30_000)
        expect((await failed).message).toMatch(/(no answer|did not end) within 30 s$/)
      } finally {
        vi.useRealTimers()
      }
    },
  )
})

describe('a list', () => {
  const thousand = Array.from({ length: 1_000 }, (_, at) => `web-${String(at).padStart(4, '0')}`)

  test('of 1,000 pods is read in pages', async () => {
    const { stub, client } = await started()
    for (const name of thousand) stub.store.put('Pod', pod(name, { app: 'web' }))
    const { value } = await client.list('Pod', 'app=web')
    expect(value.map(({ metadata }) => metadata.name)).toEqual(thousand)
    expect(stub.requests.map(({ query }) => [query.limit, query.labelSelector])).toEqual([
      ['500', 'app=web'],
      ['500', 'app=web'],
    ])
  })

  test('whose beginning is forgotten on the way is begun anew, and has nothing twice', async () => {
    const { stub, client } = await started()
    for (const name of thousand) stub.store.put('Pod', pod(name))
    stub.script(({ query }) => query.continue !== undefined, { status: 410 })
    const { value } = await client.list('Pod')
    expect(value).toHaveLength(1_000)
    expect(stub.requests).toHaveLength(4)
  })

  test('whose beginning is forgotten each time fails', async () => {
    const { stub, client } = await started()
    for (const name of thousand) stub.store.put('Pod', pod(name))
    const gone = { status: 410 }
    stub.script(({ query }) => query.continue !== undefined, gone, gone, gone, gone)
    expect((await failureOf(() => client.list('Pod'))).code).toBe('cluster_refused')
    expect(stub.requests).toHaveLength(6)
  })
})

describe('a watch', () => {
  async function watching(events: WatchEvent[]) {
    const { stub, client } = await started()
    const stop = new AbortController()
    const from = await client.position('Pod')
    const ended = (async () => {
      for await (const event of client.watch('Pod', from, stop.signal)) events.push(event)
    })()
    ended.catch(() => undefined)
    await expect.poll(() => stub.watches).toBe(1)
    return { stub, stop, ended }
  }
  const names = (events: readonly WatchEvent[]) =>
    events.map(({ type, object }) => `${type} ${object.metadata.name ?? ''}`.trim())

  test('tells what changed since its position, and ends without an error when it is no longer wanted', async () => {
    const events: WatchEvent[] = []
    const { stub, stop, ended } = await watching(events)
    stub.store.put('Pod', pod('web-1'))
    stub.store.put('Pod', pod('web-1', { a: 'b' }))
    stub.store.put('Job', { metadata: { name: 'other' } })
    stub.bookmark()
    stub.store.remove('Pod', 'web-1')
    await expect
      .poll(() => names(events))
      .toEqual(['ADDED web-1', 'MODIFIED web-1', 'BOOKMARK', 'DELETED web-1'])
    stop.abort()
    await ended
    await expect.poll(() => stub.watches).toBe(0)
  })

  test('whose connection breaks fails', async () => {
    const { stub, ended } = await watching([])
    stub.cutWatches()
    expect((await failureOf(() => ended)).code).toBe('cluster_unreachable')
  })

  test('takes words that come in pieces, in characters of several bytes', async () => {
    const events: WatchEvent[] = []
    const { stub } = await watching(events)
    const label = 'ü€😀'.repeat(40_000)
    stub.store.put('Pod', pod('web-1', { label }))
    await expect.poll(() => events[0]?.object.metadata.labels?.label === label).toBe(true)
  })

  test('from where nobody remembers says so', async () => {
    const { stub, client } = await started()
    const from = await client.position('Pod')
    stub.store.forget()
    const all = async () => {
      for await (const event of client.watch('Pod', from, new AbortController().signal)) void event
    }
    expect(isGone(await failureOf(all))).toBe(true)
    stub.script(isRead, { status: 410 })
    expect(isGone(await failureOf(all))).toBe(true)
  })
})

describe('credentials', () => {
  test('that are no longer accepted are replaced once, for a change too: it was not looked at', async () => {
    const { stub } = await started()
    stub.store.put('Pod', pod('web-1'))
    let number = 1
    const access = accessTo(stub.url, {
      credentials: async () => ({ token: `t${number}` }),
      renew: () => {
        number += 1
        return true
      },
    })
    stub.accept = ({ authorization }) => authorization === 'Bearer t2'
    const client = clientOf(access)
    await client.patch('Pod', 'web-1', rename)
    expect(stub.requests.map(({ authorization }) => authorization)).toEqual(['Bearer t1', 'Bearer t2'])
    stub.accept = () => false
    const error = await failureOf(() => client.get('Pod', 'web-1'))
    expect(error.facts).toEqual({ status: 401 })
    expect(stub.requests).toHaveLength(4)
  })

  test('that cannot be had are the error', async () => {
    const { stub } = await started()
    const client = clientOf(
      accessTo(stub.url, {
        credentials: async () => {
          throw new BellowsError('cluster_unreachable', 'no token today')
        },
      }),
    )
    expect((await failureOf(() => client.get('Pod', 'web-1'))).message).toContain('no token today')
    expect(stub.requests).toEqual([])
  })
})
