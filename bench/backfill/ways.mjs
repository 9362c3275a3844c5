// The ways to fill the column. Each prepares a database and returns what is measured.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { filledByPgroll } from './pgroll.mjs'
import { connected } from './tables.mjs'

const program = path.join(import.meta.dirname, 'fill.mjs')

/** A process of its own, as in life: it does not share its clock with the bystander. */
async function bellows(url, phase, batch) {
  const child = spawn(process.execPath, [program, url, phase, JSON.stringify(batch)], { stdio: 'inherit' })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`Bellows ended with ${code}`)
}

/** The new column and what keeps it in step are there before the clock starts; the start of the process counts, as it does for pgroll. */
const filledByBellows = (workers) => async (url) => {
  await bellows(url, 'expand', {})
  return () => bellows(url, 'backfill', { workers })
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
}

/** The dual write without a backfill. */
export const expand = (url) => bellows(url, 'expand', {})

/** Compares old and new, where Bellows has filled. */
export const verify = (url) => bellows(url, 'verify', {})
