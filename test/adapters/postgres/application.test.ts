import { describe, expect, test } from 'vitest'
import { openBellows } from '../../../src/compose.ts'
import type { Finding } from '../../../src/core/run/diagnosis.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../../support/database.ts'
import { HAS_PGBOUNCER, isPgBouncer, startPgBouncer, WITHOUT_PGBOUNCER } from '../../support/pgbouncer.ts'
import { aRole } from '../../support/role.ts'
import { startPair } from '../../support/standby.ts'

const CHECKS = [
  'application',
  'sessions',
  'startup options',
  'application_name',
  'registering',
  'prepared statements',
]

/** What `doctor` finds of the way that an application takes, by check. */
async function found(database: Pick<TestDatabase, 'url'>, applicationUrl: string) {
  const bellows = await openBellows({ database: database.url, applicationUrl, application: 'bellows/test' })
  cleanUp(() => bellows.close())
  const findings = (await bellows.examine()).filter(({ check }) => CHECKS.includes(check))
  return Object.fromEntries(findings.map((one) => [one.check, one])) as Record<string, Finding>
}

const said = (verdict: Finding['verdict'], because: string) => ({
  verdict,
  because: expect.stringContaining(because),
})

async function withRole() {
  const database = await testDatabase('create table users (id int primary key, name text)')
  await (await database.bellows()).install()
  const role = await aRole(database)
  const as = (url: string) => url.replace('postgres://postgres@', `postgres://${role}@`)
  return { database, role, as }
}

const more = (url: string, parameter: string, value: string) =>
  `${url}${url.includes('?') ? '&' : '?'}${parameter}=${encodeURIComponent(value)}`

describe('the way of an application to its database', () => {
  test('is fine where it is direct, for a role that has no right but to connect; nothing is left of it', async () => {
    const { database, role, as } = await withRole()
    const findings = await found(database, as(database.url))
    expect(findings).toMatchObject({
      application: said('ok', `as "${role}" reaches this database`),
      sessions: said('ok', 'each client keeps its own'),
      'startup options': said('ok', 'arrive'),
      application_name: said('ok', 'arrives'),
      registering: said('ok', `"${role}" may register, renew and release`),
      'prepared statements': said('ok', 'by name work'),
    })
    expect(await database.query('select from bellows.instance')).toEqual([])
    expect(
      await database.query(`select from pg_stat_activity where application_name ~ '^bellows/.*/[12]$'`),
    ).toEqual([])
  })

  test('leads to another database, or to another server', async () => {
    const [{ database }, other] = [await withRole(), await testDatabase('select 1')]
    expect(await found(database, other.url)).toMatchObject({
      application: said(
        'failed',
        `reaches the database "${other.name}" of this server; Bellows works on "${database.name}"`,
      ),
      registering: said('warning', 'there is no registry yet'),
    })
    const { primary, standby } = await startPair()
    expect(await found(database, primary.url)).toMatchObject({
      application: said('failed', 'reaches another server'),
    })
    const onStandby = await found(primary, standby.url)
    expect(onStandby.application).toMatchObject({
      ...said('warning', 'reaches a standby of this server'),
      hint: expect.stringContaining('standbys:'),
    })
    expect(onStandby).not.toHaveProperty('registering')
  })

  test('is closed', async () => {
    const { database, as } = await withRole()
    expect(await found(database, as(database.url).replace(database.name, 'nowhere'))).toEqual({
      application: {
        check: 'application',
        ...said('failed', 'lets nobody in: database "nowhere" does not exist'),
        hint: expect.stringContaining('Check the address'),
      },
    })
    expect(await found(database, 'postgres://somebody:secret@127.0.0.1:1/shop')).toEqual({
      application: {
        check: 'application',
        ...said('failed', 'postgres://somebody:***@127.0.0.1:1/shop lets nobody in: connect ECONNREFUSED'),
        hint: expect.any(String),
      },
    })
  })

  test.each(['host=somewhere', 'mysql://u:secret@h/d', 'postgres://[', ''])(
    'is no URL: "%s"',
    async (url) => {
      const { database } = await withRole()
      await expect(found(database, url)).rejects.toMatchObject({
        code: 'config_invalid',
        message: expect.not.stringContaining('secret'),
        hint: expect.stringContaining('--app-url postgres://'),
      })
    },
  )

  test('calls all sessions the same', async () => {
    const { database } = await withRole()
    expect(await found(database, more(database.url, 'application_name', 'shop'))).toMatchObject({
      application_name: said('warning', 'the URL calls every session "shop"'),
    })
  })

  test('asks for settings, and gets them', async () => {
    const { database } = await withRole()
    const url = more(
      database.url,
      'options',
      '-c search_path=one,two --statement-timeout=5000 -c my.own=a\\ b',
    )
    expect((await found(database, url))['startup options']).toMatchObject(
      said('ok', 'what the URL asks for arrives'),
    )
  })

  test('is one by which nobody may register', async () => {
    const { database, role, as } = await withRole()
    await database.query('revoke usage on schema bellows from public')
    expect((await found(database, as(database.url))).registering).toMatchObject({
      ...said('failed', `"${role}" may not: permission denied for schema bellows`),
      hint: expect.stringContaining(`grant usage on schema bellows to ${role}`),
    })
  })
})

