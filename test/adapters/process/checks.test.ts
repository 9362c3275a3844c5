import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { check, keepChecking } from '../../../src/adapters/process/checks.ts'
import type { CheckResult } from '../../../src/core/processes/health.ts'
import { instance } from '../../support/http.ts'
import { freePort, stateFolder } from './support.ts'

const HTTP = { kind: 'http', path: '/up', intervalMs: 1, timeoutMs: 5_000 } as const
const launch = (...command: string[]) => ({ command, cwd: '/', env: { OWN: 'of the instance' } })
const at = (port: number) => ({ port, launch: launch() })
const COMMAND = { kind: 'command', command: [], intervalMs: 1, timeoutMs: 5_000 } as const
const run = (command: string, change: { timeoutMs?: number } = {}): Promise<CheckResult> =>
  check({ ...COMMAND, ...change }, { port: undefined, launch: launch('/bin/sh', '-c', command) })

describe('a check by HTTP', () => {
  test.for([200, 204, 299])('passes with %d', async (status) => {
    const web = await instance((asked, response) =>
      response.writeHead(asked.url === '/up' ? status : 500).end(),
    )
    expect(await check(HTTP, at(web.port))).toEqual({ outcome: 'passed' })
  })

  test.for([301, 302, 400, 404, 500, 503])('fails with %d, and follows nobody', async (status) => {
    let requests = 0
    const web = await instance((_, response) => {
      requests += 1
      response.writeHead(status, { location: '/elsewhere' }).end(`because\n${'x'.repeat(9_000)}`)
    })
    const result = await check(HTTP, at(web.port))
    expect(result).toMatchObject({
      outcome: 'failed',
      because: expect.stringMatching(`^answered ${status} because`),
    })
    expect(JSON.stringify(result).length).toBeLessThan(400)
    expect(requests).toBe(1)
  })

  test('fails where nobody listens, and where somebody breaks off', async () => {
    expect(await check(HTTP, at(await freePort()))).toMatchObject({
      outcome: 'failed',
      because: expect.stringContaining('ECONNREFUSED'),
    })
    const web = await instance((asked) => asked.socket.destroy())
    expect(await check(HTTP, at(web.port))).toMatchObject({
      outcome: 'failed',
      because: expect.stringContaining('hang up'),
    })
  })

  test('fails when it takes too long, and leaves no connection behind', async () => {
    const web = await instance(() => undefined)
    expect(await check({ ...HTTP, timeoutMs: 100 }, at(web.port))).toEqual({
      outcome: 'failed',
      because: 'no answer within 0.1 s',
    })
    const open = () => new Promise<number>((resolve) => web.server.getConnections((_, n) => resolve(n)))
    await expect.poll(open).toBe(0)
  })

  test('says nothing when this process was held up for longer than the check may take', async () => {
    const web = await instance(() => undefined)
    const result = check({ ...HTTP, timeoutMs: 50 }, at(web.port))
    await sleep(10)
    for (const end = performance.now() + 800; performance.now() < end; ) Math.sqrt(2)
    expect(await result).toEqual({ outcome: 'unmeasured' })
  })
})

describe('a check by a command', () => {
  test('passes and fails with its exit code, in the surroundings of the instance', async () => {
    expect(await run('test "$OWN" = "of the instance" && test "$PWD" = /')).toEqual({ outcome: 'passed' })
    expect(await run('exit 3')).toEqual({ outcome: 'failed', because: 'the check ended with exit code 3' })
    expect(await run('kill -9 $$')).toEqual({ outcome: 'failed', because: 'the check ended with SIGKILL' })
  })

  test('fails when there is no such program', async () => {
    expect(await check(COMMAND, { port: undefined, launch: launch('/no/such/check') })).toMatchObject({
      outcome: 'failed',
      because: expect.stringContaining('ENOENT'),
    })
  })

  test('that takes too long fails, and is ended with all that it started', async () => {
    const file = path.join(await stateFolder(), 'pid')
    const result = run(`sleep 600 & echo $! > ${file}; wait`, { timeoutMs: 500 })
    expect(await result).toEqual({ outcome: 'failed', because: 'no answer within 0.5 s' })
    await expect.poll(() => existsSync(file)).toBe(true)
    const pid = Number(readFileSync(file, 'utf8'))
    await expect
      .poll(() => {
        try {
          return process.kill(pid, 0)
        } catch {
          return 'gone'
        }
      })
      .toBe('gone')
  })
})

test('a check that takes too long and cannot be ended, as it has become another user’s, fails all the same', async () => {
  const refused = vi.spyOn(process, 'kill').mockImplementationOnce(() => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' })
  })
  expect(await run('sleep 2', { timeoutMs: 100 })).toMatchObject({ outcome: 'failed' })
  expect(refused).toHaveBeenCalledOnce()
  refused.mockRestore()
})

test('no check says anything when this process has run out of files', async () => {
  const { port } = await instance((_, response) => response.end())
  const adapter = path.resolve('src/adapters/process/checks.ts')
  const program = `import { openSync } from 'node:fs'
    import { createJiti } from 'jiti'
    const { check } = await createJiti('/').import(${JSON.stringify(adapter)})
    const at = { port: ${port}, launch: { command: ['true'], cwd: '/', env: {} } }
    const both = async () => [await check(${JSON.stringify(HTTP)}, at), await check(${JSON.stringify(COMMAND)}, at)]
    console.log(JSON.stringify(await both()))
    try { for (;;) openSync('/dev/null') } catch {}
    console.log(JSON.stringify(await both()))`
  const { stdout, stderr } = await promisify(execFile)('/bin/sh', [
    '-c',
    'ulimit -n 60; exec "$0" --input-type=module -e "$1"',
    process.execPath,
    program,
  ])
  const [passed, unmeasured] = [{ outcome: 'passed' }, { outcome: 'unmeasured' }]
  expect(stdout.trim().split('\n'), stderr).toEqual(
    [
      [passed, passed],
      [unmeasured, unmeasured],
    ].map((results) => JSON.stringify(results)),
  )
})

test('a check of what is only alive passes', async () => {
  expect(await check({ kind: 'alive', intervalMs: 1 }, { port: undefined, launch: launch() })).toEqual({
    outcome: 'passed',
  })
})

test('checks follow one another with a pause, and none counts after the end', async () => {
  let under = 0
  let most = 0
  const results: CheckResult[] = []
  const once = vi.fn(async (): Promise<CheckResult> => {
    under += 1
    most = Math.max(most, under)
    await sleep(5)
    under -= 1
    return { outcome: 'passed' }
  })
  const stop = keepChecking(once, 1, (result) => results.push(result))
  await expect.poll(() => results.length).toBeGreaterThan(3)
  stop()
  const { length } = results
  await sleep(50)
  expect(results).toHaveLength(length)
  expect(most).toBe(1)
})
