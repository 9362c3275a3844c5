import { describe, expect, test } from 'vitest'
import { BellowsError } from '../../src/core/errors.ts'
import { conflictsWith } from '../../src/core/plan/locks.ts'
import { isTransaction, type LockLevel, type Step } from '../../src/core/plan/step.ts'
import type { Blocker } from '../../src/core/run/blocker.ts'
import type { Changing } from '../../src/engine/bellows.ts'
import { catalog } from '../support/catalog.ts'
import { cleanUp, serverUrl, type TestDatabase, testDatabase } from '../support/database.ts'
import { type Effect, faultyBellows } from '../support/faulty-ports.ts'
import { startBystanders } from './bystanders.ts'
import { BYSTANDERS, DEADLINE_MS, GIVEN, MIGRATION, SETTINGS } from './teams.ts'

const LATE_MS = 2_000

/** Somebody in the way, who stays until told to go. */
interface Blocking {
  readonly level: LockLevel
  readonly begin: (database: TestDatabase) => Promise<{ pid: number; end: () => Promise<void> }>
}

const session = (level: LockLevel, statement: string): Blocking => ({
  level,
  begin: async (database) => {
    const client = await database.session('nightly report')
    const { rows } = await client
      .query('begin; select pg_backend_pid() as pid')
      .then((all) => [all].flat()[1] ?? all)
    await client.query(statement)
    return { pid: Number(rows[0].pid), end: async () => void (await client.query('rollback')) }
  },
})

const BLOCKING: readonly (readonly [string, Blocking])[] = [
  [
    'a reader that is idle in its transaction',
    session('access_share', 'select seen from users where id = 1'),
  ],
  ['a writer', session('row_exclusive', 'update users set pad = pad where id = 3')],
  [
    'a session that has the table to itself but for writers',
    session('share_update_exclusive', 'lock table users in share update exclusive mode'),
  ],
  [
    'a reader at work',
    {
      level: 'access_share',
      begin: async (database) => {
        const client = await database.session('nightly report')
        const [row] = (await client.query('select pg_backend_pid() as pid')).rows
        const working = client.query('select pg_sleep(600) from users limit 1').catch(() => undefined)
        const isAtWork = () =>
          database.query(`select from pg_stat_activity where pid = ${row.pid} and wait_event = 'PgSleep'`)
        await expect.poll(isAtWork).toHaveLength(1)
        return {
          pid: Number(row.pid),
          end: async () => {
            await database.query(`select pg_cancel_backend(${row.pid})`)
            await working
          },
        }
      },
    },
  ],
  [
    'a prepared transaction',
    {
      level: 'row_exclusive',
      begin: async (database) => {
        const client = await database.session()
        const name = `left_in_${database.name}`
        await client.query('begin')
        await client.query('update users set pad = pad where id = 3')
        await client.query(`prepare transaction '${name}'`)
        const end = async () => void (await database.query(`rollback prepared '${name}'`))
        cleanUp(() => end().catch(() => undefined))
        return { pid: 0, end }
      },
    },
  ],
]

