import { describe, expect, test } from 'vitest'
import { OPERATION_KINDS } from '../../src/core/operations/index.ts'
import type { Phase } from '../../src/core/plan/step.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { catalog } from '../support/catalog.ts'
import { databaseUrl, type TestDatabase, testDatabase } from '../support/database.ts'
import { Crash, type Effect, faultyBellows } from '../support/faulty-ports.ts'
import { type Clones, cloning } from './crash/clones.ts'
import {
  ADD,
  advance,
  BUILT,
  CHANGE,
  CHANGE_KEY,
  CHANGE_PARTED,
  CHANGE_POINTED,
  DROP,
  DROP_FILLED,
  DROP_TWO,
  FILL,
  GIVEN,
  graced,
  INDEXES,
  KEYS_OF_PARTITIONS,
  type Life,
  MERGE,
  MOVE,
  NAMES,
  OBJECTS,
  ONE_WAY,
  PARTED_INDEXES,
  PARTITIONED,
  PARTITIONED_TABLES,
  PARTITIONS,
  POISONED,
  REMOVE_VALUE,
  RENAME,
  RENAME_KEY,
  RENAME_LINKED,
  RENAME_PARTED,
  RENAME_POINTED,
  RULES,
  RULES_ON_ROWS,
  SPLIT,
  TABLE_WORKED_ON,
  TABLES,
  THINGS,
} from './crash/lives.ts'
import {
  recoverFromAll,
  resuming,
  rollingBack,
  severalAtOnce,
  type Unharmed,
  undoing,
} from './crash/recoveries.ts'
import { type Crashes, crashStates, type State } from './crash/states.ts'

const GRACE_MS = 400
const TIMEOUT_MS = 300_000

const LIVES: readonly (readonly [string, Life, { readonly points: number; readonly states: number }])[] = [
  ['changes of four columns at once', RENAME, { points: 150, states: 25 }],
  ['a change of type', CHANGE, { points: 100, states: 20 }],
  ['a change of a key and what points at it', CHANGE_KEY, { points: 150, states: 30 }],
  ['another name of a key that is pointed at', RENAME_KEY, { points: 100, states: 20 }],
  ['a change of a key at which partitions point', CHANGE_PARTED, { points: 150, states: 30 }],
  ['a change of a key of partitions that is pointed at', CHANGE_POINTED, { points: 150, states: 30 }],
  ['another name of a key at which partitions point', RENAME_LINKED, { points: 100, states: 20 }],
  ['another name of a key of partitions that is pointed at', RENAME_POINTED, { points: 120, states: 25 }],
  ['another name in the primary key of a partitioned table', RENAME_PARTED, { points: 100, states: 20 }],
  ['a change of type in a partitioned table', PARTITIONED, { points: 100, states: 20 }],
  ['keys that come to the partitions of a table', KEYS_OF_PARTITIONS, { points: 40, states: 8 }],
  ['partitions that come and go', PARTITIONS, { points: 40, states: 8 }],
  [
    'a partition beside a default one, and a partitioned table that goes',
    PARTITIONED_TABLES,
    { points: 40, states: 8 },
  ],
  ['a value of an enum that is removed', REMOVE_VALUE, { points: 120, states: 20 }],
  ['copies without a way back, and what is built on them', ONE_WAY, { points: 80, states: 15 }],
  ['a merge of two columns', MERGE, { points: 100, states: 20 }],
  ['a split into two columns', SPLIT, { points: 100, states: 20 }],
  ['a column that moves to another table', MOVE, { points: 80, states: 12 }],
  ['an added column', ADD, { points: 26, states: 4 }],
  ['two added columns that are filled', FILL, { points: 120, states: 20 }],
  ['constraints that come and go', RULES, { points: 60, states: 8 }],
  [
    'constraints that rows keep to, and a foreign key with an action',
    RULES_ON_ROWS,
    { points: 40, states: 8 },
  ],
  ['operations that build on one another', BUILT, { points: 100, states: 15 }],
  ['indexes that are made, replaced and dropped', INDEXES, { points: 40, states: 8 }],
  ['a dropped column, with a grace', graced(DROP, GRACE_MS), { points: 60, states: 8 }],
  ['tables that are made, dropped and renamed', TABLES, { points: 60, states: 10 }],
  ['another name of a table, and what is done to it', TABLE_WORKED_ON, { points: 80, states: 15 }],
  ['things that are no tables, and who may use them', THINGS, { points: 40, states: 8 }],
  ['other names and settings, and statements of a person', NAMES, { points: 40, states: 8 }],
  ['functions, triggers, policies and views that come and go', OBJECTS, { points: 40, states: 8 }],
  [
    'indexes of partitions, a wider type, an adopted column, statements that stay',
    PARTED_INDEXES,
    { points: 80, states: 15 },
  ],
  ['a dropped column that is filled meanwhile', DROP_FILLED, { points: 60, states: 8 }],
]
const RETURNS: readonly (readonly [string, Life, Phase])[] = [
  ['changes of four columns that are verified', RENAME, 'verify'],
  ['changes of four columns that are hidden', RENAME, 'retire'],
  ['a change of type that has taken over the name', CHANGE, 'retire'],
  ['a change of a key that has taken over the name', CHANGE_KEY, 'retire'],
  ['another name of a key whose old column is hidden', RENAME_KEY, 'retire'],
  ['a change of a key at which partitions point', CHANGE_PARTED, 'retire'],
  ['a change of a key of partitions that is pointed at', CHANGE_POINTED, 'retire'],
  ['another name of a key at which partitions point', RENAME_LINKED, 'retire'],
  ['another name of a key of partitions that is pointed at', RENAME_POINTED, 'retire'],
  ['another name in the primary key of a partitioned table', RENAME_PARTED, 'retire'],
  ['copies that have not taken over', ONE_WAY, 'verify'],
  ['a merge whose columns are hidden', MERGE, 'retire'],
  ['a split whose column is hidden', SPLIT, 'retire'],
  ['a value of an enum that is removed', REMOVE_VALUE, 'retire'],
  ['a moved column that is hidden', MOVE, 'retire'],
  ['operations that build on one another', BUILT, 'retire'],
  ['two dropped columns that are hidden', DROP_TWO, 'retire'],
  ['tables that are made, hidden and renamed', TABLES, 'retire'],
  ['another name of a table whose columns are hidden', TABLE_WORKED_ON, 'retire'],
  ['partitions that have come and gone', PARTITIONS, 'retire'],
  ['things that are no tables', THINGS, 'retire'],
  ['other names and settings, and statements of a person', NAMES, 'retire'],
  ['functions, triggers, policies and views that have come', OBJECTS, 'verify'],
  ['constraints that have come and gone', RULES, 'retire'],
  ['constraints that rows keep to', RULES_ON_ROWS, 'retire'],
  ['a partitioned table that is hidden', PARTITIONED_TABLES, 'retire'],
  ['indexes of partitions, an adopted column and a wider type', PARTED_INDEXES, 'verify'],
]
const THROWN: readonly (readonly [string, Life])[] = [
  ['the life of an added column', ADD],
  ['the life of a dropped column', DROP],
]
const WHENS = ['before', 'after'] as const
const UNDONE = RETURNS.filter(([, life, phase]) => phase === 'retire' && life !== BUILT)

