import { describe, expect, test } from 'vitest'
import {
  type Carried,
  carried,
  carrySteps,
  checkAdditions,
  dropCopiesSql,
  replicaIdentitySql,
  settleSql,
} from '../../../src/core/plan/carry.ts'
import { type Names, namesFor } from '../../../src/core/plan/names.ts'
import { constraintIs, constraintValidated, indexValid } from '../../../src/core/plan/probes.ts'
import type { Index } from '../../../src/core/schema/indexes.ts'
import type { Constraint, Table } from '../../../src/core/schema/model.ts'
import {
  check,
  column,
  foreignKey,
  index,
  indexOf,
  notNull,
  SEED,
  table,
  tableWith,
  USERS,
  unique,
} from '../../support/model.ts'

const RENAMED = { from: 'name', to: 'full_name' }
const names: Names = { ...namesFor(SEED, 'name', []), copy: (original) => `copy_of_${original}` }
const copy = (name: string) => ({ namespace: 'public', name })

const columns = [column('name'), column('age', 'integer'), column('team', 'integer')]
const withThings = (constraints: readonly Constraint[], indexes: readonly Index[] = []): Table =>
  tableWith(columns, { constraints, indexes })

/** What hangs on the column, by its name, the name of its copy and the last name of that. */
const namesOf = (things: Carried) =>
  Object.fromEntries(
    Object.entries(things).map(([kind, copies]) => [
      kind,
      (copies as Carried['indexes']).map(({ original, copyName, finalName }) => [
        original.name,
        copyName,
        finalName,
      ]),
    ]),
  )

describe('what hangs on a column', () => {
  const NOTHING = { indexes: [], uniques: [], keys: [], checks: [], foreignKeys: [] }

  test('may be nothing', () => {
    expect(namesOf(carried(table(), RENAMED, names))).toEqual(NOTHING)
  })

  test('is taken along by kind', () => {
    const key = unique('users_name_key', ['name'])
    const users = withThings(
      [
        key,
        check('users_name_check', ['name'], "CHECK ((name <> ''::text))"),
        foreignKey('users_name_fkey', ['name']),
      ],
      [indexOf(key), index('users_name_idx', ['name'])],
    )
    expect(namesOf(carried(users, RENAMED, names))).toEqual({
      indexes: [['users_name_idx', 'copy_of_users_name_idx', 'users_full_name_idx']],
      uniques: [['users_name_key', 'copy_of_users_name_key', 'users_full_name_key']],
      keys: [],
      checks: [['users_name_check', 'copy_of_users_name_check', 'users_full_name_check']],
      foreignKeys: [['users_name_fkey', 'copy_of_users_name_fkey', 'users_full_name_fkey']],
    })
  })

  test('is what only its index names: an INCLUDE', () => {
    const key = unique('users_age_name_key', ['age'])
    const users = withThings([key], [indexOf(key, { columns: ['age', 'name'], nameParts: ['age', 'name'] })])
    expect(namesOf(carried(users, RENAMED, names)).uniques).toEqual([
      ['users_age_name_key', 'copy_of_users_age_name_key', 'users_age_full_name_key'],
    ])
  })

  test('is not what hangs on other columns, nor NOT NULL', () => {
    const users = withThings(
      [
        unique('users_age_key', ['age']),
        check('positive', ['age'], 'CHECK ((age > 0))'),
        foreignKey('users_team_fkey', ['team']),
        notNull('users_name_not_null', 'name'),
      ],
      [index('users_age_idx', ['age'])],
    )
    expect(namesOf(carried(users, RENAMED, names))).toEqual(NOTHING)
  })

  test('is a primary key that keeps its name, and under one name none, because that is not made twice', () => {
    expect(namesOf(carried(table(), { from: 'id', to: 'user_id' }, names))).toEqual({
      ...NOTHING,
      keys: [['users_pkey', 'copy_of_users_pkey', 'users_pkey']],
    })
    expect(namesOf(carried(table(), { from: 'id', to: 'id' }, names))).toEqual(NOTHING)
  })

  test.each<[string, Partial<Index> & Pick<Index, 'name' | 'columns'>, string]>([
    ['a column alone', { name: 'users_name_idx', columns: ['name'] }, 'users_full_name_idx'],
    ['two columns', { name: 'users_age_name_idx', columns: ['age', 'name'] }, 'users_age_full_name_idx'],
    [
      'an expression, which does not name it',
      { name: 'users_expr_idx', columns: ['name'], nameParts: ['expr'] },
      'users_expr_idx',
    ],
    [
      'an expression and the column',
      { name: 'users_expr_name_idx', columns: ['name'], nameParts: ['expr', 'name'] },
      'users_expr_full_name_idx',
    ],
    [
      'a predicate, which does not name it',
      { name: 'users_age_idx', columns: ['age', 'name'], nameParts: ['age'] },
      'users_age_idx',
    ],
    [
      'included columns, which name it, too',
      { name: 'users_age_name_idx', columns: ['age', 'name'], nameParts: ['age', 'name'] },
      'users_age_full_name_idx',
    ],
    ['a name that somebody chose', { name: 'by_name', columns: ['name'] }, 'by_name'],
    ['a name with a number', { name: 'users_name_idx2', columns: ['name'] }, 'users_name_idx2'],
  ])(
    'has its last name from PostgreSQL: an index of %s',
    (_what, { name, columns: on, ...more }, expected) => {
      const [found] = carried(withThings([], [index(name, on, more)]), RENAMED, names).indexes
      expect(found?.finalName).toBe(expected)
    },
  )

  test.each<[string, Constraint, string]>([
    ['of one column', check('users_name_check', ['name'], ''), 'users_full_name_check'],
    ['of two columns, which names neither', check('users_check', ['name', 'age'], ''), 'users_check'],
    [
      'of two columns, but called after one',
      check('users_name_check', ['name', 'age'], ''),
      'users_name_check',
    ],
    ['with a number', check('users_name_check1', ['name'], ''), 'users_name_check1'],
    ['with a name of its own', check('not_empty', ['name'], ''), 'not_empty'],
  ])('has its last name from PostgreSQL: a check %s', (_what, rule, expected) => {
    expect(carried(withThings([rule]), RENAMED, names).checks[0]?.finalName).toBe(expected)
  })

  test.each<[string, Partial<Table>]>([
    ['a relation of the namespace', { neighbours: ['users_pkey', 'users_full_name_idx'] }],
    ['an index', { indexes: [index('users_name_idx', ['name']), index('users_full_name_idx', ['age'])] }],
    ['a constraint', { constraints: [check('users_full_name_idx', ['age'], 'CHECK ((age > 0))')] }],
  ])('keeps its name where the other one is taken: by %s', (_what, more) => {
    const users = table({ columns, indexes: [index('users_name_idx', ['name'])], ...more })
    expect(carried(users, RENAMED, names).indexes[0]?.finalName).toBe('users_name_idx')
  })

  test('has names that are cut where they are too long', () => {
    const long = 'a_column_with_a_name_that_leaves_little_room_for_anything_else'
    const users = withThings([], [index('users_name_idx', ['name'])])
    const [found] = carried(users, { from: 'name', to: long }, names).indexes
    expect(found?.finalName).toBe('users_a_column_with_a_name_that_leaves_little_room_for_anyt_idx')
  })
})

