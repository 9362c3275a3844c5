import { describe, expect, test } from 'vitest'
import { type AddConstraint, addConstraint } from '../../../src/core/operations/add-constraint.ts'
import type { Step, StepDraft } from '../../../src/core/plan/step.ts'
import { type ExclusionFacts, exclusionKey } from '../../../src/core/schema/exclusions.ts'
import { conditionKey, type Facts, nameKey } from '../../../src/core/schema/facts.ts'
import type { Schema, Table } from '../../../src/core/schema/model.ts'
import {
  column,
  context,
  facts,
  index,
  notNull,
  schemaOf,
  table,
  tableWith,
  told,
  USERS,
  unique,
} from '../../support/model.ts'

const add = (more: Partial<AddConstraint>): AddConstraint => ({
  kind: 'add_constraint',
  namespace: 'public',
  table: 'users',
  ...more,
})
const USERS_TABLE = tableWith([column('name'), column('team', 'integer'), column('at', 'date')])
const TEAMS = table({
  name: 'teams',
  columns: [column('id', 'bigint', { nullable: false }), column('code'), column('lead', 'boolean')],
  constraints: [...table().constraints, unique('teams_code_key', ['code'], { deferrable: true })],
  indexes: [
    ...table().indexes,
    index('teams_code_key', ['code'], { unique: true, constraint: 'teams_code_key' }),
    index('teams_part', ['lead'], {
      unique: true,
      definition: 'CREATE UNIQUE INDEX teams_part ON public.teams USING btree (lead) WHERE (id > 0)',
    }),
  ],
})
const SCHEMA = schemaOf(USERS_TABLE, TEAMS)
const to = (more: Partial<NonNullable<AddConstraint['foreign_key']>['references']> = {}) => ({
  columns: ['team'],
  references: { namespace: 'public', table: 'teams', columns: ['id'], ...more },
})

const EXCLUDE = 'using gist (name with =)'
const EXCLUSION: ExclusionFacts = {
  elements: 'USING gist (name WITH =)',
  keys: ['(name)'],
  classes: ['pg_catalog.text_ops'],
  method: 'gist',
  operators: ['operator(pg_catalog.=)'],
  predicate: null,
}
const tried = (found: ExclusionFacts | { readonly problem: string }, elements = EXCLUDE) =>
  facts({ exclusions: { [exclusionKey({ table: USERS, elements })]: found } })

const sqlOf = (drafts: readonly StepDraft[]) =>
  drafts.flatMap((draft) =>
    draft.kind === 'inspect'
      ? [draft.offenders]
      : 'statements' in draft
        ? draft.statements
        : 'statement' in draft
          ? [draft.statement]
          : [],
  )
const steps = (op: AddConstraint, of: Schema | Table = SCHEMA, known: Facts = tried(EXCLUSION)) =>
  addConstraint.contract(op, context(of, known))
const problems = (op: AddConstraint, of: Schema | Table = SCHEMA, known: Facts = facts()) =>
  addConstraint.check(op, context(of, known))
const T = '"public"."users"'

