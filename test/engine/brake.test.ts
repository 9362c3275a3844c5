import { describe, expect, test } from 'vitest'
import { DEFAULT_SETTINGS, mergedSettings, type SettingsChange } from '../../src/config.ts'
import type { BackfillStep } from '../../src/core/plan/step.ts'
import type { CheckResult } from '../../src/core/rollout/rules.ts'
import type { Notice } from '../../src/core/run/event.ts'
import type { Decision } from '../../src/core/throttle/decide.ts'
import type { Look, SignalName, SignalsAsked } from '../../src/core/throttle/readings.ts'
import { openBrake } from '../../src/engine/brake/brake.ts'
import type { Engine } from '../../src/engine/context.ts'
import { CALM } from '../support/calm-signals.ts'
import { cleanUp } from '../support/database.ts'

/** Time that passes when the test says so, and everything that waits for it. */
function handSetTime() {
  let now = 0
  const waiting = new Set<{ readonly at: number; readonly end: () => void }>()
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  return {
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        if (signal?.aborted === true) resolve()
        else waiting.add({ at: now + ms, end: resolve })
      }),
    passed: () => now,
    /** Nobody is called meanwhile, as in a process that was stopped. */
    stall: (ms: number) => {
      now += ms
    },
    pass: async (ms: number) => {
      const until = now + ms
      for (;;) {
        await settled()
        const [next] = [...waiting].toSorted((a, b) => a.at - b.at)
        if (next === undefined || next.at > until) break
        now = Math.max(now, next.at)
        waiting.delete(next)
        next.end()
      }
      now = until
    },
  }
}

const STEP = { kind: 'backfill', id: 'm/backfill/1', table: { namespace: 'public', name: 'users' } }

/** A brake over a server whose commits take as long as is said. */
async function braking(settings: SettingsChange['brake'] = {}) {
  const time = handSetTime()
  const server = {
    commit: 1 as number | Error | 'silent',
    check: 'pass' as CheckResult['outcome'],
    share: 1,
    freeBytes: null as number | null,
  }
  const notices: Notice[] = []
  const told: Decision[] = []
  let isStopping = false
  const asked = () =>
    server.share === 1 ? null : { share: server.share, workers: 2, by: 'ann', reason: null, until: null }
  const engine = {
    settings: mergedSettings(DEFAULT_SETTINGS, { brake: settings }),
    notify: (notice: Notice) => notices.push(notice),
    isStopping: () => isStopping,
    clock: { sleep: time.sleep, passed: time.passed, random: () => 0.5 },
    signals: {
      look: async ({ signals }: SignalsAsked): Promise<Look> => {
        if (server.commit === 'silent') return await new Promise(() => undefined)
        if (server.commit instanceof Error) throw server.commit
        return {
          nowMs: 0,
          readings: Object.fromEntries(
            Object.entries({
              ...CALM,
              commit: { value: server.commit },
              asked: { value: asked() },
              disk: { value: { freeBytes: server.freeBytes, hidden: 0 } },
            }).filter(([name]) => signals.includes(name as SignalName)),
          ),
        }
      },
      ask: async () => ({ outcome: server.check, because: 'it answers so' }),
      tell: async (_run: number, decision: Decision) => void told.push(decision),
      close: async () => undefined,
    },
  } as unknown as Engine
  const brake = await openBrake(engine, 1, STEP as BackfillStep)
  cleanUp(async () => brake.close())
  return {
    brake,
    engine,
    server,
    notices,
    told,
    pass: time.pass,
    stall: time.stall,
    stop: () => {
      isStopping = true
    },
    /** May a batch begin within so long? */
    passes: async (ms: number) => {
      let hasPassed = false
      const passing = brake.passed(engine).then(() => (hasPassed = true))
      passing.catch(() => undefined)
      await time.pass(ms)
      return hasPassed
    },
  }
}

const SLOW_MS = 500
const CHECK = [{ name: 'apdex', http: 'http://127.0.0.1/' }]

