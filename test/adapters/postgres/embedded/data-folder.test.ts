import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { startEmbedded } from '../../../../src/adapters/postgres/embedded/start.ts'
import {
  asRoot,
  failure,
  gone,
  native,
  nobody,
  query,
  runs,
  spawnParent,
  useCompiled,
  useGround,
  waitFor,
  watchdogOf,
} from '../../../support/fixtures/embedded.ts'

const ground = useGround()
const compiled = useCompiled()

const keptFolder = (): string => path.join(ground(), 'kept')
const pidFile = (): string => path.join(keptFolder(), 'pgdata', 'postmaster.pid')
const lockFile = (): string => path.join(keptFolder(), 'bellows.lock')

/** A kept folder with one table in it, and no server. */
const makeKept = async (): Promise<string> => {
  const server = await startEmbedded({ dataFolder: keptFolder() })
  await query(server.url, 'create table note as select 42 as answer')
  await server.stop()
  return keptFolder()
}

const expectItStarts = async (dataFolder = keptFolder()): Promise<void> => {
  const server = await startEmbedded({ dataFolder })
  expect(await query(server.url, 'select answer from note')).toEqual([['42']])
  await server.stop()
}

describe('a kept folder', () => {
  test('keeps its data over a restart, and nothing else of the server', async () => {
    const dataFolder = await makeKept()
    expect(readdirSync(dataFolder).toSorted()).toEqual(['bellows.log', 'pgdata'])
    await expectItStarts(dataFolder)
  })

  test('is durable', async () => {
    const server = await startEmbedded({ dataFolder: keptFolder() })
    for (const name of ['fsync', 'synchronous_commit', 'full_page_writes']) {
      expect(await query(server.url, `show ${name}`)).toEqual([['on']])
    }
    await server.stop()
  })

  test.each<[string, (folder: string) => void]>([
    ['does not exist, nor its parent', () => {}],
    ['is empty', (folder) => mkdirSync(folder, { recursive: true })],
    ['is empty and closed to others', (folder) => makeClosed(folder)],
    ['is the root of a disk', (folder) => mkdirSync(path.join(folder, 'lost+found'), { recursive: true })],
  ])('may be one that %s', async (_what, make) => {
    const dataFolder = path.join(ground(), 'some', 'where')
    make(dataFolder)
    const server = await startEmbedded({ dataFolder })
    expect(await query(server.url, 'select 1')).toEqual([['1']])
    expect(server.dataFolder).toBe(dataFolder)
    await server.stop()
  })
})

const put = (name: string, text: string): void => {
  mkdirSync(path.dirname(path.join(keptFolder(), name)), { recursive: true })
  writeFileSync(path.join(keptFolder(), name), text)
}

describe('a folder that cannot hold the data is left as it is', () => {
  test.each<[string, () => void, RegExp]>([
    ['holds something else', () => put('photo.jpg', 'x'), /holds something else \(photo\.jpg\)/],
    ['holds a cluster made by hand', () => put('PG_VERSION', '18\n'), /holds something else \(PG_VERSION\)/],
    ['holds another folder of that name', () => put('pgdata/x', 'x'), /holds something else \(pgdata\)/],
    [
      'holds data of an older major',
      () => put('pgdata/PG_VERSION', '17\n'),
      /of PostgreSQL 17, and this is PostgreSQL 18/,
    ],
    ['holds data of a newer major', () => put('pgdata/PG_VERSION', '19\n'), /of PostgreSQL 19/],
    ['is a file', () => writeFileSync(keptFolder(), 'x'), /ENOTDIR/],
  ])('because it %s', async (_what, make, reason) => {
    make()
    const before = listing(ground())
    const error = await failure(startEmbedded({ dataFolder: keptFolder() }))
    expect(error.code).toBe('data_folder_unusable')
    expect(error.message).toContain(`"${keptFolder()}"`)
    expect(error.message).toMatch(reason)
    expect(error.hint).toBeTruthy()
    expect(listing(ground())).toEqual(before)
  })

  test.runIf(asRoot)("because the server's user cannot get there while root can", async () => {
    const closed = path.join(ground(), 'closed')
    mkdirSync(closed, { mode: 0o700 })
    const error = await failure(startEmbedded({ dataFolder: path.join(closed, 'kept') }))
    expect(error.code).toBe('data_folder_unusable')
    expect(error.hint).toContain(`chmod o+x "${closed}"`)
    expect(readdirSync(closed)).toEqual([])
  })

  test('because it may not be written', async () => {
    const closed = path.join(ground(), 'closed')
    mkdirSync(closed, { mode: 0o555 })
    const user = asRoot ? nobody : {}
    const parent = spawnParent(compiled(), { dataFolder: path.join(closed, 'kept') }, 'keeps running', user)
    expect(await parent.said).toMatchObject({
      code: 'data_folder_unusable',
      message: expect.stringContaining('EACCES'),
    })
  })
})

