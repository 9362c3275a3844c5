import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { rename } from '../support/rename.ts'
import { aRole } from '../support/role.ts'

const MIGRATION = { name: '0001_test', operations: [rename()] } as const

async function verified(): Promise<{ database: TestDatabase; bellows: Bellows }> {
  const database = await testDatabase('create table users (id int primary key, name text not null)')
  const bellows = await database.bellows({ settings: { gate: { transactionsMs: 100 } } })
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  return { database, bellows }
}

/** A process that calls itself web-0, as each of a StatefulSet does in its turn. */
async function process(database: TestDatabase, column: string, role?: string): Promise<pg.Client> {
  const session = await database.session('shop/web-0', role)
  await session.query(
    `select bellows.register('web-0', array['users.${column}'], application_name => 'shop/web-0')`,
  )
  return session
}

async function check(bellows: Bellows, name: GateCheck['check']): Promise<GateCheck | undefined> {
  const [run] = await bellows.runs()
  const [report] = run === undefined ? [] : await bellows.gates(run)
  return report?.checks.find((one) => one.check === name)
}

describe('an id that the new version takes over', () => {
  test('does not vouch for what is left of the process before, released or not', async () => {
    const { database, bellows } = await verified()
    const before = await process(database, 'name')
    await process(database, 'full_name')

    const left = {
      state: 'red',
      because: [
        expect.stringMatching(/^the instance "web-0" was released, and its session \d+ is still there/),
      ],
      offenders: [{ application: 'shop/web-0' }],
    }
    expect(await check(bellows, 'sessions')).toMatchObject(left)
    await before.query(`select bellows.release('web-0')`)
    expect(await check(bellows, 'sessions')).toMatchObject(left)
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject({
      code: 'gate_closed',
    })

    await before.end()
    await expect
      .poll(async () => (await check(bellows, 'sessions'))?.state, { timeout: 20_000 })
      .toBe('green')
    expect(await bellows.instances.list()).toMatchObject([{ instance: 'web-0', uses: ['users.full_name'] }])
    expect((await bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).state).toBe('completed')
  })

  test('says when the process before was there last, which the quiet time counts from', async () => {
    const { database, bellows } = await verified()
    await (await process(database, 'name')).end()
    await process(database, 'full_name')
    const quiet = await database.bellows({ settings: { gate: { quietMs: 600_000 } } })
    await expect
      .poll(() => check(quiet, 'usage'), { timeout: 20_000 })
      .toMatchObject({
        state: 'red',
        because: [expect.stringContaining('an instance that had declared it was there until then')],
      })
    expect((await check(bellows, 'sessions'))?.state).toBe('green')
  })

  test('leaves the role of the process before on record as one of the old version', async () => {
    const { database, bellows } = await verified()
    const [old, renewed] = [await aRole(database), await aRole(database)]
    await database.query(`grant select, insert, update on users to ${old}, ${renewed}`)
    const before = await process(database, 'name', old)
    await process(database, 'full_name', renewed)
    await before.query(`set application_name = 'whatever'`)
    expect(await check(bellows, 'sessions')).toMatchObject({
      state: 'red',
      because: [expect.stringContaining(`log in as "${old}"`)],
    })
  })

  test('is one process where it registers anew with all that it used', async () => {
    const { database, bellows } = await verified()
    const session = await process(database, 'full_name')
    await session.query(
      `select bellows.register('web-0', array['users.id', 'users.full_name'], application_name => 'shop/web-0')`,
    )
    expect((await check(bellows, 'sessions'))?.state).toBe('green')
    expect(await database.query('select from bellows.instance')).toHaveLength(1)
  })
})