describe('the brake', () => {
  test('pauses within a second of a signal, and lets go on within five when it is over', async () => {
    const { server, passes, pass, notices } = await braking()
    expect(await passes(0)).toBe(true)
    server.commit = SLOW_MS
    await pass(900)
    expect(await passes(10_000)).toBe(false)
    expect(notices.at(-1)).toMatchObject({
      type: 'braked',
      step: 'm/backfill/1',
      pace: 'pause',
      because: ['a commit takes 500 ms (limit 200 ms)'],
    })
    server.commit = 1
    expect(await passes(1_000)).toBe(true)
    expect(notices.at(-1)).toMatchObject({ pace: 'go', because: [] })
  })

  test('pauses when the disk has no more than the reserve, and goes on when there is room again', async () => {
    const GB = 1024 ** 3
    const { server, passes, pass, notices } = await braking({ diskReserveBytes: 5 * GB })
    expect(await passes(0), 'nobody knows how much is free').toBe(true)
    server.freeBytes = 4.1 * GB
    await pass(6_000)
    expect(await passes(60_000)).toBe(false)
    expect(notices.at(-1)).toMatchObject({ pace: 'pause', because: ['disk: 4.1 GB free, reserve 5 GB'] })
    server.freeBytes = 20 * GB
    expect(await passes(6_000)).toBe(true)
    expect(notices.at(-1)).toMatchObject({ pace: 'go', because: [] })
  })

  test.each<[string, Error | 'silent']>([
    ['refuses the look', new Error('It is closed.')],
    ['does not answer', 'silent'],
  ])('pauses within fifteen seconds when the server %s', async (_what, commit) => {
    const { server, passes, pass, notices } = await braking()
    server.commit = commit
    await pass(9_000)
    expect(await passes(0), 'for a while the last word counts').toBe(true)
    await pass(5_000)
    expect(await passes(100)).toBe(false)
    expect(notices.at(-1)).toMatchObject({
      pace: 'pause',
      because: [expect.stringMatching(/cannot be read: (It is closed|no answer comes); to do without: /)],
    })
  })

  test('does not take for new what was read before its process was stopped for a while', async () => {
    const { server, passes, pass, stall } = await braking()
    expect(await passes(0)).toBe(true)
    server.commit = 'silent'
    await pass(1_000)
    stall(3_600_000)
    expect(await passes(0)).toBe(false)
  })

  test.each<[CheckResult['outcome'], number]>([
    ['fail', 900],
    ['unknown', 14_000],
  ])('pauses for a check that says %s', async (outcome, ms) => {
    const { server, passes, pass } = await braking({ checks: CHECK })
    expect(await passes(0)).toBe(true)
    server.check = outcome
    await pass(ms)
    expect(await passes(100)).toBe(false)
    server.check = 'pass'
    expect(await passes(1_000)).toBe(true)
  })

  test('lets a share of the time through', async () => {
    const { brake, server, pass, passes } = await braking()
    server.share = 0.3
    await pass(1_000)
    const parts: boolean[] = []
    for (let part = 0; part < 10; part += 1) {
      parts.push(await passes(0))
      await pass(100)
    }
    expect(parts.filter(Boolean)).toHaveLength(3)
    expect(brake.workers()).toBe(2)
  })

  test('ends when it is asked to stop, and gives up on a pause without an end', async () => {
    const { brake, engine, server, stop, pass } = await braking({ pauseMaxMs: 60_000 })
    server.commit = SLOW_MS
    await pass(1_000)
    const held = brake.passed(engine)
    held.catch(() => undefined)
    await pass(61_000)
    await expect(held).rejects.toMatchObject({
      code: 'brake_held',
      message: 'The brake has held "users" for 60 s: a commit takes 500 ms (limit 200 ms).',
    })
    const over = brake.passed({ ...engine, isStopping: () => true })
    over.catch(() => undefined)
    await pass(100)
    await expect(over, 'where others have found the end').rejects.toMatchObject({ code: 'interrupted' })
    const stopped = brake.passed(engine)
    stopped.catch(() => undefined)
    stop()
    await pass(100)
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' })
  })

  test('leaves word for others when the pace changes, and again while it lasts', async () => {
    const { server, told, pass, brake } = await braking()
    await pass(20_000)
    expect(told, 'nothing holds it').toEqual([])
    server.commit = SLOW_MS
    await pass(11_500)
    expect(told.map(({ pace }) => pace)).toEqual(['pause', 'pause', 'pause'])
    server.commit = 1
    await pass(20_000)
    expect(told.map(({ pace }) => pace)).toEqual(['pause', 'pause', 'pause', 'go'])
    brake.close()
    server.commit = SLOW_MS
    await pass(20_000)
    expect(told, 'nobody looks any more').toHaveLength(4)
  })
})
