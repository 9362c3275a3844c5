import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { keyProblems, meetingProblems, sharingProblems } from '../../../src/core/plan/meetings.ts'
import { column, foreignKey, index, primaryKeyOf, schemaOf, table, told } from '../../support/model.ts'

const on = { namespace: 'public' } as const
const view = 'create or replace view names as select 1 as one'
const area = 'create or replace function area(int) returns int language sql as $$ select 1 $$'
const replace = (definition: string): Operation => ({ kind: 'replace_object', ...on, definition })
const drop = (object: string): Operation => ({ kind: 'drop_object', ...on, object })
const trigger = 'create trigger note before insert on users for each row execute function f()'
const addValue = (value: string): Operation => ({ kind: 'add_enum_value', ...on, type: 'mood', value })
const renameValue = (from: string, to: string): Operation => ({
  kind: 'rename_enum_value',
  ...on,
  type: 'mood',
  from,
  to,
})

const attach = (partition: string): Operation => ({
  kind: 'attach_partition',
  ...on,
  table: 'events',
  partition,
  bounds: 'for values in (1)',
})
const detach = (partition: string): Operation => ({
  kind: 'detach_partition',
  ...on,
  table: 'events',
  partition,
})
const proveOn = (of: string): Operation => ({ kind: 'add_constraint', ...on, table: of, check: 'true' })

const meetingsOf = (...operations: readonly Operation[]) =>
  told(meetingProblems({ name: 'm', operations })).map(([, message]) => message)

describe('two operations of a migration', () => {
  test.each<[string, readonly Operation[], string]>([
    ['replace one function', [replace(area), replace(area)], 'the function public.area(int)'],
    ['replace one view', [replace(view), replace(view)], 'the view public.names'],
    ['replace one trigger', [replace(trigger), replace(trigger)], 'the trigger note on public.users'],
    [
      'replace and drop a function',
      [replace(area), drop('function area(integer)')],
      'the function public.area(int)',
    ],
    ['drop one type', [drop('type mood'), drop('type mood')], 'the type public.mood'],
    ['add one value', [addValue('x'), addValue('x')], `the value 'x' of public.mood`],
    ['rename one value', [renameValue('a', 'b'), renameValue('a', 'c')], `the value 'a' of public.mood`],
    [
      'rename a value to one that comes',
      [addValue('b'), renameValue('a', 'b')],
      `the value 'b' of public.mood`,
    ],
    ['change a table and attach it', [proveOn('one'), attach('one')], '"one"'],
    ['attach a table and change it', [attach('one'), proveOn('one')], '"one"'],
    ['change a table and attach another one to it', [proveOn('events'), attach('one')], '"events"'],
    ['detach a partition and change its table', [detach('one'), proveOn('events')], '"events"'],
    ['detach a partition and attach it', [detach('one'), attach('one')], '"one"'],
  ])('may not %s', (_what, operations, name) => {
    expect(meetingsOf(...operations)).toEqual([`Two operations of the migration touch ${name}.`])
  })

  test.each<[string, readonly Operation[]]>([
    ['replace two functions of one name', [replace(area), replace(area.replace('int', 'text'))]],
    ['replace two triggers of a table', [replace(trigger), replace(trigger.replace('note', 'other'))]],
    ['rename two values', [renameValue('a', 'b'), renameValue('c', 'd'), addValue('e')]],
    ['attach one partition and detach another one', [attach('two'), detach('one'), attach('three')]],
    ['drop objects of one name that are of two kinds', [drop('function mood()'), drop('type mood')]],
  ])('may %s', (_what, operations) => {
    expect(meetingsOf(...operations)).toEqual([])
  })
})

describe('another name and another type of one column', () => {
  const users = { ...on, table: 'users' }
  const rename: Operation = { kind: 'rename_column', ...users, from: 'a', to: 'b', transform: 'trim' }
  const change = (column: string): Operation => ({ kind: 'change_type', ...users, column, type: 'bigint' })

  test.each<[string, readonly Operation[]]>([
    ['behind', [rename, change('b')]],
    ['before', [change('a'), rename]],
  ])(
    'are one change, and one operation where both say what becomes of its values: %s',
    (_where, operations) => {
      const [found] = meetingProblems({ name: 'm', operations })
      expect(found?.hint).toBe(
        'Leave change_type away and give rename_column of "a" what it says: type, collation, nullable, up (over a) and down (over b). Both are done by one copy then.',
      )
    },
  )

  test('are not what else may meet a column', () => {
    const [found] = meetingProblems({
      name: 'm',
      operations: [rename, { kind: 'drop_column', ...users, column: 'a' }],
    })
    expect(found?.hint).toBe('Put them into two migrations; the second begins when the first is contracted.')
  })
})

