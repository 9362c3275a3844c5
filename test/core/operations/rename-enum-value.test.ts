import { describe, expect, test } from 'vitest'
import { type RenameEnumValue, renameEnumValue } from '../../../src/core/operations/rename-enum-value.ts'
import { context, facts, told } from '../../support/model.ts'

const rename = (more: Partial<RenameEnumValue> = {}): RenameEnumValue => ({
  kind: 'rename_enum_value',
  namespace: 'public',
  type: 'mood',
  from: 'ok',
  to: `it's`,
  unsafe: 'nobody says it',
  ...more,
})
const known = (op: RenameEnumValue) => {
  const [type = '', values = ''] = renameEnumValue.needs(op).questions ?? []
  const answers = {
    [type]: [{ definition: '', owned: true, dependents: [] }],
    [values]: [{ label: 'ok' }, { label: 'sad' }],
  }
  return { ...context(), facts: facts({ answers }) }
}
const problems = (op: RenameEnumValue) => told(renameEnumValue.check(op, known(op)))

describe('rename_enum_value', () => {
  test('renames for a reason that the plan shows, and back what this run has renamed', () => {
    const op = rename()
    expect(problems(op)).toEqual([])
    expect(renameEnumValue.expand(op, known(op))).toMatchObject([
      {
        statements: [`alter type "public"."mood" rename value 'ok' to 'it''s'`],
        hazards: [
          {
            code: 'unsafe',
            because: `An instance that says 'ok' fails from here on. The reason given: nobody says it`,
          },
        ],
        makes: `the value 'it's' of "public"."mood"`,
      },
    ])
    expect(renameEnumValue.rollback(op, known(op))).toMatchObject([
      {
        statements: [`alter type "public"."mood" rename value 'it''s' to 'ok'`],
        unmakes: `the value 'it's' of "public"."mood"`,
      },
    ])
  })

  test('refuses without a reason, from what is not there, and to what is', () => {
    const { unsafe: _unsafe, ...without } = rename()
    expect(problems(without)).toEqual([
      ['plan_refused', expect.stringContaining(`whoever writes 'ok' fails`)],
    ])
    const [{ hint = '' } = {}] = renameEnumValue.check(without, known(without))
    expect(hint).toContain(`add_enum_value { value: 'it''s', after: 'ok' }`)
    expect(hint).toContain(`remove_enum_value { value: 'ok', becomes: 'it''s' }`)
    expect(problems(rename({ from: 'bad' }))).toEqual([['plan_refused', `"mood" has no value 'bad'.`]])
    expect(problems(rename({ to: 'sad' }))).toEqual([
      ['plan_refused', `public.mood has a value 'sad' already.`],
    ])
  })
})
