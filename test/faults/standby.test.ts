import { describe, expect, test } from 'vitest'
import { type OpenOptions, openBellows } from '../../src/compose.ts'
import type { Override } from '../../src/core/gate/check.ts'
import { cleanUp } from '../support/database.ts'
import { silentFor } from '../support/silent-for.ts'
import { check, followed, MIGRATION, STATEMENTS, watched } from '../support/watched-pair.ts'

describe('a reader of the old column', () => {
  const QUIET = { settings: { gate: { quietMs: 1_000 } } }

  test('is seen by its statements on the primary and on a standby, and keeps the gate closed', async () => {
    const all = await watched(STATEMENTS, QUIET)
    const [primary, standby] = [await all.session('primary'), await all.session('standby')]
    await check(all, 'usage')
    await expect.poll(async () => (await check(all, 'usage'))?.state, { interval: 300 }).toBe('green')

    await standby.query('select name from users where id = 1')
    expect(await check(all, 'usage')).toMatchObject({
      state: 'red',
      because: [expect.stringMatching(/ran on postgres:.*: select name from users where id = \$1/)],
      offenders: [
        {
          who: expect.stringMatching(/^a statement on postgres:/),
          role: 'postgres',
          firstSeen: expect.stringMatching(/^20\d\d-/),
          lastSeen: expect.stringMatching(/^20\d\d-/),
          fix: expect.stringMatching(/ where query_id = -?\d+$/),
        },
      ],
    })
    await expect.poll(async () => (await check(all, 'usage'))?.state, { interval: 300 }).toBe('green')

    await primary.query('select * from users where id = 1')
    expect(await check(all, 'usage')).toMatchObject({
      state: 'red',
      because: [expect.stringContaining('ran on the primary: select * from users where id = $1')],
    })
    await expect.poll(async () => (await check(all, 'usage'))?.state, { interval: 300 }).toBe('green')

    await primary.query('select full_name from users where id = 1')
    await standby.query('select id from users where full_name is null')
    expect((await check(all, 'usage'))?.state).toBe('green')

    await primary.query(`select /* ${'x'.repeat(100_000)} */ full_name from users limit 0`)
    expect(await check(all, 'usage'), 'too long to be read: it may use anything').toMatchObject({
      state: 'red',
      because: [expect.stringContaining('ran on the primary: select /* xxx')],
    })
    await expect.poll(async () => (await check(all, 'usage'))?.state, { interval: 300 }).toBe('green')

    await primary.query('select pg_stat_statements_reset()')
    expect(await check(all, 'usage')).toMatchObject({
      state: 'red',
      because: [
        expect.stringContaining('pg_stat_statements of the primary was reset or has forgotten statements'),
      ],
    })
  })

  test('is not known where the role may not see the statements of others', async () => {
    const all = await watched(STATEMENTS, QUIET)
    const primary = await all.session('primary')
    await primary.query(`create role plain login; grant postgres to plain; alter role plain noinherit`)
    await primary.query(
      'grant usage, create on schema public to plain; grant select on all tables in schema bellows to plain; grant select on all sequences in schema bellows to plain; grant insert, update on bellows.watch to plain',
    )
    const url = all.primary.url.replace('postgres://postgres@', 'postgres://plain@')
    const usageFor = async (quietMs: number) => {
      const plain = await openBellows({
        database: url,
        application: 'bellows/test',
        settings: { gate: { quietMs } },
      })
      cleanUp(() => plain.close())
      return await check({ bellows: plain }, 'usage')
    }
    expect(await usageFor(1_000)).toMatchObject({
      state: 'unknown',
      because: [expect.stringContaining('may not read the statements of others'), expect.anything()],
    })
    expect(await usageFor(0)).toMatchObject({ state: 'green' })
  })
})

