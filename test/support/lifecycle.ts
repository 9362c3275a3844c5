import { expect } from 'vitest'
import { introspect } from '../../src/adapters/postgres/introspect.ts'
import { openSessions } from '../../src/adapters/postgres/sessions.ts'
import type { SettingsChange } from '../../src/config.ts'
import { combined } from '../../src/core/history/combine.ts'
import type { Migration, Operation } from '../../src/core/operations/migration.ts'
import { applied, makePlan } from '../../src/core/plan/make-plan.ts'
import { needsOf } from '../../src/core/plan/needs.ts'
import { undoSteps } from '../../src/core/plan/plan.ts'
import type { Phase } from '../../src/core/plan/step.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { type Agreement, agreementOf } from './agreement.ts'
import { catalog, traces } from './catalog.ts'
import { comparable } from './comparable.ts'
import {
  cleanUp,
  type MadeDatabase,
  shopDatabase,
  shopDatabaseLike,
  type TestDatabase,
  testDatabase,
} from './database.ts'
import { plannedAgain } from './planned-again.ts'
import { twinsOf } from './twins.ts'
import { type Client, startWorkload, type Workload, workSome } from './workload.ts'

export interface Lifecycle {
  /** Makes the database as it is before. */
  readonly given: string
  readonly operations: readonly Operation[]
  /** Behind so many of them a migration ends and the next one begins; all are released together. */
  readonly inFront?: readonly number[]
  /** Operations none of which the migration could have behind its own, each with why. */
  readonly impossible?: readonly (readonly [Operation, string])[]
  /** Makes the database as it must be afterwards, directly. */
  readonly direct: string
  /** Works from the start until the contract. */
  readonly old: readonly Client[]
  /** Works from the end of the verification on. */
  readonly renewed: readonly Client[]
  /** Looks at the rows while both shapes are there; each query must return no row. */
  readonly meanwhile?: readonly string[]
  /** Looks at the rows at the end; each query must return no row. */
  readonly afterwards?: readonly string[]
  /** Rows through the old shape: they are the same before and after a rollback, whoever wrote them. */
  readonly kept?: readonly string[]
  /** Rows that nobody writes, through the old shape and through the new one: both say what the first said at the start. */
  readonly untouched?: readonly { readonly before: string; readonly after: string }[]
  /** What a rollback leaves as it is, by how its line of the catalog begins. */
  readonly stays?: readonly string[]
  /** A backfill goes by so many rows at a time, where not by more than there are. */
  readonly batchRows?: number
  /** Why Bellows and the applications are the superuser of the server here, and not ordinary roles as they should be. */
  readonly superuser?: string
}

const BEFORE_GATE: readonly Phase[] = ['expand', 'backfill', 'verify']

/** A life that has begun, and what it is lived by. */
interface Living {
  readonly life: Lifecycle
  readonly database: TestDatabase
  readonly bellows: Bellows
  readonly migration: Migration
  readonly agreement: Agreement
}

/**
 * The life of a migration, as every operation must live it: forward under traffic through both shapes, back to the start without
 * a trace, forward again, and contract, which is undone once on its way. The catalog in the end is that of a database built directly.
 */
export async function liveThrough(life: Lifecycle): Promise<TestDatabase> {
  const { superuser } = life
  const database = await (superuser === undefined ? shopDatabase : testDatabase)(life.given)
  const migration = migrationOf(life)
  const bellows = await database.bellows({ settings: settingsOf(life) })
  await bellows.change((driver) => driver.setBaseline({}))
  for (const [operation, because] of life.impossible ?? []) {
    const longer = bellows.plan({ name: '0001_test', operations: [...life.operations, operation] })
    await expect(longer, `nothing is planned with ${operation.kind} behind it`).rejects.toThrow(because)
  }
  const { schema, facts } = await look(database, migration)
  const expected = comparable(applied(migration, schema, facts))
  const agreement = await agreementOf(database, twinsOf(makePlan(migration, schema, facts), schema))
  const living = { life, database, bellows, migration, agreement }
  const values = await untouched(living, 'before')
  const start = await catalog(database)

  await forward(living, workLong)
  const run = await bellows.run(migration.name)
  if (run?.state !== 'completed') {
    await back(living, run?.id ?? 0)
    expect(await untouched(living, 'before'), 'after rollback no value is another one').toEqual(values)
    expect(
      going(await catalog(database), life),
      'after rollback the catalog is the one of the start',
    ).toEqual(going(start, life))
    await forward(living, workThrough)
  }

  await contract(living, values)
  expect(await catalog(database), 'the catalog is that of a database built directly').toEqual(
    await directCatalog(life, database),
  )
  expect(await traces(database), 'nothing of ours remains').toEqual([])
  // What a user's statements do is not in the model, and of a trigger no more than when it fires.
  if (life.operations.every(({ kind }) => kind !== 'sql' && !kind.endsWith('_object')))
    expect(comparable((await look(database, migration)).schema), 'the catalog is what apply says').toEqual(
      expected,
    )
  expect((await bellows.drift()).differences, 'what the run has left is on record').toEqual([])
  await mustBeEmpty(database, life.afterwards ?? [])
  expect(await untouched(living, 'after'), 'in the end every value is there').toEqual(values)
  await plannedAgain(database, bellows, migration)
  return database
}

function migrationOf({ operations, inFront = [] }: Lifecycle): Migration {
  const ends = [...inFront, operations.length]
  return combined(
    ends.map((end, at) => ({
      name: at === inFront.length ? '0001_test' : `0000_test_${at}`,
      operations: operations.slice(ends[at - 1] ?? 0, end),
    })),
  )
}

