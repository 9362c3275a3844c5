import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import { OPERATION_KINDS } from '../../src/core/operations/index.ts'
import { cleanUp, type TestDatabase } from '../support/database.ts'
import { type Effect, faultyBellows } from '../support/faulty-ports.ts'
import type { OperationCase } from '../support/operation-case.ts'
import { lockingCases } from '../support/partitioned-key-cases.ts'
import { forthAndBack, planned } from '../support/traced-life.ts'
import { startBystanders } from './bystanders.ts'

const LOCK_TIMEOUT_MS = 60
/** What a step says of itself: a lock that stops clients is held for milliseconds. */
const HOLD_MS = 100
const BOUND_MS = LOCK_TIMEOUT_MS + HOLD_MS
/** A machine that stalls does so now and then, a step that stops clients does so more often than not: the middle one of so many counts. */
const ATTEMPTS = 5
/** For how long somebody is in the way of what does not say that it waits: it tries again by itself, or is to stop nobody. */
const LONG_MS = 5 * BOUND_MS

const SETTINGS: SettingsChange = {
  lock: { canaryTimeoutMs: 20, heldTimeoutMs: LOCK_TIMEOUT_MS, pauseMaxMs: 60 },
  batch: { rows: 200, verifyRows: 500, lockTimeoutMs: LOCK_TIMEOUT_MS },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
}

const CASES = OPERATION_KINDS.flatMap((kind) =>
  lockingCases(kind).map((one) => [kind, one.name, one] as const),
)

test.for(CASES)(
  'nobody waits for longer than a lock timeout and a hold while somebody is in the way of every step, forth and back: %s, %s',
  async ([, , one]) => {
    const waitsMs = [await longestWaitMs(one)]
    if ((waitsMs[0] ?? 0) <= BOUND_MS) return
    while (waitsMs.length < ATTEMPTS) waitsMs.push(await longestWaitMs(one))
    waitsMs.sort((a, b) => a - b)
    expect(waitsMs[(ATTEMPTS - 1) / 2], `of ${waitsMs.join(', ')} ms`).toBeLessThanOrEqual(BOUND_MS)
  },
)

/** How long the longest statement of somebody took who only reads and writes the tables. */
async function longestWaitMs(one: OperationCase): Promise<number> {
  const { database, migration, plan } = await planned(one)
  const tables = await tablesOf(database)
  const obstacle = await obstacleOn(database, tables)
  const met = new Set<string>()
  const before = async ({ kind, what }: Effect): Promise<void> => {
    await obstacle.leave()
    if (kind === 'outside') await obstacle.stand(LONG_MS)
    const isStep = kind === 'transact' && what.includes('step_done') && !met.has(what)
    if (!isStep) return
    met.add(what)
    await obstacle.stand(LONG_MS)
  }
  const { bellows } = faultyBellows(
    database.url,
    { before },
    {
      settings: SETTINGS,
      onNotice: ({ type }) => {
        if (type === 'waiting_for_lock') void obstacle.leave()
      },
    },
  )
  const bystanders = await startBystanders(
    database,
    tables.flatMap((table) => [`select from ${table} limit 1`, `delete from ${table} where false`]),
  )
  await bellows.change((driver) => forthAndBack(driver, migration, plan))
  const { longestMs, errors } = await bystanders.stop()
  await bellows.close()
  await obstacle.leave()
  // A table may get another name, or go.
  expect(errors.filter((error) => !/relation .* does not exist/.test(error))).toEqual([])
  return longestMs
}

async function tablesOf(database: TestDatabase): Promise<readonly string[]> {
  const rows = await database.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class
      where relkind in ('r', 'p') and relnamespace::regnamespace::text !~ '^(pg_|information_schema|bellows)'`,
  )
  return rows.map(({ name }) => name)
}

/** A transaction that has read and written every table, and is in no hurry. */
async function obstacleOn(database: TestDatabase, tables: readonly string[]) {
  const session = await database.session('nightly report')
  cleanUp(async () => void (await session.query('rollback').catch(() => undefined)))
  let stands = 0
  let isStanding = false
  // The session does one thing after the other: nobody leaves while it takes its locks.
  let turn: Promise<void> = Promise.resolve()
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    turn = turn.then(work)
    return turn
  }
  const leave = () =>
    inTurn(async () => {
      if (!isStanding) return
      isStanding = false
      await session.query('rollback')
    })
  const stand = (forMs: number) =>
    inTurn(async () => {
      await session.query('begin')
      for (const table of tables) {
        const [found] = (await session.query(`select to_regclass($1) as there`, [table])).rows
        if (found?.there !== null) await session.query(`lock table ${table} in row exclusive mode`)
      }
      isStanding = true
      stands += 1
      const mine = stands
      void sleep(forMs).then(() => (mine === stands ? leave() : undefined))
    })
  return { leave, stand }
}
