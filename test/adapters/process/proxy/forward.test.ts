import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { cleanUp } from '../../../support/database.ts'
import { ask, instance, named, wire } from '../../../support/http.ts'
import { proxyFor, signal } from './support.ts'

const keptAgent = (): Agent => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  cleanUp(async () => agent.destroy())
  return agent
}

describe('a request', () => {
  test('reaches an instance as it was sent, and its answer the client', async () => {
    const seen: IncomingMessage[] = []
    const own = ['X-Own', 'kept', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Keep-Alive', 'timeout=99']
    const web = await instance(async (asked, response) => {
      seen.push(asked)
      const chunks = await asked.toArray()
      response.writeHead(201, 'Made', own).end(Buffer.concat(chunks).toString().toUpperCase())
    })
    const { port } = await proxyFor([web])
    const client = await wire(port)
    client.write(
      'POST /a%20b?c=d HTTP/1.1\r\nhOST: shop.example\r\nX-Twice: 1\r\nx-twice: 2\r\nContent-Length: 5\r\n\r\nhello',
    )
    const answer = await client.until(/^HTTP\/1.1 201 Made\r\n([\s\S]*)\r\n\r\n5\r\nHELLO\r\n0\r\n\r\n$/)
    expect(answer[1]).toMatch(/^X-Own: kept\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n/)
    expect(answer[1]).not.toContain('timeout=99')
    const [asked] = seen
    expect({ method: asked?.method, url: asked?.url }).toEqual({ method: 'POST', url: '/a%20b?c=d' })
    expect(asked?.rawHeaders.slice(0, 8)).toEqual([
      'hOST',
      'shop.example',
      'X-Twice',
      '1',
      'x-twice',
      '2',
      'Content-Length',
      '5',
    ])
    expect(asked?.headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'shop.example',
    })
  })

  test('tells the instance what another proxy in front said', async () => {
    const web = await instance((asked, response) => response.end(JSON.stringify(asked.headers)))
    const { port } = await proxyFor([web])
    const { body } = await ask(port, {
      headers: {
        'x-forwarded-for': '203.0.113.7',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'shop.example',
      },
    })
    expect(JSON.parse(body)).toMatchObject({
      'x-forwarded-for': '203.0.113.7, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'shop.example',
    })
  })

  test('loses what is about its connection only, but nothing that says where it ends', async () => {
    const web = await instance(async (asked, response) => {
      const sent = Buffer.concat(await asked.toArray()).toString()
      response.end(JSON.stringify({ raw: asked.rawHeaders, body: sent }))
    })
    const { port } = await proxyFor([web])
    const { body } = await ask(port, {
      method: 'DELETE',
      headers: {
        connection: 'X-Hop, Content-Length, Host',
        'x-hop': 'gone',
        'keep-alive': 'timeout=1',
        te: 'trailers',
        'content-length': '4',
      },
      body: 'rest',
    })
    const seen = JSON.parse(body) as { raw: string[]; body: string }
    expect(seen.body).toBe('rest')
    expect(seen.raw.map((name) => name.toLowerCase())).toEqual(
      expect.arrayContaining(['host', 'content-length']),
    )
    expect(seen.raw.join()).not.toMatch(/x-hop|keep-alive,timeout|trailers/i)
  })

  test('without a length keeps having none, in both directions', async () => {
    const web = await instance((asked, response) => {
      response.write(`${asked.headers['transfer-encoding']}:`)
      asked.pipe(response)
    })
    const { port } = await proxyFor([web])
    const client = await wire(port)
    client.write(
      'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    )
    const [answer] = await client.until(/\r\n0\r\n\r\n/)
    expect(answer).toBeDefined()
    expect(client.read()).toMatch(/Transfer-Encoding: chunked/)
    expect(
      client
        .read()
        .split('\r\n\r\n')[1]
        ?.replaceAll(/[0-9a-f]+\r\n|\r\n/g, ''),
    ).toContain('chunked:')
  })

  test('of an old client without keep-alive is answered, and the connection closed', async () => {
    const web = await instance((_, response) => response.end('hello'))
    const { port } = await proxyFor([web])
    const client = await wire(port)
    client.write('GET / HTTP/1.0\r\n\r\n')
    await client.closed
    expect(client.read()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nhello$/)
  })

  test.for(['HEAD', 'OPTIONS', 'PATCH', 'DELETE'])('%s passes', async (method) => {
    const web = await instance((asked, response) => response.end(asked.method))
    const { port } = await proxyFor([web])
    const answer = await ask(port, { method, agent: keptAgent() })
    expect(answer).toMatchObject({ status: 200, body: method === 'HEAD' ? '' : method })
  })

  test('that expects to be told to go on is told so', async () => {
    const web = await instance((asked, response) => void asked.pipe(response))
    const { port } = await proxyFor([web])
    const client = await wire(port)
    client.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n')
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/)
    client.write('ok')
    await client.until(/HTTP\/1\.1 200 OK[\s\S]*2\r\nok\r\n0/)
  })

  test('that is no HTTP, or tries to end in two places, gets no further', async () => {
    let requests = 0
    const web = await instance((_, response) => {
      requests += 1
      response.end()
    })
    const { port } = await proxyFor([web])
    for (const text of [
      'hello\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
    ]) {
      const client = await wire(port)
      client.write(text)
      await client.until(/^HTTP\/1\.1 400/)
    }
    expect(requests).toBe(0)
    expect((await ask(port)).status).toBe(200)
  })
})

