import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { loopbackPorts } from '../../../src/adapters/process/ports.ts'

describe('the ports of instances', () => {
  test('are free, each given once, and below those of outgoing connections', async () => {
    const ports = loopbackPorts()
    const taken = await Promise.all(Array.from({ length: 50 }, () => ports.take()))
    expect(new Set(taken).size).toBe(50)
    for (const port of taken) {
      expect(port).toBeGreaterThanOrEqual(20_000)
      expect(port).toBeLessThan(30_000)
      const server = createServer().listen(port, '127.0.0.1')
      await once(server, 'listening')
      server.close()
      await once(server, 'close')
    }
  })

  test('are not those that somebody has: an instance that was taken over, or any other program', async () => {
    const ports = loopbackPorts()
    for (let port = 20_000; port < 30_000; port += 1) if (port < 25_000 || port >= 26_000) ports.keep(port)
    const others = Array.from({ length: 50 }, (_, at) => createServer().listen(25_000 + at * 20, '127.0.0.1'))
    // One that somebody else has already is just as good.
    await Promise.all(others.map((server) => once(server, 'listening').catch(() => undefined)))
    const taken = await Promise.all(Array.from({ length: 100 }, () => ports.take()))
    for (const server of others) server.close()
    expect(taken.every((port) => port >= 25_000 && port < 26_000 && port % 20 !== 0)).toBe(true)

    for (const port of taken.slice(1)) ports.release(port)
    expect(
      new Set(await Promise.all(Array.from({ length: 100 }, () => ports.take()))).has(taken[0] ?? 0),
    ).toBe(false)
  })

  test('run out', async () => {
    const ports = loopbackPorts()
    for (let port = 20_000; port < 30_000; port += 1) ports.keep(port)
    await expect(ports.take()).rejects.toThrow('no port from 20000 to 29999 is free')
  })
})
