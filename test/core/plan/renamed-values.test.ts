import { describe, expect, test } from 'vitest'
import { specOf } from '../../../src/core/operations/index.ts'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { renamedValueProblems } from '../../../src/core/plan/renamed-values.ts'
import { check, column, facts, index, schemaOf, tableWith, told } from '../../support/model.ts'

const users = { namespace: 'public', table: 'users' } as const
const rename: Operation = {
  kind: 'rename_enum_value',
  namespace: 'public',
  type: 'mood',
  from: 'ok',
  to: 'fine',
  unsafe: 'nobody says it',
}
const mood = column('mood', 'public.mood', { default: `'ok'::public.mood` })
const plain = [
  column('kept', 'public.mood', { default: `'sad'::public.mood` }),
  column('status', 'text', { default: `'ok'::text` }),
  column('ruled', 'public.mood'),
  column('found', 'public.mood[]'),
]
const schema = schemaOf(
  tableWith([mood, ...plain], {
    constraints: [check('known', ['ruled'], `CHECK ((ruled <> 'ok'::public.mood))`)],
    indexes: [
      index('by_found', ['found'], {
        definition: `CREATE INDEX by_found ON public.users USING btree (id) WHERE (found <> '{sad,ok}'::public.mood[])`,
      }),
    ],
  }),
)
const copied = (from: string): Operation => ({ kind: 'rename_column', ...users, from, to: 'other' })
const problems = (other: Operation) =>
  [
    [rename, other],
    [other, rename],
  ].map((operations) => told(renamedValueProblems({ name: '0001', operations }, schema, facts())))

describe('a value that gets another name', () => {
  test.each<[string, Operation, string]>([
    ['the default of a column that is copied', copied('mood'), 'The default of users.mood'],
    ['its check', copied('ruled'), 'The check known of users'],
    ['the predicate of its index, in an array', copied('found'), 'The index by_found'],
    [
      'a default that a rollback gives back',
      { kind: 'alter_column', ...users, column: 'mood', default: null },
      'The default of users.mood',
    ],
    ['a check that a rollback gives back', { kind: 'drop_constraint', ...users, name: 'known' }, 'The check'],
    ['an index that is dropped', { kind: 'drop_index', ...users, index: 'by_found' }, 'The index by_found'],
    [
      'anything of a table that gets a partition',
      { kind: 'attach_partition', ...users, partition: 'p', bounds: 'default' },
      'The default of users.mood',
    ],
    [
      'the text of an operation',
      { kind: 'add_constraint', ...users, check: `kept <> 'ok'` },
      'add_constraint names',
    ],
    [
      'a new column of the type',
      {
        kind: 'add_column',
        ...users,
        table: 'new',
        column: 'm',
        type: 'mood',
        nullable: true,
        default: `'ok'`,
      },
      'add_column names',
    ],
  ])('is refused beside %s, in either order', (_what, other, message) => {
    for (const found of problems(other))
      expect(found).toContainEqual(['plan_refused', expect.stringContaining(message)])
  })

  test.each<[string, Operation]>([
    ['a column that names another one', copied('kept')],
    ['a text that is the same', copied('status')],
    ['a column that goes', { kind: 'drop_column', ...users, column: 'mood' }],
    ['another comment', { kind: 'alter_column', ...users, column: 'mood', comment: 'how' }],
    ['a rule of its column', { kind: 'add_constraint', ...users, unique: ['mood'] }],
    [
      'a statement of a person',
      {
        kind: 'sql',
        namespace: 'public',
        up: `update users set mood = 'ok'`,
        down: 'select 1',
        phase: 'expand',
      },
    ],
  ])('may stand beside %s', (_what, other) => {
    expect(problems(other)).toEqual([[], []])
  })
})

describe('a definition that another one takes the place of', () => {
  const replaced = (definition: string): Operation => ({
    kind: 'replace_object',
    namespace: 'public',
    definition,
  })
  const VIEW = replaced('create or replace view v as select 1 as one')
  const POLICY = replaced('create policy own on users')
  const ROUTINE = replaced(`create or replace function f() returns int language sql as 'select 1'`)
  const byHand: Operation = {
    kind: 'sql',
    namespace: 'public',
    up: `alter type mood rename value 'ok' to 'fine'`,
    phase: 'expand',
    irreversible: 'a test',
  }

  test.each<[Operation, string, string, readonly string[]]>([
    [rename, 'a view', `create or replace view v as SELECT 'ok'::public.mood AS m`, ['The view public.v']],
    [
      byHand,
      'a view, for a person',
      `create or replace view v as SELECT 'ok'::public.mood AS m`,
      ['The view public.v'],
    ],
    [rename, 'a view that says a text', `create or replace view v as SELECT 'ok'::text AS m`, []],
    [
      rename,
      'a policy with a comment',
      `create policy own on users using ((mood = 'ok'::public.mood)); comment on policy own on users is 'x'`,
      ['The policy own on public.users'],
    ],
    [
      rename,
      'a routine that says it plainly',
      `create or replace function f() returns int language sql as $$ select 1 from users where mood = 'ok' $$`,
      ['The function public.f()'],
    ],
  ])('%# is refused where it names the value: %s', (renaming, _what, definition, expected) => {
    const other = definition.includes('view') ? VIEW : definition.includes('policy') ? POLICY : ROUTINE
    const [question = ''] = specOf(other).needs(other).questions ?? []
    const known = facts({ answers: { [question]: [{ definition, owned: true, dependents: [] }] } })
    const found = told(renamedValueProblems({ name: '0001', operations: [renaming, other] }, schema, known))
    expect(found.map(([, message]) => message.replace(/ names the value.*/, ''))).toEqual(expected)
  })
})
