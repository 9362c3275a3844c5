import { describe, expect, test } from 'vitest'
import { type CreateObject, createObject } from '../../../src/core/operations/create-object.ts'
import { inSearchPath } from '../../../src/core/plan/search-path.ts'
import { context, facts, raw, schemaOf, table, told, USERS } from '../../support/model.ts'

const create = (definition: string, namespace = 'public'): CreateObject => ({
  kind: 'create_object',
  namespace,
  definition,
})
/** Nothing of it is there yet. */
const absent = (op: CreateObject) => ({
  ...context(),
  facts: facts({
    answers: Object.fromEntries((createObject.needs(op).questions ?? []).map((one) => [one, []])),
  }),
})
const withRowSecurity = (op: CreateObject) => ({
  ...absent(op),
  schema: schemaOf(table({ rowSecurity: true })),
})
const TRIGGER = create('create trigger note before update on users for each row execute function f()')

describe('create_object', () => {
  test.each<[string, string | undefined]>([
    [
      'create trigger t after insert on users for each row execute function f()',
      'fires for instances of both',
    ],
    ['create policy p on users as restrictive', 'no longer see, and cannot write, rows that'],
    ['create policy p on users', undefined],
    ['create view v as select 1', undefined],
  ])('says whom it may hurt: %s', (definition, because) => {
    const op = create(definition)
    const [step] = createObject.expand(op, withRowSecurity(op))
    expect(step?.hazards).toEqual(
      because === undefined ? [] : [{ code: 'may_break', because: expect.stringContaining(because) }],
    )
  })

  test('hurts nobody by a policy where row security is off', () => {
    const op = create('create policy p on users as restrictive')
    expect(createObject.expand(op, absent(op))[0]?.hazards).toEqual([])
  })

  test.each<[string, string, string, readonly unknown[]]>([
    ['create view "V" as select 1', 'view app."V"', 'drop view "app"."V" restrict', []],
    [
      'create view a.v as select * from users',
      'view a.v',
      'drop view "a"."v" restrict',
      [{ relation: { namespace: 'app', name: 'users' }, level: 'access_share', implied: true }],
    ],
    [
      `create function f(a int, out b int, c "T"[], d numeric(3) default 1) language sql as ''`,
      'function app.f(int, "T"[], numeric(3))',
      'drop function "app"."f"(int, "T"[], numeric(3)) restrict',
      [],
    ],
    [
      `create procedure f() language sql as ''`,
      'procedure app.f()',
      'drop procedure "app"."f"() restrict',
      [],
    ],
    [
      'create trigger t after insert on public.users execute function f()',
      'trigger t on public.users',
      'drop trigger "t" on "public"."users" restrict',
      [{ relation: USERS, level: 'share_row_exclusive' }],
    ],
    [
      'create policy p on public.users',
      'policy p on public.users',
      'drop policy "p" on "public"."users"',
      [{ relation: USERS, level: 'access_exclusive' }],
    ],
    ['create type t as enum ()', 'type app.t', 'drop type "app"."t" restrict', []],
    ['create type t as ()', 'type app.t', 'drop type "app"."t" restrict', []],
    ['create type t as range (subtype = int)', 'type app.t', 'drop type "app"."t" restrict', []],
    ['create domain d as int', 'domain app.d', 'drop domain "app"."d" restrict', []],
  ])('makes, and drops on the way back: %s', (definition, name, drop, locks) => {
    const op = create(definition, 'app')
    expect(createObject.check(op, absent(op))).toEqual([])
    expect(createObject.expand(op, absent(op))).toMatchObject([
      {
        kind: 'ddl',
        phase: 'expand',
        does: `create the ${name}`,
        statements: inSearchPath('app', [raw(`${definition}\n`)]),
        locks,
        makes: name,
      },
    ])
    expect(createObject.rollback(op, absent(op))).toMatchObject([
      { kind: 'ddl', phase: 'expand', statements: [drop], unmakes: name },
    ])
  })

  test.each<[string, string, readonly [string, string]]>([
    [
      'what does not parse',
      'create vew',
      ['migration_invalid', 'The definition cannot be used: syntax error at or near "vew".'],
    ],
    [
      'another statement',
      'create table t ()',
      [
        'migration_invalid',
        'The definition cannot be used: it is not one CREATE of a view, function, procedure, trigger, policy, type or domain.',
      ],
    ],
    [
      'two statements',
      'create view v as select 1; drop table users',
      [
        'migration_invalid',
        'The definition cannot be used: it is not one CREATE of a view, function, procedure, trigger, policy, type or domain.',
      ],
    ],
    [
      'OR REPLACE',
      'create or replace view v as select 1',
      ['plan_refused', 'create_object says OR REPLACE: a rollback would not know what was there before.'],
    ],
    [
      'a relation of that name',
      'create view users as select 1',
      ['plan_refused', 'There is a view public.users already.'],
    ],
    [
      'a table that is not there',
      'create policy p on nobody',
      ['table_not_found', 'There is no table public.nobody.'],
    ],
    [
      'a trigger behind the dual write',
      'create trigger zzz_c before insert on users for each row execute function f()',
      [
        'plan_refused',
        'The definition makes a row trigger that fires behind the dual write, but it could change a row after both shapes were put in step.',
      ],
    ],
    [
      'the journal',
      'create trigger t after insert on bellows.event execute function f()',
      [
        'plan_refused',
        'The definition names the namespace "bellows", but the journal of all runs is in there.',
      ],
    ],
  ])('refuses %s', (_what, definition, problem) => {
    const op = create(definition)
    expect(told(createObject.check(op, absent(op)))).toContainEqual(problem)
  })

  test('tells the model of a trigger, which a dual write must fire behind', () => {
    const [after] = createObject.apply(TRIGGER, schemaOf(table()), facts()).tables
    expect(after?.triggers).toEqual([
      {
        name: 'note',
        enabled: true,
        rowLevel: true,
        before: true,
        onInsert: false,
        onUpdate: true,
        asksForBackfill: false,
        text: '',
      },
    ])
    const view = create('create view v as select 1')
    const schema = schemaOf(table())
    expect(createObject.apply(view, schema, facts())).toBe(schema)
  })

  test('adds the object, touches the table of a trigger, and adds a view as a table', () => {
    expect(createObject.needs(TRIGGER)).toMatchObject({
      tables: [{ ...USERS, columns: [] }],
      touches: [
        { object: 'trigger note on public.users', how: 'adds' },
        { table: USERS, how: 'uses' },
      ],
    })
    expect(createObject.needs(create('create view v as select * from users')).touches).toEqual([
      { object: 'view public.v', how: 'adds' },
      { table: { namespace: 'public', name: 'v' }, how: 'adds' },
    ])
    expect(createObject.needs(create('create vew'))).toEqual({ tables: [], touches: [] })
  })
})
