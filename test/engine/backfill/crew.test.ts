import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/adapters/clock.ts'
import { DEFAULT_SETTINGS } from '../../../src/config.ts'
import { BellowsError } from '../../../src/core/errors.ts'
import { type Crew, workTogether } from '../../../src/engine/backfill/crew.ts'
import type { Working } from '../../../src/engine/context.ts'
import type { Lane } from '../../../src/engine/ports.ts'
import { stopIfAsked } from '../../../src/engine/stop.ts'

const lost = () => new BellowsError('connection_lost', 'It is gone.')

/** An engine whose connections are told apart by numbers, the own one being 0. */
function scene({ reconnectsMax = 2 } = {}) {
  let opened = 0
  const open = new Set<number>()
  const lane = (number: number): Lane & { number: number } => ({
    number,
    transact: async () => ({ result: null, recorded: [] }),
    close: async () => void open.delete(number),
  })
  const refusing = { times: 0 }
  const engine = {
    settings: { ...DEFAULT_SETTINGS, driver: { ...DEFAULT_SETTINGS.driver, reconnectsMax } },
    isStopping: () => false,
    clock: {
      sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 5), signal),
      random: () => 0.5,
    },
    driver: {
      lane: async () => {
        if (refusing.times > 0) {
          refusing.times -= 1
          throw lost()
        }
        opened += 1
        open.add(opened)
        return lane(opened)
      },
    },
  } as unknown as Working
  return { engine, own: lane(0), open, refusing }
}

/** Works until it is told otherwise. */
function steady(at: Set<number>, more: (number: number) => void = () => undefined): Crew['work'] {
  return async (engine, lane, mayStay) => {
    const { number } = lane as Lane & { number: number }
    at.add(number)
    try {
      while (mayStay()) {
        stopIfAsked(engine)
        more(number)
        await engine.clock.sleep(1)
      }
      return false
    } finally {
      at.delete(number)
    }
  }
}

describe('a crew', () => {
  test('grows and shrinks to as many as there should be, the own connection last', async () => {
    const { engine, own, open } = scene()
    const at = new Set<number>()
    let wanted = 1
    const done = workTogether(engine, { own, wanted: async () => wanted, work: steady(at) })
    await expect.poll(() => [...at]).toEqual([0])
    wanted = 4
    await expect.poll(() => [...at]).toEqual([0, 1, 2, 3])
    wanted = 2
    await expect.poll(() => [...at]).toEqual([0, 1])
    expect([...open]).toEqual([1])
    wanted = 3
    await expect.poll(() => at.size).toBe(3)
    wanted = 0
    await done
    expect([at.size, open.size]).toEqual([0, 0])
  })

  test('replaces one whose connection is lost, and those that it does not get at once', async () => {
    const { engine, own, refusing } = scene()
    const at = new Set<number>()
    let failing = 0
    const work = steady(at, (number) => {
      if (number !== failing || number === 0) return
      failing = 0
      throw lost()
    })
    let wanted = 3
    const done = workTogether(engine, { own, wanted: async () => wanted, work })
    await expect.poll(() => [...at]).toEqual([0, 1, 2])
    refusing.times = 1
    failing = 1
    await expect.poll(() => [...at]).toEqual([0, 2, 3])
    wanted = 0
    await done
  })

  test('goes on with those that it has where no more are to be had, and asks again', async () => {
    const { engine, own, refusing } = scene()
    refusing.times = 10
    const at = new Set<number>()
    let wanted = 2
    const done = workTogether(engine, { own, wanted: async () => wanted, work: steady(at) })
    await expect.poll(() => refusing.times).toBe(0)
    await expect.poll(() => at.size).toBe(2)
    wanted = 0
    await done
  })

  test('does not work on without the connection that is its own', async () => {
    const { engine, own, open } = scene()
    const at = new Set<number>()
    const work = steady(at, (number) => {
      if (number === 0 && at.size === 2) throw lost()
    })
    await expect(workTogether(engine, { own, wanted: async () => 2, work })).rejects.toMatchObject({
      code: 'connection_lost',
    })
    expect([at.size, open.size]).toEqual([0, 0])
  })

  test('ends as a whole with the first fault, also those that wait for a lock meanwhile', async () => {
    const { engine, own } = scene()
    const ends: string[] = []
    const work: Crew['work'] = async (working, lane) => {
      const { number } = lane as Lane & { number: number }
      await engine.clock.sleep(1)
      if (number === 2) throw new BellowsError('backfill_failed', 'A row.')
      // As between two attempts at a batch.
      for (let pause = 0; pause < 1_000; pause += 1) {
        await working.clock.sleep(1_000)
        try {
          stopIfAsked(working)
        } catch (error) {
          ends.push(`${number} after ${pause < 100 ? 'a moment' : 'long'}`)
          throw error
        }
      }
      return true
    }
    await expect(workTogether(engine, { own, wanted: async () => 3, work })).rejects.toMatchObject({
      code: 'backfill_failed',
    })
    expect(ends).toEqual(['0 after a moment', '1 after a moment'])
  })
})
