// The ways to fill the column. Each prepares a database and returns what is measured.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { connected } from '../sessions.mjs'
import { filledByPgroll } from './pgroll.mjs'

const program = path.join(import.meta.dirname, 'fill.mjs')

const started = (url, phase, batch) =>
  spawn(process.execPath, [program, url, phase, JSON.stringify(batch)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })

/** A process of its own, as in life: it does not share its clock with the bystander. Returns what it says of itself. */
async function bellows(url, phase, batch) {
  const child = started(url, phase, batch)
  let said
  child.once('message', (message) => (said = message))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`Bellows ended with ${code}`)
  return said
}

/** The new column and what keeps it in step are there before the clock starts; the start of the process counts, as it does for pgroll. */
const filledByBellows = (workers) => async (url) => {
  await bellows(url, 'expand', {})
  return () => bellows(url, 'backfill', { workers })
}

/** Killed when half of the rows are filled, and begun again. */
const filledInTwo = async (url) => {
  await bellows(url, 'expand', {})
  return async () => {
    const child = started(url, 'backfill', { workers: 1 })
    const closed = once(child, 'close')
    await connected(url, untilHalf)
    child.kill('SIGKILL')
    await closed
    return await bellows(url, 'backfill', { workers: 1 })
  }
}

async function untilHalf(client) {
  for (let share = 0; share < 0.5; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const { rows } = await client.query(
      `select coalesce(sum(rows_done), 0)::float8 / (select reltuples from pg_class where oid = 'users'::regclass) as share from bellows.backfill_range`,
    )
    share = rows[0].share
  }
}

const filledAtOnce = async (url) => {
  await connected(url, (client) => client.query('alter table users add column full_name text'))
  return () => connected(url, (client) => client.query('update users set full_name = name'))
}

export const WAYS = {
  'one UPDATE': filledAtOnce,
  'pgroll, its defaults': (url) => filledByPgroll(url, []),
  'pgroll, batches of 10,000': (url) => filledByPgroll(url, ['--backfill-batch-size', '10000']),
  'Bellows, 1 worker': filledByBellows(1),
  'Bellows, 2 workers': filledByBellows(2),
  'Bellows, 4 workers': filledByBellows(4),
  'Bellows, killed half way': filledInTwo,
}

/** The dual write without a backfill. */
export const expand = (url) => bellows(url, 'expand', {})

/** Compares old and new, where Bellows has filled. */
export const verify = (url) => bellows(url, 'verify', {})
