import { describe, expect, test } from 'vitest'
import type { RollRules } from '../../src/engine/roller.ts'
import { cleanUp } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { engineShop, imageOf, outcomeOf, rolled, WAIT_MS } from '../support/kubernetes/engine-shop.ts'
import type { WorldOptions } from '../support/kubernetes/world.ts'
import { readyDatabase } from '../support/rollouts.ts'

const STRATEGIC = 'application/strategic-merge-patch+json'

async function started(options: WorldOptions = {}, rules: Partial<RollRules> = {}) {
  const ready = await readyDatabase()
  const shop = await engineShop(options, rules)
  const { bellows } = faultyBellows(ready.database.url, {}, { kubernetes: shop.kubernetes })
  cleanUp(() => bellows.close())
  const resume = () => outcomeOf(bellows.change((driver) => driver.resumeWorkloads(ready.run, WAIT_MS)))
  return { ...ready, bellows, shop, resume }
}

describe('a roll of workloads in the journal', () => {
  test('asks the checks of the user, writes down what they said, and stands still or goes back by it', async () => {
    const { database, bellows, run, shop, resume } = await started()
    await database.query('create table health (good boolean)')
    Object.assign(shop.kubernetes.checkRules, {
      checks: [{ name: 'errors', sql: 'select good from health' }],
    })
    expect(await rolled(bellows, run, '2')).toMatch(
      /^The rollout of "2" is paused: the check "errors" could not tell: /,
    )
    expect(imageOf(shop)).toBe('registry/shop:2')
    await database.query('insert into health values (true)')
    await bellows.askRollout(run, 'resume')
    expect(await resume()).toBe('done')
    await database.query('update health set good = false')
    expect(await rolled(bellows, run, '3')).toMatch(
      /^The rollout of "3" was taken back: the check "errors" failed: /,
    )
    expect(imageOf(shop)).toBe('registry/shop:2')
    const said = await database.query<{ outcome: string }>(
      `select event #>> '{event,outcome}' as outcome from bellows.event where event #>> '{event,kind}' = 'checked' order by seq`,
    )
    expect(said.map(({ outcome }) => outcome)).toEqual([
      'unknown',
      'unknown',
      'unknown',
      'unknown',
      'pass',
      'fail',
    ])
  })

  test('waits for old pods that do not end, and goes on waiting', async () => {
    const { bellows, run, shop, resume } = await started({ endSteps: 1_000_000 }, { drainMaxMs: 50_000 })
    const isOpen = async () => (await bellows.rollout(run))?.outcome === undefined
    expect(await rolled(bellows, run, '2')).toMatch(
      /^The rollout of "2" is not over yet: the pod .* of version 1 is ending/,
    )
    expect(await isOpen()).toBe(true)
    expect(await resume()).toMatch(/is not over yet/)
    for (const { metadata } of shop.store.list('Pod'))
      if (metadata.deletionTimestamp !== undefined) shop.store.remove('Pod', metadata.name)
    expect(await resume()).toBe('done')
  })

  test('ends where somebody else changes a template on the way, and another one may follow', async () => {
    const { bellows, run, shop } = await started({
      fault: (image) => (image.endsWith(':2') ? 'hang' : undefined),
    })
    const rolling = rolled(bellows, run, '2')
    await expect.poll(() => imageOf(shop)).toBe('registry/shop:2')
    const containers = [{ name: 'app', image: 'registry/shop:7' }]
    const metadata = { labels: { 'bellows/version': '7' } }
    shop.store.patch('Deployment', 'shop', STRATEGIC, {
      spec: { template: { metadata, spec: { containers } } },
    })
    expect(await rolling).toMatch(
      /^The rollout of "2" was abandoned: somebody else changed the Deployment "shop"/,
    )
    expect(imageOf(shop)).toBe('registry/shop:7')
    expect(await rolled(bellows, run, '3')).toBe('done')
  })

  test('that does not come up on its way back stands still, is looked at anew when resumed, and can be given up', async () => {
    let isBroken = false
    const { bellows, run, shop, resume } = await started({
      fault: (image) => (isBroken || image.endsWith(':2') ? 'crash' : undefined),
    })
    const rolling = rolled(bellows, run, '2')
    await expect.poll(() => imageOf(shop)).toBe('registry/shop:2')
    isBroken = true
    shop.store.patch('Deployment', 'shop', STRATEGIC, { spec: { replicas: 5 } })
    const stuck =
      /^The rollout of "2" is paused: .*"shop-2-.* is in CrashLoopBackOff.*"shop-1-.* is in CrashLoopBackOff/
    expect(await rolling).toMatch(stuck)
    expect(imageOf(shop)).toBe('registry/shop:1')
    expect(await rolled(bellows, run, '2'), 'until somebody says so').toMatch(stuck)
    await bellows.askRollout(run, 'resume')
    expect(await resume(), 'nothing is better').toMatch(stuck)
    await bellows.askRollout(run, 'abort')
    expect(await resume()).toMatch(/was abandoned: aborted by .* on the way back, after: /)
    isBroken = false
    for (const { metadata, status } of shop.store.list('Pod'))
      if (status?.containerStatuses?.some(({ state }) => state?.waiting !== undefined))
        shop.store.remove('Pod', metadata.name)
    expect(await rolled(bellows, run, '3')).toBe('done')
  })

  test('goes on when the connection to the database is lost and made again', async () => {
    const ready = await readyDatabase()
    const shop = await engineShop()
    const { cluster } = shop.kubernetes
    let applied = 0
    const cutting: typeof cluster = {
      ...cluster,
      apply: async (...given) => {
        const changed = await cluster.apply(...given)
        applied += 1
        if (applied > 1) return changed
        await ready.database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'bellows/faulty'`,
        )
        return changed
      },
    }
    const { bellows } = faultyBellows(
      ready.database.url,
      {},
      { kubernetes: { ...shop.kubernetes, cluster: cutting } },
    )
    cleanUp(() => bellows.close())
    expect(await rolled(bellows, ready.run, '2')).toBe('done')
    expect(applied, 'whether it was done is looked at').toBe(2)
    expect(shop.deployment()?.metadata.generation).toBe(2)
    const begun = await ready.database.query(
      `select from bellows.event where event #>> '{event,kind}' = 'rollout_started'`,
    )
    expect(begun).toHaveLength(1)
  })
})
