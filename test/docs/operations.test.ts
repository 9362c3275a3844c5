import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { readMigrations } from '../../src/adapters/files/read-migrations.ts'
import { workplace } from '../support/cli.ts'
import { cleanUp, testDatabase } from '../support/database.ts'
import { type Block, blocksIn } from '../support/page.ts'

const DOCS = path.resolve(import.meta.dirname, '../../docs')
const SCHEMA = readFileSync(path.join(DOCS, 'example-schema.sql'), 'utf8')
const PAGES = readdirSync(path.join(DOCS, 'operations')).map((file) => path.basename(file, '.md'))

/** No instance is there, as for somebody who tries the example. */
const GATE = { whenNoneRegistered: 'allow', unregistered: 'allow', reason: 'an example' } as const

test.for(PAGES)('the example of docs/operations/%s.md goes from plan to purge', async (page) => {
  const blocks = blocksIn(readFileSync(path.join(DOCS, 'operations', `${page}.md`), 'utf8'))
  const at = blocks.findIndex(isMigration)
  expect(at, 'the page has a whole migration, which begins with "operations:"').toBeGreaterThanOrEqual(0)
  const needs = blocks[at - 1]?.language === 'sql' ? blocks[at - 1]!.text : ''

  await rolesGoAfterwards(needs)
  const database = await testDatabase(SCHEMA, needs)
  const { folder, write } = await workplace()
  await write(`0001_${page}.yaml`, blocks[at]!.text)
  const [migration] = await readMigrations(folder)
  expect(migration?.operations.map(({ kind }) => kind)).toContain(page.replaceAll('-', '_'))

  const bellows = await database.bellows({ settings: { gate: GATE } })
  expect((await bellows.plan(migration!)).steps).not.toEqual([])
  const run = await bellows.change((driver) => driver.advance(migration!, 'purge'))
  expect(run.state).toBe('completed')
  expect((await bellows.drift()).differences).toEqual([])
})

function isMigration({ language, text }: Block): boolean {
  return language === 'yaml' && text.startsWith('operations:\n')
}

/** A role is not of one database, so it outlives that of the test. */
async function rolesGoAfterwards(sql: string): Promise<void> {
  for (const [, role] of sql.matchAll(/^create role (\w+)/gm)) {
    const server = await testDatabase()
    cleanUp(async () => void (await server.query(`drop role if exists ${role}`)))
  }
}
