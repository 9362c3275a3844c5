import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { testDatabase } from '../support/database.ts'

const PAGE = readFileSync(path.resolve(import.meta.dirname, '../../docs/instances.md'), 'utf8')

test('the three SQL calls work as docs/instances.md shows them', async () => {
  const calls = /```sql\n(.*?)```/s.exec(PAGE)?.[1]?.match(/select [^;]+;/g) ?? []
  expect(calls).toHaveLength(3)
  const database = await testDatabase('create table users (id int primary key, name text)')
  const { install, instances } = await database.bellows()
  await install()
  const states: unknown[] = []
  for (const call of calls) {
    await database.query(call)
    states.push(...(await instances.list()).map(({ state, uses }) => [state, uses]))
  }
  expect(states).toEqual([
    ['live', ['users.name']],
    ['live', ['users.name']],
    ['released', ['users.name']],
  ])
})
