import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import { cleanUp, testDatabase } from '../support/database.ts'

const TABLE = `create table "Users" (id bigint primary key, name text not null, said text);
  insert into "Users" select i, 'user ' || i from generate_series(1, 10) i; create type mood as enum ('ok')`
const on = { namespace: 'public' } as const
const select = { ...on, on: '"Users"', privileges: ['select'] } as const
const give = (role: string): Operation => ({ kind: 'grant', ...select, to: [role] })
const take = (role: string): Operation => ({ kind: 'revoke', ...select, from: [role] })

/** Something that is left to do in the purge, so that there is a way back until then. */
const LATER: Operation = { kind: 'drop_object', ...on, object: 'type mood' }

describe('revoke', () => {
  test('lets a role read no more, until it is taken back', async () => {
    const role = `reader_${process.pid}`
    const database = await testDatabase(TABLE, `create role ${role} login`)
    cleanUp(async () => {
      await database.query(`drop owned by ${role} cascade; drop role ${role}`)
    })
    const bellows = await database.bellows({
      settings: {
        gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
      },
    })
    const reader = await database.session('reader', role)
    const reads = async (what: string) =>
      reader.query(`select ${what} from "Users" limit 1`).then(
        () => true,
        () => false,
      )
    const giving = { name: '0001_give', operations: [give(role)] }
    await bellows.change((driver) => driver.advance(giving, 'purge'))
    expect(await reads('said')).toBe(true)
    await database.query(`grant select (name) on "Users" to ${role}`)

    const taking = { name: '0002_take', operations: [take(role), LATER] }
    await bellows.change((driver) => driver.advance(taking, 'verify'))
    expect(await reads('said')).toBe(true)
    const { id } = await bellows.change((driver) => driver.advance(taking, 'retire'))
    expect([await reads('said'), await reads('name')]).toEqual([false, true])
    await bellows.change((driver) => driver.undo(id))
    expect([await reads('said'), await reads('name')]).toEqual([true, true])
    await bellows.change((driver) => driver.advance(taking, 'purge'))
    expect([await reads('said'), await reads('name')]).toEqual([false, true])
  })
})
