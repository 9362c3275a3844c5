import { createHash } from 'node:crypto'
import type { RequestListener } from 'node:http'
import type { Duplex } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { ask, type Instance, instance, named, type Wire, wire } from '../../../support/http.ts'
import { proxyFor, signal } from './support.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const OFFER = `GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const accepted = (key = ''): string =>
  createHash('sha1')
    .update(key + GUID)
    .digest('base64')

/** A text frame of a client: masked, as it must be. */
function frame(text: string): string {
  const mask = Buffer.from([1, 2, 3, 4])
  const bytes = Buffer.from(text).map((byte, at) => byte ^ (mask[at % 4] ?? 0))
  return Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length]), mask, bytes]).toString('latin1')
}

/** A WebSocket server that sends each short text back in capitals, unmasked, as a server does. */
async function echo(onSocket: (socket: Duplex) => void = () => undefined): Promise<Instance> {
  const web = await instance(named('plain'))
  web.server.on('upgrade', ({ headers }, socket) => {
    const key = headers['sec-websocket-key']
    const via = `X-Seen: ${[headers['x-forwarded-for'], headers.connection, headers.upgrade].join(' ')}`
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accepted(key)}\r\n${via}\r\n\r\n`,
    )
    socket
      .on('error', () => undefined)
      .on('data', (data: Buffer) => {
        const text = data.subarray(6).map((byte, at) => byte ^ (data[2 + (at % 4)] ?? 0))
        socket.write(
          Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text.toString().toUpperCase())]),
        )
      })
    onSocket(socket)
  })
  return web
}

async function upgraded(port: number): Promise<Wire> {
  const client = await wire(port)
  client.write(OFFER)
  await client.until(/^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*\r\n\r\n/)
  return client
}

describe('a WebSocket', () => {
  test('is shaken hands with, and its frames go both ways', async () => {
    const proxy = await proxyFor([await echo()])
    const client = await upgraded(proxy.port)
    expect(client.read()).toContain(`Sec-WebSocket-Accept: ${accepted(KEY)}`)
    expect(client.read()).toContain('X-Seen: 127.0.0.1 Upgrade websocket')
    for (const word of ['one', 'two']) {
      client.write(frame(word))
      await client.until(new RegExp(word.toUpperCase()))
    }
    expect(proxy.inFlight('i1')).toBe(1)
    client.socket.destroy()
    await expect.poll(() => proxy.inFlight('i1')).toBe(0)
  })

  test('may talk before its hand was shaken', async () => {
    const { port } = await proxyFor([await echo()])
    const client = await wire(port)
    client.write(OFFER + frame('early'))
    await client.until(/101 Switching[\s\S]*EARLY/)
  })

  test('that the instance ends is ended, and not before the last word', async () => {
    const proxy = await proxyFor([await echo((socket) => void socket.once('data', () => socket.end()))])
    const client = await upgraded(proxy.port)
    client.write(frame('bye'))
    await client.until(/BYE/)
    await client.closed
    expect(proxy.inFlight('i1')).toBe(0)
  })

  test('breaks when its instance is killed', async () => {
    const web = await echo()
    const proxy = await proxyFor([web])
    const client = await upgraded(proxy.port)
    web.kill()
    await client.closed
    expect(proxy.inFlight('i1')).toBe(0)
  })

  test('goes on while its instance drains, until it is cut', async () => {
    const proxy = await proxyFor([await echo()])
    const client = await upgraded(proxy.port)
    proxy.drain('i1')
    client.write(frame('still'))
    await client.until(/STILL/)
    expect(proxy.inFlight('i1')).toBe(1)
    proxy.cut('i1')
    await client.closed
    await expect.poll(() => proxy.inFlight('i1')).toBe(0)
  })

  test('does not keep the proxy from ending', async () => {
    const { given, give } = signal()
    const proxy = await proxyFor([await echo((socket) => void socket.once('end', give))])
    const client = await upgraded(proxy.port)
    await proxy.close(60_000)
    await client.closed
    await given
  })

  test('finds another instance when its own accepts no connection, or breaks it', async () => {
    const breaking = await instance(named('plain'))
    breaking.server.on('upgrade', (_, socket) => void socket.destroy())
    const gone = await instance(named('gone'))
    gone.kill()
    for (const other of [breaking, gone]) {
      const { port } = await proxyFor([other, await echo()])
      for (let count = 0; count < 3; count += 1) await upgraded(port)
    }
  })

  test('is told when there is no instance', async () => {
    const { port } = await proxyFor([])
    const client = await wire(port)
    client.write(OFFER)
    await client.until(
      /^HTTP\/1\.1 503 Service Unavailable\r\n[\s\S]*Retry-After: 1\r\n[\s\S]*No instance of "web"/,
    )
    client.socket.end()
    await client.closed
  })

  test('that is refused gets the answer of the instance, and the connection is over', async () => {
    const refusing: RequestListener = (_, response) =>
      response.writeHead(403, { 'x-why': 'not you' }).end('no')
    const web = await instance(refusing)
    const proxy = await proxyFor([web])
    const client = await wire(proxy.port)
    client.write(OFFER)
    await client.until(
      /^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*x-why: not you\r\n[\s\S]*Connection: close\r\n\r\nno$/,
    )
    client.socket.end()
    await client.closed
    expect(proxy.inFlight('i1')).toBe(0)
  })

  test('that is given up while its hand is being shaken is given up to the instance', async () => {
    const { given, give } = signal()
    const web = await instance(named('plain'))
    web.server.on('upgrade', (_, socket) => void socket.resume().once('end', give))
    const proxy = await proxyFor([web])
    const client = await wire(proxy.port)
    client.write(OFFER)
    await expect.poll(() => proxy.inFlight('i1')).toBe(1)
    client.socket.destroy()
    await given
    await expect.poll(() => proxy.inFlight('i1')).toBe(0)
  })
})

describe('an offer of HTTP/2, or one with a body', () => {
  const h2c =
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n'

  test('is overlooked, and the connection serves on', async () => {
    const seen: string[] = []
    const web = await instance((asked, response) => {
      seen.push(
        Object.keys(asked.headers)
          .filter((name) => /upgrade|http2/.test(name))
          .join(),
      )
      asked.pipe(response)
    })
    const proxy = await proxyFor([web, await echo()])
    proxy.drop('i2')
    const client = await wire(proxy.port)
    client.write(`POST / HTTP/1.1\r\nHost: a\r\n${h2c}Content-Length: 8\r\n\r\nin `)
    client.write('parts')
    await client.until(/^HTTP\/1\.1 200 OK[\s\S]*in[\s\S]*parts[\s\S]*0\r\n\r\n$/)
    client.write(
      `POST / HTTP/1.1\r\nHost: a\r\n${h2c}Transfer-Encoding: chunked\r\n\r\n5\r\nagain\r\n0\r\n\r\n`,
    )
    await client.until(/again[\s\S]*0\r\n\r\n$/)
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nlast')
    await client.until(/last/)
    expect(seen).toEqual(['', '', ''])
    await proxy.close(1_000)
  })

  test('leaves the end of the proxy waiting for its answer as for any other', async () => {
    const { given, give } = signal()
    const web = await instance((_, response) => void given.then(() => response.end('late')))
    const proxy = await proxyFor([web])
    const client = await wire(proxy.port)
    client.write(`GET / HTTP/1.1\r\nHost: a\r\n${h2c}\r\n`)
    await expect.poll(() => proxy.inFlight('i1')).toBe(1)
    const closing = proxy.close(60_000)
    give()
    await client.until(/late/)
    await closing
  })

  test('websockets with a body are ordinary requests', async () => {
    const { port } = await proxyFor([await echo()])
    expect(
      (
        await ask(port, {
          method: 'POST',
          headers: { connection: 'Upgrade', upgrade: 'websocket' },
          body: 'x',
        })
      ).body,
    ).toBe('plain')
  })
})
