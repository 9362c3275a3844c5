import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Workplace, workplace } from '../support/cli.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import { builtMain } from '../support/node-process.ts'

const GIVEN = `create table users (id bigint generated always as identity primary key, name text not null);
  insert into users (name) select 'User ' || i from generate_series(1, 50) i`

const ADD = 'operations:\n  - add_column: { table: users, column: email, type: text }\n'
const RENAME = 'operations:\n  - rename_column: { table: users, from: name, to: full_name }\n'

interface Stage {
  readonly place: Workplace
  readonly database: TestDatabase
  readonly url: string
  readonly confirm: readonly string[]
}

/** A supervisor for two instances of the example behind one address, and nothing deployed yet. */
async function stage(env: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const database = await testDatabase(GIVEN)
  const place = await workplace({ DATABASE_URL: database.url })
  await place.run('init')
  await place.run('init', '--database', database.url)
  const port = await freePort()
  const server = path.join(path.dirname(builtMain()), '../../examples/http-app/server.mjs')
  await place.write(
    'bellows.config.yaml',
    JSON.stringify({
      settings: { gate: { quietMs: 0 }, driver: { pollMs: 20 } },
      deploy: {
        processes: {
          roles: {
            web: {
              // A version that cannot start says why, and ends.
              command: [
                'sh',
                '-c',
                `if [ {version} = broken ]; then echo 'no licence' >&2; exit 3; fi; exec node ${server}`,
              ],
              listen: port,
              instances: 2,
              env: { DATABASE_URL: database.url, APP_VERSION: '{version}', INSTANCE: '{instance}', ...env },
              health: { path: '/healthz', intervalMs: 50 },
              stopTimeoutMs: 10_000,
            },
          },
        },
        rollout: {
          pollMs: 50,
          minHealthyMs: 100,
          health: { success: 1, failure: 40 },
          startupDeadlineMs: 60_000,
          drainTimeoutMs: 10_000,
          stopTimeoutMs: 10_000,
          retries: 0,
        },
      },
    }),
  )
  await place.write('migrations/0001_add_email.yaml', ADD)
  await place.write('migrations/0002_rename.yaml', RENAME)
  const supervisor = place.start('supervise')
  cleanUp(async () => {
    supervisor.child.kill('SIGTERM')
    await supervisor.ended
    const last = place.start('supervise', '--stop-children')
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    last.child.kill('SIGTERM')
    await last.ended
  })
  let said = ''
  supervisor.child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await expect.poll(() => said, { timeout: 60_000 }).toContain('supervising')
  return { place, database, url: `http://127.0.0.1:${port}`, confirm: ['--confirm', database.name] }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Reads and writes through the proxy until it is told to end, and counts what failed. */
function load(url: string): {
  end(): Promise<{ readonly requests: number; readonly failures: readonly string[] }>
} {
  let isOver = false
  let requests = 0
  const failures: string[] = []
  const once = async (method: string, target: string, body?: object): Promise<void> => {
    requests += 1
    try {
      const answer = await fetch(`${url}${target}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      if (!answer.ok) failures.push(`${method} ${target}: ${answer.status} ${text}`)
    } catch (error) {
      failures.push(`${method} ${target}: ${String(error)} ${String((error as Error).cause)}`)
    }
  }
  const client = async (number: number): Promise<void> => {
    while (!isOver) {
      await once('PUT', `/users/${number}`, { name: `changed ${requests}` })
      await once('GET', `/users/${number}`)
      await once('POST', '/users', { name: `new ${requests}` })
    }
  }
  const clients = Promise.all([1, 2, 3].map(client))
  return {
    end: async () => {
      isOver = true
      await clients
      return { requests, failures }
    },
  }
}

const columns = async (database: TestDatabase) =>
  (
    await database.query<{ name: string }>(
      `select attname as name from pg_attribute where attrelid = 'users'::regclass and attnum > 0 and not attisdropped order by attnum`,
    )
  ).map(({ name }) => name)

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

  test('killed on the way goes on when it is started again, and starts nothing twice', async () => {
    const { place, database, url, confirm } = await stage()
    await place.run('deploy', '0001_add_email', '--to', '1', ...confirm)
    const clients = load(url)
    for (const after of ['verify: done', 'web-1', 'web-2']) {
      const deploy = place.start('deploy', '0002_rename', '--to', '2', ...confirm)
      await new Promise<void>((resolve) => {
        deploy.child.stderr?.on('data', (chunk: Buffer) => {
          if (chunk.toString().includes(after)) resolve()
        })
        deploy.child.once('exit', () => resolve())
      })
      deploy.child.kill('SIGKILL')
      await deploy.ended
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
    const deploy = place.start('deploy', '0002_rename', '--to', '2', ...confirm)
    await new Promise<void>((resolve) =>
      deploy.child.stderr?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('starts')) resolve()
      }),
    )
    deploy.child.kill('SIGKILL')
    await deploy.ended
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
    const { instances, outcome } = JSON.parse(out) as {
      instances: { state: string; version: string }[]
      outcome: string
    }
    expect(outcome).toBe('rolled_back')
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
