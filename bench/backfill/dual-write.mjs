// What the dual write costs those who write: as many updates of one row each as the server takes, with and without it, in turns. Such a
// statement does little else, and this process and the server share the machine, so that it is the most that an application can see.
import { connected } from '../sessions.mjs'
import { expand } from './ways.mjs'

/** One, as the figures were found that we hold ourselves to; and as many as keep two cores busy, where each microsecond of the server counts. */
export const CLIENTS = [1, 4]
const SECONDS = 5

/** @returns updates a second without the dual write and with it, of the column that is copied and of another one */
export async function dualWriteCost(copies, rows, runs) {
  const results = []
  for (let run = 0; run < runs; run += 1)
    for (const isExpanded of run % 2 === 0 ? [false, true] : [true, false])
      await copies(async (url) => {
        if (isExpanded) await expand(url)
        // What is read and written for the first time is dear either way.
        await updates(url, SETS.other, { rows, clients: 4 })
        for (const [column, set] of Object.entries(SETS))
          for (const clients of CLIENTS)
            results.push({
              isExpanded,
              column,
              clients,
              perSecond: await updates(url, set, { rows, clients }),
            })
      })
  return results
}

const SETS = { copied: `name = 'user number ' || $1`, other: 'seen = seen + $1::int % 7' }

async function updates(url, set, { rows, clients }) {
  const until = performance.now() + SECONDS * 1_000
  const counts = await Promise.all(
    Array.from({ length: clients }, () =>
      connected(url, async (client) => {
        let count = 0
        for (; performance.now() < until; count += 1)
          await client.query({
            name: 'write',
            text: `update users set ${set} where id = $1::bigint`,
            values: [String(1 + Math.floor(Math.random() * rows))],
          })
        return count
      }),
    ),
  )
  return counts.reduce((a, b) => a + b) / SECONDS
}
