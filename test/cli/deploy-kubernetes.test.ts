import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { TestDatabase } from '../support/database.ts'
import { SHOP } from '../support/kubernetes/objects.ts'
import { bad, WORKER } from '../support/kubernetes/roll.ts'
import { saidBy, shopPlace } from '../support/kubernetes/shop-place.ts'
import type { Fault } from '../support/kubernetes/world.ts'

const columns = async (database: TestDatabase) =>
  (
    await database.query<{ name: string }>(
      `select attname as name from pg_attribute where attrelid = 'users'::regclass and attnum > 0 and not attisdropped order by attnum`,
    )
  ).map(({ name }) => name)

const happened = async (database: TestDatabase) =>
  (
    await database.query<{ what: string }>(
      `select coalesce(event #>> '{event,event,type}', event #>> '{event,kind}') as what from bellows.event where event ->> 'type' = 'rollout' order by seq`,
    )
  ).map(({ what }) => what)

const TO_2 = ['0001_rename', '--to', '2'] as const
const DROPPED = ['id', 'full_name']

describe('bellows deploy, which drives Kubernetes', () => {
  test('takes a migration and a version from expand to contract, one workload after the other', async () => {
    const shop = await shopPlace({ workloads: [SHOP, WORKER], endSteps: 20 })
    const { place, database, confirm } = shop
    const ran = await place.run('deploy', ...TO_2, ...confirm)
    expect(ran, ran.err).toMatchObject({ code: 0, out: expect.stringContaining('completed') })
    expect(ran.err).toMatch(
      /will bring "2" into[\s\S]*Deployment "shop" \(now 1\)[\s\S]*verify: done[\s\S]*"shop" gets version 2[\s\S]*"worker" gets version 2[\s\S]*no old pod/,
    )
    expect(shop.pods()).toEqual({ 2: 6 })
    expect(shop.patches()).toHaveLength(2)
    expect(await columns(database)).toEqual(DROPPED)
    const each = ['workload_saved', 'workload_changed', 'workload_rolled']
    expect(await happened(database)).toEqual(['rollout_started', ...each, ...each, 'ended'])

    const status = await place.run('deploy', 'status', '0001_rename')
    expect(status).toMatchObject({ code: 0, out: expect.stringContaining('the rollout of "2" is done') })
    expect(status.out.match(/running, ready/g)).toHaveLength(6)
    expect(await place.run('deploy', 'rollout', '0001_rename', '--to', '1')).toMatchObject({
      code: 3,
      err: expect.stringContaining('"1" cannot be rolled out'),
    })
  })

  test('killed in the middle of it goes on: nothing is changed twice, and what was kept stays', async () => {
    let fault: Fault | undefined = 'hang'
    const shop = await shopPlace({ fault: (image) => (image.endsWith(':2') ? fault : undefined) })
    const { place, database, confirm } = shop
    const first = place.start('deploy', ...TO_2, ...confirm)
    await saidBy(first, 'gets version 2')
    first.child.kill('SIGKILL')
    await first.ended
    const other = await place.run('deploy', '0001_rename', '--to', '3', ...confirm)
    expect(other, other.err).toMatchObject({
      code: 3,
      err: expect.stringContaining('The rollout of "2" is not over.'),
    })
    await shop.deployBy({ kubernetes: { mode: 'observe', workloads: [SHOP] } })
    expect(await place.run('deploy', ...TO_2, ...confirm)).toMatchObject({
      code: 3,
      err: expect.stringContaining('was begun in the mode "drive"'),
    })
    await shop.deployBy({ command: { roles: { web: 1 }, start: 'true', stop: 'true', fleet: 'echo []' } })
    expect(await place.run('deploy', ...TO_2, ...confirm)).toMatchObject({
      code: 3,
      err: expect.stringContaining('The rollout of "2" is not over.'),
    })
    expect(await place.run('deploy', 'resume')).toMatchObject({
      code: 64,
      err: expect.stringContaining('is one of workloads of a cluster'),
    })
    await shop.deployBy({ kubernetes: { mode: 'drive', workloads: [SHOP] } })
    fault = undefined
    const last = await place.run('deploy', ...TO_2, ...confirm)
    expect(last, last.err).toMatchObject({ code: 0 })
    expect(shop.patches()).toHaveLength(1)
    expect(await happened(database)).toEqual([
      'rollout_started',
      'workload_saved',
      'workload_changed',
      'asked',
      'workload_rolled',
      'ended',
    ])
    const [kept] = await database.query<{ kept: string }>(
      `select event #> '{event,event,saved}' as kept from bellows.event where event #>> '{event,event,type}' = 'workload_saved'`,
    )
    expect(JSON.stringify(kept)).toContain('registry/shop:1')
    expect(await columns(database)).toEqual(DROPPED)
  })

  test('puts the kept template back when the new version crashes, says why, and drops nothing', async () => {
    const shop = await shopPlace({ fault: bad('crash'), workloads: [SHOP, WORKER] })
    const { place, database, confirm } = shop
    const failed = await place.run('deploy', ...TO_2, ...confirm)
    expect(failed, failed.err).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /The rollout of "2" was taken back: .* is in CrashLoopBackOff: .*; the Deployment "shop" has version 1 everywhere\./,
      ),
    })
    expect(shop.image()).toBe('registry/shop:1')
    expect(shop.pods()).toEqual({ 1: 6 })
    expect(await columns(database)).toContain('name')
    const { out } = await place.run('deploy', 'status', '--json')
    expect(JSON.parse(out)).toMatchObject({
      version: 1,
      rollout: { version: '2', outcome: 'rolled_back', direction: 'back' },
    })
    // Another one may follow.
    const next = await place.run('deploy', '0001_rename', '--to', '4', ...confirm)
    expect(next, next.err).toMatchObject({ code: 0 })
  })

  test('is taken back when somebody asks for that, by whoever drives it, or by this command', async () => {
    const shop = await shopPlace({ fault: bad('hang') })
    const { place, confirm } = shop
    for (const isKilled of [false, true]) {
      const deploy = place.start('deploy', ...TO_2, ...confirm)
      await saidBy(deploy, 'gets version 2')
      if (isKilled) {
        deploy.child.kill('SIGKILL')
        await deploy.ended
        // The one who was killed still counts as the driver until its session is gone.
        await expect
          .poll(() => place.run('deploy', 'abort').then(({ out, err }) => out + err), { interval: 500 })
          .toContain('The rollout of "2" for 0001_rename is rolled back.')
      } else {
        expect(await place.run('deploy', 'abort')).toMatchObject({
          code: 0,
          out: expect.stringMatching(/^Asked .* to abort the rollout of 0001_rename\.$/m),
        })
        const ended = await deploy.ended
        expect(ended, ended.err).toMatchObject({
          code: 1,
          err: expect.stringContaining('The rollout of "2" was taken back: aborted by '),
        })
      }
      expect(shop.image()).toBe('registry/shop:1')
    }
  })

  test('stops when somebody asks for that, stays stopped, and goes on when it is resumed', async () => {
    let fault: Fault | undefined = 'hang'
    const shop = await shopPlace({ fault: (image) => (image.endsWith(':2') ? fault : undefined) })
    const { place, database, confirm } = shop
    const deploy = place.start('deploy', ...TO_2, ...confirm)
    await saidBy(deploy, 'gets version 2')
    const second = await place.run('deploy', ...TO_2, ...confirm, '--wait', '300')
    expect(second, second.err).toMatchObject({ code: 5, err: expect.stringContaining('driver_busy') })
    await place.run('deploy', 'pause')
    const paused = {
      code: 5,
      err: expect.stringMatching(/The rollout of "2" is paused: paused by .*\.[\s\S]*deploy resume/),
    }
    expect(await deploy.ended).toMatchObject(paused)
    expect(await place.run('deploy', ...TO_2, ...confirm)).toMatchObject(paused)
    expect(shop.image()).toBe('registry/shop:2')
    expect((await place.run('deploy', 'status')).out).toMatch(
      /is paused: paused by [\s\S]*\nnext: bellows deploy resume 0001_rename, or/,
    )
    fault = undefined
    const resumed = await place.run('deploy', 'resume')
    expect(resumed, resumed.err).toMatchObject({
      code: 0,
      out: 'The rollout of "2" for 0001_rename is done.\n',
    })
    expect(shop.patches()).toHaveLength(1)
    expect(await columns(database)).toContain('name')
  })

  test('tells whoever is to hear how it ended, also that a rollback failed, and fails with none of that', async () => {
    let isAllBroken = false
    const shop = await shopPlace({
      fault: (image) => (isAllBroken || image.endsWith(':2') ? 'crash' : undefined),
    })
    const { place, confirm, database } = shop
    const kubernetes = { mode: 'drive', workloads: [SHOP] }
    const notify =
      'echo "$BELLOWS_OUTCOME $BELLOWS_DIRECTION $BELLOWS_VERSION $BELLOWS_DATABASE: $BELLOWS_BECAUSE" >> told'
    await shop.deployBy({ kubernetes, notify })
    expect(await place.run('deploy', ...TO_2, ...confirm)).toMatchObject({ code: 1 })
    const failing = place.start('deploy', ...TO_2, ...confirm)
    await saidBy(failing, 'gets version 2')
    isAllBroken = true
    expect(await failing.ended).toMatchObject({ code: 5 })
    isAllBroken = false
    expect(await place.run('deploy', 'abort')).toMatchObject({ code: 0 })
    await shop.deployBy({ kubernetes, notify: `${notify}; echo no route; exit 3` })
    const good = await place.run('deploy', '0001_rename', '--to', '3', ...confirm)
    expect(good, good.err).toMatchObject({
      code: 0,
      err: expect.stringContaining(
        'Nobody was told: the command for "notify" ended with exit code 3: no route.',
      ),
    })
    expect((await readFile(path.join(place.folder, 'told'), 'utf8')).trimEnd().split('\n')).toEqual([
      expect.stringMatching(new RegExp(`^rolled_back back 2 ${database.name}: .*CrashLoopBackOff`)),
      expect.stringMatching(/^paused back 2 .*: .*"shop-1-.* is in CrashLoopBackOff/),
      expect.stringMatching(/^abandoned back 2 /),
      expect.stringMatching(/^done forward 3 .*: the Deployment "shop" is rolled$/),
    ])
  })

  test('refuses what would not roll, and what is not there, before anything is written', async () => {
    const shop = await shopPlace()
    const { place, stub, database } = shop
    for (const phase of ['expand', 'backfill', 'verify']) await place.run(phase, '0001_rename')
    const rollout = (version = '2') => place.run('deploy', 'rollout', '0001_rename', '--to', version)
    expect(await rollout('v 2')).toMatchObject({ code: 64, err: expect.stringContaining('can be no label') })
    stub.store.merge('Deployment', 'shop', { spec: { paused: true } })
    expect(await rollout()).toMatchObject({
      code: 1,
      err: expect.stringContaining('it is paused: kubectl rollout resume deployment shop'),
    })
    stub.store.remove('Deployment', 'shop')
    expect(await rollout()).toMatchObject({ code: 1, err: expect.stringContaining('cluster_refused') })
    expect(await happened(database)).toEqual([])
    expect(shop.patches()).toEqual([])
  })

  test('puts nothing back that a contract has made too old', async () => {
    const shop = await shopPlace({ fault: (image) => (image.endsWith(':3') ? 'crash' : undefined) })
    const { place, confirm } = shop
    const first = await place.run('deploy', ...TO_2, ...confirm)
    expect(first, first.err).toMatchObject({ code: 0 })
    // Somebody goes back with kubectl; the database cannot serve that version any more.
    shop.bringIn('1')
    await expect.poll(() => shop.pods()).toEqual({ 1: 3 })
    const failed = await place.run('deploy', '0002_add', '--to', '3', ...confirm)
    expect(failed, failed.err).toMatchObject({
      code: 5,
      err: expect.stringMatching(
        /The rollout of "3" is paused: .*CrashLoopBackOff.*; "1" cannot be brought back: it was replaced before the contract of "0001_rename"/,
      ),
    })
    expect(shop.image()).toBe('registry/shop:3')
    const aborted = await place.run('deploy', 'abort', '0002_add')
    expect(aborted, aborted.err).toMatchObject({ code: 0, out: expect.stringContaining('is abandoned') })
    expect(shop.image()).toBe('registry/shop:3')
    const next = await place.run('deploy', '0002_add', '--to', '4', ...confirm)
    expect(next, next.err).toMatchObject({ code: 0 })

    const { out } = await place.run('deploy', 'history')
    expect(out.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^\S+ \S+ {2}4 +0002_add {2}done in \S/),
      expect.stringMatching(/^\S+ \S+ {2}3 +0002_add {2}abandoned in .*: aborted by /),
      expect.stringMatching(/^\S+ \S+ {2}2 +0001_rename {2}done in /),
    ])
    const last = JSON.parse((await place.run('deploy', 'history', '--last', '1', '--json')).out)
    expect(last.deployments).toMatchObject([
      { version: '4', migration: '0002_add', ended: { outcome: 'done' } },
    ])
  })
})
