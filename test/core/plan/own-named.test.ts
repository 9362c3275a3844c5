import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { ownNamed, saidWithoutNamespace } from '../../../src/core/plan/own-named.ts'

const on = { namespace: 'public', table: 'users' } as const
const make = (definition: string): Operation => ({ kind: 'create_object', namespace: 'public', definition })
const EMAIL = make('create function email(text) returns boolean language sql return true')
const MOOD = make("create type mood as enum ('good')")
const VALUE: Operation = { kind: 'add_enum_value', namespace: 'public', type: 'kind', value: 'email' }

const alter = (more: object): Operation => ({ kind: 'alter_column', ...on, column: 'email', ...more })
const check = (condition: string): Operation => ({ kind: 'add_constraint', ...on, check: condition })
const add = (more: object): Operation => ({
  kind: 'add_column',
  ...on,
  column: 'email',
  type: 'text',
  nullable: true,
  ...more,
})
const index = (definition: string): Operation => ({ kind: 'create_index', definition })

describe('what a migration makes is found', () => {
  test.each<[string, readonly Operation[], Operation]>([
    ['a function in a check', [EMAIL], check("public.email('a')")],
    ['however it is written', [EMAIL], check("Public.EMAIL('a')")],
    ['in an index', [EMAIL], index('create unique index on users (id) where public.email(name)')],
    ['in a default', [EMAIL], alter({ default: "public.email('a')" })],
    ['in an up', [EMAIL], add({ up: "public.email('a')::text" })],
    [
      'in an exclusion constraint',
      [EMAIL],
      { kind: 'add_constraint', ...on, exclude: 'using gist (public.email(name) with =)' },
    ],
    [
      'in a probe',
      [EMAIL],
      { kind: 'sql', namespace: 'public', phase: 'contract', up: 'select 1', probe: "public.email('a')" },
    ],
    ['a type', [MOOD], add({ type: 'public.mood[]' })],
    ['in a cast', [MOOD], check("'good'::public.mood is not null")],
    ['in another object', [MOOD], make('create function f(public.mood) returns int language sql return 1')],
    ['a value', [VALUE], check("kind <> 'email'")],
    ['in an array', [VALUE], alter({ default: `'{phone,"email"}'` })],
  ])('%s', (_what, earlier, op) => {
    expect(ownNamed(op, earlier)).toBe(earlier[0] === MOOD ? 'mood' : 'email')
  })
})

test.each<[string, readonly Operation[], Operation, string | undefined]>([
  ['a type', [MOOD], add({ type: 'mood[]' }), 'mood'],
  ['a type with its namespace', [MOOD], add({ type: 'public.mood' }), undefined],
  ['a function', [EMAIL], add({ up: 'email(name)' }), 'email'],
  [
    'in an object, whose names are looked for',
    [MOOD],
    make('create function f(mood) returns int language sql return 1'),
    undefined,
  ],
  ['a value', [VALUE], check("kind <> 'email'"), undefined],
])('what is said without its namespace is found: %s', (_what, earlier, op, name) => {
  expect(saidWithoutNamespace(op, earlier)?.name).toBe(name)
})

describe('what only has the same name is not meant', () => {
  test.each<[string, Operation, Operation]>([
    ['a column', EMAIL, alter({ nullable: false })],
    ['a column in a condition', EMAIL, check("email <> ''")],
    ['a constant', EMAIL, alter({ default: "'email'" })],
    ['a comment', EMAIL, alter({ comment: 'email' })],
    ['the object itself', EMAIL, make('create function email(int) returns int language sql return 1')],
    ['a column beside a value', VALUE, alter({ nullable: false, check: { constraint: "email <> ''" } })],
    ['a type beside a value', { ...VALUE, value: 'text' }, add({})],
    ['another value', VALUE, check("kind <> 'Email'")],
    ['what cannot be read', VALUE, check("kind in ('email'")],
  ])('%s', (_what, made, op) => {
    expect(ownNamed(op, [made])).toBeUndefined()
  })
})
