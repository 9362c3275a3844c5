import { expect } from 'vitest'
import { introspect } from '../../src/adapters/postgres/introspect.ts'
import { openSessions } from '../../src/adapters/postgres/sessions.ts'
import { combined } from '../../src/core/history/combine.ts'
import type { Migration, Operation } from '../../src/core/operations/migration.ts'
import { applied } from '../../src/core/plan/make-plan.ts'
import { needsOf } from '../../src/core/plan/needs.ts'
import type { Phase } from '../../src/core/plan/step.ts'
import type { Schema } from '../../src/core/schema/model.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { catalog, traces } from './catalog.ts'
import {
  cleanUp,
  type MadeDatabase,
  shopDatabase,
  shopDatabaseLike,
  type TestDatabase,
  testDatabase,
} from './database.ts'
import { type Client, startWorkload, workSome } from './workload.ts'

export interface Lifecycle {
  /** Makes the database as it is before. */
  readonly given: string
  readonly operations: readonly Operation[]
  /** So many of them are of a migration in front of the other one, and both are done as one. */
  readonly inFront?: number
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
  /** Why Bellows and the applications are the superuser of the server here, and not ordinary roles as they should be. */
  readonly superuser?: string
}

const BEFORE_GATE: readonly Phase[] = ['expand', 'backfill', 'verify']

/**
 * The life of a migration, as every operation must live it: forward under traffic through both shapes, back to the start without
 * a trace, forward again, and contract. The catalog in the end is that of a database built directly.
 */
export async function liveThrough(life: Lifecycle): Promise<TestDatabase> {
  const { superuser } = life
  const database = await (superuser === undefined ? shopDatabase : testDatabase)(life.given)
  const migration = migrationOf(life)
  const bellows = await database.bellows({ settings: SETTINGS })
  await bellows.change((driver) => driver.setBaseline({}))
  const start = await catalog(database)
  for (const [operation, because] of life.impossible ?? []) {
    const longer = bellows.plan({ name: '0001_test', operations: [...life.operations, operation] })
    await expect(longer, `nothing is planned with ${operation.kind} behind it`).rejects.toThrow(because)
  }
  const { schema, facts } = await look(database, migration)
  const expected = comparable(applied(migration, schema, facts))
  const { untouched = [], kept = [] } = life
  const values = await answers(
    database,
    untouched.map(({ before }) => before),
  )

  await forward(database, bellows, migration, life)
  const run = await bellows.run(migration.name)
  if (run?.state !== 'completed') {
    const rows = await answers(database, kept)
    await bellows.change((driver) => driver.rollback(run?.id ?? 0))
    expect(await answers(database, kept), 'a rollback loses no row').toEqual(rows)
    expect(
      await answers(
        database,
        untouched.map(({ before }) => before),
      ),
      'after rollback no value is another one',
    ).toEqual(values)
    expect(
      going(await catalog(database), life),
      'after rollback the catalog is the one of the start',
    ).toEqual(going(start, life))
    expect(await traces(database), 'after rollback nothing of ours remains').toEqual([])
    expect(await bellows.versions(), 'after rollback no version stands').toEqual([])
    expect((await bellows.drift()).differences, 'after rollback the record holds').toEqual([])
    await forward(database, bellows, migration, life)
  }

  await contract(database, bellows, migration, life)
  expect(await catalog(database), 'the catalog is that of a database built directly').toEqual(
    await directCatalog(life, database),
  )
  expect(await traces(database), 'nothing of ours remains').toEqual([])
  const { steps, rollback } = await bellows.plan(migration)
  expect([...steps, ...rollback], 'planning again is empty').toEqual([])
  // What a user's statements do is not in the model, and of a trigger no more than when it fires.
  if (life.operations.every(({ kind }) => kind !== 'sql' && !kind.endsWith('_object')))
    expect(comparable((await look(database, migration)).schema), 'the catalog is what apply says').toEqual(
      expected,
    )
  expect((await bellows.drift()).differences, 'what the run has left is on record').toEqual([])
  await mustBeEmpty(database, life.afterwards ?? [])
  expect(
    await answers(
      database,
      untouched.map(({ after }) => after),
    ),
    'in the end every value is there',
  ).toEqual(values)
  return database
}

function migrationOf({ operations, inFront }: Lifecycle): Migration {
  const last = '0001_test'
  if (inFront === undefined) return { name: last, operations }
  return combined([
    { name: '0000_test', operations: operations.slice(0, inFront) },
    { name: last, operations: operations.slice(inFront) },
  ])
}

const SETTINGS = {
  batch: { rows: 200, verifyRows: 500 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} as const

async function forward(
  database: TestDatabase,
  bellows: Bellows,
  migration: Migration,
  life: Lifecycle,
): Promise<void> {
  const old = await startWorkload(database, life.old)
  for (const phase of BEFORE_GATE) {
    if (life.old.length > 0) await workSome(old)
    await bellows.change((driver) => driver.advance(migration, phase))
    expect((await bellows.drift()).differences, 'a run under way is no drift').toEqual([])
  }
  const renewed = await startWorkload(database, life.renewed)
  if (life.old.length > 0) await workSome(old)
  if (life.renewed.length > 0) await workSome(renewed)
  expect([...(await old.stop()), ...(await renewed.stop())], 'no statement of an application failed').toEqual(
    [],
  )
  await mustBeEmpty(database, life.meanwhile ?? [])
}

/** Contract while the new version works; the old one is gone, as the gate demands. */
async function contract(
  database: TestDatabase,
  bellows: Bellows,
  migration: Migration,
  life: Lifecycle,
): Promise<void> {
  const renewed = await startWorkload(database, life.renewed)
  if (life.renewed.length > 0) await workSome(renewed)
  const run = await bellows.change((driver) => driver.advance(migration, 'purge'))
  expect(run.state).toBe('completed')
  if (life.renewed.length > 0) await workSome(renewed)
  expect(await renewed.stop(), 'no statement of the new version failed').toEqual([])
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

/** The model without what differs between two databases of one schema: sizes, slots used up, and how a definition is written. */
function comparable({ tables }: Schema): unknown {
  return tables.toSorted(byName).map((table) => ({
    ...table,
    columns: table.columns.map((column) => ({ ...column, default: column.default !== null })),
    constraints: table.constraints.toSorted(byName).map((one) => ({
      ...one,
      definition: undefined,
      dependents: undefined,
      partnerParts: undefined,
      under: undefined,
    })),
    indexes: table.indexes.toSorted(byName).map((one) => ({
      ...one,
      definition: undefined,
      foreignKeys: undefined,
      markedParts: undefined,
      columns: one.columns.toSorted(),
    })),
    parts: table.parts.toSorted(byName),
    bytes: undefined,
    columnSlots: undefined,
    rowsEstimate: undefined,
    neighbours: undefined,
    dependents: undefined,
    mentions: undefined,
    grants: undefined,
    options: table.options.toSorted(),
    referencedBy: table.referencedBy.toSorted((a, b) => (a.identity < b.identity ? -1 : 1)),
  }))
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1
}