describe('the steps of a constraint', () => {
  test('look for rows in the way before anything else, and once more before the rule comes up', () => {
    const op = add({ check: "name <> ''" })
    const [first] = addConstraint.expand(op, context(SCHEMA))
    expect(first).toMatchObject({ kind: 'inspect', phase: 'expand' })
    expect(steps(op).map(({ kind, phase }) => [kind, phase])).toEqual([
      ['inspect', 'retire'],
      ['gate', 'rollout'],
      ['ddl', 'retire'],
      ['validate', 'retire'],
    ])
    const early = add({ check: "name <> ''", when: 'before_rollout' })
    expect(addConstraint.expand(early, context(SCHEMA))).toHaveLength(1)
    expect(steps(early).map(({ kind, phase }) => [kind, phase])).toEqual([
      ['ddl', 'verify'],
      ['validate', 'verify'],
    ])
  })

  test.each<[string, AddConstraint, readonly string[]]>([
    [
      'a check is proved in a transaction of its own',
      add({ check: "name <> ''" }),
      [
        `select "id", pg_catalog.left("name"::pg_catalog.text, 100) as "name" from ${T}  where not (name <> '') limit 10`,
        `alter table ${T} add constraint "users_name_check" check (name <> '') not valid`,
        expect.stringContaining('search_path'),
        `alter table ${T} validate constraint "users_name_check"`,
        expect.stringContaining('lock table'),
      ],
    ],
    [
      'a unique constraint stands on an index that was built concurrently',
      add({ name: 'one "each"', unique: ['name', 'team'], include: ['at'], nulls_not_distinct: true }),
      [
        `select pg_catalog.left("name"::pg_catalog.text, 100) as "name", "team", count(*) as "how often" from ${T} group by "name", "team" having count(*) > 1 order by count(*) desc limit 10`,
        `create unique index concurrently "one ""each""" on ${T} ("name", "team") include ("at") nulls not distinct`,
        `alter table ${T} add constraint "one ""each""" unique using index "one ""each"""`,
      ],
    ],
    [
      'a foreign key is proved in a transaction of its own',
      add({
        foreign_key: to({ on_delete: 'set_null', on_update: 'cascade', match: 'full' }),
        deferrable: 'initially_deferred',
      }),
      [
        `select t."id", t."team" from ${T} t where t."team" is not null and not exists (select from "public"."teams" o where t."team" = o."id") limit 10`,
        `alter table ${T} add constraint "users_team_fkey" foreign key ("team") references "public"."teams" ("id") match full on delete set null on update cascade deferrable initially deferred not valid`,
        `alter table ${T} validate constraint "users_team_fkey"`,
      ],
    ],
    [
      'an exclusion is built at once, as the server prints it',
      add({ exclude: EXCLUDE, deferrable: 'initially_deferred' }),
      [
        expect.stringMatching(/^select a."value 1" as "id"/),
        `alter table ${T} add constraint "users_name_excl" exclude USING gist (name WITH =) deferrable initially deferred`,
      ],
    ],
  ])('%s', (_what, op, expected) => {
    expect(sqlOf(steps(op))).toEqual(expected)
  })

  test('of a primary key make its columns NOT NULL first, by a check that is proved', () => {
    const bare = table({
      columns: [column('a'), column('b', 'bigint', { nullable: false })],
      constraints: [],
      indexes: [],
    })
    const found = steps(add({ primary_key: ['a', 'b'] }), bare)
    const proof = /"(bellows_filled_\w+_a)"/.exec(sqlOf(found).join())?.[1]
    expect(sqlOf(found)).toEqual([
      `select ctid::pg_catalog.text as "ctid", pg_catalog.left("a"::pg_catalog.text, 100) as "a" from ${T}  where "a" is null limit 10`,
      `select pg_catalog.left("a"::pg_catalog.text, 100) as "a", "b", count(*) as "how often" from ${T} where "a" is not null and "b" is not null group by "a", "b" having count(*) > 1 order by count(*) desc limit 10`,
      `alter table ${T} add constraint "${proof}" check ("a" is not null) not valid`,
      expect.stringContaining('search_path'),
      `alter table ${T} validate constraint "${proof}"`,
      expect.stringContaining('lock table'),
      `alter table ${T} alter column "a" set not null`,
      `alter table ${T} drop constraint "${proof}"`,
      `create unique index concurrently "users_pkey" on ${T} ("a", "b")`,
      `alter table ${T} add constraint "users_pkey" primary key using index "users_pkey"`,
    ])
    expect(sqlOf(addConstraint.rollback(add({ primary_key: ['a', 'b'] }), context(bare)))).toEqual([
      `alter table ${T} drop constraint "users_pkey" restrict`,
      'drop index "public"."users_pkey" restrict',
      `alter table ${T} alter column "a" drop not null`,
      `alter table ${T} drop constraint if exists "${proof}"`,
    ])
  })

  test('never read the table under a lock that stops anybody', () => {
    for (const op of [add({ check: "name <> ''" }), add({ foreign_key: to() }), add({ unique: ['name'] })]) {
      const scanning = steps(op).filter((step) => 'cost' in step && step.cost === 'scan')
      const explicit = scanning.flatMap((step) => ('locks' in step ? step.locks : []))
      expect(explicit.filter(({ implied }) => implied !== true).map(({ level }) => level)).toEqual(
        scanning.map(() => 'share_update_exclusive'),
      )
    }
  })

  test('of a foreign key lock both tables, the other one as they go', () => {
    const locks = steps(add({ foreign_key: to() })).map((step) =>
      'locks' in step ? (step as Step & { locks: unknown[] }).locks : [],
    )
    expect(locks.slice(2)).toEqual([
      [
        { relation: { namespace: 'public', name: 'teams' }, level: 'share_row_exclusive', implied: true },
        { relation: USERS_TABLE, level: 'share_row_exclusive' },
      ],
      [
        { relation: { namespace: 'public', name: 'teams' }, level: 'row_share', implied: true },
        { relation: USERS_TABLE, level: 'share_update_exclusive' },
      ],
    ])
  })

  test.each<[AddConstraint, string]>([
    [
      add({ check: "name <> ''" }),
      `From this step on a statement that leaves a row of "users" for which name <> '' is false fails. The gate before it waits until no instance of the old version is left.`,
    ],
    [
      add({ unique: ['name'], when: 'before_rollout' }),
      'From this step on a statement that brings a second row with the same "name" to "users" fails. The migration says that every running instance keeps to that already; one that does not has its statement refused.',
    ],
  ])('say who fails, and when', (op, because) => {
    expect(steps(op).flatMap(({ hazards }) => hazards)).toContainEqual({
      code: 'old_writers_may_fail',
      because,
    })
  })

  test('of a foreign key without an index say what a delete costs', () => {
    const hazards = (of: Table) =>
      steps(add({ foreign_key: to() }), schemaOf(of, TEAMS)).flatMap((step) =>
        step.hazards.map(({ code }) => code),
      )
    expect(hazards(USERS_TABLE)).toContain('not_indexed')
    expect(hazards({ ...USERS_TABLE, indexes: [index('i', ['team', 'name'])] })).not.toContain('not_indexed')
    expect(hazards({ ...USERS_TABLE, indexes: [index('i', ['name', 'team'])] })).toContain('not_indexed')
  })

  test('of an exclusion do not begin when the table has grown', () => {
    const all = steps(add({ exclude: EXCLUDE }))
    expect(all.map(({ kind }) => kind)).toEqual(['inspect', 'gate', 'ddl'])
    const small = { that: expect.stringContaining('<= 1048576'), code: 'plan_refused' }
    for (const step of [all[0], all[2]])
      expect(step).toMatchObject({ requires: expect.arrayContaining([expect.objectContaining(small)]) })
  })
})

