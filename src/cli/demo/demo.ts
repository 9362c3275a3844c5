import { setTimeout as wait } from 'node:timers/promises'
import { type Bellows, BellowsError, type DemoDatabase, openBellows, startDemoDatabase } from '../../index.ts'
import { grouped } from '../render/figures.ts'
import type { Terminal } from '../terminal.ts'
import { VERSION } from '../version.ts'
import { checkClaims } from './claims.ts'
import { type GateLooks, lookAtGate } from './gate-looks.ts'
import { CLIENTS, type Load, startLoad } from './load.ts'
import { report } from './report.ts'
import { INSTANCES, type Site, SUPERVISE, startSite } from './site.ts'
import { showWire } from './wire.ts'

/** Long enough for figures before and after that mean something. */
const CALM_MS = 2_500
/** What the first commands say while they work is what the one that counts says, too. */
const QUIET = '2>/dev/null'

const [OLD, NEW] = ['1', '2']
/** The first one comes with version 1 of the application, the second one with version 2. */
const FIRST = '0001_add_email'
const RENAME = '0002_rename_name'
const MIGRATIONS = {
  [FIRST]: [{ add_column: { table: 'users', column: 'email', type: 'text' } }],
  [RENAME]: [{ rename_column: { table: 'users', from: 'name', to: 'full_name' } }],
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
    `\nThe same on a table of ${grouped(options.rows)} users that is read and written all the time:\n`,
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
  readonly site: Site
  readonly terminal: Terminal
}

async function liveRename(
  options: DemoOptions,
  database: DemoDatabase,
  terminal: Terminal,
): Promise<boolean> {
  const bellows = await openBellows({ database: database.url, application: `bellows/${VERSION} demo` })
  let site: Site | undefined
  let load: Load | undefined
  try {
    // The registry must be there before the first instance announces itself.
    await bellows.install()
    terminal.out(`$ bellows ${SUPERVISE.join(' ')} ${QUIET} &`)
    site = await startSite(database, migrationFiles())
    const stage = { bellows, database, site, terminal }
    await deployFirst(stage)
    load = startLoad(options.rows, site.url)
    return await underTraffic(stage, load, options)
  } finally {
    await load?.stop()
    await site?.end()
    await bellows.close()
  }
}

function migrationFiles(): Readonly<Record<string, object>> {
  const files = Object.entries(MIGRATIONS)
  return Object.fromEntries(files.map(([name, operations]) => [`migrations/${name}.json`, { operations }]))
}

async function deployFirst({ site, terminal }: Stage): Promise<void> {
  const args = deployOf(FIRST, OLD)
  terminal.out(`$ bellows ${args.join(' ')} ${QUIET}`)
  const { code, said } = await site.run(args, 'result')
  if (code !== 0)
    throw new BellowsError('embedded_failed', `Version ${OLD} of the demo did not start: ${said.trim()}`)
  terminal.out(
    `\n${INSTANCES} instances of version ${OLD} answer at ${site.url}, and ${CLIENTS} clients read and write there.\n`,
  )
}

async function underTraffic(
  { bellows, database, site, terminal }: Stage,
  load: Load,
  { rows, keep }: DemoOptions,
): Promise<boolean> {
  await wait(CALM_MS)
  load.stretch('before')
  const before = await shapeOf(bellows)
  const { isDeployed, looks } = await deployRename({ bellows, database, site, terminal })
  load.stretch('during')
  await wait(CALM_MS)
  load.stretch('after')
  const served = await load.stop()
  const fleet = await site.deployer.fleet()
  const claims = await checkClaims(bellows, database, { rows, version: NEW, served, looks, fleet })
  report(terminal, { served, claims, before, after: await shapeOf(bellows), versions: [OLD, NEW] })
  if (keep) await keepRunning({ bellows, database, site, terminal })
  return isDeployed && claims.every(({ held }) => held)
}

async function deployRename({
  bellows,
  site,
  terminal,
}: Stage): Promise<{ readonly isDeployed: boolean; readonly looks: GateLooks }> {
  const args = deployOf(RENAME, NEW)
  terminal.out(`$ bellows ${args.join(' ')}`)
  const endLooks = lookAtGate(bellows, site.deployer, { migration: RENAME, old: OLD })
  const { code } = await site.run(args, 'all')
  return { isDeployed: code === 0, looks: await endLooks() }
}

function deployOf(migration: string, version: string): readonly string[] {
  return ['deploy', migration, '--to', version, '--confirm', 'demo']
}

async function shapeOf(bellows: Bellows): Promise<string> {
  const shape = await bellows.table({ namespace: 'public', name: 'users' })
  return `users (${shape?.columns.map(({ name, type, nullable }) => `${name} ${type}${nullable ? '' : ' not null'}`).join(', ')})`
}

async function keepRunning({ database, site, terminal }: Stage): Promise<void> {
  terminal.out(
    `\nLeft running until Ctrl-C, to look around:\n  ${site.url}/users/1\n` +
      `  cd ${site.folder} && export DATABASE_URL='${database.url}'\n  bellows deploy status ${RENAME}; bellows instances`,
  )
  await new Promise<void>((resolve) =>
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve()),
  )
}