describe('the checks', () => {
  const additions = (...rules: readonly Constraint[]) =>
    checkAdditions(carried(withThings(rules), RENAMED, names).checks, RENAMED)

  test.each<[string, Constraint, string]>([
    [
      'are added without a scan',
      check('rule', ['name'], "CHECK ((name <> ''::text))"),
      `add constraint "copy_of_rule" CHECK (full_name <> ''::text) not valid`,
    ],
    [
      'of rows that were never checked stay so',
      check('rule', ['name'], "CHECK ((name <> ''::text)) NOT VALID", { validated: false }),
      `add constraint "copy_of_rule" CHECK (full_name <> ''::text) NOT VALID`,
    ],
    [
      'that children do not inherit stay so',
      check('rule', ['name'], "CHECK ((name <> ''::text)) NO INHERIT"),
      `add constraint "copy_of_rule" CHECK (full_name <> ''::text) NO INHERIT not valid`,
    ],
    [
      'of two columns name the other one as before',
      check('rule', ['name', 'age'], "CHECK (((name <> ''::text) OR (age > 3)))"),
      `add constraint "copy_of_rule" CHECK (full_name <> ''::text OR age > 3) not valid`,
    ],
  ])('%s', (_what, rule, text) => {
    expect(additions(rule)).toEqual([text])
  })

  test('come in their order', () => {
    const texts = additions(
      check('b', ['name'], 'CHECK ((name > $$b$$))'),
      check('a', ['name'], 'CHECK ((name > $$a$$))'),
    )
    expect(texts.map((text) => /"(\w+)"/.exec(text)?.[1])).toEqual(['copy_of_b', 'copy_of_a'])
  })
})