const NAMED = isPgBouncer(21)
  ? said('ok', 'by name work')
  : said('warning', 'by name fail: prepared statement')

describe.skipIf(!HAS_PGBOUNCER)(`through PgBouncer${WITHOUT_PGBOUNCER}`, () => {
  test('in session mode a client keeps its session', async () => {
    const { database, role } = await withRole()
    const bouncer = await startPgBouncer(database, 'session', { roles: [role] })
    expect(await found(database, bouncer.url(role))).toMatchObject({
      application: said('ok', 'reaches this database'),
      sessions: said('ok', 'each client keeps its own'),
      'startup options': said('warning', 'a pooler refuses those that it does not know'),
      application_name: said('ok', 'arrives'),
      registering: said('ok', 'may register'),
      'prepared statements': said('ok', 'work'),
    })
  })

  test.each([
    ['one session for all', { default_pool_size: '1' }, said('warning', 'could not be tried')],
    ['a session for each', {}, NAMED],
    ['sessions by turns', { server_round_robin: '1', min_pool_size: '4' }, NAMED],
  ])('in transaction mode sessions are passed on: %s', async (_what, settings, prepared) => {
    const { database, role } = await withRole()
    const bouncer = await startPgBouncer(database, 'transaction', { roles: [role], settings })
    expect(await found(database, bouncer.url(role))).toMatchObject({
      application: said('ok', 'reaches this database'),
      sessions: said('warning', 'passes them from client to client'),
      'startup options': said('warning', 'a pooler refuses those that it does not know'),
      application_name: said('ok', 'arrives'),
      registering: said('ok', 'may register'),
      'prepared statements': prepared,
    })
    const pooled = await database.query(`select from pg_stat_activity where usename = $1`, [role])
    expect(pooled.length).toBeGreaterThan(0)
  })

  test('in statement mode, too', async () => {
    const { database, role } = await withRole()
    const bouncer = await startPgBouncer(database, 'transaction', {
      roles: [role],
      settings: { pool_mode: 'statement' },
    })
    expect(await found(database, bouncer.url(role))).toMatchObject({
      sessions: said('warning', 'passes them from client to client'),
      registering: said('warning', 'could not be tried'),
    })
  })

  test('options of the URL are refused, or swallowed without an error', async () => {
    const { database, role } = await withRole()
    const options = '-c search_path=one'
    const strict = await startPgBouncer(database, 'transaction', { roles: [role] })
    expect((await found(database, more(strict.url(role), 'options', options))).application).toMatchObject({
      ...said('failed', 'lets nobody in: unsupported startup parameter'),
      hint: expect.stringContaining('alter role'),
    })
    const settings = { ignore_startup_parameters: 'options' }
    const deaf = await startPgBouncer(database, 'transaction', { roles: [role], settings })
    expect((await found(database, deaf.url(role)))['startup options']).toMatchObject(
      said('warning', 'a pooler swallows them'),
    )
    expect(
      (await found(database, more(deaf.url(role), 'options', options)))['startup options'],
    ).toMatchObject(said('failed', 'the URL asks for search_path=one, and the session does not have it'))
  })

  test.skipIf(!isPgBouncer(20))('options of the URL that the pooler follows arrive', async () => {
    const { database, role } = await withRole()
    const settings = { track_extra_parameters: 'search_path' }
    const bouncer = await startPgBouncer(database, 'transaction', { roles: [role], settings })
    const url = more(bouncer.url(role), 'options', '-c search_path=one')
    expect((await found(database, url))['startup options']).toMatchObject(
      said('ok', 'what the URL asks for arrives'),
    )
  })

  test('names of sessions that do not arrive are told', async () => {
    const { database, role } = await withRole()
    const settings = { application_name_add_host: '1' }
    const bouncer = await startPgBouncer(database, 'transaction', { roles: [role], settings })
    expect((await found(database, bouncer.url(role))).application_name).toMatchObject(
      said('warning', 'no session can be told from another'),
    )
  })

  test('a statement that was prepared to see whether it holds is taken back', async () => {
    const { database, role } = await withRole()
    const settings = { default_pool_size: '2' }
    const bouncer = await startPgBouncer(database, 'transaction', { roles: [role], settings })
    await found(database, bouncer.url(role))
    const [{ default: pg }] = [await import('pg')]
    const clients = [1, 2].map(() => new pg.Client({ connectionString: bouncer.url(role) }))
    for (const client of clients) {
      await client.connect()
      cleanUp(() => client.end())
      await client.query('begin')
      expect(
        (await client.query(`select name from pg_prepared_statements where name ~ 'bellows'`)).rows,
      ).toEqual([])
    }
  })
})
