import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, test } from 'vitest'
import { type RolloutChange, rolloutRules, type SettingsChange } from '../../src/config.ts'
import { BellowsError, type ErrorCode } from '../../src/core/errors.ts'
import type { ProcessRole } from '../../src/core/processes/config.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import type { Deployer } from '../../src/engine/ports.ts'
import { type Site, site } from '../adapters/process/cli-support.ts'
import { recordOf, webRole } from '../adapters/process/support.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import { builtMain } from '../support/node-process.ts'
import { rename } from '../support/rename.ts'
import { FLEET_TABLE } from './fleet-members.ts'

const MEMBER = path.resolve(import.meta.dirname, '../support/fixtures/rolling-member.mjs')
const INSTANCES = 20
const LEASE_MS = 2_000
const GRACE_MS = 300
const MIGRATION = { name: '0001_test', operations: [rename()] } as const
const ROLES = [{ role: 'web', instances: INSTANCES }]
const RULES: RolloutChange = {
  batch: 4,
  canary: { instances: 2 },
  pollMs: 20,
  minHealthyMs: 30,
  startupDeadlineMs: 60_000,
  drainTimeoutMs: 20_000,
  stopTimeoutMs: 20_000,
}
/** Slots in which something happens, all of them behind the moment in which the driver is killed but the first. */
const [FLAPPING, REFUSED, UNANSWERED, TRIPPING] = ['1', '12', '14', '16'] as const

/** What there is of the application is to be known by leases and sessions alone. */
const GATE = {
  whenNoneRegistered: 'refuse',
  unregistered: 'refuse',
  quietMs: 0,
  silentGraceMs: GRACE_MS,
  transactionsMs: 500,
  overrides: [{ check: 'inventory', reason: 'a test' }],
} satisfies SettingsChange['gate']

test.runIf(process.platform === 'linux')(
  'twenty processes are replaced by a driver that is killed and a deployer that fails, and the contract waits for the last of them',
  { timeout: 300_000 },
  async () => {
    const { bellows, run, here, database, contract } = await prepared()
    await bellows.change((driver) => driver.rollOut(run, wished('old'), here.deployer))
    contract.begin()
    await contract.refusedAgain(3)

    await driverKilled(here, database, 6)
    const versions = (await living(here)).map(({ version }) => version)
    expect(new Set(versions), 'it was killed in the middle').toEqual(new Set(['old', 'new']))
    await contract.refusedAgain(3)
    await mishaps(here, database, () => contract.refusedAgain(3))

    const failing = failingOnce(here.deployer)
    await bellows.change((driver) => driver.rollOut(run, wished('new'), failing.deployer))
    expect(failing.failed().toSorted()).toEqual([`web-${REFUSED}-r2-1`, `web-${UNANSWERED}-r2-1`])
    await contract.done
    const ids = (await living(here)).map(({ id, state }) => `${id} ${state}`)
    const attempt = (slot: number): number => (String(slot) === TRIPPING ? 2 : 1)
    const wanted = Array.from({ length: INSTANCES }, (_, at) => `web-${at + 1}-r2-${attempt(at + 1)} serving`)
    expect(ids.toSorted(), 'each slot once, and only what ended by itself twice').toEqual(wanted.toSorted())

    await bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
    await allWorkOn(database)
    const said = logsOf(here)
    expect(
      said.filter((line) => line.startsWith('failed')),
      'nobody missed a column',
    ).toEqual([])
    expect(said.filter((line) => line === 'tripped')).toHaveLength(1)
    expect(said.filter((line) => line === 'ill').length, 'one flapped').toBeGreaterThan(2)
  },
)

async function prepared() {
  const database = await testDatabase(FLEET_TABLE)
  const bellows = await database.bellows({ settings: { gate: GATE } })
  const { id: run } = await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  const contracting = await database.bellows({
    settings: { driver: { waitMs: 100, pollMs: 20 }, gate: GATE },
  })
  const here = await site()
  const web: Partial<ProcessRole> = {
    command: [process.execPath, MEMBER],
    instances: INSTANCES,
    env: {
      APP: path.join(path.dirname(builtMain()), '../app/announce.js'),
      DATABASE_URL: database.url,
      LEASE_MS: String(LEASE_MS),
      TRIPS: TRIPPING,
      MARKS: here.place.folder,
      FLAPS: FLAPPING,
    },
    health: { kind: 'http', path: '/healthz', intervalMs: 200, timeoutMs: 10_000 },
    stopTimeoutMs: 20_000,
  }
  await here.configure({ web: await webRole(web) }, RULES)
  await here.up()
  return { bellows, run, here, database: watched(database), contract: keepContracting(contracting) }
}

const wished = (version: string) => ({ version, roles: ROLES, rules: rolloutRules(RULES) })

const NOT_NOW: readonly ErrorCode[] = [
  'instances_blocking',
  'gate_closed',
  'gate_expired',
  'lock_not_had',
  'driver_busy',
]