describe('the steps', () => {
  const steps = (users: Table) => carrySteps(users, carried(users, RENAMED, names), RENAMED)

  test('build an index beside the old one, concurrently', () => {
    const users = withThings([], [index('by_name', ['name', 'age'])])
    expect(steps(users)).toEqual([
      {
        kind: 'concurrent_index',
        phase: 'verify',
        does: 'build the index "by_name" for "full_name"',
        hazards: [],
        probe: indexValid(copy('copy_of_by_name')),
        locks: [{ relation: users, level: 'share_update_exclusive' }],
        index: copy('copy_of_by_name'),
        statement: 'CREATE INDEX CONCURRENTLY copy_of_by_name ON public.users (full_name, age)',
      },
    ])
  })

  test('say that two unique indexes can make an upsert fail', () => {
    const users = withThings([], [index('by_name', ['name'], { unique: true })])
    const [step] = steps(users)
    expect(step?.hazards).toEqual([
      {
        code: 'upsert_race',
        because:
          'Until the contract two unique indexes guard the same values: of two INSERT ... ON CONFLICT ("name") of one new key at the same instant, one can fail with a unique violation instead of taking its DO arm.',
      },
    ])
    expect(step).toMatchObject({
      statement: 'CREATE UNIQUE INDEX CONCURRENTLY copy_of_by_name ON public.users (full_name)',
    })
  })

  test('make a unique constraint of an index that was built before', () => {
    const key = unique('users_name_key', ['name'])
    const users = withThings([key], [indexOf(key)])
    expect(steps(users)).toMatchObject([
      {
        kind: 'concurrent_index',
        does: 'build the index "users_name_key" for "full_name"',
        index: copy('copy_of_users_name_key'),
        statement: 'CREATE UNIQUE INDEX CONCURRENTLY copy_of_users_name_key ON public.users (full_name)',
        hazards: [{ code: 'upsert_race' }],
      },
      {
        kind: 'ddl',
        phase: 'verify',
        does: 'make the unique index of "users_name_key" a constraint',
        hazards: [],
        probe: constraintIs(users, 'copy_of_users_name_key', 'unique'),
        locks: [{ relation: users, level: 'access_exclusive' }],
        requires: [
          {
            that: indexValid(copy('copy_of_users_name_key')),
            code: 'drift_found',
            otherwise: 'the index "copy_of_users_name_key" is missing or invalid',
          },
        ],
        statements: [
          'alter table "public"."users" add constraint "copy_of_users_name_key" unique using index "copy_of_users_name_key"',
        ],
        cost: 'instant',
      },
    ])
  })

  test('put a foreign key up for new rows, and check the old ones afterwards', () => {
    const key = foreignKey('users_name_fkey', ['name'])
    const users = withThings([key])
    const teams = { namespace: 'public', name: 'teams' }
    expect(steps(users)).toEqual([
      {
        kind: 'ddl',
        phase: 'verify',
        does: 'put the foreign key "users_name_fkey" on "full_name" for new rows',
        hazards: [],
        requires: [],
        probe: constraintIs(users, 'copy_of_users_name_fkey', 'foreign_key'),
        locks: [
          { relation: teams, level: 'share_row_exclusive', implied: true },
          { relation: users, level: 'share_row_exclusive' },
        ],
        statements: [
          'alter table "public"."users" add constraint "copy_of_users_name_fkey" FOREIGN KEY (full_name) REFERENCES public.teams (id) not valid',
        ],
        cost: 'instant',
      },
      {
        kind: 'validate',
        phase: 'verify',
        does: 'check the foreign key "users_name_fkey" on "full_name" for the rows that are there',
        hazards: [],
        requires: [],
        probe: constraintValidated(users, 'copy_of_users_name_fkey'),
        locks: [
          { relation: teams, level: 'row_share', implied: true },
          { relation: users, level: 'share_update_exclusive' },
        ],
        statements: ['alter table "public"."users" validate constraint "copy_of_users_name_fkey"'],
        cost: 'scan',
      },
    ])
  })

  test('leave a foreign key unchecked that was never checked', () => {
    const users = withThings([
      foreignKey('users_name_fkey', ['name'], {
        definition: 'FOREIGN KEY (name) REFERENCES public.teams(id) ON DELETE SET NULL NOT VALID',
        validated: false,
      }),
    ])
    expect(steps(users)).toMatchObject([
      {
        kind: 'ddl',
        statements: [
          'alter table "public"."users" add constraint "copy_of_users_name_fkey" FOREIGN KEY (full_name) REFERENCES public.teams (id) ON DELETE SET NULL NOT VALID',
        ],
      },
    ])
  })

  test('come in the order indexes, unique constraints, foreign keys', () => {
    const key = unique('users_name_key', ['name'])
    const users = withThings(
      [foreignKey('users_name_fkey', ['name']), key],
      [indexOf(key), index('users_name_idx', ['name'])],
    )
    expect(steps(users).map(({ kind }) => kind)).toEqual([
      'concurrent_index',
      'concurrent_index',
      'ddl',
      'ddl',
      'validate',
    ])
  })
})

