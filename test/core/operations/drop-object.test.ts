import { describe, expect, test } from 'vitest'
import { type DropObject, dropObject } from '../../../src/core/operations/drop-object.ts'
import { context, facts, schemaOf, table, told, USERS } from '../../support/model.ts'

const drop = (object: string): DropObject => ({ kind: 'drop_object', namespace: 'public', object })
const known = (
  op: DropObject,
  row: Readonly<Record<string, unknown>> | undefined = { definition: '', owned: true, dependents: [] },
) => {
  const [question, types] = dropObject.needs(op).questions ?? []
  return {
    ...context(),
    facts: facts({ answers: { [question ?? '']: row === undefined ? [] : [row], [types ?? '']: [] } }),
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