describe('a folder in use', () => {
  test('is refused to another process, which is told whose it is and how to use that server', async () => {
    const parent = spawnParent(compiled(), { dataFolder: keptFolder() }, 'keeps running')
    const { url } = await parent.said
    const error = await failure(startEmbedded({ dataFolder: keptFolder() }))
    expect(error.code).toBe('data_folder_in_use')
    expect(error.message).toContain(`in use by process ${parent.pid}`)
    expect(error.hint).toContain(`--database "${url}"`)
    expect(await query(url, 'select 1')).toEqual([['1']])
    parent.process.kill()
    await parent.ended
  })

  test('is refused to the process that uses it already, under whatever name', async () => {
    const server = await startEmbedded({ dataFolder: keptFolder() })
    const error = await failure(startEmbedded({ dataFolder: `${ground()}/./kept/` }))
    expect(error.code).toBe('data_folder_in_use')
    expect(await query(server.url, 'select 1')).toEqual([['1']])
    await server.stop()
  })

  test('is refused while a server runs on it that was started by hand', async () => {
    await makeKept()
    const byHand = spawnByHand(path.join(keptFolder(), 'pgdata'))
    await waitFor(
      () => readPidFile().includes('ready'),
      (ready) => ready,
    )
    const error = await failure(startEmbedded({ dataFolder: keptFolder() }))
    expect(error.code).toBe('data_folder_in_use')
    expect(error.message).toContain(`in use by server ${byHand.pid}`)
    byHand.kill('SIGINT')
    await once(byHand, 'exit')
    await expectItStarts()
  })

  test('is waited for while the watchdog of a dead process still stops the server', async () => {
    const parent = spawnParent(compiled(), { dataFolder: keptFolder() }, 'keeps running')
    const { url } = await parent.said
    await query(url, 'create table note as select 42 as answer')
    const watchdog = watchdogOf(lockFile())
    process.kill(watchdog, 'SIGSTOP')
    parent.process.kill('SIGKILL')
    await parent.ended
    const started = expectItStarts()
    process.kill(watchdog, 'SIGCONT')
    await started
  })

  test.each([
    ['a new folder', async () => {}],
    ['a folder with data', async () => void (await makeKept())],
    [
      'a folder with the record of a dead process',
      async () => {
        await makeKept()
        const dead = { pid: 2_147_483_646, started: 'never' }
        writeFileSync(
          lockFile(),
          JSON.stringify({ id: 'dead', owner: dead, watchdog: dead, url: '', processSpace: '' }),
        )
      },
    ],
  ])('goes to exactly one of several that start at the same instant on %s', async (_what, make) => {
    await make()
    const parents = [1, 2, 3].map(() =>
      spawnParent(compiled(), { dataFolder: keptFolder() }, 'keeps running'),
    )
    const said = await Promise.all(parents.map((parent) => parent.said))
    const outcomes = said.map(({ code }) => code ?? 'started').toSorted()
    expect(outcomes).toEqual(['data_folder_in_use', 'data_folder_in_use', 'started'])
    for (const parent of parents) parent.process.kill()
    await Promise.all(parents.map((parent) => parent.ended))
  })
})

