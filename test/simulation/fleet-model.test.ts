import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import {
  clearColumnState,
  closeDoorSql,
  openDoorSql,
  setColumnState,
} from '../../src/core/plan/column-state.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { type SimulatedDatabase, simulatedDatabase } from './fleet/database.ts'
import { NEW_COLUMN, OLD_COLUMN, Refused, type Registering } from './fleet/registry.ts'
import type { Session } from './fleet/sessions.ts'
import { type Timeline, timeline } from './fleet/timeline.ts'
import { type Chance, chance } from './scenario.ts'

const STEPS = 30
const USERS = { namespace: 'public', name: 'users' } as const

/** So long, and so uneven to one another, that no slow machine comes near the moment at which an answer changes. */
const MINUTE_MS = 60_000
const [LEASE_MS, GRACE_MS, DOOR_MS, PASSING_MS] = [25, 50, 25, 10].map((minutes) => minutes * MINUTE_MS) as [
  number,
  number,
  number,
  number,
]
/** Each is one process: what the next one with its id means for the sessions of the last is not in the model. */
const USES = { '1': [OLD_COLUMN], '2': [OLD_COLUMN, NEW_COLUMN], '3': [NEW_COLUMN] } as const
const INSTANCES = ['1', '2', '3'] as const
const APPLICATIONS = [...INSTANCES.map((name) => `shop/${name}`), 'report']

describe('the database that the simulation has in place of a server', () => {
  test.for([1, 2, 3, 4, 5, 6])('answers as a real one does, whatever happens: seed %i', async (seed) => {
    const real = await testDatabase('create table users (id int primary key, name text, full_name text)')
    await (await real.bellows()).install()
    const time = timeline(0)
    const both: Both = {
      real,
      time,
      model: simulatedDatabase(time),
      luck: chance(seed),
      open: new Map(),
    }
    const done: string[] = []
    for (let step = 1; step <= STEPS; step += 1) {
      const happens = both.luck.one(...STEPS_OF)
      done.push(await happens(both))
      const where = done.join('; ')
      expect(await seenIn(real), where).toEqual(seenInModel(both.model))
      for (const rules of RULES)
        expect(await isRefused(real, rules), where).toBe(both.model.somebody(rules) !== undefined)
    }
  })
})

interface Both {
  readonly real: TestDatabase
  readonly time: Timeline
  readonly model: SimulatedDatabase
  readonly luck: Chance
  readonly open: Map<string, { readonly client: pg.Client; readonly session: Session }>
}

const RULES = [{}, { instances: ['1'] }, { sessions: true }].map((rules) => ({
  grace_ms: GRACE_MS,
  ...rules,
}))

/** Each happens in both, and says what. */
const STEPS_OF: readonly ((both: Both) => Promise<string>)[] = [
  registered,
  registered,
  renewed,
  renewed,
  released,
  connected,
  connected,
  atWork,
  atWork,
  passed,
  passed,
  closed,
  ({ real, model }) =>
    inBoth('the door opens', real, openDoorSql(USERS, 'name'), () => model.registry.open()),
  ({ real, model }) =>
    inBoth('no door', real, clearColumnState(USERS, 'name'), () => model.registry.set(undefined)),
  ({ real, model }) =>
    inBoth('retired', real, setColumnState(USERS, 'name', 'retired'), () =>
      model.registry.set({ state: 'retired' }),
    ),
]

async function registered({ real, model, luck }: Both): Promise<string> {
  const instance = luck.one(...INSTANCES)
  const uses = USES[instance]
  const applicationName = luck.happens(0.8) ? `shop/${instance}` : null
  const given: Registering = { instance, uses, leaseMs: LEASE_MS, applicationName }
  return await inBoth(
    `register ${JSON.stringify(given)}`,
    real,
    `select bellows.register('${instance}', '{${uses.join()}}', ${LEASE_MS}, null, ${applicationName === null ? 'null' : `'${applicationName}'`})`,
    () => model.registry.begin(given).commit(),
  )
}

async function renewed({ real, model, luck }: Both): Promise<string> {
  const instance = luck.one(...INSTANCES)
  return await inBoth(`renew ${instance}`, real, `select bellows.renew('${instance}')`, () =>
    model.registry.renew(instance),
  )
}

