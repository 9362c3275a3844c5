import { describe, expect, test } from 'vitest'
import { type DropConstraint, dropConstraint } from '../../../src/core/operations/drop-constraint.ts'
import { noIdentity } from '../../../src/core/plan/identity.ts'
import { leftKeyProblems } from '../../../src/core/plan/left-keys.ts'
import { constraintAbsent, constraintIsAsPlanned } from '../../../src/core/plan/probes.ts'
import type { StepDraft } from '../../../src/core/plan/step.ts'
import type { Constraint, Table } from '../../../src/core/schema/model.ts'
import {
  check,
  column,
  context,
  foreignKey,
  indexOf,
  notNull,
  schemaOf,
  table,
  tableWith,
  told,
  USERS,
  unique,
} from '../../support/model.ts'

const drop = (name: string): DropConstraint => ({ kind: 'drop_constraint', ...USERS, table: 'users', name })
const KEY = unique('users_name_key', ['name'])
const withOne = (one: Constraint): Table =>
  tableWith([column('name'), column('team', 'integer')], {
    constraints: [one],
    indexes: one.index === null ? [] : [indexOf(one)],
  })
const CHECK = check('c', ['name'], `CHECK ((name <> ''::text)) NO INHERIT`)
const FOREIGN = foreignKey('f', ['team'], {
  definition: 'FOREIGN KEY (team, name) REFERENCES public.teams(id, "Name") MATCH FULL ON DELETE CASCADE',
})
const REFUSING = { ...FOREIGN, definition: FOREIGN.definition.replace('CASCADE', 'RESTRICT') }
const TEAMS = { namespace: 'public', name: 'teams' }
const T = '"public"."users"'

const sqlOf = (drafts: readonly StepDraft[]) =>
  drafts.flatMap((draft) =>
    'statements' in draft ? draft.statements : draft.kind === 'inspect' ? [draft.offenders] : [],
  )
const steps = (one: Constraint) => {
  const of = context(withOne(one))
  const op = drop(one.name)
  return [...dropConstraint.expand(op, of), ...dropConstraint.contract(op, of)]
}
const back = (one: Constraint) => dropConstraint.rollback(drop(one.name), context(withOne(one)))

