import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { rename } from '../support/rename.ts'
import { aRole } from '../support/role.ts'

const MIGRATION = { name: '0001_test', operations: [rename()] } as const

/** A rename before its contract, and a login role for each version that may use the table. */
async function verified() {
  const database = await testDatabase(`create table users (id int primary key, name text not null)`)
  const bellows = await database.bellows({ settings: { gate: { transactionsMs: 100 } } })
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  const [old, renewed] = [await aRole(database), await aRole(database)]
  await database.query(`grant select, insert, update on users to ${old}, ${renewed}`)
  return { database, bellows, old, renewed }
}

/** As an instance does it, on a session of its own role and name. */
async function registered(
  database: TestDatabase,
  role: string,
  [instance, column]: readonly [string, string],
): Promise<pg.Client> {
  const session = await database.session(`shop/${instance}`, role)
  await session.query(
    `select bellows.register('${instance}', array['users.${column}'], application_name => 'shop/${instance}')`,
  )
  return session
}

async function sessions(bellows: Bellows): Promise<GateCheck | undefined> {
  const [run] = await bellows.runs()
  const [report] = run === undefined ? [] : await bellows.gates(run)
  return report?.checks.find(({ check }) => check === 'sessions')
}

const ofOldRole = (role: string) => ({
  state: 'red',
  because: [
    expect.stringMatching(
      new RegExp(
        `called "shop/new-1", is of the old version: only instances that use "users"."name" log in as "${role}"$`,
      ),
    ),
  ],
  offenders: [{ role, pid: expect.any(Number), fix: expect.stringContaining('pg_terminate_backend') }],
  hint: expect.stringContaining(`alter role "${role}" nologin`),
})

describe('a session of the role of the old version', () => {
  test('keeps the gate closed under the name of a new instance, until it ends', async () => {
    const { database, bellows, old, renewed } = await verified()
    const before = await registered(database, old, ['old-1', 'name'])
    await registered(database, renewed, ['new-1', 'full_name'])
    // The lease of one that is there says all; its session is not told twice.
    expect((await sessions(bellows))?.state).toBe('green')

    await before.query(`select bellows.release('old-1')`)
    await before.query(`set application_name = 'shop/new-1'`)
    expect(await sessions(bellows)).toMatchObject(ofOldRole(old))
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringContaining('is of the old version'),
    })

    await before.end()
    await expect.poll(async () => (await sessions(bellows))?.state, { timeout: 20_000 }).toBe('green')
    expect((await bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).state).toBe('completed')
  })

  test('does so, too, while its instance is silent, and when a client is declared by the name alone', async () => {
    const { database, bellows, old, renewed } = await verified()
    const before = await registered(database, old, ['old-1', 'name'])
    await registered(database, renewed, ['new-1', 'full_name'])
    await before.query(`set application_name = 'shop/new-1'`)
    await database.query(
      `update bellows.instance set renewed_at = now() - interval '1 hour' where instance = 'old-1'`,
    )
    expect(await sessions(bellows)).toMatchObject(ofOldRole(old))

    await bellows.clients.declare({ client: 'shop', applicationName: 'shop/new-1', owner: 'shop team' })
    expect((await sessions(bellows))?.state).toBe('red')
    await bellows.clients.declare({ client: 'shop', role: old, owner: 'shop team' })
    expect((await sessions(bellows))?.state).toBe('green')
  })
})

describe('a role that versions share', () => {
  test('says nothing of either: the names of the sessions decide', async () => {
    const { database, bellows, old } = await verified()
    const before = await registered(database, old, ['old-1', 'name'])
    const after = await registered(database, old, ['new-1', 'full_name'])
    await before.query(`select bellows.release('old-1')`)
    await before.query(`set application_name = 'shop/new-1'`)
    expect((await sessions(bellows))?.state).toBe('green')

    await after.query(`select bellows.release('new-1')`)
    expect((await sessions(bellows))?.state).toBe('green')
    await before.query(`set application_name = 'shop/old-1'`)
    expect((await sessions(bellows))?.because).toEqual([
      expect.stringContaining('the instance "old-1" was released, and its session'),
    ])
  })

  test('is one, too, when the other was there before and still is', async () => {
    const { database, bellows, old, renewed } = await verified()
    await registered(database, old, ['worker-1', 'id'])
    const before = await registered(database, old, ['old-1', 'name'])
    await registered(database, renewed, ['new-1', 'full_name'])
    await before.query(`select bellows.release('old-1')`)
    await before.query(`set application_name = 'shop/new-1'`)
    expect((await sessions(bellows))?.state).toBe('green')
  })

  test('is of the old version again when those of an earlier one are gone', async () => {
    const { database, bellows, old, renewed } = await verified()
    const earlier = await registered(database, old, ['earlier-1', 'id'])
    await earlier.query(`select bellows.release('earlier-1')`)
    const before = await registered(database, old, ['old-1', 'name'])
    await registered(database, renewed, ['new-1', 'full_name'])
    await before.query(`select bellows.release('old-1')`)
    await before.query(`set application_name = 'shop/new-1'`)
    await earlier.end()
    await expect.poll(async () => (await sessions(bellows))?.because.length).toBe(1)
    expect(await sessions(bellows)).toMatchObject(ofOldRole(old))
  })

  test('keeps nobody who is unknown from being told', async () => {
    const { database, bellows, renewed } = await verified()
    await registered(database, renewed, ['new-1', 'full_name'])
    await database.session('psql', renewed)
    expect(await sessions(bellows)).toMatchObject({
      state: 'red',
      because: [expect.stringContaining('called "psql", is of no registered instance')],
    })
  })
})
