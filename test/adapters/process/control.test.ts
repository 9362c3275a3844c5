import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { CONTROL_PATH } from '../../../src/adapters/process/control.ts'
import { processDeployer } from '../../../src/adapters/process/control-client.ts'
import { serveDeployer } from '../../../src/adapters/process/control-server.ts'
import { socketPath } from '../../../src/adapters/process/state-folder.ts'
import { BellowsError } from '../../../src/core/errors.ts'
import type { Deployer } from '../../../src/engine/ports.ts'
import { cleanUp } from '../../support/database.ts'
import { placed, serving, stateFolder, supervised, workerRole } from './support.ts'

/** A deployer that does nothing but tell what it was asked. */
function recorder(calls: unknown[][], change: Partial<Deployer> = {}): Deployer {
  const told = (...call: unknown[]): Promise<void> => {
    calls.push(call)
    return Promise.resolve()
  }
  return {
    fleet: async () => [],
    start: (placement) => told('start', placement),
    serve: (id) => told('serve', id),
    drain: (id) => told('drain', id),
    stop: (id) => told('stop', id),
    forget: (id) => told('forget', id),
    log: async (id, lines) => [`${lines} of ${id}`, 'Grüße'],
    ...change,
  }
}

async function over(deployer: Deployer): Promise<{ readonly state: string; readonly deployer: Deployer }> {
  const state = await stateFolder()
  const server = await serveDeployer(deployer, socketPath(state))
  cleanUp(() => server.close())
  return { state, deployer: processDeployer(state) }
}

/** Sends what no client of ours would. */
async function sent(
  state: string,
  body: string,
  path = CONTROL_PATH,
): Promise<{ error?: { code: string; hint?: string } }> {
  const outgoing = request({ socketPath: socketPath(state), path, method: 'POST', agent: false })
  outgoing.end(body)
  const answer = await new Promise<import('node:http').IncomingMessage>((resolve) =>
    outgoing.once('response', resolve),
  )
  return JSON.parse(Buffer.concat(await answer.toArray()).toString()) as { error?: { code: string } }
}

describe('over its socket a deployer', () => {
  test('hears each call with what was said, and its answer comes back', async () => {
    const calls: unknown[][] = []
    const { deployer } = await over(recorder(calls))
    expect(await deployer.fleet()).toEqual([])
    await deployer.start(placed('web-1', 'web', 2, 'v"2'))
    for (const call of ['serve', 'drain', 'stop', 'forget'] as const) await deployer[call]('web-1')
    expect(await deployer.log('web-1', 7)).toEqual(['7 of web-1', 'Grüße'])
    expect(calls).toEqual([
      ['start', placed('web-1', 'web', 2, 'v"2')],
      ...['serve', 'drain', 'stop', 'forget'].map((call) => [call, 'web-1']),
    ])
  })

  test('fails as it failed, with its code and its hint', async () => {
    const failing = new BellowsError('instance_unknown', 'No "x".', { hint: 'Look again.' })
    const { deployer } = await over(
      recorder([], {
        serve: () => Promise.reject(failing),
        stop: () => Promise.reject(new Error('disk full')),
      }),
    )
    await expect(deployer.serve('x')).rejects.toMatchObject({
      code: 'instance_unknown',
      message: 'No "x".',
      hint: 'Look again.',
    })
    await expect(deployer.stop('x')).rejects.toMatchObject({
      code: 'deployer_failed',
      message: 'The supervisor failed: disk full',
    })
  })

  test('that is not there fails, and does not say that nothing runs', async () => {
    const deployer = processDeployer(await stateFolder())
    await expect(deployer.fleet()).rejects.toMatchObject({
      code: 'deployer_failed',
      message: expect.stringMatching(/^No supervisor runs for the state folder/),
      hint: expect.stringContaining('bellows supervise'),
    })
  })

  test('does nothing of what it does not understand', async () => {
    const calls: unknown[][] = []
    const { state } = await over(recorder(calls))
    for (const [body, path] of [
      ['no json'],
      ['{"call":"explode","id":"x"}'],
      ['{"call":"start","placement":{"id":"x","role":"web","slot":0,"version":"v"}}'],
      ['{"call":"stop"}'],
      ['{"call":"stop","id":"x"}', '/bellows/999'],
      [`{"call":"stop","id":"${'x'.repeat(70_000)}"}`],
    ] as const)
      expect((await sent(state, body, path)).error).toMatchObject({
        code: 'request_unsupported',
        hint: expect.stringContaining('start it again'),
      })
    expect(calls).toEqual([])
  })
})

describe('a supervisor', () => {
  test.for(['../x', '', '.hidden', 'a/b', 'x'.repeat(129), 'a\n'])(
    'starts nothing of the name %j',
    async (id) => {
      const { deployer } = await supervised({ worker: workerRole() })
      await expect(deployer.start(placed(id, 'worker'))).rejects.toMatchObject({ code: 'name_invalid' })
      expect(await deployer.fleet()).toEqual([])
    },
  )

  test('has nothing to do with an instance that it does not know, and says so where work is meant for it', async () => {
    const { deployer } = await supervised({ worker: workerRole() })
    for (const call of ['drain', 'stop', 'forget'] as const) await deployer[call]('x')
    await expect(deployer.serve('x')).rejects.toMatchObject({ code: 'instance_unknown' })
    await expect(deployer.log('x', 5)).rejects.toMatchObject({ code: 'instance_unknown' })
    await expect(deployer.start(placed('x', 'toString'))).rejects.toMatchObject({
      code: 'config_invalid',
      message: 'The supervisor has no role "toString".',
    })
  })

  test('does not forget what is not gone', async () => {
    const { deployer } = await supervised({ worker: workerRole() })
    await serving(deployer, placed('w', 'worker'))
    await expect(deployer.forget('w')).rejects.toMatchObject({ code: 'phase_order' })
  })
})