async function released({ real, model, luck }: Both): Promise<string> {
  const instance = luck.one(...INSTANCES)
  return await inBoth(`release ${instance}`, real, `select bellows.release('${instance}')`, () =>
    model.registry.release(instance),
  )
}

async function closed({ real, model }: Both): Promise<string> {
  return await inBoth('the door closes', real, closeDoorSql(USERS, 'name', DOOR_MS), () =>
    model.registry.close(DOOR_MS),
  )
}

/** Opens a session, or ends it. */
async function connected({ real, model, luck, open }: Both): Promise<string> {
  const application = luck.one(...APPLICATIONS)
  const there = open.get(application)
  if (there === undefined) {
    const client = await real.session(application)
    open.set(application, { client, session: model.sessions.open(application) })
    return `${application} connects`
  }
  open.delete(application)
  model.sessions.close(there.session)
  await there.client.end()
  const left = `select from pg_stat_activity where datname = current_database() and application_name = '${application}'`
  await expect.poll(() => real.query(left)).toEqual([])
  return `${application} is gone`
}

/** Begins a transaction, uses the table in it, or ends it. */
async function atWork({ model, luck, open }: Both): Promise<string> {
  const [application, there] = luck.one(...open, ['nobody', undefined] as const)
  if (there === undefined) return 'nothing'
  const { client, session } = there
  const what = luck.one('begin', 'use', 'commit')
  if (what === 'begin') {
    await client.query('begin; select 1')
    model.sessions.begin(session)
  } else if (what === 'use') {
    await client.query('select from users')
    model.sessions.use(session, () => undefined)
  } else {
    await client.query('commit')
    model.sessions.commit(session)
  }
  return `${application}: ${what}`
}

/** Of the server only what is written down grows older; transactions stay as young as they are. */
async function passed({ real, time, luck }: Both): Promise<string> {
  const ms = PASSING_MS * (1 + luck.below(6))
  time.pass(ms)
  const ago = `interval '${ms} ms'`
  await real.query(`update bellows.instance set renewed_at = renewed_at - ${ago}, released_at = released_at - ${ago};
    update bellows.column_state set until = until - ${ago}, since = since - ${ago}`)
  return `${ms / MINUTE_MS} min pass`
}

async function inBoth(
  what: string,
  real: TestDatabase,
  statement: string,
  model: () => void,
): Promise<string> {
  const answer = await real.query(statement).then(
    () => 'accepted',
    (error: { detail?: string }) => error.detail,
  )
  expect(answerOf(model), what).toBe(answer)
  return `${what}: ${answer}`
}

function answerOf(work: () => void): string {
  try {
    work()
    return 'accepted'
  } catch (error) {
    if (error instanceof Refused) return error.detail
    throw error
  }
}

interface Seen {
  readonly needing: readonly object[]
  readonly strangers: readonly object[]
  readonly transactions: readonly object[]
}

async function seenIn(real: TestDatabase): Promise<Seen> {
  const column = `'public', 'users', 'name'`
  return {
    needing: await real.query(`select instance, state, blocks from bellows.needing(${column}, ${GRACE_MS})`),
    strangers: await real.query(
      `select application, instance, old_role as "ofOldRole" from bellows.strangers(${column}) order by application`,
    ),
    transactions: await real.query(
      `select application, holds from bellows.old_transactions(${column}, clock_timestamp()) order by application`,
    ),
  }
}

function seenInModel(model: SimulatedDatabase): Seen {
  const byName = (a: { application: string }, b: { application: string }) =>
    a.application < b.application ? -1 : 1
  return {
    needing: model
      .needing(GRACE_MS)
      .map(({ instance, state, blocks }) => ({ instance, state, blocks }))
      .toSorted((a, b) => (a.instance < b.instance ? -1 : 1)),
    strangers: model
      .strangers()
      .map(({ application, instance, ofOldRole }) => ({ application, instance, ofOldRole }))
      .toSorted(byName),
    transactions: model
      .oldTransactions(Number.POSITIVE_INFINITY)
      .map(({ application, holds }) => ({ application, holds }))
      .toSorted(byName),
  }
}

async function isRefused(real: TestDatabase, rules: object): Promise<boolean> {
  return await real
    .query(`select bellows.require_nobody('public', 'users', 'name', '${JSON.stringify(rules)}')`)
    .then(
      () => false,
      (error: { code?: string }) => error.code === 'BW002',
    )
}