describe('a standby', () => {
  test('that cannot be asked keeps the gate closed', async () => {
    const all = await watched({})
    expect((await check(all, 'usage'))?.state).toBe('green')
    await all.standby.stop()
    expect(await check(all, 'sessions')).toMatchObject({
      state: 'unknown',
      because: [expect.stringMatching(/^the sessions on postgres:.* are not known: /)],
    })
    expect(await check(all, 'usage')).toMatchObject({
      state: 'unknown',
      because: [expect.stringMatching(/^the use on postgres:.* is not known/), expect.anything()],
    })
    await expect(all.bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject({
      code: 'gate_closed',
    })
  })

  test('without pg_stat_statements tells of nobody who reads, which keeps the gate closed unless somebody goes on without', async () => {
    const all = await watched({}, { settings: { gate: { quietMs: 100 } } })
    const contract = (overrides: readonly Override[] = []) =>
      all.bellows.change((driver) => driver.advance(MIGRATION, 'purge'), {
        settings: (standing) => ({ ...standing, gate: { ...standing.gate, overrides } }),
      })
    expect(await check(all, 'usage')).toMatchObject({
      state: 'unknown',
      because: [
        expect.stringMatching(/^the use on postgres:.* is not known: .*create extension pg_stat_statements/),
        expect.anything(),
      ],
    })
    await expect(contract()).rejects.toMatchObject({ code: 'gate_closed' })
    expect((await contract([{ check: 'usage', reason: 'nobody reads there' }])).state).toBe('completed')
  })

  test('has strangers, too: each keeps the gate closed until somebody answers for it', async () => {
    const all = await watched({})
    expect((await check(all, 'sessions'))?.state).toBe('green')
    const report = await all.session('standby', 'nightly report')
    expect(await check(all, 'sessions')).toMatchObject({
      state: 'red',
      because: [
        expect.stringMatching(
          /^the session \d+ of "postgres" on postgres:.*, called "nightly report", is of no registered/,
        ),
      ],
      offenders: [{ application: 'nightly report', fix: expect.stringContaining('on the standby: select') }],
    })
    await expect(all.bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject({
      code: 'gate_closed',
    })

    await all.bellows.clients.declare({
      client: 'report',
      applicationName: 'nightly report',
      owner: 'data team',
    })
    expect((await check(all, 'sessions'))?.state).toBe('green')
    await all.bellows.clients.forget('report')
    await report.end()
    await expect.poll(async () => (await check(all, 'sessions'))?.state, { timeout: 20_000 }).toBe('green')
  })

  test('from which a silent instance still reads keeps it from being taken for gone', async () => {
    const all = await watched({})
    const old = { instance: 'old-1', uses: ['users.name'], applicationName: 'shop/old-1' }
    await all.bellows.instances.register(old)
    const [primary, reader] = [await all.session('primary'), await all.session('standby', 'shop/old-1')]
    await silentFor({ query: (text) => primary.query(text).then(({ rows }) => rows) }, '1 day')

    expect(await check(all, 'leases')).toMatchObject({
      state: 'red',
      because: ['the instance "old-1" is silent but not known to be gone; it uses "users"."name"'],
    })
    await expect(all.bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject({
      code: 'instances_blocking',
    })
    await reader.end()
    await expect.poll(async () => (await check(all, 'leases'))?.state, { timeout: 20_000 }).toBe('green')
  })

  test('that lags behind knows not yet who is gone; the primary does', async () => {
    const all = await watched({})
    const old = { instance: 'old-1', uses: ['users.name'], applicationName: 'shop/old-1' }
    await all.bellows.instances.register(old)
    await followed(all)
    const left = await all.session('standby', 'shop/old-1')
    await left.query('select pg_wal_replay_pause()')
    await all.bellows.instances.release('old-1')

    expect(await check(all, 'sessions')).toMatchObject({
      state: 'red',
      because: [
        expect.stringMatching(/^the instance "old-1" was released, and its session \d+ on postgres:/),
      ],
    })
    await left.query('select pg_wal_replay_resume()')
  })

  test('whose reader would hold up the change is told before, with the reader', async () => {
    const all = await watched({})
    const reader = await all.session('standby')
    await reader.query('begin isolation level repeatable read; select count(full_name) from users')
    await new Promise((resolve) => setTimeout(resolve, 150))

    expect(await check(all, 'transactions')).toMatchObject({
      state: 'red',
      because: [
        expect.stringMatching(/ on postgres:.* would stand still behind it, and then cancel it$/),
        expect.stringContaining('has replayed everything'),
      ],
      offenders: [{ application: 'shop/new-1' }],
    })
    await reader.query('commit')
    expect((await all.bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).state).toBe('completed')
  })

  test('is told before a contract with how it follows, and what a reader there means for it', async () => {
    const said: string[] = []
    const onNotice: OpenOptions['onNotice'] = (notice) => {
      if (notice.type === 'standby') said.push(notice.because)
    }
    const all = await watched({ max_standby_streaming_delay: '-1' }, { onNotice })
    const replay = async () => (await check(all, 'transactions'))?.because.at(-1)
    expect(await replay()).toMatch(
      /^postgres:.* has replayed everything; the contract waits there for readers .* for as long as they take$/,
    )

    const [primary, reader] = [await all.session('primary'), await all.session('standby')]
    await primary.query('create table notes (text text)')
    await followed(all)
    await reader.query('begin; select from notes')
    await primary.query('alter table notes add more text')
    await expect.poll(replay).toMatch(/ waits for a reader already; it is [\d,]+ bytes and \d+ s behind;/)
    await reader.query('rollback; select pg_wal_replay_pause()')
    await primary.query('drop table notes')
    await expect.poll(replay).toMatch(/ replays nothing, somebody has paused it; it is [\d,]+ bytes and /)
    await reader.query('select pg_wal_replay_resume()')
    await followed(all)

    expect((await all.bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).state).toBe('completed')
    expect(said).toEqual([expect.stringMatching(/^postgres:.*; the contract waits there for readers/)])
  })
})

test('a server that takes over is another one at once', async () => {
  const all = await watched({}, {})
  const [primary, standby] = [await all.session('primary'), await all.session('standby')]
  const identity = async (session: typeof primary) =>
    (await session.query('select bellows.server_identity() as identity')).rows[0].identity as string
  const [before, followed] = [await identity(primary), await identity(standby)]
  expect(await identity(standby)).toBe(followed)

  await standby.query('select pg_promote()')
  await expect.poll(() => identity(standby), { interval: 100 }).not.toBe(followed)
  expect(await identity(primary)).toBe(before)
})
