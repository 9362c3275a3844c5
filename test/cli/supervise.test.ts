import { describe, expect, test } from 'vitest'
import { isRunning } from '../../src/adapters/os/process-mark.ts'
import { givenSockets } from '../../src/adapters/process/listeners.ts'
import { site } from '../adapters/process/cli-support.ts'
import { socketHolder } from '../adapters/process/socket-holder.ts'
import { about, kill, placed, recordsIn, seen, serving, until } from '../adapters/process/support.ts'
import { workplace } from '../support/cli.ts'
import { ask } from '../support/http.ts'

const onLinux = process.platform === 'linux'

describe('bellows supervise', () => {
  test('needs a config that says what to run', async () => {
    const place = await workplace()
    expect(await place.run('supervise')).toMatchObject({
      code: 64,
      err: expect.stringMatching(/No config file in .* has "deploy.processes"/),
    })
    await place.write(
      'bellows.config.yaml',
      'deploy: { processes: { roles: { web: { command: "a | b" } } } }',
    )
    expect(await place.run('supervise')).toMatchObject({
      code: 64,
      err: expect.stringContaining('deploy.processes.roles.web.command'),
    })
  })

  test('says in its help what becomes of the children', async () => {
    const { code, out } = await (await workplace()).run('supervise', '--help')
    expect(code).toBe(0)
    expect(out).toMatch(/The children run on[\s\S]*KillMode=process/)
  })
})

describe.runIf(onLinux)('bellows supervise on a state folder', () => {
  test('starts nothing by itself, and runs one at a time', async () => {
    const { place, processes, deployer, state, up } = await site()
    const { child } = await up()
    expect(processes()).toEqual([])
    expect(await deployer.fleet()).toEqual([])
    expect(await place.run('supervise')).toMatchObject({
      code: 1,
      err: expect.stringContaining(`The state folder "${state}" is in use by process ${child.pid}.`),
    })
    await serving(deployer, placed('web-1'))
  })

  test('ends at SIGTERM after what is under way, and its children run on', async () => {
    const { port, state, deployer, processes, up } = await site()
    const first = await up()
    await serving(deployer, placed('web-1'))
    const slow = ask(port, { path: '/slow?ms=800' })
    await until(deployer, 'web-1', { inFlight: 1 })
    first.child.kill('SIGTERM')
    expect((await slow).status).toBe(200)
    const { code, err } = await first.ended
    expect(code).toBe(0)
    expect(err).toMatch(
      /"web" takes requests at 127\.0\.0\.1:\d+\n[\s\S]*taken over: 0\n[\s\S]*ending; the children run on\n$/,
    )
    expect(processes()).toHaveLength(1)
    const before = recordsIn(state)
    const second = await up()
    expect(recordsIn(state)).toEqual(before)
    expect(await about(port)).toMatchObject({ instance: 'web-1' })
    second.child.kill('SIGINT')
    expect(await second.ended).toMatchObject({ code: 0, err: expect.stringContaining('taken over: 1') })
  })

  test('ends the children, too, when it is to, and the next one brings back those that served', async () => {
    const { port, deployer, processes, up } = await site()
    const first = await up('--stop-children')
    await serving(deployer, placed('serves'), placed('drains'))
    await deployer.start(placed('starts'))
    await deployer.drain('drains')
    const slow = ask(port, { path: '/slow?ms=500' })
    await until(deployer, 'serves', { inFlight: 1 })
    first.child.kill('SIGTERM')
    expect((await slow).status).toBe(200)
    expect(await first.ended).toMatchObject({
      code: 0,
      err: expect.stringContaining('ending with all children'),
    })
    expect(processes()).toEqual([])
    await up()
    await until(deployer, 'serves', { state: 'serving', restarts: 0 })
    expect(await about(port)).toMatchObject({ instance: 'serves' })
    for (const id of ['drains', 'starts']) expect((await seen(deployer, id)).state).toBe('gone')
    expect(processes()).toHaveLength(1)
  })

  test('goes on although nobody reads any more what it says', async () => {
    const { state, deployer, up } = await site()
    const { child } = await up()
    child.stderr?.destroy()
    await serving(deployer, placed('web-1'))
    kill(state, 'web-1')
    await until(deployer, 'web-1', { state: 'serving', restarts: 1 })
  })
})

describe('a socket that is given', () => {
  test.for([
    [
      { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:admin' },
      { web: 3, admin: 4 },
    ],
    [{ LISTEN_PID: '7', LISTEN_FDS: '1', LISTEN_FDNAMES: 'web:admin' }, { web: 3 }],
    [{ LISTEN_PID: '8', LISTEN_FDS: '1', LISTEN_FDNAMES: 'web' }, {}],
    [{}, {}],
  ] as const)('is the one of its name: %j', ([env, expected]) => {
    expect(Object.fromEntries(givenSockets(env, 7))).toEqual(expected)
  })

  test.runIf(onLinux)('lets nobody be refused while one supervisor follows the other', async () => {
    const here = await site()
    const { deployer, state } = here
    const { port, up } = await socketHolder(here)
    let running = await up()
    await serving(deployer, placed('web-1'), placed('web-2'))
    let isOver = false
    const statuses: unknown[] = []
    const client = async (): Promise<void> => {
      while (!isOver)
        statuses.push(
          await ask(port).then(
            ({ status }) => status,
            (error: Error) => error.message,
          ),
        )
    }
    const clients = Promise.all([client(), client(), client()])
    for (let restart = 0; restart < 2; restart += 1) {
      const goal = statuses.length + 30
      await expect.poll(() => statuses.length).toBeGreaterThan(goal)
      process.kill(running.pid, 'SIGTERM')
      await expect.poll(() => isRunning(running)).toBe(false)
      running = await up()
    }
    isOver = true
    await clients
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(recordsIn(state).map(({ restarts }) => restarts)).toEqual([0, 0])
  })
})
