import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import { BellowsError, type ErrorCode } from '../../src/core/errors.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { testDatabase } from '../support/database.ts'
import { randomOf } from '../support/network/random.ts'
import { rename } from '../support/rename.ts'
import { FLEET_TABLE, type Fleet, fleetOn, type Member } from './fleet-members.ts'

const MEMBERS = 20
/** The shortest that the registry takes. */
const LEASE_MS = 1_000
const GRACE_MS = 300
const MIGRATION = { name: '0001_test', operations: [rename()] } as const
const SETTINGS = {
  driver: { pollMs: 20 },
  // Each use is of a process that registered, so the gate is to know it by its lease and its sessions alone.
  gate: {
    whenNoneRegistered: 'refuse',
    unregistered: 'refuse',
    quietMs: 0,
    silentGraceMs: GRACE_MS,
    transactionsMs: 500,
  },
} satisfies SettingsChange

/** What may happen to a process of the old version before it goes. */
const MISHAPS = ['stopped', 'lapsing', 'stopped while lapsing', 'nothing'] as const

/** Of the plan; when its moments come is up to the machine. */
const SEED = 1

test('twenty processes are killed, stopped and lapse, and none that lives ever finds its column gone', async () => {
  const { bellows, fleet } = await prepared()
  const olds = Array.from({ length: MEMBERS }, () => fleet.start('old'))
  await Promise.all(olds.map((member) => member.begun()))
  const [stopped, lapsing, ...others] = olds
  if (stopped === undefined || lapsing === undefined) throw new Error('there is no fleet')
  const contract = keepContracting(bellows)

  await Promise.all(others.map((member) => lifeOf(member, fleet)))

  // Two are left, and nothing but their sessions speaks for them: one is stopped, the other works on and cannot renew.
  lapsing.tell('lapse')
  await pastItsLease(fleet, lapsing)
  await stoppedPastItsLease(fleet, stopped, () => contract.refusedAgain(3))
  await worksOn(fleet, stopped)
  await worksOn(fleet, lapsing)
  await lapsing.end()
  stopped.signal('SIGSTOP')
  await pastItsLease(fleet, stopped)
  await contract.refusedAgain(3)
  expect(whoIsThere(fleet)).toEqual([stopped.instance])
  await stopped.kill()
  await contract.done
  expect(whoIsThere(fleet), 'the contract came when nobody of the old version was there').toEqual([])

  await nobodyIsLetIn(fleet, 'is being retired')
  await bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
  await nobodyIsLetIn(fleet, 'does not exist')
  for (const member of fleet.members) if (member.isThere()) await worksOn(fleet, member)
  await Promise.all(fleet.members.filter((one) => one.isThere()).map((member) => member.end()))
  expect(fleet.members.flatMap(complaintsOf)).toEqual([])
  expect(contract.refusals(), 'the gate met them').toBeGreaterThan(10)
})

async function prepared(): Promise<{ bellows: Bellows; fleet: Fleet }> {
  const database = await testDatabase(FLEET_TABLE)
  const bellows = await database.bellows({ settings: SETTINGS })
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  return { bellows, fleet: fleetOn(database, LEASE_MS) }
}

const NOT_NOW: readonly ErrorCode[] = ['instances_blocking', 'gate_closed', 'gate_expired', 'lock_not_had']

/** Tries to hide the column, again and again, until that is done. */
function keepContracting(bellows: Bellows) {
  let refusals = 0
  let isDone = false
  const attempt = async (): Promise<void> => {
    try {
      await bellows.change((driver) => driver.advance(MIGRATION, 'retire'))
      isDone = true
    } catch (error) {
      if (!(error instanceof BellowsError && NOT_NOW.includes(error.code))) throw error
      refusals += 1
      await sleep(20)
    }
  }
  const done = (async () => {
    while (!isDone) await attempt()
  })()
  // Whoever waits for it is told; until then it is nobody's.
  done.catch(() => undefined)
  return {
    done,
    isDone: () => isDone,
    refusals: () => refusals,
    refusedAgain: async (times: number): Promise<void> => {
      const goal = refusals + times
      await Promise.race([done, expect.poll(() => refusals, { timeout: 60_000 }).toBeGreaterThan(goal)])
      expect(isDone, 'the column was hidden meanwhile').toBe(false)
    },
  }
}

/** Mishaps, an end, and then who comes in its place: the new version, and perhaps the old one once more. */
async function lifeOf(member: Member, fleet: Fleet): Promise<void> {
  const next = randomOf(SEED, member.instance)
  await sleep(next() * 2_000)
  for (let turn = 0; turn < 2 && member.isThere(); turn += 1) {
    const mishap = MISHAPS[Math.floor(next() * MISHAPS.length)] ?? 'nothing'
    if (mishap.endsWith('lapsing')) member.tell('lapse')
    if (mishap.startsWith('stopped')) await stoppedPastItsLease(fleet, member, async () => undefined)
    else if (mishap === 'lapsing') await pastItsLease(fleet, member)
    if (mishap !== 'nothing') await worksOn(fleet, member)
    if (next() < 0.5) member.tell('renew')
  }
  // One that is killed while it is stopped, too, is gone.
  if (next() < 0.3) member.signal('SIGSTOP')
  else if (next() < 0.5) await member.end()
  await member.kill()
  const newcomer = fleet.start('new')
  if (next() < 0.4) await lateComer(fleet, next)
  await newcomer.begun()
  await worksOn(fleet, newcomer)
}

/** The old version is started again, as by an autoscaler, and stopped while it comes up. It is let in, or it never serves. */
async function lateComer(fleet: Fleet, next: () => number): Promise<void> {
  const late = fleet.start('old')
  await sleep(next() * 400)
  late.signal('SIGSTOP')
  await sleep(next() * 1_500)
  late.signal('SIGCONT')
  await late.begun()
  if (!late.isThere()) return
  await worksOn(fleet, late)
  await late.end()
}

/** Stops a process until nothing but its sessions speaks for it, and lets it go on. */
async function stoppedPastItsLease(
  fleet: Fleet,
  member: Member,
  meanwhile: () => Promise<void>,
): Promise<void> {
  member.signal('SIGSTOP')
  await pastItsLease(fleet, member)
  await meanwhile()
  member.signal('SIGCONT')
}

async function pastItsLease(fleet: Fleet, member: Member): Promise<void> {
  await expect
    .poll(() => fleet.isPastItsLease(member, GRACE_MS), { timeout: 60_000, interval: 100 })
    .toBe(true)
}

async function worksOn(fleet: Fleet, member: Member): Promise<void> {
  const before = await fleet.usesOf(member)
  await expect
    .poll(async () => complaintsOf(member).length > 0 || (await fleet.usesOf(member)) > before + 1, {
      timeout: 60_000,
    })
    .toBe(true)
}

async function nobodyIsLetIn(fleet: Fleet, because: string): Promise<void> {
  const late = [fleet.start('old'), fleet.start('old')]
  await Promise.all(late.map((member) => member.begun()))
  for (const { said } of late)
    expect(said).toEqual([expect.stringContaining(`refused: users.name ${because}`)])
}

const whoIsThere = ({ members }: Fleet): readonly string[] =>
  members.filter((one) => one.shape === 'old' && one.isThere()).map(({ instance }) => instance)

/** What must not become of anybody: a statement that failed, or a column that is gone from under who was let in. */
function complaintsOf({ instance, said }: Member): readonly string[] {
  const isLetIn = said.includes('serving')
  return said
    .filter((one) => one.startsWith('failed') || (isLetIn && one.startsWith('retired')))
    .map((one) => `${instance} ${one}`)
}
