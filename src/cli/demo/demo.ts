import { setTimeout as wait } from 'node:timers/promises'
import {
  type Bellows,
  BellowsError,
  type DemoDatabase,
  type Migration,
  openBellows,
  startDemoDatabase,
} from '../../index.ts'
import { grouped, progressView } from '../render/progress.ts'
import type { Terminal } from '../terminal.ts'
import { VERSION } from '../version.ts'
import { type Claim, checkClaims } from './claims.ts'
import { type AppInstance, startInstance } from './fleet.ts'
import { type Load, type Served, startLoad } from './load.ts'
import { showWire } from './wire.ts'

const INSTANCES = 3
/** Long enough for figures before and after that mean something. */
const CALM_MS = 2_500
const FAILURES_SHOWN = 5

const MIGRATION: Migration = {
  name: '0001_rename_name',
  operations: [{ kind: 'rename_column', namespace: 'public', table: 'users', from: 'name', to: 'full_name' }],
}

export interface DemoOptions {
  readonly rows: number
  readonly keep: boolean
}

/** Shows the wire protocol, then renames a column of a live table under real traffic, and says whether every claim held. */
export async function demo(options: DemoOptions, terminal: Terminal): Promise<boolean> {
  terminal.out('The three messages and their replies, as they stand on the wire:\n')
  const spoke = await showWire(terminal)
  terminal.out(
    `\nThe same on a table of ${grouped(options.rows)} users, while three instances of an application read and write it:\n`,
  )
  const database = await startDemoDatabase({ rows: options.rows })
  try {
    const held = await liveRename(options, database, terminal)
    return held && spoke
  } finally {
    await database.stop()
  }
}

/** What the stages of the demo work on. */
interface Stage {
  readonly bellows: Bellows
  readonly database: DemoDatabase
  readonly load: Load
  /** Running instances, the oldest first. */
  readonly fleet: AppInstance[]
  readonly timeline: (text: string) => void
}

async function liveRename(
  options: DemoOptions,
  database: DemoDatabase,
  terminal: Terminal,
): Promise<boolean> {
  const view = progressView(terminal)
  const bellows = await openBellows({
    database: database.url,
    application: `bellows/${VERSION} demo`,
    // Nobody but its own instances is there, and nobody waits a minute for a demo.
    settings: { gate: { quietMs: 0 } },
    onNotice: (notice) => view.show(notice),
  })
  const timeline = startTimeline(terminal, () => view.end())
  const fleet: AppInstance[] = []
  let load: Load | undefined
  try {
    // The registry must be there before the first instance announces itself.
    await bellows.install()
    const before = await shapeOf(bellows)
    for (let number = 1; number <= INSTANCES; number += 1) {
      fleet.push(await startInstance(`v1-${number}`, 1, database.url))
    }
    load = startLoad(options.rows, fleet)
    const wasRefused = await underTraffic({ bellows, database, load, fleet, timeline })
    const served = await load.stop()
    const claims = [
      ...(await checkClaims(bellows, database, { rows: options.rows, instances: INSTANCES, served }, fleet)),
      { claim: 'the contract was refused as long as an instance of version 1 ran', held: wasRefused },
    ]
    report(terminal, served, claims, { before, after: await shapeOf(bellows) })
    if (options.keep) await keepRunning(terminal, database, fleet)
    return claims.every(({ held }) => held)
  } finally {
    view.end()
    await load?.stop()
    await Promise.all(fleet.map((instance) => instance.stop()))
    await bellows.close()
  }
}

/** Was the contract refused as long as the old version ran? */
async function underTraffic(stage: Stage): Promise<boolean> {
  const { load, timeline } = stage
  timeline(`${INSTANCES} instances of version 1 serve requests`)
  await wait(CALM_MS)
  load.stretch('before')
  const wasRefused = await migrate(stage)
  load.stretch('during')
  await wait(CALM_MS)
  load.stretch('after')
  return wasRefused
}

async function migrate(stage: Stage): Promise<boolean> {
  const { bellows, timeline } = stage
  await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  timeline('expand: "full_name" stands beside "name", and a trigger keeps both in step')
  const run = await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  const filled = run.plan.steps.find(({ kind }) => kind === 'backfill')
  const rows = filled === undefined ? 0 : ((await bellows.checkpoint(filled.id))?.rowsDone ?? 0)
  timeline(`backfill: ${grouped(rows)} rows filled in small batches; the others were written meanwhile`)
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  timeline('verify: every row compared, equal; the database keeps it so')
  const refusal = await bellows
    .change((driver) => driver.resume(run.id, 'purge'))
    .then(() => undefined, asRefusal)
  timeline(`contract while version 1 runs: ${refusal?.message ?? 'was not refused'}`)
  await replaceAll(stage)
  await bellows.change((driver) => driver.resume(run.id, 'purge'))
  timeline('contract: nobody needs "name"; it is hidden, then dropped')
  return refusal !== undefined
}

function asRefusal(error: unknown): BellowsError {
  if (error instanceof BellowsError && error.code === 'instances_blocking') return error
  throw error
}

/** One by one: the next old instance goes only when a new one is healthy and serves. */
async function replaceAll({ database, load, fleet, timeline }: Stage): Promise<void> {
  for (let number = 1; number <= INSTANCES; number += 1) {
    const renewed = await startInstance(`v2-${number}`, 2, database.url)
    const old = fleet.shift() as AppInstance
    fleet.push(renewed)
    load.route([...fleet])
    await load.drained(old)
    await old.stop()
    timeline(`rollout: ${renewed.name} is healthy and serves; ${old.name} has drained and ended`)
  }
}

async function shapeOf(bellows: Bellows): Promise<string> {
  const shape = await bellows.table({ namespace: 'public', name: 'users' })
  return `users (${shape?.columns.map(({ name, type, nullable }) => `${name} ${type}${nullable ? '' : ' not null'}`).join(', ')})`
}

function startTimeline(terminal: Terminal, before: () => void): (text: string) => void {
  const began = performance.now()
  return (text) => {
    before()
    terminal.out(`  ${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${text}`)
  }
}

function report(
  terminal: Terminal,
  served: Served,
  claims: readonly Claim[],
  shapes: { before: string; after: string },
): void {
  const { style } = terminal
  terminal.out('\n  requests         number   p50 ms   p99 ms')
  for (const { name, requests, p50Ms, p99Ms } of served.stretches) {
    terminal.out(
      `  ${name.padEnd(12)} ${grouped(requests).padStart(10)} ${p50Ms.toFixed(1).padStart(8)} ${p99Ms.toFixed(1).padStart(8)}`,
    )
  }
  terminal.out(`\n  before  ${shapes.before}\n  after   ${shapes.after}\n`)
  for (const { claim, held } of claims)
    terminal.out(`  ${held ? style('green', 'yes') : style('red', 'NO ')}  ${claim}`)
  for (const failure of served.failures.slice(0, FAILURES_SHOWN)) terminal.out(`       ${failure}`)
}

async function keepRunning(
  terminal: Terminal,
  database: DemoDatabase,
  fleet: readonly AppInstance[],
): Promise<void> {
  terminal.out(
    `\nLeft running until Ctrl-C:\n  database  ${database.url}\n${fleet.map(({ name, url }) => `  ${name}      ${url}/users/1`).join('\n')}`,
  )
  await new Promise<void>((resolve) =>
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve()),
  )
}
