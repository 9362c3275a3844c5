import { describe, expect, test } from 'vitest'
import { introspect } from '../../../../src/adapters/postgres/introspect.ts'
import { openSessions } from '../../../../src/adapters/postgres/sessions.ts'
import { isFree } from '../../../../src/core/operations/change-type/free.ts'
import { needsOf } from '../../../../src/core/plan/needs.ts'
import { findColumn } from '../../../../src/core/schema/model.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../../../support/database.ts'

const PAIRS: readonly (readonly [from: string, to: string, isFree: boolean])[] = [
  ['character varying(10)', 'character varying(20)', true],
  ['character varying(10)', 'character varying', true],
  ['character varying(10)', 'text', true],
  ['text', 'character varying', true],
  ['character varying(20)', 'character varying(10)', false],
  ['text', 'character varying(10)', false],
  ['character(10)', 'character(20)', false],
  ['numeric(10,2)', 'numeric(12,2)', true],
  ['numeric(10,2)', 'numeric', true],
  ['numeric(10,2)', 'numeric(12,3)', false],
  ['numeric(12,2)', 'numeric(10,2)', false],
  ['numeric', 'numeric(10,2)', false],
  ['bit varying(4)', 'bit varying(8)', true],
  ['bit varying(4)', 'bit varying', true],
  ['bit varying(8)', 'bit varying(4)', false],
  ['bit(4)', 'bit(8)', false],
  ['timestamp(3) without time zone', 'timestamp(6) without time zone', true],
  ['timestamp(3) without time zone', 'timestamp without time zone', true],
  ['timestamp without time zone', 'timestamp(3) without time zone', false],
  ['timestamp(3) with time zone', 'timestamp with time zone', true],
  ['time(3) without time zone', 'time without time zone', true],
  ['time(3) with time zone', 'time with time zone', true],
  ['time without time zone', 'time(3) without time zone', false],
  ['integer', 'bigint', false],
]

/** What hangs on the column, and whether a longer text is still free. */
const COMPANIONS: readonly (readonly [string, string, boolean])[] = [
  ['nothing', '', true],
  ['an index', 'create index on t (c)', true],
  ['an index with another column', 'create index on t (id, c) include (id)', true],
  ['a unique constraint', 'alter table t add unique (c)', true],
  ['a hash index', 'create index on t using hash (c)', true],
  ['an index for patterns', 'create index on t (c varchar_pattern_ops)', true],
  ['an index over an expression', 'create index on t (lower(c))', false],
  ['an index with a predicate', `create index on t (id) where c <> 'x'`, false],
  ['a check', `alter table t add check (c <> 'x')`, false],
  [
    'a foreign key',
    'create table other (c varchar(10) primary key); insert into other select 1; alter table t add foreign key (c) references other',
    false,
  ],
  ['a default', `alter table t alter c set default 'x'`, true],
  ['NOT NULL', 'alter table t alter c set not null', true],
]

describe('a change of type that is called free', () => {
  test.for(PAIRS)(
    'is one that the server makes without a look at the rows: %s to %s',
    async ([from, to, free]) => {
      const database = await testDatabase(
        `create table t (id integer primary key, c ${from}); create index on t (c)`,
      )
      expect(await foretold(database, to)).toBe(free)
      expect(await touched(database, to)).toBe(!free)
    },
  )

  test.for(COMPANIONS)('depends on what hangs on the column: %s', async ([, companion, free]) => {
    const database = await testDatabase(
      `create table t (id integer primary key, c varchar(10)); insert into t values (1, '1'); ${companion}`,
    )
    expect(await foretold(database, 'character varying(20)')).toBe(free)
    // What is called free must be; a foreign key is checked anew only by some versions.
    if (free) expect(await touched(database, 'character varying(20)')).toBe(false)
  })
})

async function foretold(database: TestDatabase, to: string): Promise<boolean> {
  const sessions = openSessions({ url: database.url, application: 'bellows' })
  cleanUp(() => sessions.close())
  const { schema, facts } = await introspect(sessions, {
    ...needsOf({ name: 'nothing', operations: [] }),
    tables: [{ namespace: 'public', name: 't', columns: [] }],
    types: [to],
  })
  const [table] = schema.tables
  const [from, type] = [table === undefined ? undefined : findColumn(table, 'c'), facts.types[to]]
  if (table === undefined || from === undefined || type === undefined) throw new Error('not read')
  return isFree(table, from, type)
}

/** Does the server read or write rows or indexes? It says so, and the files of the table and of its indexes are others then. */
async function touched(database: TestDatabase, to: string): Promise<boolean> {
  const files = () =>
    database.query(
      `select oid::regclass::text as name, relfilenode from pg_class where relname = 't' or oid in (select indexrelid from pg_index where indrelid = 't'::regclass) order by 1`,
    )
  const before = await files()
  const session = await database.session('looking')
  const said: (string | undefined)[] = []
  session.on('notice', ({ message }) => said.push(message))
  await session.query('set client_min_messages = debug1')
  await session.query(`alter table t alter column c type ${to}`)
  // A type without a length may need a TOAST table, which is empty as it is made.
  const work = said.filter((one) =>
    /^(?:rewriting|verifying|validating|building index "(?!pg_toast))/.test(one ?? ''),
  )
  return work.length > 0 || JSON.stringify(await files()) !== JSON.stringify(before)
}
