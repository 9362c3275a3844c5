import { describe, expect, test } from 'vitest'
import { isRunning, markProcess } from '../../../src/adapters/os/process-mark.ts'
import { wire } from '../../support/http.ts'
import { site } from './cli-support.ts'
import { placed, recordOf, seen, serving, supervised, until, webRole, workerRole } from './support.ts'

describe('an instance that is told to end', () => {
  test('and does not is killed when its time is over', async () => {
    const { deployer, said } = await supervised({
      web: await webRole({ env: { DEAF: '1' }, stopTimeoutMs: 300 }),
    })
    await serving(deployer, placed('web-1'))
    await deployer.stop('web-1')
    expect(await seen(deployer, 'web-1')).toMatchObject({ state: 'stopping' })
    await until(deployer, 'web-1', { state: 'gone', ended: 'SIGKILL' })
    expect(said.join('\n')).toContain('"web-1" did not end within 0.3 s and is killed')
  })

  test('has the time of the rules in the config file where its role says none', async () => {
    const { configure, up, deployer } = await site()
    const { stopTimeoutMs: _, ...web } = await webRole({ env: { DEAF: '1' } })
    await configure({ web }, { stopTimeoutMs: 300 })
    await up()
    await serving(deployer, placed('web-1'))
    await deployer.stop('web-1')
    await until(deployer, 'web-1', { state: 'gone', ended: 'SIGKILL' })
  })

  test('is told so once, by a signal that reaches all of its group', async () => {
    const { deployer } = await supervised({
      worker: workerRole({ command: ['/bin/sh', '-c', '"$@"; true', 'sh', ...workerRole().command] }),
    })
    await serving(deployer, placed('w', 'worker'))
    await expect.poll(() => deployer.log('w', 5)).toEqual(['started w'])
    await Promise.all([deployer.stop('w'), deployer.stop('w')])
    await until(deployer, 'w', { state: 'gone' })
    expect(await deployer.log('w', 5)).toEqual(['started w', 'told to end'])
  })

  test('has the time of its children, too: a shell that ends at once does not take the program with it', async () => {
    const program = 'trap "sleep 0.5; echo finished; exit" TERM; echo ready; while :; do sleep 0.05; done'
    const { deployer } = await supervised({
      worker: workerRole({ command: ['/bin/sh', '-c', `sh -c '${program}' & wait`] }),
    })
    await serving(deployer, placed('w', 'worker'))
    await expect.poll(() => deployer.log('w', 5)).toEqual(['ready'])
    await deployer.stop('w')
    await until(deployer, 'w', { state: 'gone' })
    expect(await deployer.log('w', 5)).toContain('finished')
  })

  test('leaves nothing of its group behind', async () => {
    const deaf = '(trap "" TERM; echo ready; exec sleep 600) & echo $!; wait'
    const { deployer, state } = await supervised({
      worker: workerRole({ command: ['/bin/sh', '-c', deaf], stopTimeoutMs: 300 }),
    })
    await serving(deployer, placed('w', 'worker'))
    await expect.poll(() => deployer.log('w', 5)).toContain('ready')
    await expect.poll(() => deployer.log('w', 5)).toHaveLength(2)
    const pid = (await deployer.log('w', 5)).find((line) => line !== 'ready')
    const marks = [recordOf(state, 'w').process ?? markProcess(0), markProcess(Number(pid))]
    expect(marks.map(isRunning)).toEqual([true, true])
    await deployer.stop('w')
    await until(deployer, 'w', { state: 'gone' })
    expect(marks.map(isRunning)).toEqual([false, false])
  })

  test('ends its upgraded connections a moment later, which it may not do itself', async () => {
    const hangs = `const { createServer } = require('node:http')
      const server = createServer((_, response) => response.end('ok'))
      server.on('upgrade', (_, socket) => socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: x\\r\\nConnection: Upgrade\\r\\n\\r\\n').valueOf() && socket.on('end', () => socket.end()).resume())
      server.listen(process.env.PORT, '127.0.0.1')
      process.on('SIGTERM', () => { server.close(() => process.exit(0)); server.closeIdleConnections() })`
    const { deployer, supervisor } = await supervised({
      web: await webRole({ command: [process.execPath, '-e', hangs], stopTimeoutMs: 60_000 }),
    })
    await serving(deployer, placed('web-1'))
    const client = await wire(supervisor.ports.get('web') ?? 0)
    client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    await client.until(/101 Switching/)
    await deployer.drain('web-1')
    await until(deployer, 'web-1', { state: 'draining', inFlight: 1 })
    await deployer.stop('web-1')
    await client.closed
    await until(deployer, 'web-1', { state: 'gone', ended: 'exit code 0' })
  })
})
