import { expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from '../../src/config.ts'
import type { Sql } from '../../src/core/sql.ts'
import { readLockingOnStandbys, readStandbys } from '../../src/engine/on-standbys.ts'

const OF = { table: { namespace: 'public', name: 'users' }, column: 'name' }

test.each(['client_sessions', 'old_transactions', 'pg_replication_slots'])(
  'a standby that does not answer one question is not known at all: %s',
  async (question) => {
    const standby = {
      name: 'replica',
      read: (query: Sql) =>
        query.includes(question) ? Promise.reject(new Error('lost')) : Promise.resolve([]),
      close: () => Promise.resolve(),
    }
    expect(await readStandbys({ standbys: [standby], settings: DEFAULT_SETTINGS }, OF)).toEqual([
      { standby: 'replica', why: 'lost' },
    ])
  },
)

test('whoever waits for transactions asks a standby nothing else, and one that does not answer has none for now', async () => {
  const asked: Sql[] = []
  const locking = { pid: 7, holds: true }
  const standby = (name: string, answer: () => Promise<readonly object[]>) => ({
    name,
    read: <Row>(query: Sql) => {
      asked.push(query)
      return answer() as Promise<readonly Row[]>
    },
    close: () => Promise.resolve(),
  })
  const standbys = [
    standby('replica', () => Promise.resolve([locking, { pid: 8, holds: false }])),
    standby('far', () => Promise.reject(new Error('lost'))),
  ]
  expect(await readLockingOnStandbys({ standbys, settings: DEFAULT_SETTINGS }, OF)).toEqual([
    { ...locking, standby: 'replica' },
  ])
  expect(asked).toHaveLength(2)
  expect(asked.every((query) => query.includes('old_transactions'))).toBe(true)
})