describe('the rows that an exclusion is against', () => {
  const found = {
    ...EXCLUSION,
    elements: 'USING gist (name WITH =, lower(name) WITH app.~~) WHERE (team > 0)',
  }
  const of = {
    ...found,
    keys: ['(name) collate pg_catalog."C"', '(lower(name))'],
    classes: ['public.gist_text_ops', 'app.like_ops'],
    operators: ['operator(pg_catalog.=)', 'operator(app.~~)'],
    predicate: '(team > 0)',
  }

  test('are found by an index of the moment, and compared by the operators of the server, each pair once, with what both are known by', () => {
    const [look] = addConstraint.expand(add({ exclude: EXCLUDE }), context(SCHEMA, tried(of)))
    expect(look).toMatchObject({
      does: 'look for rows that exclude one another of "users"',
      otherwise:
        'Rows of "users" exclude one another, so the exclusion constraint "users_name_excl" cannot come up; nothing was changed.',
    })
    const name = 'pg_catalog.left("name"::pg_catalog.text, 100)'
    expect(look).toHaveProperty('made', [
      `create table "bellows compared" as select pg_catalog.row_number() over () as place, (name) collate pg_catalog."C" as "key 1", (lower(name)) as "key 2", "id" as "value 1", ${name} as "value 2", "team" as "value 3" from ${T} "users" where ((team > 0)) and pg_catalog.num_nulls((name) collate pg_catalog."C", (lower(name))) = 0`,
      `create table "bellows kept apart" (like "bellows compared", exclude using "gist" ("key 1" public.gist_text_ops with operator(pg_catalog.=), "key 2" app.like_ops with operator(app.~~)))`,
      `insert into "bellows kept apart" select * from "bellows compared" order by place on conflict do nothing`,
    ])
    expect(sqlOf(look === undefined ? [] : [look])).toEqual([
      `select a."value 1" as "id", a."value 2" as "name", a."value 3" as "team", (select r from (select b."value 1" as "id", b."value 2" as "name", b."value 3" as "team") r) as excludes from (select * from "bellows compared" c where not exists (select from "bellows kept apart" k where k.place = c.place) order by place limit 10) b join "bellows compared" a on a.place < b.place and a."key 1" operator(pg_catalog.=) b."key 1" and a."key 2" operator(app.~~) b."key 2" limit 10`,
    ])
  })

  test('are not compared in a table that nobody has analysed, and that is large', () => {
    const [look] = addConstraint.expand(add({ exclude: EXCLUDE }), context(SCHEMA, tried(of)))
    expect(look).toMatchObject({
      requires: [{ that: expect.stringContaining('<= 262144'), code: 'plan_refused' }],
    })
    const [other] = addConstraint.expand(add({ unique: ['name'] }), context(SCHEMA))
    expect(other).not.toHaveProperty('requires')
  })

  test('are looked for once more where they fail the step itself', () => {
    const [look, , step] = steps(add({ exclude: EXCLUDE }))
    expect(step).toMatchObject({
      refusedBy: { offenders: sqlOf(look === undefined ? [] : [look])[0] },
    })
  })

  test('in a table without a key are told by their places', () => {
    const bare = table({ columns: [column('name')], constraints: [], indexes: [] })
    const [look] = steps(add({ exclude: EXCLUDE }), bare)
    expect(look).toHaveProperty('made.0', expect.stringContaining('ctid::pg_catalog.text as "value 1"'))
  })

  test('stay in the tablespace that was asked for', () => {
    const elements = 'using gist (name with =) using index tablespace fast where (team > 0)'
    const more = {
      ...EXCLUSION,
      elements: `USING gist (name WITH =) WITH (fillfactor='70') WHERE ((team > 0))`,
    }
    expect(sqlOf(steps(add({ exclude: elements }), SCHEMA, tried(more, elements))).at(-1)).toBe(
      `alter table ${T} add constraint "users_name_excl" exclude USING gist (name WITH =) WITH (fillfactor='70') using index tablespace "fast" WHERE ((team > 0))`,
    )
  })
})

