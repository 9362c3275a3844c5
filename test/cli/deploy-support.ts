import path from 'node:path'
import { freePort } from '../adapters/process/support.ts'
import { type Workplace, workplace } from '../support/cli.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { builtMain } from '../support/node-process.ts'
import { supervising } from '../support/supervise.ts'

const GIVEN = `create table users (id bigint generated always as identity primary key, name text not null);
  insert into users (name) select 'User ' || i from generate_series(1, 50) i`

const ADD = 'operations:\n  - add_column: { table: users, column: email, type: text }\n'
const RENAME = 'operations:\n  - rename_column: { table: users, from: name, to: full_name }\n'

export interface Stage {
  readonly place: Workplace
  readonly database: TestDatabase
  readonly url: string
  readonly confirm: readonly string[]
}

/** A supervisor for two instances of the example behind one address, and nothing deployed yet. */
export async function stage(env: Readonly<Record<string, string>> = {}): Promise<Stage> {
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
  await supervising(place)
  return { place, database, url: `http://127.0.0.1:${port}`, confirm: ['--confirm', database.name] }
}

/** Reads and writes through the proxy until it is told to end, and counts what failed. */
export function load(url: string): {
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

export const columns = async (database: TestDatabase) =>
  (
    await database.query<{ name: string }>(
      `select attname as name from pg_attribute where attrelid = 'users'::regclass and attnum > 0 and not attisdropped order by attnum`,
    )
  ).map(({ name }) => name)

/** Starts a deployment, and kills it as soon as it has said that. */
export async function killedAt(place: Workplace, words: string, ...args: readonly string[]): Promise<void> {
  const deploy = place.start('deploy', ...args)
  await new Promise<void>((resolve) => {
    deploy.child.stderr?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes(words)) resolve()
    })
    deploy.child.once('exit', () => resolve())
  })
  deploy.child.kill('SIGKILL')
  await deploy.ended
}
