import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { isRunning, markProcess } from '../../../src/adapters/os/process-mark.ts'
import type { ChildRecord } from '../../../src/adapters/process/records.ts'
import { cleanUp } from '../../support/database.ts'
import { ask } from '../../support/http.ts'
import { site } from './cli-support.ts'
import { about, kill, placed, recordOf, recordsIn, seen, serving, until } from './support.ts'

/** A change of a record as only the test makes it, while no supervisor runs. */
function rewrite(state: string, id: string, change: Partial<ChildRecord>): void {
  const file = path.join(state, 'instances', `${id}.json`)
  writeFileSync(file, JSON.stringify({ ...recordOf(state, id), ...change }))
}

describe.runIf(process.platform === 'linux')('after a kill -9 of the supervisor', () => {
  test('the next one goes on with every instance where it was', async () => {
    const { state, port, deployer, processes, up, killed } = await site()
    const first = await up()
    await serving(deployer, placed('serves-1'), placed('serves-2'), placed('drains'))
    await deployer.start(placed('starts'))
    await deployer.start(placed('ended'))
    await deployer.stop('ended')
    await until(deployer, 'ended', { state: 'gone' })
    await deployer.drain('drains')
    const before = recordsIn(state)
    expect((await ask(port)).status).toBe(200)

    await killed(first)
    await expect(deployer.fleet()).rejects.toMatchObject({
      code: 'deployer_failed',
      message: expect.stringContaining('No supervisor runs'),
    })
    expect(processes()).toHaveLength(4)
    await up()
    expect(recordsIn(state)).toEqual(before)
    expect(processes()).toHaveLength(4)
    const answering = new Set<string>()
    for (let count = 0; count < 4; count += 1) answering.add(String((await about(port)).instance))
    expect(answering).toEqual(new Set(['serves-1', 'serves-2']))

    await expect.poll(async () => (await seen(deployer, 'starts')).health.passes).toBeGreaterThan(0)
    await deployer.serve('starts')
    for (const id of ['drains', 'serves-1', 'serves-2']) await deployer.stop(id)
    for (const id of ['drains', 'serves-1', 'serves-2']) await until(deployer, id, { state: 'gone' })
    expect(await about(port)).toMatchObject({ instance: 'starts' })
    expect((await seen(deployer, 'ended')).ended).toMatch(/^(exit code 0|SIGTERM)$/)
    expect((await seen(deployer, 'drains')).ended).toMatch(/^unknown/)
    expect(await deployer.log('serves-1', 2)).toEqual(['started serves-1', 'told to end'])
  })

  test('an instance that ended meanwhile is started again if it served, and is gone if not', async () => {
    const { state, port, deployer, processes, up, killed } = await site()
    const first = await up()
    await serving(deployer, placed('serves'), placed('drains'))
    await deployer.drain('drains')
    await deployer.start(placed('starts'))
    await expect.poll(() => deployer.log('starts', 1)).toEqual(['started starts'])
    await killed(first)
    for (const id of ['serves', 'drains', 'starts']) kill(state, id)
    await expect.poll(processes).toEqual([])
    await up()
    await until(deployer, 'drains', { state: 'gone' })
    await until(deployer, 'starts', { state: 'gone', ended: expect.stringMatching(/^unknown/) })
    // Nobody saw how it ended, so that counts for nothing.
    await until(deployer, 'serves', { state: 'serving', restarts: 0 })
    expect(await about(port)).toMatchObject({ instance: 'serves' })
    expect(processes()).toHaveLength(1)
  })

  test('an instance whose program had no leave to begin yet is started after all', async () => {
    const { state, deployer, processes, up, killed } = await site()
    const first = await up()
    await deployer.start(placed('starts'))
    await expect.poll(() => deployer.log('starts', 1)).toEqual(['started starts'])
    await killed(first)
    kill(state, 'starts')
    await expect.poll(processes).toEqual([])
    // It has written nothing, and its process is gone: so the shell that waited in its place has left it.
    writeFileSync(path.join(state, 'logs', 'starts.log'), '')
    await up()
    await expect.poll(() => deployer.log('starts', 1)).toEqual(['started starts'])
    await until(deployer, 'starts', { state: 'starting', restarts: 0 })
    expect(processes()).toHaveLength(1)
  })

  test('one that was just being started again is', async () => {
    const { state, deployer, up, killed } = await site()
    const first = await up()
    await serving(deployer, placed('web-1'))
    kill(state, 'web-1')
    await until(deployer, 'web-1', { state: 'starting', restarts: 1 })
    await killed(first)
    await up()
    await until(deployer, 'web-1', { state: 'serving', restarts: 1 })
  })

  test('the end of an instance is seen through, and it is not told a second time', async () => {
    const { state, deployer, processes, up, killed } = await site({
      env: { DEAF: '1' },
      stopTimeoutMs: 60_000,
    })
    const first = await up()
    await serving(deployer, placed('web-1'))
    await deployer.stop('web-1')
    await expect.poll(() => deployer.log('web-1', 5)).toEqual(['started web-1', 'told to end'])
    await killed(first)
    expect(processes()).toHaveLength(1)
    // It has no more time than it had, and that is over now.
    rewrite(state, 'web-1', { sinceMs: recordOf(state, 'web-1').sinceMs - 60_000 })
    await up()
    await until(deployer, 'web-1', { state: 'gone' })
    expect(processes()).toEqual([])
    expect(await deployer.log('web-1', 5)).toEqual(['started web-1', 'told to end'])
  })

  test('one that was not told yet is', async () => {
    const { state, deployer, up, killed } = await site()
    const first = await up()
    await serving(deployer, placed('web-1'))
    await killed(first)
    rewrite(state, 'web-1', { state: 'stopping' })
    await up()
    await until(deployer, 'web-1', { state: 'gone' })
    expect(await deployer.log('web-1', 5)).toEqual(['started web-1', 'told to end'])
  })

  test('a process that was given the number of an instance is neither taken for it nor sent a signal', async () => {
    const stranger = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
    cleanUp(async () => void stranger.kill('SIGKILL'))
    const mark = markProcess(stranger.pid ?? 0)
    const { state, deployer, up, killed } = await site()
    const first = await up()
    await serving(deployer, placed('serves'), placed('stops'), placed('starts'))
    await killed(first)
    for (const id of ['serves', 'stops', 'starts']) kill(state, id)
    for (const [id, name] of [
      ['serves', 'serving'],
      ['stops', 'stopping'],
      ['starts', 'starting'],
    ] as const)
      rewrite(state, id, { state: name, process: { pid: mark.pid, started: `1${mark.started}` } })
    await up()
    await until(deployer, 'stops', { state: 'gone' })
    await until(deployer, 'starts', { state: 'gone' })
    await until(deployer, 'serves', { state: 'serving', restarts: 0 })
    await deployer.stop('serves')
    await until(deployer, 'serves', { state: 'gone' })
    expect(isRunning(mark)).toBe(true)
  })

  test('what is left of an instance whose process has ended meanwhile is ended, and nothing of a stranger', async () => {
    const leaves = ['/bin/sh', '-c', 'sleep 600 & echo $!; wait']
    const stranger = spawn('/bin/sh', ['-c', 'sleep 600 & echo $!'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [line] = await once(stranger.stdout, 'data')
    cleanUp(async () => void process.kill(Number(String(line)), 'SIGKILL'))
    const { state, deployer, processes, configure, up, killed } = await site()
    await configure({ worker: { command: leaves } })
    const first = await up()
    await deployer.start(placed('own', 'worker'))
    await deployer.start(placed('other', 'worker'))
    for (const id of ['own', 'other']) await expect.poll(() => deployer.log(id, 1)).toHaveLength(1)
    await killed(first)
    for (const id of ['own', 'other']) kill(state, id)
    process.kill(-(recordOf(state, 'other').process?.pid ?? 0), 'SIGKILL')
    rewrite(state, 'other', { process: { pid: stranger.pid ?? 0, started: 'before' } })
    await expect.poll(processes).toHaveLength(1)
    await up()
    for (const id of ['own', 'other']) await until(deployer, id, { state: 'gone' })
    expect(processes()).toEqual([])
    expect(() => process.kill(Number(String(line)), 0)).not.toThrow()
  })

  test('no process is left that nobody knows of, and none is there twice, whenever it came', async () => {
    const { state, deployer, processes, up, killed } = await site()
    for (let round = 0; round < 8; round += 1) {
      const running = await up()
      const ids = [`r${round - 1}-1`, ...[1, 2, 3, 4].map((at) => `r${round}-${at}`)]
      const calls = ids.map((id) => deployer.start(placed(id)).catch(() => undefined))
      // In the middle of all starts, and then right after the first one.
      await (round % 2 === 0 ? sleep(round * 12) : Promise.race(calls))
      await killed(running)
      await Promise.all(calls)
    }
    await up()
    // A shell that was never told to go on is gone by itself.
    const known = (): number[] =>
      recordsIn(state)
        .flatMap(({ process }) => process?.pid ?? [])
        .toSorted((a, b) => a - b)
    await expect.poll(() => processes().toSorted((a, b) => a - b)).toEqual(known())
    await expect
      .poll(async () => (await deployer.fleet()).filter(({ state }) => state !== 'gone').length)
      .toBe(known().length)
    expect(known().length).toBeGreaterThan(0)
  })

  test('an instance of a role that is no longer configured can be ended', async () => {
    const { state, deployer, configure, up, killed } = await site()
    const first = await up()
    await serving(deployer, placed('web-1'))
    await killed(first)
    await configure({ other: { command: ['sleep', '600'] } })
    await up()
    expect(await seen(deployer, 'web-1')).toMatchObject({ state: 'serving' })
    await deployer.drain('web-1')
    await deployer.stop('web-1')
    await until(deployer, 'web-1', { state: 'gone' })
    await expect(deployer.start(placed('web-2'))).rejects.toMatchObject({ code: 'config_invalid' })
    expect(recordsIn(state)).toHaveLength(1)
  })
})