describe('the name of a constraint', () => {
  const nameAfter = (op: AddConstraint, of: Table = USERS_TABLE, known = facts()) =>
    addConstraint.apply(op, schemaOf(of, TEAMS), known).tables[0]?.constraints.at(-1)?.name

  test.each<[AddConstraint, string]>([
    [add({ check: 'team > 0 or team < -5' }), 'users_team_check'],
    [add({ check: "team > 0 or name = ''" }), 'users_check'],
    [add({ unique: ['name'], include: ['at'] }), 'users_name_at_key'],
    [add({ foreign_key: to() }), 'users_team_fkey'],
    [add({ exclude: 'using gist (name with =, lower(name) with =)' }), 'users_name_expr_excl'],
    [add({ name: 'Mine', unique: ['name'] }), 'Mine'],
  ])('is the one that PostgreSQL would choose', (op, name) => {
    expect(nameAfter(op)).toBe(name)
  })

  test('counts on while a name is taken', () => {
    const names = { [nameKey({ ...USERS, name: 'users_name_key1' })]: 'taken' } as const
    const of = { ...USERS_TABLE, constraints: [unique('users_name_key', ['name'])] }
    expect(nameAfter(add({ unique: ['name'] }), of, facts({ names }))).toBe('users_name_key2')
  })

  test('is asked for where an index will share it with all relations', () => {
    expect(addConstraint.needs(add({ unique: ['name'], name: 'n' })).names).toEqual([
      { namespace: 'public', name: 'n' },
    ])
    expect(addConstraint.needs(add({ check: 'true', name: 'n' })).names).toEqual([])
  })
})

