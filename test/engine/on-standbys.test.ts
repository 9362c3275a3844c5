import { expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from '../../src/config.ts'
import type { Sql } from '../../src/core/sql.ts'
import { readStandbys } from '../../src/engine/on-standbys.ts'

test.each(['client_sessions', 'old_transactions', 'pg_replication_slots'])(
  'a standby that does not answer one question is not known at all: %s',
  async (question) => {
    const standby = {
      name: 'replica',
      read: (query: Sql) =>
        query.includes(question) ? Promise.reject(new Error('lost')) : Promise.resolve([]),
      close: () => Promise.resolve(),
    }
    const of = { table: { namespace: 'public', name: 'users' }, column: 'name' }
    expect(await readStandbys({ standbys: [standby], settings: DEFAULT_SETTINGS }, of)).toEqual([
      { standby: 'replica', why: 'lost' },
    ])
  },
)
