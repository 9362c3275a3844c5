import { describe, expect, test } from 'vitest'
import { testDatabase } from '../support/database.ts'
import { silentFor } from '../support/silent-for.ts'

const USERS = 'create table users (id int primary key, name text)'
const ACTOR = { user: 'ana', host: 'laptop', tool: 'bellows/test' }
const WEB = {
  instance: 'web-1',
  application: 'shop',
  version: '2.2.0',
  host: 'node-3',
  uses: ['users.name', 'users.*'],
  leaseMs: 60_000,
} as const

async function registered() {
  const database = await testDatabase(USERS)
  const bellows = await database.bellows({ actor: ACTOR })
  await bellows.instances.register(WEB)
  return { database, bellows }
}

describe('an instance that somebody releases by hand', () => {
  test('is not while its lease goes on, without a reason', async () => {
    const { bellows } = await registered()
    for (const reason of [undefined, ' '])
      await expect(bellows.instances.releaseByHand('web-1', reason)).rejects.toMatchObject({
        code: 'config_invalid',
        message: expect.stringMatching(/^The instance "web-1" is there: its lease goes on until 20/),
        hint: 'Stop it, or say why it is gone all the same: bellows instances release web-1 --reason "<why>"',
      })
    expect(await bellows.instances.list()).toMatchObject([{ state: 'live' }])
    expect(await bellows.audit()).toEqual([])
  })

  test('leaves who it was, why, and what the lease looked like, in the same transaction', async () => {
    const { database, bellows } = await registered()
    expect(await bellows.instances.releaseByHand('web-1', 'its machine burned down')).toBe(true)
    expect(await bellows.instances.list()).toMatchObject([{ state: 'released' }])
    expect(await bellows.audit()).toEqual([
      {
        at: expect.stringMatching(/^20/),
        role: 'postgres',
        actor: ACTOR,
        instance: 'web-1',
        reason: 'its machine burned down',
        lease: {
          state: 'live',
          application: 'shop',
          version: '2.2.0',
          host: 'node-3',
          role: 'postgres',
          lease_ms: 60_000,
          registered_at: expect.any(String),
          renewed_at: expect.any(String),
          over_at: expect.any(String),
          uses: ['public.users.*', 'public.users.name'],
        },
      },
    ])
    const [one] = await database.query(
      'select i.xmin = r.xmin as same from bellows.instance i, bellows.released_by_hand r',
    )
    expect(one).toEqual({ same: true })
    await expect(database.query('delete from bellows.released_by_hand')).rejects.toThrow(/append-only/)
  })

  test('needs no reason where its lease is over, and is on record all the same', async () => {
    const { database, bellows } = await registered()
    await silentFor(database, '2 minutes')
    expect(await bellows.instances.releaseByHand('web-1')).toBe(true)
    expect(await bellows.audit()).toMatchObject([{ reason: null, lease: { state: 'silent' } }])
  })

  test('leaves nothing where there is none, or it has said so itself', async () => {
    const { bellows } = await registered()
    await bellows.instances.release('web-1')
    expect(await bellows.instances.releaseByHand('web-1', 'gone')).toBe(false)
    expect(await bellows.instances.releaseByHand('web-2', 'gone')).toBe(false)
    expect(await bellows.audit()).toEqual([])
  })

  test('is released by nobody who does not own the journal', async () => {
    const { database } = await registered()
    await database.query('set role pg_monitor')
    await expect(database.query(`select bellows.release_by_hand('web-1', 'x', '{}')`)).rejects.toThrow(
      /permission denied/,
    )
  })
})
