import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { type RemoveEnumValue, removeEnumValue } from '../../../src/core/operations/remove-enum-value.ts'
import { compileAnewSql } from '../../../src/core/plan/compiled-anew.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import { removedValueProblems } from '../../../src/core/plan/removed-values.ts'
import type { StepDraft, TransactionStep } from '../../../src/core/plan/step.ts'
import { findColumn, type Part, type Table } from '../../../src/core/schema/model.ts'
import { column, context, facts, index, schemaOf, table, tableWith, told } from '../../support/model.ts'
import { removeValue as remove } from '../../support/remove-value.ts'

const MOOD = { baseType: 'public.mood', typeKind: 'other', typeStorage: 'plain', storage: 'plain' } as const
const users = tableWith(
  [
    column('mood', 'public.mood', { ...MOOD, nullable: false, default: "'sad'::public.mood" }),
    column('last', 'text'),
  ],
  {
    indexes: [
      index('users_mood_idx', ['mood'], {
        definition: `CREATE INDEX users_mood_idx ON public.users USING btree (mood) WHERE (mood <> 'sad'::public.mood)`,
      }),
    ],
  },
)
const days = table({
  name: 'days',
  columns: [
    column('moods', 'public.mood[]', {
      ...MOOD,
      baseType: 'public.mood[]',
      storage: 'main',
      compression: 'lz4',
    }),
  ],
  constraints: [],
  indexes: [],
})
const PLACES = [
  { table: { namespace: 'public', name: 'days' }, column: 'moods' },
  { table: { namespace: 'public', name: 'users' }, column: 'mood' },
]
/** What the server says of the type. */
const known = (op: RemoveEnumValue, type: object = {}, tables: readonly Table[] = [users, days]) => {
  const [object = '', labels = '', question = ''] = removeEnumValue.needs(op).questions ?? []
  const answers = {
    [object]: [{ definition: '', owned: true, dependents: [] }],
    [labels]: ['sad', 'ok', 'fine'].map((label) => ({ label })),
    [question]: [{ makes: true, extension: false, columns: PLACES, users: [], others: [], ...type }],
  }
  return { ...context(), schema: schemaOf(...tables), facts: facts({ answers }), seed: 'seed' }
}
const problems = (op: RemoveEnumValue, type?: object, tables?: readonly Table[]) =>
  told(removeEnumValue.check(op, known(op, type, tables))).map(([, message]) => message)
const op = remove()
const [TAG, NEXT, RETIRED] = names()

/** Of ours, as the first step says them. */
function names(): readonly [string, string, string] {
  const [first] = removeEnumValue.expand(op, known(op))
  const next = /"(bellows_new_(\w{8})_mood)"/.exec(first?.does ?? '')
  return [next?.[2] ?? '', next?.[1] ?? '', `bellows_retired_${next?.[2]}_mood`]
}
const statementsOf = (step: StepDraft | undefined) => (step as TransactionStep).statements
const has = (part: string) => expect.stringContaining(part)