describe('a crash before and after every effect', () => {
  test('is tried in the life of every kind of operation', () => {
    const kinds = LIVES.flatMap(([, { migration }]) => migration.operations.map(({ kind }) => kind))
    expect([...new Set(kinds)].sort()).toEqual(OPERATION_KINDS.toSorted())
  })

  test.for(LIVES)(
    'of %s from its begin to its end leaves a run that can be resumed to the same end, and before purge taken back to the start',
    { timeout: TIMEOUT_MS },
    async ([, life, atLeast]) => {
      const clones = await cloning()
      const unharmed = await unharmedLife(life)
      const crashes = await crashesIn(clones, life, async (bellows) => advance(bellows, life, 'purge'))
      expect(pointsOf(crashes)).toBeGreaterThanOrEqual(atLeast.points)
      expect(crashes.states.length).toBeGreaterThanOrEqual(atLeast.states)

      expect(await recoverFromAll(clones, crashes.states, life, resuming(life, unharmed))).toEqual([])
      expect(await recoverFromAll(clones, crashes.states, life, rollingBack(life, unharmed))).toEqual([])
    },
  )

  test.for(UNDONE)(
    'of the undo of %s leaves a run that can be undone, resumed or taken back',
    { timeout: TIMEOUT_MS },
    async ([, life]) => {
      const clones = await cloning()
      const unharmed = await unharmedLife(life)
      const { states } = await crashesIn(clones, life, (bellows) => undo(bellows, life), 'retire')
      const [forward, back] = [resuming(life, unharmed), rollingBack(life, unharmed)]

      for (const recovery of [undoing(life, forward), undoing(life, back), forward, back])
        expect(await recoverFromAll(clones, states, life, recovery)).toEqual([])
    },
  )

  test.for(RETURNS)(
    'of the rollback of %s leaves a run that can only be rolled back to the end',
    { timeout: TIMEOUT_MS },
    async ([, life, phase]) => {
      const clones = await cloning()
      const unharmed = await unharmedLife(life)
      const { states } = await crashesIn(clones, life, (bellows) => rollback(bellows, life), phase)

      expect(await recoverFromAll(clones, states, life, rollingBack(life, unharmed))).toEqual([])
    },
  )

  test.for(THROWN)(
    'of %s, thrown through the engine, is not caught, and nothing is sent after it',
    { timeout: TIMEOUT_MS },
    async ([, life]) => {
      const clones = await cloning()
      const unharmed = await unharmedLife(life)
      const { name } = await testDatabase(GIVEN)
      const effects = await effectsOf(clones, name, life)
      const crashes = effects.flatMap((effect) => WHENS.map((when) => ({ effect, when })))
      const states: State[] = []
      await severalAtOnce(crashes, async ({ effect, when }) => {
        const database = await clones.copyOf(name)
        const sentAfter = await crashedAt(databaseUrl(database), life, effect, when)
        expect(sentAfter, `sent after a crash ${when} ${effect.what}`).toEqual([])
        states.push({ database, points: [`thrown ${when} ${effect.at} ${effect.what}`] })
      })

      expect(await recoverFromAll(clones, states, life, resuming(life, unharmed))).toEqual([])
    },
  )

  test('of a backfill that looks for the row that it cannot fill leaves one that names it, and goes on when it is mended', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const clones = await cloning()
    const unharmed = await unharmedLife(POISONED)
    const fails = async (bellows: Bellows): Promise<void> => {
      await expect(advance(bellows, POISONED, 'backfill')).rejects.toThrow('id=140')
    }
    const { states, effects } = await crashesIn(clones, POISONED, fails, 'expand')
    expect(effects.filter(({ kind }) => kind === 'rehearse').length).toBeGreaterThan(5)

    expect(await recoverFromAll(clones, states, POISONED, resuming(POISONED, unharmed))).toEqual([])
    expect(await recoverFromAll(clones, states, POISONED, rollingBack(POISONED, unharmed))).toEqual([])
  })

  test('of an index build, while the server is at it, leaves an invalid index that is built anew or taken away', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const clones = await cloning()
    const unharmed = await unharmedLife(RENAME)
    const database = await testDatabase(GIVEN)
    await killedWhileBuilding(database)
    const states = [{ database: database.name, points: ['while the index is built'] }]

    expect(await recoverFromAll(clones, states, RENAME, resuming(RENAME, unharmed))).toEqual([])
    expect(await recoverFromAll(clones, states, RENAME, rollingBack(RENAME, unharmed))).toEqual([])
  })
})

