import { describe, expect, test } from 'vitest'
import { BellowsError } from '../../../src/core/errors.ts'
import type { RenameColumn } from '../../../src/core/operations/rename/rename.ts'
import type { Phase } from '../../../src/core/plan/step.ts'
import { cleanUp, testDatabase } from '../../support/database.ts'
import { migration, rename } from './support.ts'

/** What defaults, types, settings and rights around the column could do to the trigger. A plan that refuses by name does as well. */
async function begin(given: string, until: Phase, more: Partial<RenameColumn> = {}) {
  const database = await testDatabase(given)
  const bellows = await database.bellows({
    settings: { gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' } },
  })
  try {
    await bellows.change((driver) => driver.advance(migration(rename(more)), until))
  } catch (error) {
    if (error instanceof BellowsError && error.code === 'plan_refused') return undefined
    throw error
  }
  return database
}

describe('a default', () => {
  test('of a domain is no reason to refuse every INSERT, nor a value for rows that are there', async () => {
    const database = await begin(
      `create domain short as text default 'x'; create table people (id integer primary key, name short); insert into people values (1, 'a')`,
      'expand',
    )
    if (database === undefined) return
    await database.query(
      `insert into people (id, name) values (2, 'b'); insert into people (id, full_name) values (3, 'c')`,
    )

    expect(await database.query('select name, full_name from people order by id')).toEqual([
      { name: 'a', full_name: null },
      { name: 'b', full_name: 'b' },
      { name: 'c', full_name: 'c' },
    ])
  })

  test('is known to a writer whose search_path has other operators in front', async () => {
    const database = await begin(
      `create table people (id integer primary key, name text default 'd');
       create schema hostile;
       create function hostile.never(text, text) returns boolean language sql immutable as 'select false';
       create operator hostile.= (leftarg = text, rightarg = text, function = hostile.never)`,
      'expand',
    )
    if (database === undefined) return
    await database.query(
      `set search_path = hostile, pg_catalog; insert into public.people (id, full_name) values (1, 'a')`,
    )

    expect(await database.query('select name from public.people')).toEqual([{ name: 'a' }])
  })

  test('is known to a writer who may not use the schema of its function', async () => {
    const database = await begin(
      `create table people (id integer primary key, name text); create schema util;
       create function util.somebody() returns text stable language sql as $$ select 'd'::text $$;
       alter table people alter name set default util.somebody()`,
      'expand',
    )
    if (database === undefined) return
    const role = `${database.name}_writer`
    await database.query(`create role ${role}; grant select, insert on people to ${role}`)
    cleanUp(async () => {
      await database.query(`reset role; drop owned by ${role}; drop role ${role}`)
    })
    await database.query(`set role ${role}; insert into people (id) values (1)`)
    await database.query(`insert into people (id, full_name) values (2, 'b')`)

    expect(await database.query('select name from people order by id')).toEqual([
      { name: 'd' },
      { name: 'b' },
    ])
  })

  test('of a column without a way back holds for the new one from retire on', async () => {
    const database = await begin(
      `create table people (id integer primary key, name text not null default 'nobody')`,
      'retire',
      { transform: 'upper', overlap: 'forward_only' },
    )
    if (database === undefined) return
    await database.query('insert into people (id) values (1)')

    expect(await database.query('select full_name from people')).toEqual([{ full_name: 'NOBODY' }])
  })
})

describe('a type', () => {
  test('whose conversion hangs on a setting makes no write of another column fail', async () => {
    const database = await begin(
      `create table people (id integer primary key, seen integer, name timestamptz); insert into people values (1, 0, now())`,
      'verify',
      { type: 'timestamp', overlap: 'forward_only' },
    )
    if (database === undefined) return
    await database.query(`set timezone = 'Asia/Tokyo'; update people set seen = 1`)

    expect(await database.query('select seen from people')).toEqual([{ seen: 1 }])
  })

  test('is found by a writer whose search_path has another of its name in front', async () => {
    const database = await begin(
      `create table people (id integer primary key, name varchar(9)); create schema hostile; create domain hostile.text as pg_catalog.text`,
      'expand',
      { type: 'text' },
    )
    if (database === undefined) return
    await database.query(
      `set search_path = hostile, pg_catalog; insert into public.people (id, name) values (1, 'a')`,
    )

    expect(await database.query('select full_name from public.people')).toEqual([{ full_name: 'a' }])
  })
})
