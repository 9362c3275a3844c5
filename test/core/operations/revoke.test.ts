import { describe, expect, test } from 'vitest'
import type { Grant, Revoke } from '../../../src/core/operations/grant/privileges.ts'
import { revoke } from '../../../src/core/operations/revoke.ts'
import { meetingProblems } from '../../../src/core/plan/meetings.ts'
import { told } from '../../support/model.ts'
import { type Given, give, knowing, requiresOf, sqlOf, take } from '../../support/privileges.ts'

describe('revoke', () => {
  test.each<[string, Partial<Revoke>, readonly Given[], readonly string[], readonly string[]]>([
    [
      'what one may give on',
      {},
      [{ grantable: true }],
      ['revoke select on table "public"."users" from "app"'],
      ['grant select on table "public"."users" to "app" with grant option'],
    ],
    [
      'of a table, and leaves what is given on its columns',
      {},
      [{}, { column: 'name' }],
      [
        'revoke select on table "public"."users" from "app"',
        'grant select ("name") on table "public"."users" to "app"',
      ],
      ['grant select on table "public"."users" to "app"'],
    ],
    [
      'of a column',
      { columns: ['name'] },
      [{ column: 'name' }],
      ['revoke select ("name") on table "public"."users" from "app"'],
      ['grant select ("name") on table "public"."users" to "app"'],
    ],
    [
      'the right to give it on',
      { grant_option_for: true },
      [{ grantable: true }],
      ['revoke grant option for select on table "public"."users" from "app"'],
      ['grant select on table "public"."users" to "app" with grant option'],
    ],
  ])('takes %s, behind the rollout, and gives it back', (_what, more, given, forth, back) => {
    const op = take(more)
    const known = knowing(op, given)
    expect(told(revoke.check(op, known))).toEqual([])
    expect(revoke.expand(op, known)).toEqual([])
    expect(revoke.contract(op, known)).toMatchObject([
      { kind: 'gate', phase: 'rollout' },
      { kind: 'ddl', phase: 'retire', cost: 'instant' },
    ])
    expect(sqlOf(revoke.contract(op, known))).toEqual(forth)
    expect(revoke.rollback(op, known)).toMatchObject([{ phase: 'retire' }])
    expect(sqlOf(revoke.rollback(op, known))).toEqual(back)
  })

  test('says who may lose it, and by what it is kept', () => {
    const op = take()
    const given = [{}, { grantee: 'public' }, { grantor: 'boss' }]
    const [, step] = revoke.contract(op, knowing(op, given))
    expect(step?.hazards).toEqual([
      { code: 'may_break', because: expect.stringContaining('a statement of app that needs it fails') },
      {
        code: 'stays',
        because:
          'This takes away what the owner has given. app keeps select: everybody (public) has it. app keeps select: boss has given it, too.',
      },
    ])
  })

  test('is not begun where somebody would lose what was given on', () => {
    const op = take()
    expect(requiresOf(revoke.contract(op, knowing(op, [{ grantable: true }])))).toEqual([
      'drift_found',
      'drift_found',
      'dependents_found',
    ])
  })

  test.each<[Partial<Revoke>, readonly Given[], string, string]>([
    [{}, [], 'app has not got select on table public.users from its owner', 'through another role'],
    [{}, [{ grantor: 'boss' }], 'app has not got select on table public.users', 'another one than the owner'],
    [
      { columns: ['name'] },
      [{}],
      'app has not got select (name) on table public.users',
      'grant it on the columns that are left',
    ],
    [
      { grant_option_for: true },
      [{}],
      'app has not got the grant option for select on table public.users',
      'through another role',
    ],
  ])('is refused where there is nothing to revoke: %j, %j', (more, given, message, hint) => {
    const op = take(more)
    const [problem, ...others] = revoke.check(op, knowing(op, given))
    expect(others).toEqual([])
    expect(problem).toMatchObject({
      code: 'plan_refused',
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    })
  })

  test('does not meet a grant of the same in one migration, but one of another privilege', () => {
    const meet = (more: Partial<Grant>) =>
      told(meetingProblems({ name: '0001', operations: [give(more), take()] }))
    expect(meet({ columns: ['name'] })).toEqual([
      [
        'plan_refused',
        'Two operations of the migration touch the privilege select of app on table public.users.',
      ],
    ])
    expect(meet({ privileges: ['insert'] })).toEqual([])
    expect(meet({ to: ['other'] })).toEqual([])
  })
})
