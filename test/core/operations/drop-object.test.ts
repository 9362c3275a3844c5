import { describe, expect, test } from 'vitest'
import { type DropObject, dropObject } from '../../../src/core/operations/drop-object.ts'
import { nameKey } from '../../../src/core/schema/facts.ts'
import { context, facts, schemaOf, table, told, USERS } from '../../support/model.ts'

const drop = (object: string): DropObject => ({ kind: 'drop_object', namespace: 'public', object })
const known = (
  op: DropObject,
  row: Readonly<Record<string, unknown>> | undefined = { definition: '', owned: true, dependents: [] },
) => {
  const { questions = [], views = [] } = dropObject.needs(op)
  const answers = questions.map((question, at) => [question, at > 0 || row === undefined ? [] : [row]])
  return {
    ...context(),
    facts: facts({
      answers: Object.fromEntries(answers),
      reprinted: Object.fromEntries(views.map((view) => [nameKey(view), true])),
    }),
  }
}

describe('drop_object', () => {
  test.each<[string, string, readonly unknown[]]>([
    [
      'view v',
      'drop view "public"."v" restrict',
      [{ relation: { namespace: 'public', name: 'v' }, level: 'access_exclusive', implied: true }],
    ],
    ['function a.f(int, "T")', 'drop function "a"."f"(int, "T") restrict', []],
    ['procedure f()', 'drop procedure "public"."f"() restrict', []],
    [
      'trigger t on users',
      'drop trigger "t" on "public"."users" restrict',
      [{ relation: USERS, level: 'access_exclusive' }],
    ],
    [
      'policy "P" on users',
      'drop policy "P" on "public"."users"',
      [{ relation: USERS, level: 'access_exclusive' }],
    ],
    ['type t', 'drop type "public"."t" restrict', []],
    ['domain d', 'drop domain "public"."d" restrict', []],
  ])('drops in the purge: %s', (object, statement, locks) => {
    const op = drop(object)
    expect(dropObject.check(op, known(op))).toEqual([])
    // Of this view nothing is known that a probe could be put into.
    expect(dropObject.expand(op, known(op))).toEqual([])
    expect(dropObject.rollback(op, known(op))).toEqual([])
    expect(dropObject.contract(op, known(op))).toMatchObject([
      { kind: 'gate', phase: 'rollout' },
      {
        kind: 'purge',
        phase: 'purge',
        statements: [statement],
        locks,
        requires: [
          { code: 'dependents_found' },
          ...(object.startsWith('policy') ? [{ code: 'drift_found' }] : []),
        ],
      },
    ])
  })

  test('names what depends on it', () => {
    const op = drop('view v')
    const dependents = ['view public.w', 'function public.f()']
    const [, step] = dropObject.contract(op, known(op, { definition: '', owned: true, dependents }))
    expect(
      step?.hazards.filter(({ code }) => code === 'blocks_contract').map(({ because }) => because),
    ).toEqual([
      'The view public.w depends on it. Change or drop it before the contract, which never cascades.',
      'The function public.f() depends on it. Change or drop it before the contract, which never cascades.',
    ])
  })

  describe('a view', () => {
    const op = drop('view v')
    const found = {
      definition: 'create or replace view public.v as  SELECT id\n   FROM public.users',
      owned: true,
      dependents: [],
    }
    const counter = /"(old_uses_[0-9a-f]{8})"/

    test('is given a probe in the expand, which a rollback takes out and the purge takes along', () => {
      const context = known(op, found)
      const [install, ...none] = dropObject.expand(op, context)
      const [gate, purge] = dropObject.contract(op, context)
      const [takeOut] = dropObject.rollback(op, context)
      expect(none).toEqual([])
      const [, name] = counter.exec(JSON.stringify(install).replaceAll('\\', '')) ?? []
      expect(install).toMatchObject({
        kind: 'ddl',
        phase: 'expand',
        does: 'count who uses the view public.v',
        hazards: [{ code: 'slower_queries' }],
        locks: [
          { relation: { namespace: 'public', name: 'v' }, level: 'access_exclusive', implied: true },
          { relation: USERS, level: 'access_share', implied: true },
        ],
        requires: [{ code: 'drift_found' }],
        statements: expect.arrayContaining([
          `create unlogged sequence bellows."${name}_number"`,
          `grant execute on function bellows."${name}"() to public`,
          found.definition,
          `create or replace view public.v as SELECT id FROM public.users WHERE bellows.${name}()`,
        ]),
      })
      expect(gate).toMatchObject({ kind: 'gate', counter: name, thing: { called: 'the view public.v' } })
      const gone = [
        `drop function if exists bellows."${name}"()`,
        `drop function if exists bellows."${name}_tell"()`,
        `drop table if exists bellows."${name}"`,
        `drop sequence if exists bellows."${name}_number"`,
        `delete from bellows.brownout where counter = '${name}'`,
      ]
      expect(purge).toMatchObject({
        statements: [
          'drop view if exists "public"."v" restrict',
          expect.stringMatching(/^select bellows\.require\(.*'gate_closed'/),
          ...gone,
        ],
        requires: [{ code: 'dependents_found' }, { code: 'dependents_found' }],
        retires: { thing: { called: 'the view public.v' } },
      })
      expect(takeOut).toMatchObject({
        phase: 'expand',
        requires: [{ code: 'drift_found' }, { code: 'dependents_found' }],
        statements: [
          expect.stringMatching(/^do 'begin if exists .* then execute ''create or replace/),
          ...gone,
        ],
      })
    })

    test('has a sequence in the log before PostgreSQL 15', () => {
      const context = known(op, found)
      const [install] = dropObject.expand(op, {
        ...context,
        facts: { ...context.facts, serverVersion: 140_020 },
      })
      expect(install).toMatchObject({
        hazards: [
          { code: 'slower_queries' },
          {
            code: 'slower_queries',
            because: expect.stringContaining('every 32nd use is written to the log'),
          },
        ],
        statements: expect.arrayContaining([expect.stringMatching(/^create sequence /)]),
      })
    })

    test('is left alone where it cannot be written anew, and the plan says that nothing counts then', () => {
      const closed = known(op, found)
      const [, readers = '', foreign = ''] = dropObject.needs(op).questions ?? []
      const told = (more: object) => ({
        ...closed,
        facts: { ...closed.facts, answers: { ...closed.facts.answers, ...more } },
      })
      const printed = (reprinted: Readonly<Record<string, boolean>>) => ({
        ...closed,
        facts: { ...closed.facts, reprinted },
      })
      const cases = [
        told({ [readers]: [{ name: 'public.f()' }] }),
        told({ [readers]: { problem: 'late' } }),
        told({ [foreign]: [{ name: 'public.far' }] }),
        told({ [foreign]: { problem: 'late' } }),
        printed({ [nameKey({ namespace: 'public', name: 'v' })]: false }),
        printed({}),
        known(op, { ...found, definition: 'create or replace view public.v as SELECT (' }),
        { ...closed, facts: { ...closed.facts, closedNamespaces: ['public'] } },
      ]
      for (const context of cases) {
        expect(dropObject.expand(op, context)).toEqual([])
        expect(dropObject.rollback(op, context)).toEqual([])
        const [gate, purge] = dropObject.contract(op, context)
        expect(gate).not.toHaveProperty('counter')
        expect(purge).toMatchObject({
          hazards: [{ code: 'may_break', because: expect.stringMatching(/^Nothing counts who uses it: /) }],
          statements: ['drop view "public"."v" restrict'],
        })
      }
    })
  })

  test('takes a trigger out of the model', () => {
    const trigger = {
      name: 't',
      enabled: true,
      rowLevel: true,
      before: true,
      onInsert: true,
      onUpdate: true,
      asksForBackfill: false,
      text: '',
    }
    const schema = schemaOf(table({ triggers: [trigger, { ...trigger, name: 'u' }] }))
    const [after] = dropObject.apply(drop('trigger t on users'), schema, facts()).tables
    expect(after?.triggers.map(({ name }) => name)).toEqual(['u'])
    expect(dropObject.apply(drop('type t'), schema, facts())).toBe(schema)
  })

  test.each([
    ['', 'cannot be used'],
    ['function f', 'write the types of its arguments'],
    ['view if exists v', 'it says more than the name'],
    ['type t cascade', 'it says more than the name'],
    ['table users', 'it is not one view'],
  ])('refuses "%s"', (object, message) => {
    expect(dropObject.needs(drop(object))).toEqual({ tables: [], touches: [] })
    expect(told(dropObject.check(drop(object), context()))).toEqual([
      ['migration_invalid', expect.stringContaining(message)],
    ])
  })
})