describe('an index that goes or gets another name', () => {
  const users = { ...on, table: 'users' }
  const schema = schemaOf(table({ indexes: [index('by_name', ['name'])] }))
  const problems = (...operations: readonly Operation[]) =>
    told(sharingProblems({ name: 'm', operations }, schema)).map(([, message]) => message)
  const ofIndex: readonly Operation[] = [
    { kind: 'drop_index', ...users, index: 'by_name' },
    { kind: 'rename_index', ...users, from: 'by_name', to: 'named' },
  ]
  const ofColumn: readonly Operation[] = [
    { kind: 'rename_column', ...users, from: 'name', to: 'full_name' },
    { kind: 'drop_column', ...users, column: 'name' },
    { kind: 'change_type', ...users, column: 'name', type: 'integer' },
  ]

  const message = 'Two operations of the migration take away "by_name", or a column of it.'

  test.each(ofIndex.flatMap((one) => ofColumn.map((other) => [one.kind, other.kind, one, other] as const)))(
    'may not stand in one migration as %s behind %s of its column, which takes it along or copies it',
    (_one, _other, one, other) => {
      expect(problems(other, one)).toEqual([message])
    },
  )

  test('is told to come first', () => {
    const [, renamed] = ofIndex as readonly [Operation, Operation]
    const [found] = sharingProblems({ name: 'm', operations: [...ofColumn.slice(0, 1), renamed] }, schema)
    expect(found?.hint).toBe('Put the operation that gives "by_name" another name before the other one.')
  })

  test.each(ofColumn.map((one) => [one.kind, one] as const))(
    'may get another name before %s of its column finds it by that, and be dropped before a copy',
    (kind, one) => {
      const [dropped, renamed] = ofIndex as readonly [Operation, Operation]
      expect(problems(dropped, one)).toEqual(kind === 'rename_column' ? [] : [message])
      expect(problems(renamed, one)).toEqual([])
      expect(problems(renamed, one, dropped)).toEqual([message])
    },
  )

  test('is told to be dropped first, where a rename would copy it', () => {
    const [dropped] = ofIndex as readonly [Operation]
    const [found] = sharingProblems({ name: 'm', operations: [...ofColumn.slice(0, 1), dropped] }, schema)
    expect(found?.hint).toBe(
      'Put the operation that drops "by_name" before rename_column, which does not copy it then.',
    )
  })

  test('may beside a change of another column', () => {
    for (const one of ofIndex)
      expect(problems(one, { kind: 'drop_column', ...users, column: 'other' })).toEqual([])
  })
})

describe('a constraint that gets another name', () => {
  const points = foreignKey('points', ['user_id'], {
    definition: 'FOREIGN KEY (user_id) REFERENCES users(id)',
    references: { namespace: 'public', name: 'users' },
  })
  const ofOrders = { table: { namespace: 'public', name: 'orders' }, constraint: 'points' }
  const schema = schemaOf(
    table({ referencedBy: [{ ...ofOrders, identity: 'points on public.orders' }] }),
    table({ name: 'orders', columns: [column('user_id')], constraints: [points], indexes: [] }),
  )
  const named: Operation = {
    kind: 'rename_constraint',
    ...on,
    table: 'orders',
    from: 'points',
    to: 'of_user',
  }
  const problems = (...operations: readonly Operation[]) =>
    told(sharingProblems({ name: 'm', operations }, schema)).map(([, message]) => message)

  test('may before its column does, and not where the column that it points at does: its gate knows the old name', () => {
    expect(
      problems(named, { kind: 'rename_column', ...on, table: 'orders', from: 'user_id', to: 'buyer' }),
    ).toEqual([])
    expect(
      problems(named, { kind: 'rename_column', ...on, table: 'users', from: 'id', to: 'number' }),
    ).toEqual(['Two operations of the migration take away "points", or a column of it.'])
  })
})