describe('in the end', () => {
  const key = unique('users_name_key', ['name'], { comment: 'one each' })
  const rule = check('not_empty', ['name'], "CHECK ((name <> ''::text))", { comment: "it's a rule" })
  const users = withThings(
    [key, rule, foreignKey('users_name_fkey', ['name'])],
    [
      indexOf(key),
      index('users_name_idx', ['name'], { comment: 'fast', clustered: true }),
      index('by_name', ['name', 'age']),
    ],
  )
  const things = carried(users, RENAMED, names)

  test('the copies take their last names, their comments and their mark as the clustering index', () => {
    expect(settleSql(users, things, { ...RENAMED, finalName: RENAMED.to })).toEqual([
      'alter table "public"."users" rename constraint "copy_of_users_name_key" to "users_full_name_key"',
      `comment on constraint "users_full_name_key" on "public"."users" is 'one each'`,
      'alter table "public"."users" rename constraint "copy_of_not_empty" to "not_empty"',
      `comment on constraint "not_empty" on "public"."users" is 'it''s a rule'`,
      'alter table "public"."users" rename constraint "copy_of_users_name_fkey" to "users_full_name_fkey"',
      'alter index "public"."copy_of_users_name_idx" rename to "users_full_name_idx"',
      `comment on index "public"."users_full_name_idx" is 'fast'`,
      'alter table "public"."users" cluster on "users_full_name_idx"',
      'alter index "public"."copy_of_by_name" rename to "by_name"',
    ])
  })

  test('the index of a unique constraint keeps its comment and its mark, too', () => {
    const one = unique('users_name_key', ['name'])
    const marked = withThings([one], [indexOf(one, { clustered: true, comment: 'fast' })])
    expect(
      settleSql(marked, carried(marked, RENAMED, names), { ...RENAMED, finalName: RENAMED.to }).slice(1),
    ).toEqual([
      `comment on index "public"."users_full_name_key" is 'fast'`,
      'alter table "public"."users" cluster on "users_full_name_key"',
    ])
  })

  test('nothing needs a word where nothing was copied', () => {
    const none = carried(table(), RENAMED, names)
    expect([
      settleSql(table(), none, { ...RENAMED, finalName: RENAMED.to }),
      dropCopiesSql(USERS, none),
      replicaIdentitySql(table(), none),
    ]).toEqual([[], [], []])
  })

  test('the copies can be taken away from whatever point of their making', () => {
    expect(dropCopiesSql(USERS, things)).toEqual([
      'alter table "public"."users" drop constraint if exists "copy_of_users_name_key"',
      'alter table "public"."users" drop constraint if exists "copy_of_not_empty"',
      'alter table "public"."users" drop constraint if exists "copy_of_users_name_fkey"',
      'drop index if exists "public"."copy_of_users_name_idx"',
      'drop index if exists "public"."copy_of_by_name"',
      'drop index if exists "public"."copy_of_users_name_key"',
    ])
  })

  test.each<[string, Table, readonly string[]]>([
    ['no index', withThings([], [index('users_name_idx', ['name'])]), []],
    [
      'an index of the column',
      withThings([], [index('users_name_idx', ['name'], { unique: true, replicaIdentity: true })]),
      ['alter table "public"."users" replica identity using index "copy_of_users_name_idx"'],
    ],
    [
      'the index of a unique constraint',
      withThings([key], [indexOf(key, { replicaIdentity: true })]),
      ['alter table "public"."users" replica identity using index "copy_of_users_name_key"'],
    ],
    [
      'an index of another column',
      withThings([], [index('by_age', ['age'], { replicaIdentity: true }), index('by_name', ['name'])]),
      [],
    ],
  ])('the replica identity is handed over before the old column goes: %s', (_what, of, expected) => {
    expect(replicaIdentitySql(of, carried(of, RENAMED, names))).toEqual(expected)
  })
})
