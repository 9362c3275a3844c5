import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { cleanUp } from '../../../support/database.ts'
import { ask, instance, named } from '../../../support/http.ts'
import { proxyFor } from './support.ts'

/** A port that refuses: somebody had it a moment ago. */
async function closedPort(): Promise<number> {
  const { server, port } = await raw(() => undefined)
  server.close()
  await once(server, 'close')
  return port
}

/** An instance that speaks as the test says, byte by byte. */
async function raw(onSocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    onSocket(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUp(async () => void server.close())
  return { server, port: (server.address() as AddressInfo).port }
}

/** Reads a request and goes without a word, as one does that is killed. */
const dying = (counted: { requests: number }): RequestListener => {
  return (asked) => {
    counted.requests += 1
    asked.socket.destroy()
  }
}

describe('no instance', () => {
  test('is answered with 503, and when to come again', async () => {
    const { port } = await proxyFor([])
    expect(await ask(port, { method: 'POST', body: 'x' })).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: 'No instance of "web" can take requests at the moment.\n',
    })
  })

  test('that accepts a connection is the same as none', async () => {
    const proxy = await proxyFor([])
    proxy.admit({ id: 'dead', port: await closedPort() })
    expect((await ask(proxy.port)).status).toBe(503)
    expect(proxy.inFlight('dead')).toBe(0)
  })
})

describe('an instance that accepts no connection', () => {
  test.for(['GET', 'POST'])('costs no %s', async (method) => {
    const proxy = await proxyFor([])
    proxy.admit({ id: 'dead', port: await closedPort() })
    proxy.admit({ id: 'alive', port: (await instance((asked, response) => void asked.pipe(response))).port })
    const body = method === 'POST' ? 'all of it' : ''
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => ask(proxy.port, { method, ...(body === '' ? {} : { body }) })),
    )
    expect(answers.map((answer) => [answer.status, answer.body])).toEqual(
      Array.from({ length: 8 }, () => [200, body]),
    )
  })
})

describe('an instance that dies before it answers', () => {
  test('costs no request that may be repeated', async () => {
    const counted = { requests: 0 }
    const { port } = await proxyFor([await instance(dying(counted)), await instance(named('alive'))])
    for (let count = 0; count < 6; count += 1) expect((await ask(port)).body).toBe('alive')
    expect(counted.requests).toBeGreaterThan(0)
  })

  test.for([
    ['POST', undefined],
    ['PATCH', 'x'],
    ['PUT', 'a body that is gone'],
  ] as const)('gets a %s once, and nobody else gets it', async ([method, body]) => {
    const counted = { requests: 0 }
    const listener = dying(counted)
    const { port } = await proxyFor([await instance(listener), await instance(listener)])
    const answer = await ask(port, { method, ...(body === undefined ? {} : { body }) })
    expect(answer).toMatchObject({
      status: 502,
      body: expect.stringMatching(
        /^The instance "i[12]" of "web" broke the connection before it answered\.\n$/,
      ),
    })
    expect(counted.requests).toBe(1)
  })

  test('does not take all others with it: a request that kills is repeated once', async () => {
    const counted = { requests: 0 }
    const listener = dying(counted)
    const killers = await Promise.all(Array.from({ length: 4 }, () => instance(listener)))
    const { port } = await proxyFor(killers)
    expect((await ask(port)).status).toBe(502)
    expect(counted.requests).toBe(2)
  })

  test('after a byte of its answer is not replaced by another', async () => {
    let requests = 0
    const { port: half } = await raw((socket) => {
      socket.once('data', () => {
        requests += 1
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', () => socket.resetAndDestroy())
      })
    })
    const proxy = await proxyFor([])
    proxy.admit({ id: 'half', port: half })
    await expect(ask(proxy.port)).rejects.toThrow(/aborted|ECONNRESET|hang up/)
    expect(requests).toBe(1)
  })
})

