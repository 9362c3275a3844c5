// Clients of an application that go on meanwhile, each by a timetable: a transaction that waits makes those behind it late, as it would be
// for the users of the application. Runs in a thread of its own, so that nothing of what is measured delays its clock.
import { parentPort, Worker, workerData } from 'node:worker_threads'
import pg from 'pg'

const CLIENTS = 4
const PER_SECOND = 400

/** Starts the clients. `stop` returns when each transaction should have begun and how late it ended, both in milliseconds. */
export async function startBystander(url, rows) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { url, rows } })
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  return async () => {
    const done = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    worker.postMessage('stop')
    return await done
  }
}

/** Latencies at a share of them, in milliseconds. */
export function percentile(latencies, share) {
  const sorted = latencies.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

if (workerData?.url !== undefined) await work(workerData)

async function work({ url, rows }) {
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = new pg.Client({ connectionString: url, application_name: 'bystander' })
      await client.connect()
      return client
    }),
  )
  let isOver = false
  parentPort.once('message', () => (isOver = true))
  parentPort.postMessage('started')
  const began = performance.timeOrigin + performance.now()
  const seen = await Promise.all(clients.map((client, at) => timetable(client, at, rows, () => isOver)))
  for (const client of clients) await client.end()
  parentPort.postMessage({ began, clock: performance.timeOrigin, transactions: seen.flat() })
}

async function timetable(client, at, rows, isOver) {
  const seen = []
  const interval = (1_000 * CLIENTS) / PER_SECOND
  const began = performance.now() + (at * interval) / CLIENTS
  for (let number = 0; !isOver(); number += 1) {
    const due = began + number * interval
    const early = due - performance.now()
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
    const id = 1 + Math.floor(Math.random() * rows)
    await client.query('begin')
    await client.query({ name: 'read', text: 'select email, payload from users where id = $1', values: [id] })
    await client.query({
      name: 'write',
      text: 'update users set seen = seen + 1 where id = $1',
      values: [id],
    })
    await client.query('commit')
    seen.push([due, performance.now() - due])
  }
  return seen
}
