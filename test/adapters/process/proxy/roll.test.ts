import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { cleanUp } from '../../../support/database.ts'
import { ask, type Instance, instance, named } from '../../../support/http.ts'
import { proxyFor, signal } from './support.ts'

const CLIENTS = 12
const SWAPS = 50

/** Echoes what it got, after a moment. */
const busy = (): Promise<Instance> =>
  instance(async (asked, response) => {
    const chunks = await asked.toArray()
    await sleep(Math.random() * 4)
    response.end(asked.method === 'POST' ? Buffer.concat(chunks) : 'got')
  })

describe('instances that are replaced', () => {
  test('fifty times under load cost no request, on connections that are kept and on new ones', async () => {
    let fleet = [await busy(), await busy(), await busy()]
    const proxy = await proxyFor(fleet)
    let isRunning = true
    let requests = 0
    const failures: string[] = []
    const client = async (number: number): Promise<void> => {
      const agent = new Agent({ keepAlive: number % 3 !== 0, maxSockets: 1 })
      cleanUp(async () => agent.destroy())
      for (let count = 0; isRunning; count += 1) {
        const body = `${number}.${count}`
        const post = { method: 'POST', body, headers: { 'content-length': String(body.length) } }
        const answer = await ask(proxy.port, { agent, ...(count % 2 === 0 ? post : {}) }).catch(
          (error: Error) => ({ status: 0, body: error.message }),
        )
        requests += 1
        const wanted = count % 2 === 0 ? body : 'got'
        if (answer.status !== 200 || answer.body !== wanted) failures.push(`${answer.status} ${answer.body}`)
      }
    }
    const clients = Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
    const ids = fleet.map((_, at) => `i${at + 1}`)
    for (let swap = 0; swap < SWAPS; swap += 1) {
      for (const goal = requests + 2 * CLIENTS; requests < goal; ) await sleep(1)
      const renewed = await busy()
      proxy.admit({ id: `r${swap}`, port: renewed.port })
      const [old, ...others] = fleet
      const [oldId = '', ...otherIds] = ids.splice(0)
      ids.push(...otherIds, `r${swap}`)
      fleet = [...others, renewed]
      proxy.drain(oldId)
      while (proxy.inFlight(oldId) > 0) await sleep(1)
      // Not gently: what the drain did not wait for fails.
      old?.kill()
      proxy.drop(oldId)
    }
    isRunning = false
    await clients
    expect(failures).toEqual([])
    expect(requests).toBeGreaterThan(SWAPS * CLIENTS)
  })

  test('take each request as a whole: one that began before the drain ends at the same instance', async () => {
    const { given, give } = signal()
    const old = await instance((_, response) => {
      response.write('old, ')
      void given.then(() => response.end('to the end'))
    })
    const proxy = await proxyFor([old])
    const answer = ask(proxy.port)
    await expect.poll(() => proxy.inFlight('i1')).toBe(1)
    proxy.admit({ id: 'i2', port: (await instance(named('new'))).port })
    proxy.drain('i1')
    for (let count = 0; count < 5; count += 1) expect((await ask(proxy.port)).body).toBe('new')
    expect(proxy.inFlight('i1')).toBe(1)
    give()
    expect((await answer).body).toBe('old, to the end')
    await expect.poll(() => proxy.inFlight('i1')).toBe(0)
  })

  test('end what is under way themselves, as long as they live', async () => {
    const { given, give } = signal()
    const old = await instance((_, response) => void given.then(() => response.end('late')))
    const proxy = await proxyFor([old])
    const answer = ask(proxy.port)
    await expect.poll(() => proxy.inFlight('i1')).toBe(1)
    proxy.drain('i1')
    // That is for upgraded connections.
    proxy.cut('i1')
    expect(proxy.inFlight('i1')).toBe(1)
    give()
    expect((await answer).body).toBe('late')
  })

  test('keep no idle connection that would keep them from ending', async () => {
    const { given, give } = signal()
    const old = await instance(
      (asked, response) => {
        if (asked.url === '/slow') void given.then(() => response.end())
        else response.end()
      },
      { keepAliveTimeout: 60_000 },
    )
    const proxy = await proxyFor([old], { upstreamIdleMs: 60_000 })
    const slow = ask(proxy.port, { path: '/slow' })
    await expect.poll(() => proxy.inFlight('i1')).toBe(1)
    await ask(proxy.port)
    const open = () => new Promise<number>((resolve) => old.server.getConnections((_, n) => resolve(n)))
    expect(await open()).toBe(2)
    proxy.drain('i1')
    await expect.poll(open).toBe(1)
    give()
    await slow
    await expect.poll(open).toBe(0)
  })

  test('may come back', async () => {
    const web = await instance(named('web'))
    const proxy = await proxyFor([web])
    proxy.drain('i1')
    expect((await ask(proxy.port)).status).toBe(503)
    proxy.admit({ id: 'i1', port: web.port })
    expect((await ask(proxy.port)).status).toBe(200)
    proxy.drop('i1')
    expect((await ask(proxy.port)).status).toBe(503)
    // It was started again, on another port.
    proxy.admit({ id: 'i1', port: web.port })
    const again = await instance(named('again'))
    proxy.admit({ id: 'i1', port: again.port })
    expect((await ask(proxy.port)).body).toBe('again')
  })
})

describe('the next request', () => {
  test('goes to whoever has the fewest under way', async () => {
    const { given, give } = signal()
    const slow = await instance((_, response) => void given.then(() => response.end('slow')))
    const proxy = await proxyFor([slow])
    const waiting = [ask(proxy.port), ask(proxy.port)]
    await expect.poll(() => proxy.inFlight('i1')).toBe(2)
    proxy.admit({ id: 'i2', port: (await instance(named('quick'))).port })
    for (let count = 0; count < 10; count += 1) expect((await ask(proxy.port)).body).toBe('quick')
    give()
    await Promise.all(waiting)
  })
})