/** A build waits for whoever wrote to the table before it; killed there, it has done a part. */
async function killedWhileBuilding(database: TestDatabase): Promise<void> {
  const writer = await database.session('writer')
  const faulty = faultyBellows(
    database.url,
    {
      before: async ({ what }) => {
        if (what.startsWith('CREATE INDEX'))
          await writer.query('begin; delete from users where id = 0; update users set pad = pad where id = 1')
      },
    },
    { settings: RENAME.settings },
  )
  const driven = advance(faulty.bellows, RENAME, 'purge').catch((error: unknown) => error)
  await expect
    .poll(() => database.query('select from pg_index where not indisvalid'), { timeout: 20_000 })
    .toHaveLength(1)
  faulty.die()
  await database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bellows/faulty' and datname = current_database()`,
  )
  expect(await driven).toBeInstanceOf(Error)
  await writer.query('rollback')
  await faulty.bellows.close()
}

async function unharmedLife(life: Life): Promise<Unharmed> {
  const database = await testDatabase(GIVEN, life.given ?? '')
  const start = await catalog(database)
  const bellows = await database.bellows({ settings: life.settings })
  await advance(bellows, life, 'purge', database.query)
  const versions = (await bellows.versions()).map(({ name }) => name)
  return { start, end: await catalog(database), versions }
}

/** Crashes in what somebody does after the life has come to the end of a phase, or from its begin. */
async function crashesIn(
  clones: Clones,
  life: Life,
  work: (bellows: Bellows) => Promise<void>,
  after?: Phase,
): Promise<Crashes> {
  const database = await testDatabase(GIVEN, life.given ?? '')
  if (after !== undefined) await advance(await database.bellows({ settings: life.settings }), life, after)
  return await crashStates(clones, database.name, life.settings, work)
}

async function undo(bellows: Bellows, life: Life): Promise<void> {
  const run = await bellows.run(life.migration.name)
  await bellows.change((driver) => driver.undo(run?.id ?? 0))
}

async function rollback(bellows: Bellows, life: Life): Promise<void> {
  const run = await bellows.run(life.migration.name)
  await bellows.change((driver) => driver.rollback(run?.id ?? 0))
}

function pointsOf({ states }: Crashes): number {
  return states.flatMap(({ points }) => points).length
}

async function effectsOf(clones: Clones, database: string, life: Life): Promise<readonly Effect[]> {
  const faulty = faultyBellows(databaseUrl(await clones.copyOf(database)), {}, { settings: life.settings })
  await advance(faulty.bellows, life, 'purge')
  await faulty.bellows.close()
  return faulty.effects
}

/** Lives until an effect, and there throws what no engine can expect. Returns what was asked for after that. */
async function crashedAt(
  url: string,
  life: Life,
  { at }: Effect,
  when: 'before' | 'after',
): Promise<readonly Effect[]> {
  const crash = (effect: Effect): void => {
    if (effect.at !== at) return
    faulty.die()
    throw new Crash('as asked')
  }
  const faulty = faultyBellows(url, { [when]: crash }, { settings: life.settings })
  await expect(advance(faulty.bellows, life, 'purge')).rejects.toBeInstanceOf(Crash)
  return faulty.effects.slice(at)
}