/** Tries to hide the column, again and again, whenever nobody else drives. */
function keepContracting(bellows: Bellows) {
  let refusals = 0
  let isDone = false
  let begin = (): void => undefined
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const attempt = async (): Promise<void> => {
    try {
      await bellows.change((driver) => driver.advance(MIGRATION, 'retire'))
      isDone = true
    } catch (error) {
      if (!(error instanceof BellowsError && NOT_NOW.includes(error.code))) throw error
      if (error.code !== 'driver_busy') refusals += 1
      await sleep(100)
    }
  }
  const done = (async () => {
    await begun
    while (!isDone) await attempt()
  })()
  // Whoever waits for it is told; until then it is nobody's.
  done.catch(() => undefined)
  return {
    begin: () => begin(),
    done,
    refusedAgain: async (times: number): Promise<void> => {
      const goal = refusals + times
      await Promise.race([
        done,
        expect.poll(() => refusals, { timeout: 60_000 }).toBeGreaterThanOrEqual(goal),
      ])
      expect(isDone, 'the column was hidden meanwhile').toBe(false)
    },
  }
}

/** `bellows deploy rollout`, killed as soon as so many of the new version serve. */
async function driverKilled(here: Site, database: Watched, serving: number): Promise<void> {
  const { child, ended } = here.place.start('deploy', 'rollout', '--to', 'new', '--database', database.url)
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    if (said.split(' serves\n').length > serving) child.kill('SIGKILL')
  })
  const { code, err } = await ended
  expect(code, err).toBeNull()
}

/** While nobody drives, two of the old version that nobody has replaced yet: one is killed, and one is stopped past its lease. */
async function mishaps(here: Site, database: Watched, meanwhile: () => Promise<void>): Promise<void> {
  const olds = (await living(here)).filter(({ version, state }) => version === 'old' && state === 'serving')
  const [killed, stopped] = olds.map(({ id }) => id)
  if (killed === undefined || stopped === undefined) throw new Error('there is nobody of the old version')
  signal(here, killed, 'SIGKILL')
  signal(here, stopped, 'SIGSTOP')
  await expect.poll(() => database.isPastItsLease(stopped), { timeout: 60_000 }).toBe(true)
  await meanwhile()
  signal(here, stopped, 'SIGCONT')
  await expect.poll(() => logOf(here, killed).filter((line) => line === 'serving').length).toBe(2)
}

function signal({ state }: Site, id: string, name: NodeJS.Signals): void {
  process.kill(recordOf(state, id).process?.pid ?? 0, name)
}

/** The first start of one instance is refused, and that of another is done and not answered. */
function failingOnce(deployer: Deployer): { readonly deployer: Deployer; failed(): readonly string[] } {
  const failed: string[] = []
  const start: Deployer['start'] = async (placement) => {
    const { id, slot } = placement
    const isFirst = [REFUSED, UNANSWERED].includes(`${slot}` as never) && !failed.includes(id)
    if (isFirst) failed.push(id)
    if (isFirst && `${slot}` === REFUSED) throw new Error('no machine is free')
    await deployer.start(placement)
    if (isFirst) throw new Error('no answer in time')
  }
  return { deployer: { ...deployer, start }, failed: () => failed }
}

const living = async ({ deployer }: Site) => (await deployer.fleet()).filter(({ state }) => state !== 'gone')

const logFolder = ({ state }: Site): string => path.join(state, 'logs')
const logOf = (here: Site, id: string): readonly string[] =>
  readFileSync(path.join(logFolder(here), `${id}.log`), 'utf8').split('\n')
const logsOf = (here: Site): readonly string[] =>
  readdirSync(logFolder(here)).flatMap((file) => logOf(here, file.replace(/\.log$/, '')))

type Watched = ReturnType<typeof watched>

/** Looks at it as Bellows does, so that the gate does not wonder who that is. */
function watched({ url }: TestDatabase) {
  const pool = new pg.Pool({ connectionString: url, max: 1, application_name: 'bellows' })
  cleanUp(() => pool.end())
  const first = async <Value>(query: string, values: readonly unknown[]): Promise<Value | undefined> =>
    (await pool.query<{ value: Value }>(query, [...values])).rows[0]?.value
  return {
    url,
    isPastItsLease: (instance: string) =>
      first<boolean>(
        `select extract(epoch from clock_timestamp() - renewed_at) * 1000 > lease_ms + $2::int as value
          from bellows.instance where instance = $1`,
        [instance, GRACE_MS],
      ),
    /** The fewest uses that any slot has had. */
    usesOfEach: () =>
      first<number[]>('select array_agg(uses order by id) as value from users where id <= $1', [INSTANCES]),
  }
}

async function allWorkOn(database: Watched): Promise<void> {
  const before = (await database.usesOfEach()) ?? []
  await expect
    .poll(async () => (await database.usesOfEach())?.every((uses, at) => uses > (before[at] ?? 0) + 1), {
      timeout: 60_000,
    })
    .toBe(true)
}
