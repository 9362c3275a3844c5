import { describe, expect, test } from 'vitest'
import { namedObject } from '../../../src/core/objects/database-object.ts'
import { objectQuestion } from '../../../src/core/objects/object-catalog.ts'
import type { RenameColumn } from '../../../src/core/operations/rename/rename.ts'
import { type ReplaceObject, replaceObject } from '../../../src/core/operations/replace-object.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import { inSearchPath } from '../../../src/core/plan/search-path.ts'
import { column, context, facts, raw, schemaOf, table, tableWith, told, USERS } from '../../support/model.ts'

const replace = (definition: string): ReplaceObject => ({
  kind: 'replace_object',
  namespace: 'public',
  definition,
})
const OLD = 'create … as it was'
const view = {
  ...table({ columns: [column('a'), column('b', 'integer')] }),
  name: 'v',
  kind: 'view' as const,
}
const known = (op: ReplaceObject, row: object = {}) => ({
  ...context(schemaOf(table(), view)),
  facts: facts({
    answers: Object.fromEntries(
      (replaceObject.needs(op).questions ?? []).map((one) => [
        one,
        [{ definition: OLD, owned: true, dependents: [], ...row }],
      ]),
    ),
  }),
})
const problems = (definition: string, row?: object) =>
  told(replaceObject.check(replace(definition), known(replace(definition), row)))

describe('replace_object', () => {
  test('drops a trigger and makes it anew, in one transaction and back', () => {
    const op = replace('create trigger t after insert on users execute function f()')
    const drop = raw('drop trigger "t" on "public"."users" restrict')
    expect(replaceObject.check(op, known(op))).toEqual([])
    expect(replaceObject.expand(op, known(op))).toEqual([])
    expect(replaceObject.contract(op, known(op))).toMatchObject([
      {
        kind: 'ddl',
        phase: 'verify',
        locks: [{ relation: USERS, level: 'access_exclusive' }],
        requires: [{ code: 'drift_found', that: expect.stringContaining(`is not distinct from '${OLD}'`) }],
        statements: [
          ...inSearchPath('public', [drop, raw(OLD)]),
          expect.stringContaining('insert into bellows.replaced_object'),
          ...inSearchPath('public', [drop, raw(`${op.definition}\n`)]),
          expect.stringContaining('update bellows.replaced_object'),
        ],
        makes: 'trigger t on public.users',
      },
    ])
    expect(replaceObject.rollback(op, known(op))).toMatchObject([
      {
        phase: 'expand',
        requires: [{ code: 'drift_found', that: expect.stringContaining('from bellows.replaced_object') }],
        statements: [
          ...inSearchPath('public', [drop, raw(OLD)]),
          expect.stringContaining('insert into bellows.replaced_object'),
        ],
        unmakes: 'trigger t on public.users',
      },
    ])
  })

  test('holds a view to its columns in the transaction', () => {
    const op = replace('create or replace view v as select 1 as a, 2 as b')
    expect(replaceObject.check(op, known(op))).toEqual([])
    const [step] = replaceObject.contract(op, known(op))
    expect(step).toMatchObject({
      locks: [{ relation: { namespace: 'public', name: 'v' }, level: 'access_exclusive', implied: true }],
    })
    expect(JSON.stringify(step)).toContain(`= 'a text, b integer', 'plan_refused'`)
  })

  test.each<[string, readonly [string, string]]>([
    [
      'create or replace view v (a, c) as select 1, 2',
      ['plan_refused', 'would have the columns a, c and not a, b'],
    ],
    [
      'create or replace view v as select b, a from t',
      ['plan_refused', 'would have the columns b, a and not a, b'],
    ],
    ['create view v as select 1 as a, 2 as b', ['plan_refused', 'does not say OR REPLACE']],
    [`create function f() returns int language sql as ''`, ['plan_refused', 'does not say OR REPLACE']],
    ['create domain d as int', ['plan_refused', 'A domain cannot be replaced.']],
  ])('refuses %s', (definition, [code, message]) => {
    expect(problems(definition)).toEqual([[code, expect.stringContaining(message)]])
  })

  test('leaves what the text does not tell to the transaction', () => {
    expect(problems('create or replace view v as select * from users')).toEqual([])
    expect(problems('create or replace view v as select 1, upper(a) from t')).toEqual([])
  })

  test('refuses what belongs to another role, and what is not there', () => {
    const definition = 'create policy p on users'
    expect(problems(definition, { owned: false })).toEqual([
      [
        'plan_refused',
        'The connected role may not change policy p on public.users: it is not a member of the role that owns it.',
      ],
    ])
    const object = namedObject('policy p on users', 'public')
    if ('problem' in object) throw new Error(object.problem)
    const absent = { ...context(), facts: facts({ answers: { [objectQuestion(object)]: [] } }) }
    expect(told(replaceObject.check(replace(definition), absent))).toEqual([
      ['plan_refused', 'There is no policy p on public.users.'],
    ])
  })

  test('comes behind the proof of every column of the migration', () => {
    const op = replace('create policy p on users using (true)')
    const rename = (from: string, to: string): RenameColumn => ({
      kind: 'rename_column',
      namespace: 'public',
      table: 'users',
      from,
      to,
    })
    const schema = schemaOf(tableWith([column('name'), column('age', 'integer')]))
    const plan = makePlan(
      { name: '0001_test', operations: [rename('name', 'a'), op, rename('age', 'b')] },
      schema,
      known(op).facts,
    )
    const verify = plan.steps.filter(({ phase }) => phase === 'verify').map(({ does }) => does)
    expect(verify.length).toBeGreaterThan(2)
    expect(verify.at(-1)).toBe('replace the policy p on public.users')
  })
})