const bystander = (): ChildProcess => spawn('sleep', ['600'], asRoot ? nobody : {})

describe('what a killed server left in the folder does not keep the next one from starting', () => {
  test('when the server alone was killed', async () => {
    const server = await startEmbedded({ dataFolder: keptFolder() })
    await query(server.url, 'create table note as select 42 as answer')
    process.kill(server.pid, 'SIGKILL')
    await gone(server.pid)
    await server.stop()
    expect(readPidFile()).toContain(String(server.pid))
    await expectItStarts()
  })

  test('when a backend of the killed server is still at work', async () => {
    const server = await startEmbedded({ dataFolder: keptFolder() })
    await query(server.url, 'create table note as select 42 as answer')
    const sql = `select pid from pg_stat_activity where query like 'select count%' and state = 'active'`
    let busy: Promise<unknown> | undefined
    let backend: string | undefined
    while (backend === undefined) {
      // Anew, when it had ended before it was seen.
      busy ??= query(server.url, 'select count(*) from generate_series(1, 4000000)')
        .catch(() => {})
        .finally(() => {
          busy = undefined
        })
      backend = (await query(server.url, sql))[0]?.[0]
    }
    process.kill(server.pid, 'SIGKILL')
    await gone(server.pid)
    await server.stop()
    await expectItStarts()
    expect(runs(Number(backend))).toBe(false)
    await busy
  })

  test.each<[string, (lines: string[], other: number) => string]>([
    ['names a process that is gone', (lines) => ['2147483646', ...lines].join('\n')],
    ['names a process that was given the number since', (lines, other) => [other, ...lines].join('\n')],
    ['names the process that starts the server', (lines) => [process.pid, ...lines].join('\n')],
    ['names the former standalone backend', (lines, other) => [-other, ...lines].join('\n')],
    ['is empty', () => ''],
    ['is not a pid file', () => 'no number\n'],
  ])('when postmaster.pid %s', async (_what, text) => {
    const other = bystander()
    await makeKept()
    const lines = [
      path.join(keptFolder(), 'pgdata'),
      '1700000000',
      '5432',
      '/nowhere',
      '',
      '  1234567         0',
      'ready   ',
    ]
    writeFileSync(pidFile(), text(lines, other.pid ?? 0))
    chmodSync(pidFile(), 0o666)
    await expectItStarts()
    expect(runs(other.pid ?? 0)).toBe(true)
    other.kill()
  })

  test.each([
    ['is empty', ''],
    ['was cut off', '{"id":"12'],
  ])('when bellows.lock %s', async (_what, text) => {
    await makeKept()
    writeFileSync(lockFile(), text)
    await expectItStarts()
  })
})

/** As somebody would who knows where the data is: without any of our settings. */
function spawnByHand(pgdata: string): ChildProcess {
  const { uid, gid } = statSync(pgdata)
  const options = ['-D', pgdata, '-c', 'listen_addresses=', '-c', `unix_socket_directories=${pgdata}`]
  return spawn(path.join(native, 'bin', 'postgres'), options, {
    cwd: '/',
    stdio: 'ignore',
    ...(asRoot ? { uid, gid } : {}),
  })
}

/** As `mkdtemp` does: the folder is its owner's alone, while one can get to it. */
function makeClosed(folder: string): void {
  mkdirSync(path.dirname(folder))
  mkdirSync(folder, { mode: 0o700 })
}

function readPidFile(): string {
  try {
    return readFileSync(pidFile(), 'utf8')
  } catch {
    return ''
  }
}

function listing(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map(
      (name) => `${name} ${statSync(path.join(folder, name)).mode} ${statSync(path.join(folder, name)).uid}`,
    )
}