describe('remove_enum_value', () => {
  test('asks for every table that has the type', () => {
    expect(removeEnumValue.needs(op)).toMatchObject({
      tables: [],
      ofTypes: [{ namespace: 'public', name: 'mood' }],
      touches: [{ object: `value 'ok' of public.mood`, how: 'replaces' }],
    })
  })

  test('makes the type anew without the value, with what the old one has, and a cast for statements of before', () => {
    expect(problems(op)).toEqual([])
    const [make, ...copies] = removeEnumValue.expand(op, known(op, { users: ['view public.moods'] }))
    expect(make).toMatchObject({
      does: `make the type "mood" without 'ok', as "${NEXT}"`,
      locks: [],
      hazards: [
        { code: 'may_break', because: has(`it is 'fine' in the new column`) },
        { code: 'seen_by_all' },
        { code: 'blocks_contract', because: has('The view public.moods is made with the type') },
      ],
    })
    expect(statementsOf(make)).toEqual([
      `create type "public"."${NEXT}" as enum ('sad', 'fine')`,
      has('comment on type %s is %L'),
      `create cast ("public"."mood" as "public"."${NEXT}") with inout as assignment`,
      `create cast ("public"."${NEXT}" as "public"."mood") with inout as assignment`,
    ])
    expect(copies.map(({ does }) => does)).toEqual([
      has('keep a copy of "moods" of "days" in step'),
      has('keep a copy of "mood" of "users" in step'),
    ])
    const [array, single] = copies.map(statementsOf)
    expect(array?.[0]).toContain(`"public"."${NEXT}"[]`)
    expect(array?.join()).toContain(
      `pg_catalog.array_replace(new."moods"::pg_catalog.text[], ''ok'', ''fine'')::"public"."${NEXT}"[]`,
    )
    expect(array?.join(), 'it is kept as it was').toContain('set compression lz4')
    expect(single?.join()).toContain(
      `(case when new."mood"::pg_catalog.text operator(pg_catalog.=) ''ok'' then ''fine'' else new."mood"::pg_catalog.text end)::"public"."${NEXT}"`,
    )
    expect(single?.join(), 'no writer needs a right to the type').toContain('security definer')
  })

  test('builds indexes for the new type, under the name that it has by then', () => {
    const built = removeEnumValue.contract(op, known(op)).find(({ kind }) => kind === 'concurrent_index')
    expect(built).toMatchObject({ statement: has(`<> CAST('sad' AS public.${NEXT})`) })
  })

  test('swaps types and columns of all tables at once, behind the gate of the value', () => {
    const steps = removeEnumValue.contract(op, known(op))
    const at = steps.findIndex(({ kind }) => kind === 'gate')
    expect(steps[at]).toMatchObject({
      thing: { called: `the value 'ok' of public.mood`, reach: 'all' },
    })
    const swap = steps[at + 1]
    expect(swap).toMatchObject({
      phase: 'retire',
      locks: [
        { relation: { name: 'days' }, level: 'access_exclusive' },
        { relation: { name: 'users' }, level: 'access_exclusive' },
      ],
      requires: expect.arrayContaining([
        expect.objectContaining({ code: 'dependents_found' }),
        expect.objectContaining({ otherwise: has(`the values of public.mood are others`) }),
        expect.objectContaining({ otherwise: has(`the values of public.${NEXT} are others`) }),
      ]),
    })
    const statements = statementsOf(swap)
    expect(statements.slice(0, 4)).toEqual([
      `alter type "public"."mood" rename to "${RETIRED}"`,
      `alter type "public"."${NEXT}" rename to "mood"`,
      has('alter table "public"."days" rename column "moods" to "bellows_retired'),
      has('to "moods"'),
    ])
    expect(statements.join(), 'the hidden column follows with the types under their new names').toContain(
      `::pg_catalog.text::"public"."${RETIRED}"`,
    )
    expect(statements.at(-2), 'the default is one of the new type by then').toContain(
      `alter column "mood" set default 'sad'::public.mood`,
    )
    expect(statements.at(-1), 'what sessions have compiled').toBe(
      compileAnewSql([days, users], [{ namespace: 'public', name: 'mood' }]),
    )
    expect(TAG).not.toBe('')
  })

  test('drops the old type last, and the new one when all is taken back', () => {
    const last = removeEnumValue.contract(op, known(op)).at(-1)
    expect(last).toMatchObject({ phase: 'purge', hazards: [{ code: 'drops_values' }, { code: 'may_break' }] })
    expect(statementsOf(last)).toEqual([
      `drop cast if exists ("public"."${RETIRED}" as "public"."mood")`,
      `drop cast if exists ("public"."mood" as "public"."${RETIRED}")`,
      `drop type if exists "public"."${RETIRED}" restrict`,
    ])
    const back = removeEnumValue.rollback(op, known(op))
    expect(statementsOf(back[0]).slice(0, 2)).toEqual([
      `alter type "public"."mood" rename to "${NEXT}"`,
      `alter type "public"."${RETIRED}" rename to "mood"`,
    ])
    expect(statementsOf(back.at(-1)).at(-1)).toBe(`drop type if exists "public"."${NEXT}" restrict`)
  })

  test('leaves the columns last in their tables, and for the rest as they were', () => {
    const { tables } = removeEnumValue.apply(op, known(op).schema, known(op).facts)
    expect(tables[0]?.columns.map(({ name }) => name)).toEqual(['id', 'last', 'mood'])
    expect(findColumn(tables[0] as Table, 'mood')).toEqual(findColumn(users, 'mood'))
    expect(tables[0]?.indexes).toEqual(users.indexes)
  })

  test.each<[string, object, Partial<RemoveEnumValue>, string]>([
    ['an extension', { extension: true }, {}, 'belongs to an extension'],
    [
      'the rights',
      { makes: false },
      {},
      'The connected role may not make another type in the place of public.mood',
    ],
    [
      'a domain',
      { users: ['type public.feeling'] },
      {},
      'The type public.feeling is made with the type public.mood',
    ],
    ['no such value', {}, { value: 'bad' }, `"mood" has no value 'bad'.`],
    ['no such other value', {}, { becomes: 'bad' }, `"mood" has no value 'bad'.`],
    ['the same value', {}, { becomes: 'ok' }, `'ok' cannot become itself.`],
    ['NOT NULL', {}, { becomes: null }, `"users"."mood" is NOT NULL, so 'ok' cannot become NULL there.`],
    ['its default', {}, { value: 'sad' }, `The default of "users"."mood" is 'sad', or comes of it.`],
    ['its index', {}, { value: 'sad' }, `The index users_mood_idx names 'sad'.`],
  ])('is refused for %s', (_what, type, more, problem) => {
    expect(problems(remove(more), type)).toContainEqual(has(problem))
  })

  test('is not refused for a value of another enum that has the same name', () => {
    const others = [{ namespace: 'public', name: 'state' }]
    const where = (condition: string) => {
      const on = index('named', ['mood'], {
        definition: `CREATE INDEX named ON public.users USING btree (mood) WHERE ${condition}`,
      })
      return problems(op, { others }, [{ ...users, indexes: [on] }, days])
    }
    const named = [has(`The index named names 'ok'.`)]
    expect(where(`(state = 'ok'::public.state)`)).toEqual([])
    expect(where(`(state = ANY ('{bad,ok}'::public.state[]))`)).toEqual([])
    expect(where(`((state = 'ok'::public.state) AND (mood = 'ok'::public.mood))`)).toEqual(named)
    expect(where(`((state = 'bad'::public.state) AND ((mood)::text = 'ok'::text))`)).toEqual(named)
    expect(where(`(state = 'ok'::other.state)`)).toEqual(named)
  })

  test.each([
    [`'{okay,"ok ","a, ok"}'`, []],
    [`'{sad,ok}'`, [has('names')]],
    [`'{sad,"ok"}'`, [has('names')]],
    [`'{{sad},{ok}}'`, [has('names')]],
  ])('reads the elements of an array: %s', (array, found) => {
    const on = index('named', ['mood'], {
      definition: `CREATE INDEX named ON public.users USING btree (mood) WHERE (mood = ANY (${array}::public.mood[]))`,
    })
    expect(problems(op, {}, [{ ...users, indexes: [on] }, days])).toEqual(found)
  })

  test('takes the columns of every table for what they are', () => {
    const foreign = { ...days, kind: 'foreign' } as const
    expect(problems(op, {}, [users, foreign])).toEqual([has('public.days is a foreign table')])
  })

  test('is refused where a table has no room for all of its columns', () => {
    const both = { ...users, columns: [...users.columns, column('before', 'public.mood', MOOD)] }
    const columns = [...PLACES, { table: { namespace: 'public', name: 'users' }, column: 'before' }]
    expect(problems(op, { columns }, [{ ...both, columnSlots: 1598 }, days])).toEqual([])
    expect(problems(op, { columns }, [{ ...both, columnSlots: 1599 }, days])).toEqual([
      has('"users" has 1 of its 1600 column slots left, and gets 2 new columns'),
    ])
  })

  test('needs a reason where a table of it has very many partitions', () => {
    const under = { namespace: 'public', name: 'days' }
    const parts = Array.from({ length: 500 }, (_, at): Part => {
      return { namespace: 'public', name: `days_${at}`, kind: 'table', under, owned: true, own: [] }
    })
    const plan = (more: Partial<RemoveEnumValue>) => {
      const { schema, facts: of } = known(op, {}, [users, { ...days, kind: 'partitioned', parts }])
      return makePlan({ name: '0001', operations: [{ ...op, ...more }] }, schema, of)
    }
    expect(() => plan({})).toThrow('holds everybody up for some')
    const { steps } = plan({ unsafe: 'at night' })
    expect(steps.find(({ kind }) => kind === 'retire')?.hazards).toContainEqual({
      code: 'unsafe',
      because: has('The reason given: at night'),
    })
  })

  test.each<[string, Operation]>([
    ['names the type', { kind: 'add_enum_value', namespace: 'public', type: 'mood', value: 'new' }],
    [
      'writes it in capitals',
      {
        kind: 'sql',
        namespace: 'public',
        up: 'create table t (m MOOD)',
        down: 'drop table t',
        phase: 'expand',
      },
    ],
    ['works on a table of it', { kind: 'drop_column', namespace: 'public', table: 'users', column: 'last' }],
  ])('is refused beside an operation that %s', (_what, other) => {
    const found = removedValueProblems({ name: '0001', operations: [op, other] }, known(op).facts)
    expect(told(found)).toEqual([['plan_refused', has(`another operation of the migration (${other.kind})`)]])
  })
})
