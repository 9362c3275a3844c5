import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { Migration } from '../../src/core/operations/migration.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { testDatabase } from '../support/database.ts'
import { type FakeFleet, fakeFleet } from '../support/fake-deployer.ts'
import { MIGRATION, servingFleet, wish } from '../support/rollouts.ts'

const INDEX: Migration = {
  name: '0001_test',
  operations: [{ kind: 'drop_index', namespace: 'public', table: 'users', index: 'users_by_name' }],
}
const LATER: Migration = {
  name: '0002_later',
  operations: [
    {
      kind: 'add_column',
      namespace: 'public',
      table: 'orders',
      column: 'note',
      type: 'text',
      nullable: true,
    },
  ],
}
const UNNAMED = 'nobody has said which version of the application is to stay'

interface Given {
  readonly migration?: Migration
  readonly fleet?: FakeFleet
}

/** A gate that can ask the fleet to which versions were rolled out one after the other. */
async function rolledOut(
  versions: readonly string[],
  { migration = MIGRATION, fleet = servingFleet() }: Given = {},
) {
  const database = await testDatabase(
    'create table users (id int primary key, name text); create index users_by_name on users (name); create table orders (id int)',
  )
  const open = (more: SettingsChange['gate'] = {}) =>
    database.bellows({
      deployer: fleet.deployer,
      settings: { gate: { unregistered: 'allow', quietMs: 0, ...more } },
    })
  const bellows = await open()
  const { id } = await bellows.change((driver) => driver.advance(migration, 'verify'))
  for (const version of versions)
    await bellows.change((driver) => driver.rollOut(id, wish(version), fleet.deployer))
  return {
    bellows,
    fleet,
    open,
    contract: (one: Bellows) => one.change((driver) => driver.advance(migration, 'purge')),
  }
}

async function check(bellows: Bellows, name: GateCheck['check']): Promise<GateCheck | undefined> {
  const [run] = await bellows.runs()
  const [report] = run === undefined ? [] : await bellows.gates(run)
  return report?.checks.find((one) => one.check === name)
}

const inDoubt = (version: string) => ({
  state: 'unknown',
  because: [`${UNNAMED}: "${version}", which was rolled out last, may have run before the migration`],
  hint: expect.stringContaining('--to <version>'),
})

describe('the version that is to stay', () => {
  test('is the one that replaced another', async () => {
    const { bellows } = await rolledOut(['2'])
    expect(await check(bellows, 'inventory')).toMatchObject({ state: 'green' })
  })

  test('is not the one that came under its deployer first, but the one behind it', async () => {
    const fleet = fakeFleet({ lookMs: 1_000 })
    const first = await rolledOut(['2.3.0'], { fleet })
    expect(await check(first.bellows, 'inventory')).toMatchObject(inDoubt('2.3.0'))
    await first.bellows.instances.register({ instance: 'web-1', uses: ['users.id'] })
    await expect(first.contract(first.bellows)).rejects.toMatchObject({ code: 'gate_closed' })

    const named = await first.open({ version: '2.3.0' })
    expect(await check(named, 'inventory'), 'whoever says so is believed').toMatchObject({ state: 'green' })
    const [run] = await first.bellows.runs()
    await first.bellows.change((driver) => driver.rollOut(run?.id ?? 0, wish('2.4.0'), fleet.deployer))
    expect(await check(first.bellows, 'inventory')).toMatchObject({ state: 'green' })
    expect((await first.contract(first.bellows)).state).toBe('completed')
  })

  test('is not the one that was gone back to', async () => {
    const { bellows, open } = await rolledOut(['2', '1'])
    expect(await check(bellows, 'inventory')).toMatchObject(inDoubt('1'))
    expect(await check(await open({ version: '2' }), 'inventory')).toMatchObject({
      state: 'red',
      offenders: [{ version: '1' }, { version: '1' }, { version: '1' }],
    })
  })

  test('is the one that came in over it for a later migration, and not one that registered before', async () => {
    const { bellows, fleet } = await rolledOut(['2'])
    const later = await bellows.change((driver) => driver.advance(LATER, 'verify'))
    await bellows.instances.register({ instance: 'web-1', uses: [], version: '3' })
    await bellows.change((driver) => driver.rollOut(later.id, wish('3'), fleet.deployer))
    expect(await check(bellows, 'inventory')).toMatchObject({ state: 'green' })

    const known = await rolledOut([])
    await known.bellows.instances.register({ instance: 'web-1', uses: [], version: '3' })
    const [run] = await known.bellows.runs()
    const other = await known.bellows.change((driver) => driver.advance(LATER, 'verify'))
    const roll = (id: number, version: string) =>
      known.bellows.change((driver) => driver.rollOut(id, wish(version), known.fleet.deployer))
    await roll(run?.id ?? 0, '2')
    await roll(other.id, '3')
    expect(await check(known.bellows, 'inventory')).toMatchObject({
      state: 'red',
      offenders: [{ version: '3' }, { version: '3' }, { version: '3' }],
    })
  })

  test('is not known where a deployer is and nothing was rolled out', async () => {
    const { bellows, open } = await rolledOut([])
    expect(await check(bellows, 'inventory')).toMatchObject({ state: 'unknown', because: [UNNAMED] })
    expect((await check(await open({ version: '1' }), 'inventory'))?.state).toBe('green')
  })

  test.for([
    ['came under its deployer first', ['1'], fakeFleet({ lookMs: 1_000 })],
    ['was gone back to', ['2', '1'], servingFleet()],
  ] as const)('does without what nobody declares; not so one that %s', async ([, versions, fleet]) => {
    const { bellows, open, contract } = await rolledOut(versions, { migration: INDEX, fleet })
    await bellows.instances.register({ instance: 'web-1', uses: ['users.id'], version: '1' })
    expect(await check(bellows, 'leases')).toMatchObject({
      state: 'unknown',
      because: [expect.stringContaining(UNNAMED)],
    })
    await expect(contract(bellows)).rejects.toMatchObject({ code: 'instances_blocking' })
    expect(await check(await open({ version: '2' }), 'leases')).toMatchObject({ state: 'red' })
  })
})
