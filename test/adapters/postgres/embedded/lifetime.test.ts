import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { startEmbedded } from '../../../../src/adapters/postgres/embedded/start.ts'
import {
  gone,
  type Parent,
  processesOf,
  query,
  removed,
  runs,
  type Said,
  spawnParent,
  useCompiled,
  useGround,
  waitFor,
  watchdogOf,
} from '../../../support/fixtures/embedded.ts'

// Every test here ends with the assertion of `useGround`: no process and no private folder is left.
const ground = useGround()
const compiled = useCompiled()

const inOrder = (a: number, b: number): number => a - b
const keptFolder = (): string => path.join(ground(), 'kept')

/** A server whose parent and watchdog were both killed, so that nobody is left who could stop it. */
const orphan = async (options: { readonly dataFolder?: string }): Promise<Said> => {
  const parent = spawnParent(compiled(), options, 'keeps running')
  const said = await parent.said
  const watchdog = watchdogOf(
    path.join(said.dataFolder, options.dataFolder ? 'bellows.lock' : 'private.lock'),
  )
  // Stopped first, so that it does not see its parent die before it dies itself.
  process.kill(watchdog, 'SIGSTOP')
  parent.process.kill('SIGKILL')
  await parent.ended
  process.kill(watchdog, 'SIGKILL')
  await gone(watchdog)
  expect(runs(said.pid)).toBe(true)
  return said
}

describe('the server ends with its parent', () => {
  test.each(['runs out of work', 'calls process.exit', 'throws an error nobody catches', 'stops the server'])(
    'when that %s',
    async (ending) => {
      const parent = spawnParent(compiled(), {}, ending)
      const { pid, dataFolder } = await parent.said
      await parent.ended
      expect(await gone(pid)).toBe(true)
      expect(await removed(dataFolder)).toBe(true)
    },
  )

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
    'when that is ended by %s',
    async (signal) => {
      const parent = spawnParent(compiled(), {}, 'keeps running')
      const { pid } = await parent.said
      parent.process.kill(signal)
      // The default of the signal still works: the library has not taken it over.
      expect(await parent.ended).toEqual([null, signal])
      expect(await gone(pid)).toBe(true)
    },
  )

  test.each(['SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGKILL'] as const)(
    'when %s reaches the whole process group, as a Ctrl-C in a terminal does',
    async (signal) => {
      const parent = spawnParent(compiled(), {}, 'keeps running')
      const { pid } = await parent.said
      process.kill(-parent.pid, signal)
      await parent.ended
      expect(await gone(pid)).toBe(true)
    },
  )

  test('with its data kept and its folder unlocked, when the folder is a kept one', async () => {
    const parent = spawnParent(compiled(), { dataFolder: keptFolder() }, 'keeps running')
    const { url, pid } = await parent.said
    await query(url, 'create table survivor as select 42 as answer')
    parent.process.kill('SIGKILL')
    expect(await gone(pid)).toBe(true)
    expect(await removed(path.join(keptFolder(), 'bellows.lock'))).toBe(true)
    const server = await startEmbedded({ dataFolder: keptFolder() })
    expect(await query(server.url, 'select answer from survivor')).toEqual([['42']])
    await server.stop()
  })

  test('although somebody is connected and busy', async () => {
    const parent = spawnParent(compiled(), {}, 'keeps running')
    const { url, pid } = await parent.said
    const busy = query(url, 'select pg_sleep(3600)').catch((error: Error) => error.message)
    await waitForBusy(url)
    parent.process.kill('SIGKILL')
    expect(await gone(pid)).toBe(true)
    expect(await busy).toMatch(/terminat/)
  })
})

const killDuringInitdb = async (parent: Parent, folder: () => string | undefined): Promise<void> => {
  const inside = (): boolean => {
    const found = folder()
    return (
      found !== undefined &&
      existsSync(found) &&
      readdirSync(found).some((name) => name.startsWith('pgdata.new'))
    )
  }
  expect(await waitFor(inside, (seen) => seen)).toBe(true)
  parent.process.kill('SIGKILL')
  await parent.ended
}

