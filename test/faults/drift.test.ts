import { describe, expect, test } from 'vitest'
import type { Phase } from '../../src/core/plan/step.ts'
import type { Operation } from '../../src/index.ts'
import { catalog } from '../support/catalog.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { DROP, migration, RENAME, SETTINGS } from './legacy.ts'
import { triggerNames } from './mishaps.ts'

const GIVEN = `
create table users (id int primary key, name text not null unique check (name <> ''), legacy text);
create index on users (lower(name));
create function late() returns trigger language plpgsql as $$ begin return new; end $$;
insert into users (id, name) select i, 'user ' || i from generate_series(1, 50) i`
interface Drift {
  readonly operation: Operation
  readonly until: Phase
  /** %t is the trigger, %f its function, %h the hidden column, %c the copy of the index, %k that of the unique constraint. */
  readonly drifted: string
  readonly says: RegExp
  readonly mended: string
  readonly code?: string
}

const NO_DUAL_WRITE = `create or replace function bellows.%f() returns trigger language plpgsql as $$ begin return new; end $$`
const DRIFTS: readonly (readonly [string, Drift])[] = [
  ...(['verify', 'retire'] as const).flatMap((until): (readonly [string, Drift])[] => {
    const [before, column] = until === 'verify' ? ['retire', 'name'] : ['purge', '%h']
    return [
      [
        `an index that somebody put on the old column, before ${before}`,
        {
          operation: RENAME,
          until,
          drifted: `create index stranger on users (${column}, id)`,
          says: /an index or a constraint was put on "users"."name" since/i,
          mended: 'drop index stranger',
        },
      ],
      [
        `a constraint that somebody put on the old column, before ${before}`,
        {
          operation: RENAME,
          until,
          drifted: `alter table users add constraint stranger check (${column} <> 'x')`,
          says: /an index or a constraint was put on "users"."name" since/i,
          mended: 'alter table users drop constraint stranger',
        },
      ],
      [
        `a trigger that is switched off, before ${before}`,
        {
          operation: RENAME,
          until,
          drifted: 'alter table users disable trigger %t',
          says: /missing, disabled or not as it was installed/,
          mended: 'alter table users enable always trigger %t',
        },
      ],
      [
        `a trigger that fires no longer for replicas, before ${before}`,
        {
          operation: RENAME,
          until,
          drifted: 'alter table users enable trigger %t',
          says: /missing, disabled or not as it was installed/,
          mended: 'alter table users enable always trigger %t',
        },
      ],
      [
        `another index under the name of the copied one, before ${before}`,
        {
          operation: RENAME,
          until,
          drifted: 'alter index %c rename to kept_aside',
          says: /the copy .* is missing or invalid/i,
          mended: 'alter index kept_aside rename to %c',
        },
      ],
    ]
  }),
  [
    'a trigger that fires behind the dual write, before retire',
    {
      operation: RENAME,
      until: 'verify',
      drifted: 'create trigger "~~~ late" before update on users for each row execute function late()',
      says: /a trigger on "users" fires behind/i,
      mended: 'drop trigger "~~~ late" on users',
    },
  ],
  [
    'an index that somebody put on a column that is dropped, before retire',
    {
      operation: DROP,
      until: 'verify',
      drifted: 'create index stranger on users (legacy)',
      says: /an index or a constraint was put on "users"."legacy" since/i,
      mended: 'drop index stranger',
    },
  ],
  [
    'an index that somebody put on a column that is dropped, before purge',
    {
      operation: DROP,
      until: 'retire',
      drifted: 'create index stranger on users (%h)',
      says: /an index or a constraint was put on "users"."legacy" since/i,
      mended: 'drop index stranger',
    },
  ],
]

describe('what somebody changed since the plan was made', () => {
  test.for(DRIFTS)('stops the contract until it is mended, and nothing is changed: %s', async ([, drift]) => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    const planned = migration(drift.operation)
    await bellows.change((driver) => driver.advance(planned, drift.until))
    const named = await names(database)
    await database.query(named(drift.drifted))
    const before = await catalog(database)

    await expect(bellows.change((driver) => driver.advance(planned, 'purge'))).rejects.toMatchObject({
      code: drift.code ?? 'drift_found',
      message: expect.stringMatching(drift.says),
    })
    expect(await catalog(database)).toEqual(before)

    await database.query(named(drift.mended))
    expect((await bellows.change((driver) => driver.advance(planned, 'purge'))).state).toBe('completed')
  })

  test.for([
    ['retire', 'verify'],
    ['purge', 'retire'],
  ] as const)('a trigger function that was replaced stops %s', async ([, until]) => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.advance(migration(RENAME), until))
    await database.query((await names(database))(NO_DUAL_WRITE))

    await expect(
      bellows.change((driver) => driver.advance(migration(RENAME), 'purge')),
    ).rejects.toMatchObject({
      code: 'drift_found',
      message: expect.stringMatching(/missing, disabled or not as it was installed/),
    })
  })

  test.for([
    ['retire', 'verify'],
    ['purge', 'retire'],
  ] as const)('a proof that is not there any more stops %s', async ([, until]) => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.advance(migration(RENAME), until))
    const before = await columns(database)
    const proofs = await database.query<{ conname: string }>(
      `select conname from pg_constraint where conname ~ '^bellows_(proof|filled)' order by 1`,
    )
    expect(proofs).toHaveLength(2)
    for (const { conname } of proofs) {
      const definition = await definitionOf(database, conname)
      await database.query(`alter table users drop constraint ${conname}`)
      await expect(
        bellows.change((driver) => driver.advance(migration(RENAME), 'purge')),
      ).rejects.toMatchObject({
        code: 'drift_found',
        message: expect.stringContaining(`"${conname}" on "users" is missing or not validated`),
      })
      expect(await columns(database), 'nothing is hidden or dropped').toEqual(before)
      await database.query(`alter table users add constraint ${conname} ${definition} not valid`)
      await expect(
        bellows.change((driver) => driver.advance(migration(RENAME), 'purge')),
      ).rejects.toMatchObject({
        code: 'drift_found',
      })
      await database.query(`alter table users validate constraint ${conname}`)
    }
    await bellows.change((driver) => driver.advance(migration(RENAME), 'purge'))
  })
})

/** Puts the names of what Bellows made into a statement. */
async function names(database: TestDatabase): Promise<(statement: string) => string> {
  const [trigger = ''] = await triggerNames(database)
  const [made] = await database.query<Record<string, string>>(`
    select (select proname from pg_proc where pronamespace = 'bellows'::regnamespace and proname ~ 'dual_write' limit 1) as "%f",
      (select attname from pg_attribute where attrelid = 'users'::regclass and attname ~ '^bellows_retired') as "%h",
      (select relname from pg_class where relname ~ '^bellows_copy.*lower_idx') as "%c"`)
  const all = Object.entries({ ...made, '%t': trigger })
  return (statement) => all.reduce((text, [mark, name]) => text.replaceAll(mark, name ?? mark), statement)
}

async function columns(database: TestDatabase): Promise<unknown> {
  return await database.query(
    `select attname from pg_attribute where attrelid = 'users'::regclass and not attisdropped order by attnum`,
  )
}

async function definitionOf(database: TestDatabase, constraint: string): Promise<string> {
  const [row] = await database.query<{ definition: string }>(
    `select pg_get_constraintdef(oid) as definition from pg_constraint where conname = $1`,
    [constraint],
  )
  return row?.definition ?? ''
}
