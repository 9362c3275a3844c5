import { describe, expect, test } from 'vitest'
import type { Cluster } from '../../src/engine/ports.ts'
import { cleanUp } from '../support/database.ts'
import { type Faulty, faultyBellows } from '../support/faulty-ports.ts'
import { KILLED, type Moment, mortal, survived } from '../support/killed.ts'
import { engineShop, imageOf, rolled, WAIT_MS } from '../support/kubernetes/engine-shop.ts'
import { type Ready, readyDatabase } from '../support/rollouts.ts'

/** The way back is begun by what no version called bad gets over. */
const movingShop = () => engineShop({ fault: (image) => (image.includes('bad') ? 'crash' : undefined) })

type Shop = Awaited<ReturnType<typeof engineShop>>

describe('a driver that is killed at any moment of a roll of workloads', () => {
  test.for([
    ['forward', 'before'],
    ['forward', 'after'],
    ['and back', 'before'],
    ['and back', 'after'],
  ] as const)(
    'is followed by one that goes on: %s, %s the effect',
    { timeout: 300_000 },
    async ([way, when]) => {
      const ready = await readyDatabase()
      const { database, run } = ready
      const place = await movingShop()
      const { bellows } = faultyBellows(database.url, {}, { kubernetes: place.kubernetes })
      cleanUp(() => bellows.close())
      const isForward = way === 'forward'
      let moment = 1
      for (; ; moment += 1) {
        const version = `${isForward ? 'good' : 'bad'}-${moment}`
        const isOver = await killedAt(ready, place, { moment, when, version })
        expect(await rolled(bellows, run, version)).toMatch(isForward ? /^done$/ : /was taken back/)
        expect(imageOf(place), `moment ${moment}`).toBe(`registry/shop:${isForward ? version : '1'}`)
        if (isOver) break
      }
      expect(moment, 'there were many moments').toBeGreaterThan(15)
      const [count] = await database.query<{ begun: number; saved: number }>(
        `select count(*) filter (where event #>> '{event,kind}' = 'rollout_started')::int as begun,
          count(*) filter (where event #>> '{event,event,type}' = 'workload_saved')::int as saved from bellows.event`,
      )
      expect(count?.saved, 'a template was kept once a rollout').toBe(count?.begun)
      // Only a change of the template counts as a generation: once there, and once back.
      expect(place.deployment()?.metadata.generation).toBe(1 + (isForward ? moment : 2 * (count?.begun ?? 0)))
    },
  )
})

/** Rolls out by a driver that is killed at its nth effect, of any kind. Was it through before that? */
async function killedAt(
  { database, run }: Ready,
  { kubernetes }: Shop,
  { version, ...death }: Moment & { readonly version: string },
): Promise<boolean> {
  const { around, effect } = mortal(death, () => faulty.die())
  const { cluster } = kubernetes
  const watched: Cluster = {
    ...cluster,
    template: (workload) => effect(() => cluster.template(workload)),
    look: (workload) => effect(() => cluster.look(workload)),
    apply: (...given) => effect(() => cluster.apply(...given)),
    restore: (...given) => effect(() => cluster.restore(...given)),
    close: () => undefined,
  }
  const faulty: Faulty = faultyBellows(database.url, around, {
    application: KILLED,
    kubernetes: { ...kubernetes, cluster: watched },
  })
  return await survived(faulty, database, (bellows) => rolled(bellows, run, version))
}

test('a driver that was replaced changes the cluster no more', async () => {
  const { database, run } = await readyDatabase()
  const place = await movingShop()
  const { cluster } = place.kubernetes
  let goOn: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    goOn = resolve
  })
  cleanUp(async () => goOn())
  let isHeld = false
  // It has kept the template, and falls asleep before it changes it.
  const after = async ({ what }: { readonly what: string }) => {
    const kept = await database.query(
      `select from bellows.event where event #>> '{event,event,type}' = 'workload_saved'`,
    )
    if (kept.length === 0 || isHeld || what !== 'rollout') return
    isHeld = true
    await held
  }
  const settings = { driver: { reconnectsMax: 0 } }
  const options = { kubernetes: place.kubernetes, application: 'bellows/the replaced one', settings }
  const first = faultyBellows(database.url, { after }, options)
  const outcome = first.bellows
    .change((driver) => driver.rollOutWorkloads(run, { version: 'good', waitMs: WAIT_MS }))
    .then(
      () => 'done',
      (error: unknown) => String((error as { code?: unknown }).code),
    )
  await expect.poll(() => isHeld).toBe(true)
  await database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'bellows/the replaced one'`,
  )
  const second = faultyBellows(database.url, {}, { kubernetes: { ...place.kubernetes, cluster } })
  cleanUp(() => second.bellows.close())
  await second.bellows.askRollout(run, 'abort')
  await expect(second.bellows.change((driver) => driver.resumeWorkloads(run, WAIT_MS))).rejects.toMatchObject(
    { code: 'rollout_failed' },
  )
  goOn()

  expect(await outcome).toBe('driver_lost')
  expect(imageOf(place)).toBe('registry/shop:1')
  expect(place.deployment()?.metadata.generation).toBe(1)
})
