import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { systemChecks } from '../../../src/adapters/checks/checks.ts'
import { runCommand } from '../../../src/adapters/command/run-command.ts'
import { postgresDatabase } from '../../../src/adapters/postgres/database.ts'
import { openSessions } from '../../../src/adapters/postgres/sessions.ts'
import type { Check } from '../../../src/core/rollout/rules.ts'
import type { Checks } from '../../../src/engine/ports.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../../support/database.ts'

const TIMEOUT_MS = 20_000

function checksOf({ url }: Pick<TestDatabase, 'url'>): Checks {
  const target = { url, application: 'test' }
  const sessions = openSessions(target)
  cleanUp(() => sessions.close())
  return systemChecks({ database: postgresDatabase(target, sessions), runCommand })
}

const asked = (checks: Checks, check: object, timeoutMs = TIMEOUT_MS) =>
  checks.ask({ name: 'it', ...check } as Check, timeoutMs)

/** A database where nobody is: no check here needs it. */
const NOWHERE = { url: 'postgres://nobody@127.0.0.1:1/none' }

describe('a query', () => {
  test('passes when it is true, fails when it is false, and cannot tell otherwise', async () => {
    const database = await testDatabase('create table orders (total int); insert into orders values (1), (2)')
    const checks = checksOf(database)
    const results = async (...queries: readonly string[]) => {
      const all = await Promise.all(queries.map((query) => asked(checks, { sql: query })))
      return all.map(({ outcome, because }) => `${outcome}: ${because}`)
    }

    expect(
      await results(
        'select count(*) = 2 from orders',
        'select bool_and(total > 1) from orders',
        'select bool_or(total > 9) from orders where total > 100',
        'true',
      ),
    ).toEqual([
      'pass: the query returns true',
      'fail: the query returns false',
      'unknown: the query returns null',
      'pass: the query returns true',
    ])
    expect(await results('select total > 0 from orders')).toEqual([
      'unknown: More than one row returned by a subquery used as an expression.',
    ])
    expect(await results('select 1, 2', "select 'perhaps'", 'select true from nowhere')).toEqual([
      'unknown: Subquery must return only one column.',
      'unknown: Invalid input syntax for type boolean: "perhaps".',
      'unknown: Relation "nowhere" does not exist.',
    ])
  })

  test.each([
    ["select nextval('counter') > 0", 'Cannot execute nextval() in a read-only transaction.'],
    ['select true; drop table orders', 'the query cannot be read: '],
    ['select true) as x; drop table orders; select (true', 'the query cannot be read: '],
    [
      'with gone as (delete from orders returning 1) select count(*) > 0 from gone',
      'must be at the top level',
    ],
    ['delete from orders', 'the query cannot be read: '],
    ['select change()', 'Cannot execute DELETE in a read-only transaction.'],
  ])('changes nothing: %s', async (query, because) => {
    const database = await testDatabase(`create table orders (total int); insert into orders values (1);
      create sequence counter;
      create function change() returns boolean language plpgsql as $$ begin delete from orders; return true; end $$`)
    const result = await asked(checksOf(database), { sql: query })
    expect(result).toMatchObject({ outcome: 'unknown', because: expect.stringContaining(because) })
    expect(await database.query('select total from orders')).toEqual([{ total: 1 }])
  })

  test('that takes too long cannot tell, and the next one can', async () => {
    const checks = checksOf(await testDatabase())
    expect(await asked(checks, { sql: 'select pg_sleep(20) is not null' }, 50)).toEqual({
      outcome: 'unknown',
      because: 'Canceling statement due to statement timeout.',
    })
    expect(await asked(checks, { sql: 'select true' })).toMatchObject({ outcome: 'pass' })
  })

  test('finds tables where the role finds them', async () => {
    const database = await testDatabase('create schema shop; create table shop.orders (total int)')
    await database.query(`alter database ${database.name} set search_path = shop`)
    expect(await asked(checksOf(database), { sql: 'select count(*) = 0 from orders' })).toMatchObject({
      outcome: 'pass',
    })
  })

  test('of a database that does not answer cannot tell', async () => {
    expect(await asked(checksOf(NOWHERE), { sql: 'select true' })).toMatchObject({
      outcome: 'unknown',
      because: expect.stringContaining('The database cannot be reached'),
    })
  })
})

describe('a URL', () => {
  test.each([
    [200, 'pass'],
    [204, 'pass'],
    [302, 'unknown'],
    [404, 'fail'],
    [500, 'fail'],
    [503, 'fail'],
  ] as const)('that answers %i is a %s', async (status, outcome) => {
    const url = await serverAnswering(status)
    expect(await asked(checksOf(NOWHERE), { http: url })).toEqual({
      outcome,
      because: `${url} answers ${status}`,
    })
  })

  test('that nobody answers cannot tell', async () => {
    const result = await asked(checksOf(NOWHERE), { http: 'http://127.0.0.1:1/' })
    expect(result.outcome).toBe('unknown')
    expect(result.because).toMatch(/^http:\/\/127\.0\.0\.1:1\/ cannot be reached: .+/)
  })

  test('that does not answer in time cannot tell', async () => {
    const url = await serverAnswering(undefined)
    expect(await asked(checksOf(NOWHERE), { http: url }, 100)).toMatchObject({
      outcome: 'unknown',
      because: expect.stringContaining('cannot be reached'),
    })
  })

  test('that is none cannot tell', async () => {
    expect(await asked(checksOf(NOWHERE), { http: 'the dashboard' })).toMatchObject({ outcome: 'unknown' })
  })
})

describe('a command', () => {
  test.each<[string, string | readonly string[], string, string]>([
    ['ends with 0', 'echo fine', 'pass', 'the command ended with exit code 0: fine'],
    [
      'ends with 1',
      ['sh', '-c', 'echo 12 errors >&2; exit 1'],
      'fail',
      'the command ended with exit code 1: 12 errors',
    ],
    ['ends with another code', 'exit 2', 'unknown', 'the command ended with exit code 2'],
    ['is killed', 'kill -9 $$', 'unknown', 'the command was ended by SIGKILL'],
    [
      'is not there',
      ['/no/such'],
      'unknown',
      'the command could not be run: /no/such: spawn /no/such ENOENT',
    ],
  ])('that %s', async (_what, command, outcome, because) => {
    expect(await asked(checksOf(NOWHERE), { command })).toEqual({ outcome, because })
  })

  test('that takes too long cannot tell', async () => {
    expect(await asked(checksOf(NOWHERE), { command: 'exec sleep 20' }, 100)).toEqual({
      outcome: 'unknown',
      because: 'the command did not end within 0.1 s',
    })
  })
})

/** The address of a server that answers everything with a status, or nothing. */
async function serverAnswering(status: number | undefined): Promise<string> {
  const server = createServer((_request, response) => {
    if (status !== undefined) response.writeHead(status, { location: '/elsewhere' }).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUp(async () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
