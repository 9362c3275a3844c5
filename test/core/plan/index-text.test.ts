import { describe, expect, test } from 'vitest'
import { createIndexSql, readIndex } from '../../../src/core/plan/index-text.ts'

const USERS = { namespace: 'public', name: 'users' }

describe('a CREATE INDEX as a person writes it', () => {
  test.each([
    [
      'plain',
      'create index on users (name)',
      { table: USERS, unique: false, rest: '(name)', tablespace: null, columns: ['name'] },
    ],
    [
      'with all that may stand there',
      'CREATE UNIQUE INDEX CONCURRENTLY "é😀" ON /* here */ "My App" . "Größe" using gist (lower(a) desc, b) include (c) nulls not distinct with (fillfactor = 70) tablespace fast where d is null;; -- end',
      {
        table: { namespace: 'My App', name: 'Größe' },
        name: 'é😀',
        unique: true,
        rest: 'using gist (lower(a) desc, b) include (c) nulls not distinct with (fillfactor = 70) tablespace fast where d is null',
        tablespace: 'fast',
        columns: ['a', 'b', 'c', 'd'],
      },
    ],
  ])('is taken apart: %s', (_what, text, expected) => {
    expect(readIndex(text)).toEqual(expected)
  })

  test.each([
    ['', 'Query cannot be empty'],
    ['create table a ()', 'it is not one CREATE INDEX statement'],
    ['create index on a (b); create index on a (c)', 'it is not one CREATE INDEX statement'],
    ['create index on a', 'syntax error at end of input'],
    ['create index on a (b)\0', 'it contains a control character'],
    ['create index on x.a.b (c)', 'it names a database'],
    ['create index on only a (b)', 'it says ONLY, but Bellows builds the index of every partition'],
    [
      `create index on a ("${'é'.repeat(32)}")`,
      `the name "${'é'.repeat(32)}" has 64 bytes; PostgreSQL would cut it silently to 63`,
    ],
    [
      'create index if not exists c on a (b)',
      'it says IF NOT EXISTS, which takes an index for granted that is invalid or another one',
    ],
  ])('cannot be %s', (text, problem) => {
    expect(readIndex(text)).toEqual({ problem })
  })
})

describe('the statement that builds an index', () => {
  const index = { name: 'My Index', tablespace: null }

  test.each([
    [
      'concurrently',
      index,
      'USING btree (a)',
      'create index concurrently "My Index" on "public"."users" USING btree (a)',
    ],
    [
      'concurrently',
      { ...index, tablespace: 'a b' },
      'UNIQUE USING btree (a)',
      'create unique index concurrently "My Index" on "public"."users" USING btree (a) tablespace "a b"',
    ],
    [
      'concurrently',
      { ...index, tablespace: 'fast' },
      `USING btree ((a || ' WHERE é'::text), ("where")) WHERE (b > 1)`,
      `create index concurrently "My Index" on "public"."users" USING btree ((a || ' WHERE é'::text), ("where")) tablespace "fast" WHERE (b > 1)`,
    ],
    ['only', index, 'USING btree (a)', 'create index "My Index" on only "public"."users" USING btree (a)'],
  ] as const)('%s: %#', (how, of, using, expected) => {
    expect(createIndexSql(of, USERS, using, how)).toBe(expected)
  })
})
