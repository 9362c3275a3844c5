import { Agent } from 'node:http'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Deployer } from '../../../src/engine/ports.ts'
import { cleanUp, testDatabase } from '../../support/database.ts'
import { ask } from '../../support/http.ts'
import { builtMain } from '../../support/node-process.ts'
import { placed, seen, serving, supervised, until, webRole } from './support.ts'

const SERVER = path.resolve(path.dirname(builtMain()), '../../examples/http-app/server.mjs')
const INSTANCES = 3
const CLIENTS = 6

/** One by one, as a rollout drives it. */
async function replace(deployer: Deployer, old: string, renewed: string, slot: number): Promise<void> {
  await serving(deployer, placed(renewed, 'web', slot, 'v2'))
  await deployer.drain(old)
  await until(deployer, old, { inFlight: 0 })
  await deployer.stop(old)
  await until(deployer, old, { state: 'gone', ended: 'exit code 0' })
  await deployer.forget(old)
}

test('a real application is replaced under load, and no request fails', async () => {
  const database = await testDatabase(
    'create table users (id bigint generated always as identity primary key, name text not null)',
  )
  await (await database.bellows()).install()
  const web = await webRole({
    command: [process.execPath, SERVER],
    env: { DATABASE_URL: database.url, APP_VERSION: '1', INSTANCE: '{instance}' },
    stopTimeoutMs: 60_000,
  })
  const { deployer, supervisor } = await supervised({ web })
  const port = supervisor.ports.get('web') ?? 0
  const slots = Array.from({ length: INSTANCES }, (_, at) => at + 1)
  await serving(deployer, ...slots.map((slot) => placed(`old-${slot}`, 'web', slot)))

  let isOver = false
  const failures: string[] = []
  let requests = 0
  const client = async (number: number): Promise<void> => {
    const agent = new Agent({ keepAlive: number % 2 === 0, maxSockets: 1 })
    cleanUp(async () => agent.destroy())
    const send = async (method: string, where: string, body?: object): Promise<Record<string, unknown>> => {
      requests += 1
      const asked = {
        method,
        path: where,
        agent,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }
      const answer = await ask(port, asked).catch((error: Error) => ({ status: 0, body: error.message }))
      if (answer.status === 200) return JSON.parse(answer.body) as Record<string, unknown>
      failures.push(`${method} ${where}: ${answer.status} ${answer.body}`)
      return {}
    }
    for (let count = 0; !isOver; count += 1) {
      const name = `${number}.${count}`
      const { id } = await send('POST', '/users', { name })
      const read = await send('GET', `/users/${String(id)}`)
      if (read.name !== name) failures.push(`${name} came back as ${String(read.name)}`)
      await sleep(5)
    }
  }
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
  for (const slot of slots) await replace(deployer, `old-${slot}`, `new-${slot}`, slot)
  const after = requests
  await expect.poll(() => requests).toBeGreaterThan(after + 100)
  isOver = true
  await clients

  expect(failures).toEqual([])
  const rows = await database.query<{ rows: number; names: number }>(
    'select count(*)::int as rows, count(distinct name)::int as names from users',
  )
  expect(rows[0]?.rows, 'no POST was done twice').toBe(rows[0]?.names)
  expect((await deployer.fleet()).map(({ id, state }) => [id, state])).toEqual(
    slots.map((slot) => [`new-${slot}`, 'serving']),
  )
  for (const slot of slots) {
    await deployer.drain(`new-${slot}`)
    await deployer.stop(`new-${slot}`)
  }
  for (const slot of slots) await until(deployer, `new-${slot}`, { state: 'gone' })
  expect((await seen(deployer, 'new-1')).ended).toBe('exit code 0')
})
