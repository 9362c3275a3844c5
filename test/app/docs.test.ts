import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
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

test.skipIf(spawnSync('psql', ['--version']).status !== 0)('so does the job in a shell', async () => {
  const job = /```sh\n(.*?)```/s.exec(PAGE)?.[1] ?? ''
  const database = await testDatabase('create table users (id int primary key, name text)')
  const { install, instances } = await database.bellows()
  await install()
  const env = { ...process.env, DATABASE_URL: database.url }
  const look = `psql "$DATABASE_URL" -Atc "select application_name, released_at is null from bellows.instance"`
  const { stdout } = await promisify(execFile)('sh', ['-c', `${job}\n${look}`], { env })
  expect(stdout).toContain('nightly|t')
  expect(await instances.list()).toMatchObject([{ instance: 'nightly', state: 'released' }])
  await database.query('drop table users')
  await expect(promisify(execFile)('sh', ['-c', `${job}\n${look}`], { env })).rejects.toThrow(
    'does not exist',
  )
})