describe('a parent that is killed before its server is up', () => {
  test('leaves no half-made data in a kept folder, which works at the next start', async () => {
    const dataFolder = keptFolder()
    await killDuringInitdb(spawnParent(compiled(), { dataFolder }, 'keeps running'), () => dataFolder)
    // There is a log only when initdb had begun.
    const files = (): readonly string[] => readdirSync(dataFolder).filter((name) => name !== 'bellows.log')
    expect(await waitFor(files, (names) => names.length === 0)).toEqual([])
    const server = await startEmbedded({ dataFolder })
    expect(await query(server.url, 'select 1')).toEqual([['1']])
    await server.stop()
  })

  test('leaves no temporary folder', async () => {
    const parent = spawnParent(compiled(), {}, 'keeps running')
    await killDuringInitdb(parent, () => {
      const name = readdirSync(ground()).find((each) => each.startsWith('bellows-'))
      return name && path.join(ground(), name)
    })
  })

  test('leaves nothing whenever it is killed', async () => {
    for (const delayMs of [0, 20, 40, 60, 80, 100, 120, 140, 160, 240, 480]) {
      const parent = spawnParent(compiled(), {}, 'keeps running')
      await sleep(delayMs)
      parent.process.kill('SIGKILL')
      await parent.ended
    }
  })
})

describe('a server whose parent and watchdog were both killed', () => {
  test('is stopped by the next start on its kept folder, with nothing lost', async () => {
    const dataFolder = keptFolder()
    const former = await orphan({ dataFolder })
    await query(former.url, 'create table survivor as select 42 as answer')
    const server = await startEmbedded({ dataFolder })
    expect(runs(former.pid)).toBe(false)
    expect(await query(server.url, 'select answer from survivor')).toEqual([['42']])
    await server.stop()
  })

  test('is stopped and removed by the next start of any server, when it was a temporary one', async () => {
    const former = await orphan({})
    const server = await startEmbedded({})
    expect(await gone(former.pid)).toBe(true)
    expect(await removed(former.dataFolder)).toBe(true)
    await server.stop()
  })

  test('keeps its files when their owner named the folder as ours are named', async () => {
    const dataFolder = path.join(ground(), 'bellows-binaries-not')
    const former = await orphan({ dataFolder })
    const other = await startEmbedded({})
    await other.stop()
    expect(runs(former.pid)).toBe(true)
    const server = await startEmbedded({ dataFolder })
    await server.stop()
    expect(existsSync(path.join(dataFolder, 'pgdata', 'PG_VERSION'))).toBe(true)
  })
})

describe('a watchdog that is killed', () => {
  test('does not take the server with it, which is stopped by `stop` all the same', async () => {
    const server = await startEmbedded({ dataFolder: keptFolder() })
    const watchdog = watchdogOf(path.join(keptFolder(), 'bellows.lock'))
    process.kill(watchdog, 'SIGKILL')
    await gone(watchdog)
    expect(await query(server.url, 'select 1')).toEqual([['1']])
    await server.stop()
    expect(runs(server.pid)).toBe(false)
    expect(existsSync(path.join(keptFolder(), 'bellows.lock'))).toBe(false)
  })

  test('stops the server first, when it is only asked to end', async () => {
    const server = await startEmbedded({})
    process.kill(watchdogOf(path.join(server.dataFolder, 'private.lock')), 'SIGTERM')
    expect(await gone(server.pid)).toBe(true)
    await server.stop()
  })

  test.each(['SIGINT', 'SIGHUP'] as const)('is not killed by %s', async (signal) => {
    const server = await startEmbedded({})
    const watchdog = watchdogOf(path.join(server.dataFolder, 'private.lock'))
    process.kill(watchdog, signal)
    expect(await query(server.url, 'select 1')).toEqual([['1']])
    expect(runs(watchdog)).toBe(true)
    await server.stop()
  })
})

test('nothing of the parent but the server and its watchdog knows of the temporary folder', async () => {
  const server = await startEmbedded({})
  const wanted = [watchdogOf(path.join(server.dataFolder, 'private.lock')), server.pid].toSorted(inOrder)
  // A child that the server has just forked has its command line still.
  const commands = () => processesOf(server.dataFolder).map(({ pid }) => pid)
  const seen = await waitFor(commands, (pids) => pids.length === wanted.length)
  expect(seen.toSorted(inOrder)).toEqual(wanted)
  await server.stop()
})

async function waitForBusy(url: string): Promise<void> {
  const sql = `select count(*) from pg_stat_activity where query like 'select pg_sleep%'`
  while ((await query(url, sql))[0]?.[0] !== '1') await sleep(20)
}
