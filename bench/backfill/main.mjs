// Fills a column of a table that has rows: Bellows, one UPDATE of everything, and pgroll where Go is on the machine. All on the same server,
// in turns, with and without clients that go on meanwhile; medians and ratios, and the targets that we hold ourselves to.
//
//   npm run bench -- [--rows 1000000] [--runs 5] [--shape usual] [--ways "one UPDATE,Bellows, 1 worker"] [--out folder]
//
// Needs some 12 times the size of the table on the disk: 4 GB for a million rows of the usual shape.
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createJiti } from 'jiti'
import { dualWriteCost } from './dual-write.mjs'
import { idle, measured } from './measure.mjs'
import { pgroll } from './pgroll.mjs'
import { dualWriteTargets, IDLE, picture, summed, table, targets, targetTable } from './report.mjs'
import { dropOriginal, makeOriginal, SHAPES, withCopy } from './tables.mjs'
import { WAYS } from './ways.mjs'

// Not for users, so the package does not offer it.
const { startEmbedded } = await createJiti(import.meta.url).import(
  '../../src/adapters/postgres/embedded/start.ts',
)

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '5' },
    shape: { type: 'string', default: 'usual' },
    ways: { type: 'string', default: Object.keys(WAYS).join(';') },
    out: { type: 'string', default: 'bench-results' },
  },
})
const [rows, runs] = [Number(values.rows), Number(values.runs)]
const shape = SHAPES[values.shape]
if (shape === undefined)
  throw new Error(`There is no shape "${values.shape}": ${Object.keys(SHAPES).join(', ')}`)
// None at all leaves the dual write.
const wanted = values.ways
  .split(';')
  .map((way) => way.trim())
  .filter((way) => way !== '')
for (const way of wanted)
  if (WAYS[way] === undefined) throw new Error(`There is no way "${way}": ${Object.keys(WAYS).join('; ')}`)

const { why } = wanted.some((way) => way.startsWith('pgroll')) ? pgroll() : {}
if (why !== undefined) console.error(`pgroll is not run: ${why}`)
const isRun = (way) => why === undefined || !way.startsWith('pgroll')

const server = await startEmbedded({
  settings: { shared_buffers: '2GB', max_wal_size: '8GB', autovacuum: 'off' },
})
const all = []
let dualWrite = []
try {
  await makeOriginal(server, shape, rows)
  const copies = (work) => withCopy(server, work)
  for (let run = 0; run < runs; run += 1) {
    all.push({
      way: IDLE,
      withBystander: true,
      run,
      samples: [],
      ...(await copies((url) => idle(url, rows))),
    })
    for (const withBystander of [true, false])
      for (const way of inTurns(wanted.filter(isRun), run)) {
        const withVerify = way === 'Bellows, 1 worker' && !withBystander
        const one = await copies((url) => measured(url, WAYS[way], { rows, withBystander, withVerify }))
        all.push({ way, withBystander, run, ...one })
        write()
        console.error(
          `${run + 1}/${runs} ${way}${withBystander ? ', with the bystander' : ''}: ${Math.round(one.rowsPerSecond)} rows/s`,
        )
      }
  }
  dualWrite = await dualWriteCost(copies, rows, runs)
  await dropOriginal(server)
} finally {
  await server.stop()
}
write()

/** Whoever is first in one round is last in the next. */
function inTurns(ways, run) {
  return run % 2 === 0 ? ways : ways.toReversed()
}

/** After each run: at ten million rows they take the better part of an hour. */
function write() {
  const [busy, quiet] = [true, false].map((withBystander) =>
    summed(all.filter((one) => one.withBystander === withBystander)),
  )
  const notRun = wanted.filter((way) => !isRun(way))
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.versions.node}`
  const text = [
    `${rows.toLocaleString('en-US')} rows, shape "${values.shape}", medians of ${runs} runs in turns; ${machine}.`,
    '',
    table('With the bystander', busy, notRun),
    table('Alone', quiet, notRun),
    targetTable('Targets, with the bystander', targets(merged(busy, quiet))),
    targetTable('Dual write', dualWriteTargets(dualWrite)),
  ].join('\n')
  mkdirSync(values.out, { recursive: true })
  const name = path.join(values.out, `backfill-${values.shape}-${rows}`)
  writeFileSync(`${name}.md`, text)
  writeFileSync(
    `${name}.json`,
    JSON.stringify({ machine, rows, shape: values.shape, runs: all, dualWrite }, null, 2),
  )
  writeFileSync(`${name}.svg`, picture(all))
  console.log(text)
}

/** The comparison is measured where nobody else is at work. */
function merged(busy, quiet) {
  return busy.map((row) => ({ ...row, verifyShare: quiet.find(({ way }) => way === row.way)?.verifyShare }))
}
