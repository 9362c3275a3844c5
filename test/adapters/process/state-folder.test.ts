import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { lockRecord } from '../../../src/adapters/os/lock-record.ts'
import { socketPath, takeStateFolder } from '../../../src/adapters/process/state-folder.ts'
import { cleanUp } from '../../support/database.ts'
import { freePort, stateFolder, supervised, webRole, workerRole } from './support.ts'

describe('a state folder', () => {
  test('is made when it is not there, for its owner only', async () => {
    const folder = path.join(await stateFolder(), 'deep', 'state')
    const { release } = await takeStateFolder(folder)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    await release()
  })

  test('is for its owner only, whatever it was before', async () => {
    const folder = path.join(await stateFolder(), 'state')
    mkdirSync(folder)
    chmodSync(folder, 0o777)
    await (await takeStateFolder(folder)).release()
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  test('has one supervisor, and the next one only after that', async () => {
    const folder = await stateFolder()
    const first = await takeStateFolder(folder)
    await expect(takeStateFolder(folder)).rejects.toMatchObject({
      code: 'data_folder_in_use',
      message: expect.stringContaining(`is in use by process ${process.pid}.`),
    })
    await first.release()
    await (await takeStateFolder(folder)).release()
  })

  test('is not in use by somebody who is gone, and whose number another process has', async () => {
    const folder = await stateFolder()
    const record = lockRecord('former')
    const former = { ...record, owner: { ...record.owner, started: 'before' } }
    writeFileSync(path.join(folder, 'supervisor.lock'), JSON.stringify(former))
    writeFileSync(path.join(folder, 'supervisor.sock'), '')
    await (await takeStateFolder(folder)).release()
  })

  test('is in use when somebody answers there, also one whose processes are not seen here', async () => {
    const folder = await stateFolder()
    const server = createServer().listen(socketPath(folder))
    cleanUp(async () => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    for (let attempt = 0; attempt < 2; attempt += 1)
      await expect(takeStateFolder(folder)).rejects.toMatchObject({ code: 'data_folder_in_use' })
  })

  test('that cannot be one is refused', async () => {
    const file = path.join(await stateFolder(), 'file')
    writeFileSync(file, '')
    await expect(takeStateFolder(file)).rejects.toMatchObject({ code: 'data_folder_unusable' })
    await expect(takeStateFolder(path.join('/', 'x'.repeat(120)))).rejects.toMatchObject({
      code: 'data_folder_unusable',
      message: expect.stringContaining('too long for a socket'),
    })
  })

  test('may have a long path when it is near', async () => {
    const near = path.join(process.cwd(), 'x'.repeat(60))
    expect(socketPath(near).length).toBeLessThan(90)
    expect(path.resolve(socketPath(near))).toBe(path.join(near, 'supervisor.sock'))
  })
})

describe('a supervisor that cannot start', () => {
  test('says so on Windows, before it has touched anything', async () => {
    const folder = path.join(await stateFolder(), 'state')
    const actual = process.platform
    cleanUp(async () => void Object.defineProperty(process, 'platform', { value: actual }))
    Object.defineProperty(process, 'platform', { value: 'win32' })
    await expect(supervised({ worker: workerRole() }, folder)).rejects.toMatchObject({
      code: 'config_invalid',
      message: 'Processes are supervised on Linux and macOS only.',
    })
    Object.defineProperty(process, 'platform', { value: actual })
    expect(existsSync(folder)).toBe(false)
  })

  test('has given its folder and its addresses back', async () => {
    const blocker = createServer().listen(await freePort(), '127.0.0.1')
    await new Promise((resolve) => blocker.once('listening', resolve))
    const { port } = blocker.address() as { port: number }
    const folder = await stateFolder()
    const roles = { web: await webRole(), taken: await webRole({ listen: { host: '127.0.0.1', port } }) }
    await expect(supervised(roles, folder)).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining(`The role "taken" cannot have the address 127.0.0.1:${port}`),
      hint: expect.stringContaining('deploy.processes.roles.taken.listen'),
    })
    blocker.close()
    await new Promise((resolve) => blocker.once('close', resolve))
    await supervised(roles, folder)
  })

  test('leaves what it cannot read alone', async () => {
    const folder = await stateFolder()
    mkdirSync(path.join(folder, 'instances'))
    const file = path.join(folder, 'instances', 'web-1.json')
    writeFileSync(file, '{')
    await expect(supervised({ worker: workerRole() }, folder)).rejects.toMatchObject({
      code: 'data_folder_unusable',
    })
    expect(readFileSync(file, 'utf8')).toBe('{')
  })
})
