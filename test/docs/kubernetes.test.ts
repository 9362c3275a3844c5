import { expect, test } from 'vitest'
import { parse } from 'yaml'
import type { Ran } from '../support/cli.ts'
import { type ShopPlace, saidBy, shopPlace } from '../support/kubernetes/shop-place.ts'
import { bellowsCalls, blocksOf, filledIn } from '../support/page.ts'

/** The folder of a walk, before anything of Bellows is in the database: the walk writes its own migration. */
async function begun(heading: string) {
  const blocks = blocksOf('rollout.md', heading)
  const [config] = blocks
  const shop = await shopPlace()
  await shop.place.remove('migrations')
  await shop.deployBy(parse(config?.text ?? '').deploy)
  const calls = blocks.filter(({ language }) => language === 'sh').flatMap(bellowsCalls)
  const printed = blocks.find(({ language }) => language === 'text')?.text ?? ''
  return { shop, calls, printed }
}

async function done({ place, database }: ShopPlace, args: readonly string[]): Promise<Ran> {
  const ran = await place.run(...args.map((arg) => filledIn(arg, database)))
  expect(ran, `${args.join(' ')}\n${ran.err}`).toMatchObject({ code: 0 })
  return ran
}

const names = async ({ database }: ShopPlace) =>
  (
    await database.query<{ name: string }>(
      `select attname as name from pg_attribute where attrelid = 'users'::regclass and attnum > 0 and not attisdropped order by 1`,
    )
  ).map(({ name }) => name)

const podNames = ({ stub }: ShopPlace) => stub.store.list('Pod').map(({ metadata }) => metadata.name)

test('the walk with a pipeline leads where docs/rollout.md says', async () => {
  const { shop, calls, printed } = await begun('Kubernetes, with a pipeline')
  for (const args of calls) {
    const { err } = await done(shop, args)
    if (args[0] !== 'deploy') continue
    const said = err.split('\n')
    expect(
      printed
        .trimEnd()
        .split('\n')
        .filter((line) => !said.includes(line)),
    ).toEqual([])
  }
  expect(shop.image()).toBe('registry/shop:2')
  expect(shop.pods()).toEqual({ 2: 3 })
  expect(await names(shop)).toEqual(['full_name', 'id'])
  const deploy = calls.find(([command]) => command === 'deploy') ?? []
  const running = podNames(shop)
  await done(shop, deploy)
  expect(podNames(shop), 'what has the version stays').toEqual(running)
  await done(
    shop,
    deploy.map((arg) => (arg === '2' ? '3' : arg)),
  )
  expect(shop.image()).toBe('registry/shop:3')
})

test('the walk with GitOps leads where docs/rollout.md says', async () => {
  const { shop, calls } = await begun('Kubernetes, with GitOps')
  await done(shop, ['init', '--database', '"$DATABASE_URL"'])
  await done(shop, ['new', 'rename_user_name', '--rename', 'users.name:full_name'])
  expect(calls.map(([command]) => command)).toEqual(['verify', 'gate', 'contract'])
  const [verify = [], wait = [], contract = []] = calls
  await done(shop, verify)
  const waiting = shop.place.start(...wait)
  await saidBy(waiting, 'would start pods of version 1')
  shop.bringIn('2')
  const opened = await waiting.ended
  expect(opened, opened.err).toMatchObject({ code: 0 })
  await done(shop, contract)
  expect(shop.patches()).toEqual([])
  expect(await names(shop)).toEqual(['full_name', 'id'])
})
