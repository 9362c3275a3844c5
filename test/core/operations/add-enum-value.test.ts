import { describe, expect, test } from 'vitest'
import { type AddEnumValue, addEnumValue } from '../../../src/core/operations/add-enum-value.ts'
import { context, facts, told } from '../../support/model.ts'

const add = (more: Partial<AddEnumValue> = {}): AddEnumValue => ({
  kind: 'add_enum_value',
  namespace: 'public',
  type: 'mood',
  value: 'sad',
  ...more,
})
/** What the server says of the type, and of its values. */
const known = (op: AddEnumValue, labels: readonly (string | null)[] = ['ok'], owned = true) => {
  const [type = '', values = ''] = addEnumValue.needs(op).questions ?? []
  const answers = {
    [type]: [{ definition: '', owned, dependents: [] }],
    [values]: labels.map((label) => ({ label })),
  }
  return { ...context(), facts: facts({ answers }) }
}
const problems = (op: AddEnumValue, labels?: readonly (string | null)[], owned?: boolean) =>
  told(addEnumValue.check(op, known(op, labels, owned)))

describe('add_enum_value', () => {
  test.each<[string, Partial<AddEnumValue>, string]>([
    ['at the end', {}, `alter type "public"."mood" add value 'sad'`],
    ['before another', { before: `it's` }, `alter type "public"."mood" add value 'sad' before 'it''s'`],
    ['after another', { after: `it's` }, `alter type "public"."mood" add value 'sad' after 'it''s'`],
  ])('adds it %s, and says that it stays', (_where, more, statement) => {
    const op = add(more)
    expect(problems(op, [`it's`])).toEqual([])
    expect(addEnumValue.expand(op, known(op))).toMatchObject([
      {
        phase: 'expand',
        statements: [statement],
        locks: [],
        hazards: [{ code: 'may_break' }, { code: 'stays' }],
      },
    ])
    expect(addEnumValue.rollback(op, known(op))).toEqual([])
    expect(addEnumValue.contract(op, known(op))).toEqual([])
  })

  test('takes a value that is there, as a rollback leaves it', () => {
    expect(problems(add(), ['sad'])).toEqual([])
  })

  test('takes an enum without values', () => {
    expect(problems(add(), [null])).toEqual([])
  })

  test.each<[Partial<AddEnumValue>, readonly (string | null)[], readonly [string, string]]>([
    [{}, [], ['plan_refused', 'The type public.mood is not an enum.']],
    [{ value: '' }, ['ok'], ['name_invalid', 'The value "" must have at least one byte, and at most 63.']],
    [{ after: 'bad' }, ['ok'], ['plan_refused', `"mood" has no value 'bad'.`]],
    [
      { before: 'ok', after: 'ok' },
      ['ok'],
      ['migration_invalid', 'add_enum_value says both "before" and "after".'],
    ],
  ])('refuses %o where there is %o', (more, labels, problem) => {
    expect(problems(add(more), labels)).toEqual([problem])
  })

  test('refuses the type of another role', () => {
    expect(problems(add(), ['ok'], false)).toEqual([
      [
        'plan_refused',
        'The connected role may not change type public.mood: it is not a member of the role that owns it.',
      ],
    ])
  })
})
