// One run: a way to fill, on a copy of the table, with or without the bystander.

import { connected } from '../sessions.mjs'
import { percentile, startBystander } from './bystander.mjs'
import { figures } from './tables.mjs'
import { verify } from './ways.mjs'

const SAMPLE_MS = 500
const IDLE_MS = 10_000

export async function measured(url, way, { rows, withBystander, withVerify }) {
  const fill = await way(url)
  return await connected(url, async (client) => {
    const before = await figures(client)
    const stopBystander = withBystander ? await startBystander(url, rows) : undefined
    const sampler = sampled(client)
    let said
    const seconds = await timed(async () => (said = await fill()))
    const samples = await sampler.stop()
    const bystander = await stopBystander?.()
    const after = await figures(client)
    await mustBeFilled(client)
    return {
      seconds,
      rowsPerSecond: rows / seconds,
      memoryBytes: said?.memoryBytes,
      foretoldOff: said?.foretoldOff,
      walBytes: after.wal - before.wal,
      tableGrowth: after.table / before.table,
      indexGrowth: after.index / before.index,
      hotShare: (after.hot - before.hot) / Math.max(1, after.updated - before.updated),
      ...(bystander === undefined ? {} : latencies(bystander)),
      samples: withBystander ? seriesOf(samples, bystander) : [],
      ...(withVerify ? { verifySeconds: await timed(() => verify(url)) } : {}),
    }
  })
}

/** What the bystander sees when nobody else is there. */
export async function idle(url, rows) {
  const stopBystander = await startBystander(url, rows)
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  return latencies(await stopBystander())
}

export async function timed(work) {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1_000
}

function latencies({ transactions }) {
  const all = transactions.map(([, ms]) => ms)
  return {
    p50Ms: percentile(all, 0.5),
    p99Ms: percentile(all, 0.99),
    mostMs: all.reduce((most, ms) => Math.max(most, ms), 0),
  }
}

/** How many rows were updated by when, as the server counts them. */
function sampled(client) {
  const samples = []
  let isOver = false
  const ended = (async () => {
    while (!isOver) {
      const { rows } = await client.query(
        `select n_tup_upd::float8 as updated from pg_stat_user_tables where relid = 'users'::regclass`,
      )
      samples.push([performance.timeOrigin + performance.now(), rows[0].updated])
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))
    }
  })()
  const stop = async () => {
    isOver = true
    await ended
    return samples
  }
  return { stop }
}

/** For each second: rows updated, and what the bystander saw. */
function seriesOf(samples, { began, clock, transactions }) {
  const end = samples.at(-1)?.[0] ?? began
  const seconds = Math.ceil((end - began) / 1_000)
  return Array.from({ length: seconds }, (_, second) => {
    const [from, to] = [began + second * 1_000, began + (second + 1) * 1_000]
    const within = transactions.filter(([due]) => due + clock >= from && due + clock < to).map(([, ms]) => ms)
    return {
      second,
      rows: updatedBy(samples, to) - updatedBy(samples, from),
      p99Ms: percentile(within, 0.99),
    }
  })
}

const updatedBy = (samples, at) => samples.findLast(([time]) => time <= at)?.[1] ?? samples[0]?.[1] ?? 0

/** A way that leaves rows out is no way. */
async function mustBeFilled(client) {
  const { rows } = await client.query(
    `select column_name as name from information_schema.columns where table_schema = 'public' and table_name = 'users' and column_name like '%full_name'`,
  )
  const { rows: left } = await client.query(
    `select count(*)::int as left from users where ${client.escapeIdentifier(rows[0].name)} is distinct from name`,
  )
  if (left[0].left > 0) throw new Error(`${left[0].left} rows were left out`)
}
