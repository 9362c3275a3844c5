import { describe, expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from '../../src/config.ts'
import { BellowsError } from '../../src/core/errors.ts'
import type { Notice } from '../../src/core/run/event.ts'
import type { Driving, Engine } from '../../src/engine/context.ts'
import { asDriver } from '../../src/engine/driving.ts'

const unreachable = () => new BellowsError('database_unreachable', 'It is in recovery.')

/** A server that can be driven, and is there or not. */
function scene(isThere: () => boolean) {
  const driver = { epoch: 1, beat: async () => undefined, release: async () => undefined }
  return {
    settings: { ...DEFAULT_SETTINGS, driver: { ...DEFAULT_SETTINGS.driver, reconnectsMax: 3 } },
    clock: { sleep: () => new Promise((resolve) => setImmediate(resolve)), random: () => 0.5 },
    isStopping: () => false,
    notify: () => undefined,
    journal: { install: async () => undefined },
    database: {
      tryToDrive: async () => {
        if (!isThere()) throw unreachable()
        return driver
      },
    },
  } as unknown as Engine
}

test('a server that goes away under the work is waited for, however the work hears of it', async () => {
  let looks = 0
  const engine = scene(() => {
    looks += 1
    return looks !== 2
  })
  let attempts = 0
  const done = await asDriver(engine, async () => {
    attempts += 1
    if (attempts === 1) throw unreachable()
    return 'done'
  })
  expect({ done, attempts, looks }).toEqual({ done: 'done', attempts: 2, looks: 3 })
})

test('one that stays away under rows is waited for for a minute, until somebody asks to stop', async () => {
  let looks = 0
  const engine = scene(() => {
    looks += 1
    return looks < 2
  })
  const [slept, told]: [number[], Notice[]] = [[], []]
  const waiting = (isStopping: () => boolean): Engine => ({
    ...engine,
    settings: DEFAULT_SETTINGS,
    isStopping,
    notify: (notice) => told.push(notice),
    clock: { ...engine.clock, sleep: async (ms) => void slept.push(ms) },
  })
  // Those of the heartbeat are longer.
  const seconds = () => slept.filter((ms) => ms < 1_000).reduce((one, other) => one + other, 0) / 1_000
  const filling = async ({ notify }: Driving) => {
    notify({ type: 'progress', step: 'x', rowsDone: 1, rowsTotal: 10, rowsPerSecond: 1 })
    throw unreachable()
  }
  const never = () => false
  await expect(asDriver(waiting(never), filling)).rejects.toMatchObject({ code: 'connection_lost' })
  expect(seconds()).toBeGreaterThan(60)
  expect(told).toContainEqual({ type: 'waiting_for_server', because: 'It is in recovery.' })

  looks = 0
  slept.length = 0
  const later = () => seconds() > 5
  await expect(asDriver(waiting(later), filling)).rejects.toMatchObject({ code: 'interrupted' })
  expect(seconds()).toBeLessThan(10)

  looks = 0
  slept.length = 0
  const moment = () => Promise.reject(unreachable())
  await expect(asDriver(waiting(never), moment)).rejects.toMatchObject({ code: 'connection_lost' })
  expect(seconds(), 'whoever waits for a moment is told soon').toBeLessThan(5)
})

test('one that was never there is told at once', async () => {
  let looks = 0
  const engine = scene(() => {
    looks += 1
    return false
  })
  await expect(asDriver(engine, async () => 'done')).rejects.toMatchObject({ code: 'database_unreachable' })
  expect(looks).toBe(1)
})

describe('a connection that is lost again and again', () => {
  const losing = (looks: number, rowsDone = 0) => {
    let attempts = 0
    const done = asDriver(
      scene(() => true),
      async ({ notify }) => {
        attempts += 1
        if (rowsDone > 0) notify({ type: 'progress', step: 'x', rowsDone, rowsTotal: 10, rowsPerSecond: 1 })
        for (let look = 0; look < looks; look += 1) await new Promise((resolve) => setImmediate(resolve))
        if (attempts <= 10) throw new BellowsError('connection_lost', 'It is lost.')
        return attempts
      },
    )
    return done
  }

  test('ends the command', async () => {
    await expect(losing(0, 5)).rejects.toMatchObject({ code: 'connection_lost' })
  })

  test('ends it also after a while in which no rows were done', async () => {
    await expect(losing(1_000)).rejects.toMatchObject({ code: 'connection_lost' })
  })

  test('is forgotten after a while in which it was not', async () => {
    expect(await losing(1_000, 5)).toBe(11)
  })
})