describe('somebody with a lock in the way of a step', () => {
  test.for(BLOCKING)(
    '%s: the engine gives up in time and says who it is, nobody waits for long, and the step is done when they are gone',
    async ([, blocking]) => {
      const plan = await (await (await testDatabase(GIVEN)).bellows()).plan(MIGRATION)
      const inTheWay = (steps: readonly Step[]) =>
        steps.filter((step) => isTransaction(step) && isInTheWay(step, blocking)).map(({ id }) => id)
      const [forth, back] = [inTheWay(plan.steps), inTheWay(plan.rollback)]

      // Both to their end, also when one of them fails: what they began goes with their databases.
      const met = await Promise.allSettled([
        throughLocks(blocking, forth, [(driver) => driver.advance(MIGRATION, 'purge')]),
        throughLocks(blocking, back, [
          (driver) => driver.advance(MIGRATION, 'retire'),
          (driver) => driver.undo(1),
          (driver) => driver.rollback(1),
        ]),
      ])

      for (const one of met) if (one.status === 'rejected') throw one.reason
      expect(met.map((one) => one.status === 'fulfilled' && one.value)).toEqual([forth, back])
      expect(forth.length).toBeGreaterThanOrEqual(2)
    },
  )

  test('an application that registers in a transaction that it leaves open: the gate says who it is', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    const app = await database.session('the application')
    await app.query(`begin; select bellows.register('app-1', '{users.id}')`)

    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject({
      code: 'lock_not_had',
      message: expect.not.stringContaining('The lock on  was'),
      hint: expect.stringContaining('the application'),
    })

    await app.query('commit')
    await bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
  })

  test('an application that keeps a row locked: the backfill gives up and says who it is', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({
      settings: { ...SETTINGS, batch: { ...SETTINGS.batch, attemptsMax: 4 } },
    })
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    const app = await database.session('the application')
    await app.query('begin; select from users where id = 200 for update')

    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))).rejects.toMatchObject({
      code: 'lock_not_had',
      hint: expect.stringContaining('the application'),
    })

    await app.query('commit')
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  })
})

function isInTheWay(step: Step, { level }: Blocking): boolean {
  const locks = 'locks' in step ? step.locks : []
  return locks.some((lock) => lock.relation.name === 'users' && conflictsWith(lock.level).includes(level))
}

/** Lives through calls; at the first attempt at each of these steps somebody is in the way. Returns the steps that met them. */
async function throughLocks(
  blocking: Blocking,
  steps: readonly string[],
  calls: readonly ((driver: Changing) => Promise<unknown>)[],
): Promise<readonly string[]> {
  const database = await testDatabase(GIVEN)
  const met: string[] = []
  let since = 0
  let blocker: Awaited<ReturnType<Blocking['begin']>> | undefined
  let before: unknown
  const meet = async ({ kind, what }: Effect): Promise<void> => {
    const step = steps.find((id) => `${what},`.includes(`step_done ${id},`))
    if (kind !== 'transact' || step === undefined || met.includes(step)) return
    met.push(step)
    since = performance.now()
    before = await catalog(database)
    blocker = await blocking.begin(database)
  }
  const faulty = faultyBellows(database.url, { before: meet }, { settings: SETTINGS })
  const bystanders = await startBystanders(database, BYSTANDERS)
  cleanUp(async () => {
    await blocker?.end().catch(() => undefined)
  })
  for (const left = [...calls]; left[0] !== undefined; ) {
    const failure = await faulty.bellows.change(left[0]).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (failure === undefined) left.shift()
    else {
      gaveUp(failure, met.at(-1), blocker?.pid)
      expect(performance.now() - since, 'gives up in time').toBeLessThan(DEADLINE_MS + LATE_MS)
      expect(await catalog(database), 'nothing is changed').toEqual(before)
    }
    await blocker?.end()
    blocker = undefined
  }
  const { longestMs, errors } = await bystanders.stop()
  expect(errors).toEqual([])
  expect(longestMs, 'nobody waits for much longer than one lock timeout').toBeLessThan(DEADLINE_MS / 2)
  await faulty.bellows.close()
  return met
}

function gaveUp(error: unknown, step: string | undefined, pid: number | undefined): void {
  if (!(error instanceof BellowsError)) throw error
  const { code, facts, hint } = error
  expect({ code, step: error.step, message: error.message }).toEqual({
    code: 'lock_not_had',
    step,
    message: expect.stringContaining('"users"'),
  })
  const [first] = facts.blockers as readonly Blocker[]
  const user = new URL(serverUrl()).username
  if (pid === 0) {
    expect(first?.application).toMatch(/^the prepared transaction 'left_in_/)
    expect(hint, 'no session can be ended').not.toContain('pg_terminate_backend')
  } else {
    expect(first).toMatchObject({ pid, application: 'nightly report', user })
    expect(first?.query).not.toBe('')
    expect(hint).toContain(`pid ${pid} (nightly report, user ${user}`)
  }
}
