import { describe, expect, test } from 'vitest'
import { alterDomain } from '../../../src/core/operations/alter-domain.ts'
import type { AlterDomain, Known } from '../../../src/core/operations/domain/domain.ts'
import type { StepDraft } from '../../../src/core/plan/step.ts'
import { expressionKey } from '../../../src/core/schema/facts.ts'
import { context, facts, told } from '../../support/model.ts'

const alter = (more: Partial<AlterDomain>): AlterDomain => ({
  kind: 'alter_domain',
  namespace: 'public',
  domain: 'email',
  ...more,
})
const CHECK = { name: 'one_at', constraint: "value like '%@%'" }
const KNOWN: Known = {
  owned: true,
  default: "'none'::text",
  checks: [{ name: 'email_check', definition: "CHECK ((VALUE <> ''::text))" }],
  columns: [{ namespace: 'public', table: 'users', column: 'Mail' }],
}
/** What the server says of the domain, and of each expression. */
function knowing(op: AlterDomain, known: Partial<Known> | undefined = {}, problem?: string) {
  const [question = ''] = alterDomain.needs(op).questions ?? []
  const keys = (alterDomain.needs(op).expressions ?? []).map((one) =>
    expressionKey(one.expression, one.type, one.row),
  )
  const printed = `${String(op.default)}::text`.replace('::text::text', '::text')
  const said = problem === undefined ? ({ volatility: 'stable', text: null, printed } as const) : { problem }
  return {
    ...context(),
    facts: facts({
      answers: { [question]: known === undefined ? [] : [{ ...KNOWN, ...known }] },
      expressions: Object.fromEntries(keys.map((key) => [key, said])),
    }),
  }
}
function planned(op: AlterDomain, known: Partial<Known> = {}) {
  const at = knowing(op, known)
  expect(told(alterDomain.check(op, at))).toEqual([])
  const forth = [...alterDomain.expand(op, at), ...alterDomain.contract(op, at)]
  return { forth, back: alterDomain.rollback(op, at) }
}
const lines = (steps: readonly StepDraft[]) =>
  steps.map((step) => [step.phase, ...('statements' in step ? step.statements : [step.kind])])

describe('alter_domain', () => {
  test('gives a default before the rollout, and takes one away behind it', () => {
    const given = planned(alter({ default: "'nobody'" }))
    expect(lines(given.forth)).toEqual([['expand', `alter domain "public"."email" set default 'nobody'`]])
    expect(lines(given.back)).toEqual([['expand', `alter domain "public"."email" set default 'none'::text`]])
    const first = planned(alter({ default: "'nobody'" }), { default: null })
    expect(lines(first.back)).toEqual([['expand', 'alter domain "public"."email" drop default']])

    expect(given.forth).toMatchObject([
      {
        probe: expect.stringContaining(`is not distinct from '''nobody''::text'`),
        requires: [{ code: 'drift_found', that: expect.stringContaining(`'''none''::text'`) }],
        makes: 'the default of the domain public.email',
      },
    ])
    expect(given.back).toMatchObject([
      {
        requires: [{ code: 'drift_found', that: expect.stringContaining(`'''nobody''::text'`) }],
        unmakes: 'the default of the domain public.email',
      },
    ])

    const taken = planned(alter({ default: null }))
    expect(lines(taken.forth)).toEqual([['retire', 'alter domain "public"."email" drop default']])
    expect(lines(taken.back)).toEqual([['retire', `alter domain "public"."email" set default 'none'::text`]])
  })

  test('looks for values against a check, and puts it up for new ones: to prove it would stop writers', () => {
    const { forth, back } = planned(alter({ check: CHECK }))
    expect(lines(forth)).toEqual([
      ['expand', 'inspect'],
      ['retire', 'inspect'],
      ['rollout', 'gate'],
      ['retire', `alter domain "public"."email" add constraint "one_at" check (value like '%@%') not valid`],
      ['retire', 'inspect'],
    ])
    expect(forth[0]).toMatchObject({
      table: { namespace: 'public', name: 'users' },
      offenders: `select "ctid", pg_catalog.left(value::pg_catalog.text, 100) as "Mail" from (select ctid::pg_catalog.text as "ctid", "Mail" as value from "public"."users") r where not (value like '%@%') limit 10`,
    })
    expect(forth[3]).toMatchObject({
      locks: [],
      cost: 'instant',
      hazards: [
        { code: 'old_writers_may_fail' },
        { code: 'stays', because: expect.stringContaining('stays NOT VALID') },
      ],
    })
    expect(lines(back)).toEqual([['retire', 'alter domain "public"."email" drop constraint "one_at"']])
  })

  test('drops a check in the purge, and only the one that the plan names', () => {
    const { forth, back } = planned(alter({ drop_check: 'email_check' }))
    expect(lines(forth)).toEqual([['purge', 'alter domain "public"."email" drop constraint "email_check"']])
    expect(forth[0]).toMatchObject({
      kind: 'purge',
      requires: [{ code: 'drift_found', that: expect.stringContaining(`= 'CHECK ((VALUE <> ''''::text))'`) }],
    })
    expect(back).toEqual([])
  })

  test.each<[Partial<AlterDomain>, Partial<Known>, readonly [string, string]]>([
    [{}, {}, ['migration_invalid', 'Nothing is said of the domain "email".']],
    [
      { default: '1' },
      { owned: false },
      ['plan_refused', 'The connected role may not change the domain public.email'],
    ],
    [{ default: null }, { default: null }, ['plan_refused', 'The domain "email" has no default.']],
    [{ default: 'null' }, {}, ['migration_invalid', 'The default of "email" is NULL, which is none.']],
    [{ default: "'nobody'" }, { default: `'nobody'::text` }, ['plan_refused', 'The domain "email" has that']],
    [{ default: "'none'::text" }, {}, ['plan_refused', 'The domain "email" has that default already.']],
    [
      { default: '(select 1)' },
      {},
      ['migration_invalid', 'The default (select 1) of the domain "email" cannot be used: it contains a sub'],
    ],
    [
      { check: { name: 'a', constraint: 'true) not valid -- ' } },
      {},
      ['migration_invalid', 'The check true) not valid --  of the domain "email" cannot be used: '],
    ],
    [
      { check: { ...CHECK, name: 'email_check' } },
      {},
      ['plan_refused', 'The domain "email" has a check "email_check" already.'],
    ],
    [{ check: { ...CHECK, name: '' } }, {}, ['name_invalid', 'The name ""']],
    [{ drop_check: 'other' }, {}, ['plan_refused', 'The domain "email" has no check "other".']],
  ])('is refused: %j, %j', (more, known, [code, message]) => {
    const op = alter(more)
    expect(told(alterDomain.check(op, knowing(op, known)))).toEqual([
      [code, expect.stringContaining(message)],
    ])
  })

  test('is refused where there is no such domain, or the server takes an expression not', () => {
    const op = alter({ default: 'nonsense', check: CHECK })
    const [question = ''] = alterDomain.needs(op).questions ?? []
    expect(
      told(alterDomain.check(op, { ...context(), facts: facts({ answers: { [question]: [] } }) })),
    ).toEqual([['plan_refused', 'There is no domain public.email.']])
    const problems = told(alterDomain.check(op, knowing(op, {}, 'column "x" does not exist')))
    expect(problems).toEqual([
      [
        'migration_invalid',
        'The default nonsense of the domain "email" cannot be used: column "x" does not exist.',
      ],
      [
        'migration_invalid',
        `The check ${CHECK.constraint} of the domain "email" cannot be used: column "x" does not exist.`,
      ],
    ])
  })
})
