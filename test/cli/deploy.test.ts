import { describe, expect, test } from 'vitest'
import { workplace } from '../support/cli.ts'
import { columns, killedAt, load, stage } from './deploy-support.ts'

describe('bellows deploy', () => {
  test('takes a migration and a version from expand to contract, and no request fails on the way', async () => {
    const { place, database, url, confirm } = await stage()
    const first = await place.run('deploy', '0001_add_email', '--to', '1', ...confirm)
    expect(first, first.err).toMatchObject({ code: 0, out: expect.stringContaining('0001_add_email') })
    expect(first.err).toContain('will start 2')
    expect(await fetch(`${url}/users/1`).then((answer) => answer.json())).toMatchObject({ name: 'User 1' })

    const clients = load(url)
    const second = await place.run('deploy', '0002_rename', '--to', '2', ...confirm)
    const { requests, failures } = await clients.end()
    expect(second, second.err).toMatchObject({ code: 0, out: expect.stringContaining('completed') })
    expect(second.err).toMatch(/will replace 2 instances, 1 at a time[\s\S]*expand: done[\s\S]*verify: done/)
    expect(failures).toEqual([])
    expect(requests).toBeGreaterThan(20)
    expect(await columns(database)).toEqual(['id', 'email', 'full_name'])

    const status = await place.run('deploy', 'status', '0002_rename')
    expect(status).toMatchObject({ code: 0, out: expect.stringContaining('the rollout of "2" is done') })
    expect(status.out.match(/ serving/g)).toHaveLength(2)
    expect(await place.run('deploy', 'rollout', '0002_rename', '--to', '1')).toMatchObject({
      code: 3,
      err: expect.stringContaining('"1" cannot be rolled out'),
    })
    const next = await place.run('deploy', 'rollout', '--to', 'broken')
    expect(next, 'a version that needs no migration').toMatchObject({ code: 1 })
    expect((await place.run('deploy', 'status')).out).toContain(
      '0002_rename: the rollout of "broken" is rolled back',
    )

    await place.write(
      'migrations/0003_more.yaml',
      'operations:\n  - add_column: { table: users, column: more, type: text }\n',
    )
    expect(await place.run('deploy', '0003_more', '--to', '1', ...confirm)).toMatchObject({
      code: 3,
      err: expect.stringContaining('"1" cannot be rolled out'),
    })
    expect(await columns(database), 'it was not begun').not.toContain('more')
  })

  test('brings the earlier version back when the new one does not come up, with its last lines, and drops nothing', async () => {
    const { place, database, url, confirm } = await stage()
    await place.run('deploy', '0001_add_email', '--to', '1', ...confirm)
    const clients = load(url)
    const failed = await place.run('deploy', '0002_rename', '--to', 'broken', ...confirm)
    const { failures } = await clients.end()
    expect(failed, failed.err).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /The rollout of "broken" was taken back: [\s\S]*exit code 3[\s\S]*no licence/,
      ),
    })
    expect(failures).toEqual([])
    expect(await columns(database)).toContain('name')
    const { out } = await place.run('deploy', 'status', '0002_rename')
    expect(out).toContain('the rollout of "broken" is rolled back')
    expect((await place.run('gate', '0002_rename')).code, 'the old version serves').toBe(5)
    const again = await place.run('deploy', '0002_rename', '--to', '1.1', '--no-contract')
    expect(again, 'what failed before is over').toMatchObject({
      code: 0,
      out: expect.not.stringContaining('taken back'),
    })
  })

  test('waits at the gate no longer than it was told to, while the new version still uses the old column', async () => {
    const { place, database, confirm } = await stage()
    await place.run('deploy', '0001_add_email', '--to', '1', ...confirm)
    expect(
      (await place.run('deploy', '0002_rename', '--to', '1.0', '--no-contract')).code,
      'it needs no word',
    ).toBe(0)
    const early = await place.run('deploy', '0002_rename', '--to', '1.1', ...confirm, '--gate-timeout', '1s')
    expect(early, early.err).toMatchObject({
      code: 5,
      err: expect.stringMatching(/uses "users"."name"[\s\S]*The gate stayed closed/),
    })
    expect(await columns(database)).toContain('name')
    expect((await place.run('deploy', '0002_rename', '--to', '2', ...confirm)).code).toBe(0)
  })

  test('that waits at the gate ends when another version is rolled out meanwhile, and says which', async () => {
    const { place, database, confirm } = await stage()
    await place.run('deploy', '0001_add_email', '--to', '1', ...confirm)
    const waiting = place.start('deploy', '0002_rename', '--to', '1.1', ...confirm)
    await new Promise<void>((resolve) => {
      waiting.child.stderr?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('uses "users"."name"')) resolve()
      })
      waiting.child.once('exit', () => resolve())
    })
    const other = await place.run('deploy', '0002_rename', '--to', '2', ...confirm)
    expect(other, other.err).toMatchObject({ code: 0, out: expect.stringContaining('completed') })
    const overtaken = await waiting.ended
    expect(overtaken, overtaken.err).toMatchObject({
      code: 3,
      err: expect.stringMatching(
        /"1\.1" is not what runs: "2" (is being rolled out|was rolled out meanwhile)/,
      ),
    })
    expect(await columns(database)).toEqual(['id', 'email', 'full_name'])
  })

  test('killed on the way goes on when it is started again, and starts nothing twice', async () => {
    const { place, database, url, confirm } = await stage()
    await place.run('deploy', '0001_add_email', '--to', '1', ...confirm)
    const clients = load(url)
    for (const after of ['verify: done', 'web-1', 'web-2']) {
      await killedAt(place, after, '0002_rename', '--to', '2', ...confirm)
    }
    const last = await place.run('deploy', '0002_rename', '--to', '2', ...confirm, '--wait', '60000')
    const { failures } = await clients.end()
    expect(last, last.err).toMatchObject({ code: 0 })
    expect(failures).toEqual([])
    expect(await columns(database)).toEqual(['id', 'email', 'full_name'])
    const { out } = await place.run('deploy', 'status', '0002_rename', '--json')
    const { instances } = JSON.parse(out) as { instances: { state: string; version: string }[] }
    expect(instances.filter(({ state }) => state === 'serving').map(({ version }) => version)).toEqual([
      '2',
      '2',
    ])
  })

  test('is taken back when somebody asks for that, whoever has driven it', async () => {
    const { place, database, url, confirm } = await stage()
    await place.run('deploy', '0001_add_email', '--to', '1', ...confirm)
    const clients = load(url)
    await killedAt(place, 'starts', '0002_rename', '--to', '2', ...confirm)
    // The one who was killed still counts as the driver until its session is gone.
    await expect
      .poll(() => place.run('deploy', 'abort', '0002_rename').then(({ out, err }) => out + err), {
        interval: 500,
      })
      .toContain('The rollout of "2" for 0002_rename is rolled back.')
    const { failures } = await clients.end()
    expect(failures).toEqual([])
    expect(await columns(database)).toContain('name')
    const { out } = await place.run('deploy', 'status', '0002_rename', '--json')
    const { instances, rollout, version } = JSON.parse(out) as {
      instances: { state: string; version: string }[]
      rollout: { outcome: string }
      version: number
    }
    expect(rollout).toMatchObject({ version: '2', outcome: 'rolled_back', direction: 'back' })
    expect(version, 'of the document').toBe(1)
    expect(instances.filter(({ state }) => state === 'serving').map(({ version }) => version)).toEqual([
      '1',
      '1',
    ])
  })

  test('says what is missing, and begins nothing', async () => {
    const { place, database } = await stage()
    expect(await place.run('deploy', '0001_add_email')).toMatchObject({
      code: 64,
      err: expect.stringContaining('--to'),
    })
    expect(await place.run('deploy', '0001_add_email', '--to', '1')).toMatchObject({
      code: 64,
      err: expect.stringContaining('needs a confirmation'),
    })
    expect(await place.run('deploy', 'resume', '0001_add_email')).toMatchObject({ code: 64 })
    const bare = await workplace({ DATABASE_URL: database.url })
    expect(await bare.run('deploy', '--to', '1')).toMatchObject({
      code: 64,
      err: expect.stringContaining('does not say how the application is deployed'),
    })
    expect(await database.query('select count(*)::int as runs from bellows.run')).toEqual([{ runs: 0 }])
  })
})