describe('an idle connection that the instance closes as it is used', () => {
  /** Answers the first request of a connection, and closes on the second without a word: it had just decided to. */
  const closesOnReuse = async (seen: string[]): Promise<number> => {
    const { port } = await raw((socket) => {
      let requests = 0
      socket.on('data', (data) => {
        requests += 1
        seen.push(`${String(data).split(' ')[0]} ${requests}`)
        if (requests > 1) socket.resetAndDestroy()
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok')
      })
    })
    return port
  }

  test('costs no request, although there is no other instance', async () => {
    const seen: string[] = []
    const proxy = await proxyFor([])
    proxy.admit({ id: 'i1', port: await closesOnReuse(seen) })
    for (let count = 0; count < 4; count += 1) expect((await ask(proxy.port)).body).toBe('ok')
    expect(seen).toContain('GET 2')
  })

  test('is never used for a request that must not be sent twice', async () => {
    const seen: string[] = []
    const proxy = await proxyFor([])
    proxy.admit({ id: 'i1', port: await closesOnReuse(seen) })
    for (let count = 0; count < 4; count += 1) {
      expect((await ask(proxy.port)).body).toBe('ok')
      expect((await ask(proxy.port, { method: 'POST', body: 'x' })).body).toBe('ok')
      expect((await ask(proxy.port, { method: 'POST', headers: { 'content-length': '0' } })).body).toBe('ok')
    }
    expect(seen.filter((each) => each.startsWith('POST'))).toEqual(Array(8).fill('POST 1'))
  })

  test('is closed by the proxy before most servers would', async () => {
    const web = await instance(named('web'))
    const { port } = await proxyFor([web], { upstreamIdleMs: 50 })
    await ask(port)
    const closed = () => new Promise<number>((resolve) => web.server.getConnections((_, n) => resolve(n)))
    await expect.poll(closed).toBe(0)
  })
})

describe('an instance that does not answer in time', () => {
  test('is not asked again, and the client is told', async () => {
    let requests = 0
    const silent: RequestListener = () => {
      requests += 1
    }
    const proxy = await proxyFor([await instance(silent), await instance(silent)], { answerTimeoutMs: 100 })
    expect(await ask(proxy.port)).toMatchObject({
      status: 504,
      body: expect.stringContaining('within 0.1 s'),
    })
    expect(requests).toBe(1)
    expect(proxy.inFlight('i1') + proxy.inFlight('i2')).toBe(0)
  })

  test('may take as long as it likes for what follows the head of its answer', async () => {
    const web = await instance((_, response) => {
      response.write('begun, ')
      setTimeout(() => response.end('done'), 300)
    })
    const { port } = await proxyFor([web], { answerTimeoutMs: 100 })
    expect((await ask(port)).body).toBe('begun, done')
  })

  test('has the time that the request takes besides', async () => {
    const web = await instance(
      (asked, response) => void asked.resume().once('end', () => response.end('done')),
    )
    const { port } = await proxyFor([web], { answerTimeoutMs: 150 })
    const { request } = await import('node:http')
    const outgoing = request({ host: '127.0.0.1', port, method: 'POST', agent: false })
    outgoing.write('slow')
    setTimeout(() => outgoing.end('ly'), 400)
    const [answer] = await once(outgoing, 'response')
    expect(answer.resume().statusCode).toBe(200)
  })
})

describe('what an instance answers that is no HTTP', () => {
  test.for([
    ['nonsense', 'hello\r\n\r\n', 502],
    ['a status that there is not', 'HTTP/1.1 42 Maybe\r\nContent-Length: 0\r\n\r\n', 502],
    ['a bell in its status message', 'HTTP/1.1 200 Ding\x07\r\nContent-Length: 0\r\n\r\n', 502],
    [
      'a head that says more than the proxy holds',
      `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`,
      502,
    ],
    [
      'an upgrade that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
      502,
    ],
    ['letters beyond ASCII', 'HTTP/1.1 200 Schön\r\nX-Name: Bj\xf6rn\r\nContent-Length: 0\r\n\r\n', 200],
    [
      'an answer before the question is over',
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      200,
    ],
  ] as const)('%s does not end the proxy', async ([, text, status]) => {
    const { port } = await raw((socket) => void socket.once('data', () => socket.end(text, 'latin1')))
    const proxy = await proxyFor([])
    proxy.admit({ id: 'i1', port })
    expect((await ask(proxy.port, { method: 'POST', body: 'x' })).status).toBe(status)
    expect((await ask(proxy.port)).status).toBe(status)
    expect(proxy.inFlight('i1')).toBe(0)
  })
})