describe('what two columns share that get other names', () => {
  const key = primaryKeyOf(['a', 'b'])
  const of = { ...on, table: 'users' }
  const renamed = (from: string): Operation => ({ kind: 'rename_column', ...of, from, to: `new ${from}` })
  const problems = (given: Parameters<typeof table>[0], ...operations: readonly Operation[]) =>
    told(sharingProblems({ name: 'm', operations }, schemaOf(table(given)))).map(([, message]) => message)
  const both = (name: string) => [`Two operations of the migration take away "${name}", or a column of it.`]
  const ab = index('ab', ['a', 'b'])

  test('is made of both, where one comes right behind the other', () => {
    expect(problems({ indexes: [ab] }, renamed('a'), renamed('b'))).toEqual([])
    expect(problems({ indexes: [ab] }, renamed('a'), renamed('c'), renamed('b'))).toEqual([])
    const between: Operation = { kind: 'drop_column', ...of, column: 'c' }
    expect(problems({ indexes: [ab] }, renamed('a'), between, renamed('b'))).toEqual(both('ab'))
  })

  test('is no primary key, and nothing that foreign keys point at', () => {
    expect(problems({ constraints: [key], indexes: [] }, renamed('a'), renamed('b'))).toEqual(both(key.name))
    const pointedAt = index('ab', ['a', 'b'], { unique: true, foreignKeys: ['points on orders'] })
    expect(problems({ indexes: [pointedAt] }, renamed('a'), renamed('b'))).toEqual(both('ab'))
  })

  test('is not made of a renamed one and one that goes', () => {
    const drop: Operation = { kind: 'drop_column', ...of, column: 'b' }
    expect(problems({ indexes: [ab] }, renamed('a'), drop)).toEqual(both('ab'))
  })
})

describe('what else becomes of a column that is copied', () => {
  const of = { ...on, table: 'users' }
  const described: Operation = { kind: 'alter_column', ...of, column: 'a', comment: 'c', statistics: 7 }
  const rename: Operation = { kind: 'rename_column', ...of, from: 'a', to: 'b' }
  const index = (column: string): Operation => ({
    kind: 'create_index',
    definition: `create index on users (${column})`,
  })

  test('may come before, where the copy takes it over, and behind, for the new column', () => {
    expect(meetingsOf(described, rename)).toEqual([])
    expect(meetingsOf({ ...described, default: '7', nullable: true }, rename)).toEqual([])
    expect(meetingsOf(rename, { ...described, column: 'b', nullable: false })).toEqual([])
    expect(meetingsOf(rename, index('b'))).toEqual([])
    expect(meetingsOf(rename, described)).toEqual(['Two operations of the migration touch "users"."a".'])
    expect(meetingsOf(described, { kind: 'change_type', ...of, column: 'a', type: 'text' })).toEqual([])
    const drop: Operation = { kind: 'drop_column', ...of, column: 'a' }
    expect(meetingsOf({ ...described, default: '7' }, drop)).toEqual([
      'Two operations of the migration touch "users"."a".',
    ])
  })

  test.each<[string, readonly Operation[], string]>([
    ['the old name', [rename, index('a')], 'Behind rename_column the column is called "b": say that.'],
    [
      'a column before it is added',
      [index('new'), { kind: 'add_column', ...of, column: 'new', type: 'text', nullable: true }],
      'Put add_column in front of create_index, which builds on what it adds.',
    ],
    [
      'a column that goes, and comes anew',
      [
        { kind: 'drop_column', ...of, column: 'a' },
        { kind: 'add_column', ...of, column: 'a', type: 'text', nullable: true },
      ],
      'Put them into two migrations; the second begins when the first is contracted.',
    ],
  ])('is refused with what to write instead: %s', (_what, operations, hint) => {
    expect(meetingProblems({ name: 'm', operations }).map((one) => one.hint)).toEqual([hint])
  })

  test.each<[string, Operation, string]>([
    ['an index', index('a'), 'Put create_index behind rename_column, for "b" as it is then.'],
    [
      'a check',
      { ...described, check: { constraint: 'a > 0' } },
      'Put alter_column behind rename_column, for "b" as it is then.',
    ],
    [
      'anything else',
      { kind: 'drop_column', ...of, column: 'a' },
      'Put them into two migrations; the second begins when the first is contracted.',
    ],
  ])('is refused before with what to do instead: %s', (_what, op, hint) => {
    expect(meetingProblems({ name: 'm', operations: [op, rename] }).map((one) => one.hint)).toEqual([hint])
  })
})

describe('a primary key', () => {
  const dropKey: Operation = { kind: 'drop_constraint', ...on, table: 'users', name: 'users_pkey' }
  const addKey: Operation = { kind: 'add_constraint', ...on, table: 'users', primary_key: ['name'] }
  const problems = (...operations: readonly Operation[]) =>
    told(keyProblems({ name: 'm', operations }, schemaOf(table())))

  test('does not come in the migration that drops the one before it, which stands until the purge', () => {
    expect(problems(dropKey, addKey)).toEqual([
      [
        'plan_refused',
        '"users" cannot get another primary key in the migration that drops "users_pkey", which stands until its purge.',
      ],
    ])
    expect(problems(dropKey)).toEqual([])
    expect(problems(dropKey, { ...addKey, table: 'teams' })).toEqual([])
  })
})