describe('the steps', () => {
  test.each<[string, Constraint, string, string]>([
    ['a check goes for the new version', CHECK, 'ddl', 'expand'],
    ['so does a foreign key that refuses', REFUSING, 'ddl', 'expand'],
    ['one that does more goes when the old version is gone', FOREIGN, 'purge', 'purge'],
    [
      'whatever it does',
      { ...FOREIGN, definition: `${REFUSING.definition} ON UPDATE SET NULL` },
      'purge',
      'purge',
    ],
    ['a key goes when the old version is gone, without a way back', KEY, 'purge', 'purge'],
  ])('%s', (_what, one, kind, phase) => {
    expect(steps(one).filter((step) => step.kind !== 'gate')).toMatchObject([
      {
        kind,
        phase,
        probe: constraintAbsent(USERS, one.name),
        requires: [
          { that: constraintIsAsPlanned(USERS, one.name, one.definition), code: 'drift_found' },
          ...(one.index === null ? [] : [noIdentity(USERS, { namespace: 'public', name: one.index })]),
        ],
        statements: [`alter table ${T} drop constraint "${one.name}" restrict`],
      },
    ])
  })

  test('wait for whoever may resolve conflicts by a key', () => {
    expect(steps(KEY)[0]).toMatchObject({
      kind: 'gate',
      phase: 'rollout',
      thing: { reach: 'table', shows: [{ by: 'conflict', constraint: KEY.name, columns: KEY.columns }] },
    })
  })

  test('wait for whoever works on either table of a foreign key that does more than to refuse', () => {
    const thing = { called: 'the constraint f of public.users', reach: 'table' }
    const [mine, other, drop] = steps(FOREIGN)
    expect([mine, other]).toMatchObject([
      { kind: 'gate', table: USERS, thing },
      { kind: 'gate', table: TEAMS, thing },
    ])
    expect(drop).toMatchObject({ retires: { table: USERS, thing }, retiresAlso: [{ table: TEAMS, thing }] })
  })

  test('go in the purge, so that nothing of the migration may take away what a foreign key with an action points at', () => {
    const named = 'FOREIGN KEY (team) REFERENCES public.teams(id) ON DELETE CASCADE'
    // Without columns it is the primary key.
    for (const definition of [named, named.replace('(id)', '')]) {
      const key = foreignKey('f', ['team'], { definition })
      const teams = table({ name: 'teams', columns: [column('id', 'integer'), column('note')] })
      const problems = (gone: string) =>
        told(
          leftKeyProblems(
            {
              name: '0001_test',
              operations: [
                drop('f'),
                { kind: 'drop_column', namespace: 'public', table: 'teams', column: gone },
              ],
            },
            schemaOf(withOne(key), teams),
          ),
        )
      expect(problems('id'), definition).toEqual([
        ['plan_refused', expect.stringContaining('so it goes in the purge')],
      ])
      expect(problems('note'), definition).toEqual([])
    }
  })

  test('lock the other table of a foreign key as well', () => {
    expect(steps(REFUSING)).toMatchObject([
      {
        locks: [
          { relation: TEAMS, level: 'access_exclusive', implied: true },
          { relation: USERS, level: 'access_exclusive' },
        ],
      },
    ])
    expect(steps(CHECK)).toMatchObject([{ locks: [{ relation: USERS, level: 'access_exclusive' }] }])
  })

  test.each<[string, Constraint, readonly string[]]>([
    [
      'a check, with its comment',
      { ...CHECK, comment: "it's" },
      [
        `select "id", pg_catalog.left("name"::pg_catalog.text, 100) as "name" from ${T}  where not (((name <> ''::text))) limit 10`,
        `alter table ${T} add constraint "c" CHECK ((name <> ''::text)) NO INHERIT not valid`,
        `comment on constraint "c" on ${T} is 'it''s'`,
        expect.stringContaining('search_path'),
        `alter table ${T} validate constraint "c"`,
        expect.stringContaining('lock table'),
      ],
    ],
    [
      'a check that was never proved, without a proof',
      { ...CHECK, validated: false, definition: `CHECK ((name <> ''::text)) NOT VALID` },
      [`alter table ${T} add constraint "c" CHECK ((name <> ''::text)) NOT VALID`],
    ],
    [
      'a foreign key',
      REFUSING,
      [
        `select t."id", t."team", pg_catalog.left(t."name"::pg_catalog.text, 100) as "name" from ${T} t where (t."team" is not null and t."name" is not null and not exists (select from "public"."teams" o where t."team" = o."id" and t."name" = o."Name")) or pg_catalog.num_nulls(t."team", t."name") not in (0, 2) limit 10`,
        `alter table ${T} add constraint "f" FOREIGN KEY (team, name) REFERENCES public.teams(id, "Name") MATCH FULL ON DELETE RESTRICT not valid`,
        `alter table ${T} validate constraint "f"`,
      ],
    ],
    ['nothing, where nothing was dropped yet', KEY, []],
    ['nothing of a foreign key that stands until the purge', FOREIGN, []],
  ])('that take it back put up %s', (_what, one, expected) => {
    expect(sqlOf(back(one))).toEqual(expected)
  })

  test('that take it back say that the new version must be gone', () => {
    expect(back(CHECK).flatMap(({ hazards }) => hazards.map(({ code }) => code))).toContain(
      'old_writers_may_fail',
    )
  })
})

describe('a constraint that cannot be dropped', () => {
  test.each<[string, Table, string, string, string]>([
    [
      'that is not there',
      withOne(KEY),
      'nam',
      'constraint_not_found',
      'The table "users" has no constraint "nam".',
    ],
    [
      'that others need',
      withOne({ ...KEY, dependents: ['constraint l on table logins', 'rule _RETURN on view v'] }),
      KEY.name,
      'dependents_found',
      'The constraint "users_name_key" of "users" cannot be dropped: constraint l on table logins, rule _RETURN on view v need it.',
    ],
    [
      'that is the NOT NULL of a column',
      withOne(notNull('n', 'name')),
      'n',
      'plan_refused',
      'The constraint "n" of "users" is the NOT NULL of "name".',
    ],
    [
      'whose index is the replica identity',
      { ...withOne(KEY), indexes: [indexOf(KEY, { replicaIdentity: true })] },
      KEY.name,
      'plan_refused',
      'The constraint "users_name_key" is the replica identity of "users": without it updates and deletes would fail.',
    ],
    [
      'that is the key of a published table',
      { ...withOne(KEY), published: true },
      'users_pkey',
      'plan_refused',
      'The constraint "users_pkey" is the replica identity of "users": without it updates and deletes would fail.',
    ],
  ])('%s', (_what, of, name, code, message) => {
    expect(told(dropConstraint.check(drop(name), context(of)))).toEqual([[code, message]])
  })

  test('does not go along with a key that is published and not dropped', () => {
    expect(dropConstraint.check(drop(KEY.name), context({ ...withOne(KEY), published: true }))).toEqual([])
  })
})

test('afterwards the schema has neither the constraint nor its index', () => {
  const after = dropConstraint.apply(drop(KEY.name), schemaOf(withOne(KEY)), context().facts).tables[0]
  expect(after).toEqual(tableWith([column('name'), column('team', 'integer')]))
})