describe('bodies', () => {
  test('stream to the instance while they are sent', async () => {
    const got: string[] = []
    const web = await instance((asked, response) => {
      asked.on('data', (chunk: Buffer) => got.push(chunk.toString())).on('end', () => response.end('all'))
    })
    const { port } = await proxyFor([web])
    const outgoing = request({ host: '127.0.0.1', port, method: 'POST', agent: false })
    outgoing.write('one')
    await expect.poll(() => got).toEqual(['one'])
    outgoing.end('two')
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    expect(Buffer.concat(await answer.toArray()).toString()).toBe('all')
    expect(got).toEqual(['one', 'two'])
  })

  test('stream to the client while they are made, also a head without a body yet', async () => {
    const { given, give } = signal()
    const web = await instance((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      void given.then(() => response.write('data: 1\n\n'))
    })
    const { port } = await proxyFor([web])
    const outgoing = request({ host: '127.0.0.1', port, agent: false }).end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    give()
    const [chunk] = await once(answer, 'data')
    expect(String(chunk)).toBe('data: 1\n\n')
    outgoing.destroy()
  })

  test('of many megabytes pass without being collected, in both directions', async () => {
    const web = await instance((asked, response) => void asked.pipe(response))
    const { port } = await proxyFor([web])
    const body = Buffer.alloc(24 * 2 ** 20, 'x')
    const answer = await ask(port, { method: 'POST', body })
    expect(answer.body.length).toBe(body.length)
  })

  test('are made no faster than the client reads them', async () => {
    let made = 0
    const web = await instance((_, response) => {
      const chunk = Buffer.alloc(2 ** 20)
      const more = (): void => {
        while (made < 200 && response.write(chunk)) made += 1
        made += 1
        if (made < 200) response.once('drain', more)
      }
      more()
    })
    const { port } = await proxyFor([web])
    const outgoing = request({ host: '127.0.0.1', port, agent: false }).end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    answer.pause()
    await sleep(500)
    expect(made).toBeLessThan(60)
    outgoing.destroy()
  })

  test('that break off on the way look broken, not whole', async () => {
    const web = await instance((asked, response) => {
      response.write('half')
      setTimeout(() => asked.socket.destroy(), 50)
    })
    const { port } = await proxyFor([web])
    await expect(ask(port)).rejects.toThrow(/aborted|ECONNRESET|hang up/)
  })

  test('that are answered before they were read do not stand in the way of the next request', async () => {
    const web = await instance((asked, response) => {
      if (asked.method === 'GET') response.end('next')
      else response.writeHead(413).end('too much', () => setTimeout(() => asked.socket.destroy(), 50))
    })
    const proxy = await proxyFor([web])
    const client = await wire(proxy.port)
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${4 * 2 ** 20}\r\n\r\nbegun`)
    await client.until(/^HTTP\/1\.1 413[\s\S]*too much/)
    await expect.poll(() => proxy.inFlight('i1')).toBe(0)
    client.write('x'.repeat(4 * 2 ** 20 - 'begun'.length))
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until(/HTTP\/1\.1 200 OK[\s\S]*next/)
  })

  test('that stop coming are not waited for without end', async () => {
    const web = await instance(named('web'))
    const { port } = await proxyFor([web], { bodyIdleMs: 100 })
    const client = await wire(port)
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
    await client.closed
  })
})

describe('connections', () => {
  test('of a client are kept, and its requests still go to whoever has the fewest', async () => {
    const proxy = await proxyFor([await instance(named('one')), await instance(named('two'))])
    const agent = keptAgent()
    const answers = []
    for (let count = 0; count < 6; count += 1) answers.push(await ask(proxy.port, { agent }))
    expect(answers.map(({ reused }) => reused)).toEqual([false, true, true, true, true, true])
    expect(answers.map(({ body }) => body).join()).toMatch(
      /^(one,two,one,two,one,two|two,one,two,one,two,one)$/,
    )
  })

  test('to an instance are kept for requests that may be repeated', async () => {
    const web = await instance(named('web'))
    const { port } = await proxyFor([web])
    for (let count = 0; count < 5; count += 1) await ask(port)
    expect(web.connections()).toBe(1)
    for (let count = 0; count < 5; count += 1) await ask(port, { method: 'POST', body: 'x' })
    expect(web.connections()).toBe(6)
  })

  test('that the client gave up are given up to the instance, too', async () => {
    const { given, give } = signal()
    const web = await instance((asked) => void asked.socket.once('close', give))
    const proxy = await proxyFor([web])
    const client = await wire(proxy.port)
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await expect.poll(() => proxy.inFlight('i1')).toBe(1)
    client.socket.destroy()
    await given
    await expect.poll(() => proxy.inFlight('i1')).toBe(0)
  })

  test('to the proxy go on until what is under way has ended, and no new ones are made', async () => {
    const { given, give } = signal()
    const web = await instance((_, response) => void given.then(() => response.end('late')))
    const proxy = await proxyFor([web])
    const agent = keptAgent()
    const answer = ask(proxy.port, { agent })
    await expect.poll(() => proxy.inFlight('i1')).toBe(1)
    const closing = proxy.close(60_000)
    await expect.poll(() => ask(proxy.port).catch((error: Error) => error.message)).toMatch(/ECONNREFUSED/)
    give()
    expect((await answer).body).toBe('late')
    await closing
  })

  test('to the proxy are broken when what is under way takes too long', async () => {
    const web = await instance(() => undefined)
    const proxy = await proxyFor([web])
    const answer = ask(proxy.port).catch((error: Error) => error.message)
    await expect.poll(() => proxy.inFlight('i1')).toBe(1)
    await proxy.close(50)
    expect(await answer).toMatch(/hang up|ECONNRESET/)
  })
})
