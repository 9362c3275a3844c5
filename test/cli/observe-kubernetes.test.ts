import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { putPod, SHOP } from '../support/kubernetes/objects.ts'
import { saidBy, shopPlace } from '../support/kubernetes/shop-place.ts'

const TO_2 = ['0001_rename', '--to', '2'] as const

/** What a Job of the examples runs, of the migration that is here instead of the one in the guide. */
async function argumentsOf(example: string): Promise<readonly string[]> {
  const file = path.resolve(import.meta.dirname, '../../examples/kubernetes', example)
  const [program, ...args] = parse(await readFile(file, 'utf8')).spec.template.spec.containers[0].args
  expect([program, ...args]).toEqual(expect.arrayContaining(['bellows', '0001_rename_user_name']))
  return args.map((argument: string) => argument.replace('_user_name', ''))
}

/** Pods that somebody has told to end, and that take their time. */
const FOR_EVER = 1_000_000

describe('bellows deploy, which observes Kubernetes', () => {
  test('waits until somebody else has brought the version in, also after it was killed, and changes nothing', async () => {
    const shop = await shopPlace({ mode: 'observe', endSteps: 20 })
    const { place, database, confirm } = shop
    const first = place.start('deploy', ...TO_2, ...confirm)
    await saidBy(first, 'waiting: the template of the Deployment "shop" has version 1')
    first.child.kill('SIGKILL')
    await first.ended
    const second = place.start('deploy', ...TO_2, ...confirm)
    await saidBy(second, 'waiting: the template of the Deployment "shop" has version 1')
    shop.bringIn('2')
    const ran = await second.ended
    expect(ran, ran.err).toMatchObject({ code: 0, out: expect.stringContaining('completed') })
    expect(ran.err).toMatch(/will change no workload, and wait until "2" is in:[\s\S]*no old pod is left/)
    expect(shop.patches()).toEqual([])
    const columns = await database.query(
      `select attname from pg_attribute where attrelid = 'users'::regclass and attnum > 0 and not attisdropped and attname = 'name'`,
    )
    expect(columns).toEqual([])
    const begun = await database.query(
      `select 1 from bellows.event where event #>> '{event,kind}' = 'rollout_started'`,
    )
    expect(begun).toHaveLength(1)
  })

  test('waits no longer than it was told to, until it is interrupted, or until somebody gives it up', async () => {
    const shop = await shopPlace({ mode: 'observe' })
    const { place, confirm } = shop
    expect(await place.run('deploy', ...TO_2, ...confirm, '--rollout-timeout', '1s')).toMatchObject({
      code: 5,
      err: expect.stringMatching(
        /The rollout of "2" is not over yet: the template of the Deployment "shop" has version 1\.[\s\S]*deploy resume/,
      ),
    })
    expect(await place.run('deploy', 'rollout', '0001_rename', '--to', '3')).toMatchObject({
      code: 3,
      err: expect.stringContaining('The rollout of "2" is not over'),
    })
    const interrupted = place.start('deploy', 'resume')
    await saidBy(interrupted, 'waiting: ')
    interrupted.child.kill('SIGINT')
    expect(await interrupted.ended).toMatchObject({
      code: 130,
      err: expect.stringContaining('the cluster goes on by itself'),
    })
    expect(await place.run('deploy', 'abort')).toMatchObject({
      code: 0,
      out: 'The rollout of "2" for 0001_rename is abandoned.\n',
    })
    expect(shop.patches()).toEqual([])
  })

  test.each([503, 403])('goes on waiting while the cluster answers with %i', async (status) => {
    const shop = await shopPlace({ mode: 'observe' })
    const { place, stub, confirm } = shop
    const isLook = ({ path }: { readonly path: string }) => path.endsWith('/deployments/shop')
    const deploy = place.start('deploy', ...TO_2, ...confirm)
    await saidBy(deploy, 'waiting: the template')
    stub.script(isLook, ...Array.from({ length: 6 }, () => ({ status })))
    shop.bringIn('2')
    const ran = await deploy.ended
    expect(ran, ran.err).toMatchObject({ code: 0 })
  })
})