describe('a constraint that cannot come up', () => {
  const known = facts({
    conditions: {
      [conditionKey(USERS, 'name > 5')]: { problem: 'Operator does not exist: text > integer.' },
      [conditionKey(USERS, 'random() > 0')]: { volatility: 'volatile' },
    },
    names: { [nameKey({ namespace: 'public', name: 'some_view' })]: 'taken' },
  })

  test.each<[string, AddConstraint, string, string | RegExp]>([
    ['of no kind', add({}), 'migration_invalid', 'The constraint of "users" is 0 kinds at once.'],
    [
      'of two kinds',
      add({ check: 'true', unique: ['name'] }),
      'migration_invalid',
      'The constraint of "users" is 2 kinds at once.',
    ],
    [
      'with a field of another kind',
      add({ check: 'true', include: ['name'] }),
      'migration_invalid',
      'A constraint of the kind check has no "include".',
    ],
    [
      'with a check that can be deferred',
      add({ check: 'true', deferrable: 'initially_deferred' }),
      'migration_invalid',
      'A constraint of the kind check has no "deferrable".',
    ],
    [
      'with a name that is too long',
      add({ check: 'true', name: 'x'.repeat(64) }),
      'name_invalid',
      /has 64 bytes/,
    ],
    [
      'with a name that a constraint has',
      add({ check: 'true', name: 'users_pkey' }),
      'name_invalid',
      /^The name "users_pkey" is taken/,
    ],
    [
      'with a name that a relation has',
      add({ unique: ['name'], name: 'some_view' }),
      'name_invalid',
      /^The name "some_view" is taken/,
    ],
    [
      'on a column that is not there',
      add({ unique: ['nam'] }),
      'column_not_found',
      'The table "users" has no column "nam".',
    ],
    [
      'on a column twice',
      add({ unique: ['name', 'name'] }),
      'migration_invalid',
      'The constraint names the column "name" twice.',
    ],
    ['on no column', add({ unique: [] }), 'migration_invalid', 'A constraint of "users" names no column.'],
    [
      'that is no expression',
      add({ check: 'name >' }),
      'migration_invalid',
      /^The check name > of "users" cannot be used: /,
    ],
    [
      'that the server does not take',
      add({ check: 'name > 5' }),
      'migration_invalid',
      'The check name > 5 of "users" cannot be used: Operator does not exist: text > integer.',
    ],
    [
      'that reads other rows',
      add({ check: 'exists (select 1)' }),
      'migration_invalid',
      /it contains a subquery/,
    ],
    [
      'of a system column',
      add({ check: 'ctid is not null' }),
      'migration_invalid',
      /it uses the system column ctid/,
    ],
    ['with a parameter', add({ check: 'name = $1' }), 'migration_invalid', /it contains a parameter/],
    ['that differs each time', add({ check: 'random() > 0' }), 'plan_refused', /is volatile/],
    [
      'that is a second primary key',
      add({ primary_key: ['name'] }),
      'plan_refused',
      '"users" has a primary key already: users_pkey.',
    ],
    [
      'to a table that is not there',
      add({ foreign_key: to({ table: 'team' }) }),
      'table_not_found',
      'There is no table public.team.',
    ],
    [
      'to a column that is not there',
      add({ foreign_key: to({ columns: ['ID'] }) }),
      'column_not_found',
      'The table "teams" has no column "ID".',
    ],
    [
      'with more columns on one side',
      add({ foreign_key: to({ columns: ['id', 'code'] }) }),
      'migration_invalid',
      'The foreign key has 1 columns and refers to 2.',
    ],
    [
      'to columns of a key that can be deferred',
      add({ foreign_key: { ...to({ columns: ['code'] }), columns: ['name'] } }),
      'plan_refused',
      /^No unique constraint of "teams" is on exactly "code"/,
    ],
    [
      'to an index over a part of the rows',
      add({ foreign_key: to({ columns: ['lead'] }) }),
      'plan_refused',
      /^No unique constraint of "teams" is on exactly "lead"/,
    ],
    [
      'between types that cannot be compared',
      add({ foreign_key: { ...to(), columns: ['name'] } }),
      'plan_refused',
      /^"users"\."name" is of type text and "teams"\."id" of type bigint/,
    ],
    [
      'that would set NULL what may not be',
      add({ foreign_key: { ...to({ on_delete: 'set_null' }), columns: ['id'] } }),
      'plan_refused',
      /^The action set_null would fail every time/,
    ],
    [
      'that excludes and more',
      add({ exclude: 'using gist (name with =), add check (true)' }),
      'migration_invalid',
      /it is more than one constraint/,
    ],
    [
      'that excludes with a comment',
      add({ exclude: 'using gist (name with =) --' }),
      'migration_invalid',
      /it contains a comment/,
    ],
    [
      'that excludes by a column that is not there',
      add({ exclude: 'using gist (nam with =)' }),
      'column_not_found',
      'The table "users" has no column "nam".',
    ],
    [
      'that excludes and says itself that it can be deferred',
      add({ exclude: 'using gist (name with =) deferrable' }),
      'migration_invalid',
      /the field deferrable/,
    ],
  ])('%s', (_what, op, code, message) => {
    const [found] = told(problems(op, SCHEMA, known))
    expect(found?.[0]).toBe(code)
    if (typeof message === 'string') expect(found?.[1]).toBe(message)
    else expect(found?.[1]).toMatch(message)
  })

  test.each<[string, AddConstraint, Partial<Table>, string | RegExp]>([
    [
      'on a partition',
      add({ unique: ['name'] }),
      { kind: 'partition' },
      /a partition, which this operation does not support yet/,
    ],
    [
      'where row security hides rows',
      add({ unique: ['name'] }),
      { rowSecurityForced: true },
      /^Row security is forced on "users"/,
    ],
    [
      'that excludes in a large table',
      add({ exclude: 'using gist (name with =)' }),
      { bytes: 2_000_000 },
      /^An exclusion constraint cannot be built while writers go on/,
    ],
    [
      'that is a primary key of rows which may have none of it, although it is NOT NULL',
      add({ primary_key: ['name'] }),
      { constraints: [{ ...notNull('nn', 'name'), validated: false }] },
      /^NOT NULL of "users"."name" is NOT VALID/,
    ],
    [
      'on a virtual column',
      add({ unique: ['v'] }),
      { columns: [column('v', 'text', { generated: 'virtual' })] },
      /is a virtual generated column/,
    ],
  ])('%s', (_what, op, more, message) => {
    const [found] = told(problems(op, schemaOf({ ...USERS_TABLE, ...more }, TEAMS)))
    expect(found?.[0]).toBe('plan_refused')
    if (typeof message === 'string') expect(found?.[1]).toBe(message)
    else expect(found?.[1]).toMatch(message)
  })

  test('that excludes by what the server does not take', () => {
    const problem = 'Data type text has no default operator class for access method "gist".'
    const op = add({ exclude: EXCLUDE })
    const [found, ...more] = problems(op, SCHEMA, tried({ problem }))
    expect([found?.code, found?.message, more]).toEqual([
      'migration_invalid',
      `PostgreSQL does not take the exclusion ${EXCLUDE} of "users": ${problem}`,
      [],
    ])
    expect(found?.hint).toContain('create extension btree_gist')
    expect(told(problems(op))).toEqual([
      [
        'plan_refused',
        'The server cannot be asked about the exclusion of public.users, which is not there under this name yet.',
      ],
    ])
  })

  test('to a table that the role may not refer to', () => {
    const closed = schemaOf(USERS_TABLE, { ...TEAMS, owned: false, closed: ['id'] })
    expect(told(problems(add({ foreign_key: to() }), closed))).toEqual([
      ['plan_refused', 'The connected role may not refer to "id" of public.teams, or not read it.'],
    ])
  })

  test('without NULLS NOT DISTINCT before PostgreSQL 15', () => {
    const op = add({ unique: ['name'], nulls_not_distinct: true })
    expect(told(problems(op, SCHEMA, facts({ serverVersion: 140_000 })))).toHaveLength(1)
    expect(problems(op, SCHEMA, facts({ serverVersion: 150_000 }))).toEqual([])
  })
})

describe('a constraint that can', () => {
  test.each<[string, AddConstraint]>([
    ['a check', add({ check: "name <> ''" })],
    ['a check that names its table', add({ check: 'users.team > 0' })],
    ['a foreign key between integers of two sizes', add({ foreign_key: to() })],
    ['a foreign key to a table of somebody else', add({ foreign_key: to() })],
    ['an exclusion', add({ exclude: 'using gist (name with =) where (team > 0)' })],
  ])('%s', (_what, op) => {
    expect(problems(op, SCHEMA, tried(EXCLUSION, op.exclude))).toEqual([])
  })
})