const SETTINGS: SettingsChange = {
  batch: { rows: 200, verifyRows: 500 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
}

function settingsOf({ batchRows: rows }: Lifecycle): SettingsChange {
  return rows === undefined ? SETTINGS : { ...SETTINGS, batch: { rows, verifyRows: 2 * rows } }
}

/** @param working for how long both work in each phase: less where the same was done before */
async function forward(
  { life, database, bellows, migration, agreement }: Living,
  working: (workload: Workload, clients: readonly Client[]) => Promise<void>,
): Promise<void> {
  const old = await startWorkload(database, life.old)
  const filled = agreement.watch('filled')
  for (const phase of BEFORE_GATE) {
    await working(old, life.old)
    await bellows.change((driver) => driver.advance(migration, phase))
    expect((await bellows.drift()).differences, 'a run under way is no drift').toEqual([])
  }
  expect(await filled(), 'whatever is filled agrees').toEqual([])
  const all = agreement.watch('all')
  const renewed = await startWorkload(database, life.renewed)
  await working(old, life.old)
  await working(renewed, life.renewed)
  expect([...(await old.stop()), ...(await renewed.stop())], 'no statement of an application failed').toEqual(
    [],
  )
  expect(await all('seen'), 'old and new agree').toEqual([])
  await mustBeEmpty(database, life.meanwhile ?? [])
}

/** Back to the start while the old version works: it writes all the time, and leaves every row what it was, so that each can be told. */
async function back({ life, database, bellows }: Living, run: number): Promise<void> {
  const { old, kept = [] } = life
  const rows = await answers(database, kept)
  const working = await startWorkload(database, old, 'takes back')
  await workThrough(working, old)
  await bellows.change((driver) => driver.rollback(run))
  await workThrough(working, old)
  expect(await working.stop(), 'no statement of the old version failed in a rollback').toEqual([])
  expect(await answers(database, kept), 'a rollback loses no row').toEqual(rows)
  expect(await traces(database), 'after rollback nothing of ours remains').toEqual([])
  expect(await bellows.versions(), 'after rollback no version stands').toEqual([])
  expect((await bellows.drift()).differences, 'after rollback the record holds').toEqual([])
}

/** Contract while the new version works; the old one is gone, as the gate demands. */
async function contract(living: Living, values: readonly unknown[]): Promise<void> {
  const { life, database, bellows, migration, agreement } = living
  const renewed = await startWorkload(database, life.renewed)
  const watch = agreement.watch('all')
  await workThrough(renewed, life.renewed)
  const retired = await bellows.change((driver) => driver.advance(migration, 'retire'))
  await workThrough(renewed, life.renewed)
  const isHidden = retired.state === 'retiring'
  expect(await watch(isHidden ? 'hidden' : undefined), 'the hidden old and new agree').toEqual([])
  if (isHidden && undoSteps(retired.plan).length > 0) await undo(living, retired.id, values)
  const last = agreement.watch('all')
  const run = await bellows.change((driver) => driver.advance(migration, 'purge'))
  expect(run.state).toBe('completed')
  await workLong(renewed, life.renewed)
  expect(await last(), 'old and new agree until the old is dropped').toEqual([])
  expect(await renewed.stop(), 'no statement of the new version failed').toEqual([])
}

/** Back from the contract while the new version works. Then the old one works again, until it is gone once more. */
async function undo(living: Living, run: number, values: readonly unknown[]): Promise<void> {
  const { life, database, bellows, agreement } = living
  const watch = agreement.watch('all')
  const undone = await bellows.change((driver) => driver.undo(run))
  expect(undone.state).toBe('rolling_out')
  const old = await startWorkload(database, life.old)
  await workThrough(old, life.old)
  expect(await old.stop(), 'no statement of the old version failed behind an undo').toEqual([])
  expect(await watch('seen'), 'old and new agree behind an undo').toEqual([])
  expect(await untouched(living, 'before'), 'after an undo no value is another one').toEqual(values)
  await mustBeEmpty(database, life.meanwhile ?? [])
}

/** More than these say nothing new. */
const LONG = 30

/** Long enough to meet whatever there is. */
async function workLong(workload: Workload, clients: readonly Client[]): Promise<void> {
  if (clients.length > 0) await workSome(workload, LONG)
}

/** Until each statement was given about once. */
async function workThrough(workload: Workload, clients: readonly Client[]): Promise<void> {
  const statements = clients.reduce((sum, client) => sum + client.statements.length, 0)
  if (statements > 0) await workSome(workload, Math.min(statements, LONG))
}

async function untouched({ life, database }: Living, when: 'before' | 'after'): Promise<readonly unknown[]> {
  return await answers(
    database,
    (life.untouched ?? []).map((one) => one[when]),
  )
}

async function directCatalog({ superuser, direct }: Lifecycle, like: MadeDatabase): Promise<string[]> {
  const made = superuser === undefined ? shopDatabaseLike(like, direct) : testDatabase(direct)
  return await catalog(await made)
}

function going(lines: readonly string[], { stays = [] }: Lifecycle): readonly string[] {
  return lines.filter((line) => !stays.some((begin) => line.startsWith(begin)))
}

async function answers(database: TestDatabase, queries: readonly string[]): Promise<readonly unknown[]> {
  const all: unknown[] = []
  for (const query of queries) all.push(await database.query(query))
  return all
}

async function mustBeEmpty(database: TestDatabase, queries: readonly string[]): Promise<void> {
  for (const query of queries) expect(await database.query(query), query).toEqual([])
}

async function look(database: TestDatabase, migration: Migration) {
  const sessions = openSessions({ url: database.url, application: 'bellows' })
  cleanUp(() => sessions.close())
  return await introspect(sessions, needsOf(migration))
}