describe('the gate, where a cluster is known', () => {
  test('is told which version is to stay, and is red until the last pod of another one has ended', async () => {
    const shop = await shopPlace({ mode: 'observe', endSteps: FOR_EVER })
    const { place, stub, database } = shop
    for (const phase of ['expand', 'backfill', 'verify']) await place.run(phase, '0001_rename')
    const gate = async (...more: readonly string[]) => {
      const { out, code } = await place.run('gate', 'explain', '--json', ...more)
      const { gates } = JSON.parse(out) as {
        gates: { checks: { check: string; state: string; because: string[]; offenders: object[] }[] }[]
      }
      return { code, inventory: gates[0]?.checks.find(({ check }) => check === 'inventory') }
    }
    // All of it is of one version, and nobody knows that this is the new one.
    expect(await gate()).toMatchObject({
      code: 5,
      inventory: {
        state: 'unknown',
        because: ['nobody has said which version of the application is to stay'],
      },
    })
    expect(await gate('--to', '2')).toMatchObject({
      code: 5,
      inventory: {
        state: 'red',
        because: expect.arrayContaining(['the Deployment "shop" would start pods of version 1']),
        offenders: expect.arrayContaining([
          {
            who: 'the Deployment "shop"',
            version: '1',
            fix: 'bring version 2 into it: bellows deploy rollout --to 2',
          },
        ]),
      },
    })
    shop.bringIn('2')
    await expect.poll(() => shop.pods(), { timeout: 20_000 }).toEqual({ 1: 3, 2: 3 })
    const wait = place.start('gate', 'wait', '--to', '2', '--timeout', '60s')
    await saidBy(wait, 'is ending')
    const [ending] = stub.store.list('Pod').filter(({ metadata }) => metadata.name.startsWith('shop-1'))
    expect(await gate('--to', '2')).toMatchObject({
      code: 5,
      inventory: {
        state: 'red',
        offenders: expect.arrayContaining([
          {
            who: `the pod "${ending?.metadata.name}"`,
            version: '1',
            host: ending?.spec.nodeName,
            firstSeen: ending?.metadata.creationTimestamp,
            fix: `wait until it has ended: kubectl wait --for=delete pod/${ending?.metadata.name} --timeout=10m`,
          },
        ]),
      },
    })
    expect(await place.run('contract', '--to', '2', '--confirm', database.name)).toMatchObject({
      code: 5,
      err: expect.stringMatching(/The contract waits: the pod .* of version 1 is ending/),
    })
    for (const { metadata } of stub.store.list('Pod'))
      if (metadata.name.startsWith('shop-1')) stub.store.remove('Pod', metadata.name)
    const opened = await wait.ended
    expect(opened, opened.err).toMatchObject({ code: 0 })

    stub.accept = ({ path }) => !path.endsWith('/pods')
    const blind = await gate('--to', '2')
    expect(blind).toMatchObject({ code: 5, inventory: { state: 'unknown' } })
    stub.accept = undefined

    putPod(stub.store, 'console', '1')
    expect(await gate('--to', '2')).toMatchObject({
      code: 5,
      inventory: { state: 'red', because: ['the pod "console" of version 1 is running'] },
    })
    stub.store.remove('Pod', 'console')
    expect(await gate('--to', '2')).toMatchObject({ code: 0, inventory: { state: 'green' } })
    const ran = await place.run('contract', '--to', '2', '--confirm', database.name)
    expect(ran, ran.err).toMatchObject({ code: 0, out: expect.stringContaining('completed') })
  })

  test('is what the Jobs of the examples wait for, before and behind a sync, and later again', async () => {
    const shop = await shopPlace({ mode: 'observe' })
    const { place, database } = shop
    const preSync = await argumentsOf('argo-pre-sync.yaml')
    const postSync = await argumentsOf('argo-post-sync.yaml')
    expect(await place.run(...preSync)).toMatchObject({ code: 0 })
    const waiting = place.start(...postSync)
    await saidBy(waiting, 'would start pods of version 1')
    shop.bringIn('2')
    const opened = await waiting.ended
    expect(opened, opened.err).toMatchObject({ code: 0 })
    const ran = await place.run('contract', '0001_rename', '--to', '2', '--confirm', database.name)
    expect(ran, ran.err).toMatchObject({ code: 0 })
    for (const again of [preSync, postSync]) expect(await place.run(...again)).toMatchObject({ code: 0 })
    expect(shop.patches()).toEqual([])
  })

  test('needs no cluster for what asks none, and does not take "not reached" for "nothing left"', async () => {
    const { place, deployBy } = await shopPlace()
    await deployBy({ kubernetes: { mode: 'drive', context: 'elsewhere', workloads: [SHOP] } })
    for (const phase of ['expand', 'backfill', 'verify'])
      expect((await place.run(phase, '0001_rename')).code, phase).toBe(0)
    expect(await place.run('deploy', 'rollout', '0001_rename', '--to', '2')).toMatchObject({
      code: 64,
      err: expect.stringContaining('"elsewhere"'),
    })
    expect(await place.run('gate', '--to', '2')).toMatchObject({
      code: 5,
      out: expect.stringMatching(/inventory +unknown +.*"elsewhere"/),
    })
    expect(await place.run('deploy', '0002_add', '--to', '2', '--no-contract')).toMatchObject({ code: 64 })
    const { out } = await place.run('status', '--json')
    expect(JSON.parse(out).migrations, 'nothing is begun that could not be rolled out').toContainEqual(
      expect.objectContaining({ migration: '0002_add', state: 'pending' }),
    )
  })
})
