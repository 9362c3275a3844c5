import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import { openConnection } from '../../../src/adapters/postgres/connection.ts'
import { trusted } from '../../../src/core/sql.ts'
import { cleanUp, testDatabase } from '../../support/database.ts'
import { startPooler } from '../../support/pooler.ts'
import { silentFor } from '../../support/silent-for.ts'

const show = (...names: string[]) =>
  trusted(`select ${names.map((name) => `current_setting('${name}') as "${name}"`).join(', ')}`)

async function opened(url: string) {
  const connection = await openConnection({ url, application: 'a test' })
  cleanUp(() => connection.close())
  return connection
}

describe('a session of ours', () => {
  test('is refused behind a pooler, before it has changed what the application shares', async () => {
    const database = await testDatabase('create table notes (text text)')
    const url = await startPooler(database.url)
    const application = new pg.Client({ connectionString: url })
    application.on('error', () => undefined)
    await application.connect()
    cleanUp(() => application.end().catch(() => undefined))
    await application.query("insert into notes values ('before')")

    const bellows = await database.bellows({ database: url })
    await expect(bellows.examine()).rejects.toMatchObject({
      code: 'connection_pooled',
      hint: expect.stringContaining('DIRECT_URL'),
    })

    await application.query("insert into notes values ('after')")
    const { rows } = await application.query(show('search_path', 'statement_timeout', 'lock_timeout'))
    expect(rows).toEqual([{ search_path: '"$user", public', statement_timeout: '0', lock_timeout: '0' }])
  })

  test('that ends before it is ready is one that is lost, not a server that is not there', async () => {
    // AuthenticationOk and ReadyForQuery, and at the first query nothing any more.
    const welcome = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49])
    const server = createServer((socket) => {
      socket.once('data', () => {
        socket.write(welcome)
        socket.once('data', () => socket.destroy())
      })
    }).listen(0, '127.0.0.1')
    cleanUp(async () => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const url = `postgres://somebody@127.0.0.1:${port}/shop?sslmode=disable`

    await expect(openConnection({ url, application: 'a test' })).rejects.toMatchObject({
      code: 'connection_lost',
    })
    server.close()
    await once(server, 'close')
    await expect(openConnection({ url, application: 'a test' })).rejects.toMatchObject({
      code: 'database_unreachable',
    })
  })

  test.each([
    ['none', ''],
    ['its own', `options=${encodeURIComponent('-c work_mem=5MB')}`],
  ])('has the options that the URL asks for, and ours: %s', async (_what, options) => {
    const { url } = await testDatabase('select 1')
    const connection = await opened(`${url}${url.includes('?') ? '&' : '?'}${options}`)
    const [[row] = []] = await connection.send(show('work_mem', 'search_path'))
    expect(row).toEqual({ work_mem: options === '' ? '4MB' : '5MB', search_path: '' })
  })

  test('has the options of the environment where the URL asks for none', async () => {
    const { url } = await testDatabase('select 1')
    vi.stubEnv('PGOPTIONS', '-c work_mem=6MB')
    cleanUp(async () => void vi.unstubAllEnvs())
    const connection = await opened(url)
    const [[row] = []] = await connection.send(show('work_mem', 'search_path'))
    expect(row).toEqual({ work_mem: '6MB', search_path: '' })
  })

  test('reads what is committed, whatever the database has as its default', async () => {
    const database = await testDatabase('create table t (id int primary key, legacy text)')
    for (const setting of ["isolation = 'serializable'", 'read_only = on'])
      await database.query(`alter database ${database.name} set default_transaction_${setting}`)
    const connection = await opened(database.url)
    const [[row] = []] = await connection.send(show('transaction_isolation', 'transaction_read_only'))
    expect(row).toEqual({ transaction_isolation: 'read committed', transaction_read_only: 'off' })
  })

  test('waits for a long answer while it comes, longer than one may take to begin', async () => {
    const connection = await opened((await testDatabase()).url)
    const slowly = trusted(
      `select pg_sleep(0.2)::text, repeat('x', 10000) as part from generate_series(1, 10)`,
    )
    const [rows] = await connection.send(slowly, 1_000)
    expect(rows).toHaveLength(10)
  })

  test('is left when nothing of an answer comes', async () => {
    const connection = await opened((await testDatabase()).url)
    await expect(connection.send(trusted('select pg_sleep(20)'), 100)).rejects.toMatchObject({
      code: 'connection_lost',
    })
  })

  test('sees under the door who came while it waited, also where transactions are repeatable reads', async () => {
    const database = await testDatabase('create table t (id int primary key, legacy text)')
    await database.query(
      `alter database ${database.name} set default_transaction_isolation = 'repeatable read'`,
    )
    const lock = { canaryTimeoutMs: 400, heldTimeoutMs: 1_500, deadlineMs: 20_000, pauseMaxMs: 1_000 }
    const bellows = await database.bellows({ settings: { gate: { silentGraceMs: 0 }, lock } })
    await bellows.install()
    await database.query("select bellows.register('i', array['t.legacy'], application_name => 'nobody')")
    await silentFor(database, '1 hour')
    const [holder, instance] = [await database.session(), await database.session()]
    await holder.query('begin; select from t')
    const drop = { kind: 'drop_column', namespace: 'public', table: 't', column: 'legacy' } as const
    const retired = bellows
      .change((driver) => driver.advance({ name: '0001_test', operations: [drop] }, 'retire'))
      .catch((error: unknown) => error)
    await sleep(700)
    await instance.query("begin; select bellows.renew('i')")
    await holder.query('commit')
    await sleep(900)
    await instance.query('commit')

    expect(await retired).toMatchObject({ code: 'instances_blocking' })
    await database.query("insert into t (id, legacy) values (1, 'still there')")
  })
})
