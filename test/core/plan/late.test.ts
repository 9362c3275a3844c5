import { describe, expect, test } from 'vitest'
import { combined } from '../../../src/core/history/combine.ts'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { applied, makePlan } from '../../../src/core/plan/make-plan.ts'
import { conditionKey, expressionKey } from '../../../src/core/schema/facts.ts'
import { mappingKey } from '../../../src/core/schema/mappings.ts'
import {
  check,
  column,
  factsWithTypes,
  indexOf,
  schemaOf,
  table,
  tableWith,
  thrownBy,
  triedIndex,
  USERS,
  unique,
} from '../../support/model.ts'

const on = { namespace: 'public', table: 'users' } as const
const INDEX = 'create unique index on users (full_name)'
const SCORE = 'create unique index on users (score)'
const CHECK = `full_name <> ''`

const users = tableWith(
  [
    column('name', 'text', { nullable: false }),
    column('score', 'integer', { default: '7' }),
    column('team', 'integer'),
  ],
  { constraints: [check('users_name_check', ['name'], "CHECK ((name <> ''::text))")] },
)
const schema = schemaOf(users, table({ name: 'teams' }))
const facts = factsWithTypes(
  { bigint: 'bigint' },
  {
    indexes: {
      [INDEX]: triedIndex('users_full_name_idx', ['full_name'], {
        using: 'UNIQUE USING btree (full_name)',
        index: { ...triedIndex('users_full_name_idx', ['full_name']).index, unique: true },
      }),
      [SCORE]: triedIndex('users_score_key', ['score'], {
        index: { ...triedIndex('users_score_key', ['score']).index, unique: true },
      }),
      'create index on users (score)': triedIndex('users_score_idx', ['score']),
    },
    conditions: {
      [conditionKey(USERS, CHECK)]: { volatility: 'stable' },
      [conditionKey(USERS, 'score > 0')]: { volatility: 'stable' },
    },
    expressions: {
      [expressionKey(`'x'`, 'text')]: { volatility: 'stable', text: 'x', printed: `'x'::text` },
      [expressionKey('9', 'integer')]: { volatility: 'stable', text: '9', printed: '9' },
      [expressionKey('9', 'bigint')]: { volatility: 'stable', text: '9', printed: `'9'::bigint` },
    },
  },
)

const mapped = {
  mappings: Object.fromEntries(
    (
      [
        ['team + 1', 'team', 'squad'],
        ['squad - 1', 'squad', 'team'],
      ] as const
    ).map(([expression, over, into]) => [
      mappingKey({
        table: USERS,
        expression,
        over: [{ name: over, ...(over === 'team' ? {} : { like: 'team' }) }],
        into: { name: into, ...(into === 'team' ? {} : { like: 'team' }) },
      }),
      { ofNull: 'null' as const },
    ]),
  ),
}

const rename: Operation = { kind: 'rename_column', ...on, from: 'name', to: 'full_name' }
const widen: Operation = { kind: 'change_type', ...on, column: 'score', type: 'bigint' }
const alter = (of: string, more: object): Operation => ({ kind: 'alter_column', ...on, column: of, ...more })
const index: Operation = { kind: 'create_index', definition: INDEX, when: 'before_rollout' }

const planOf = (...operations: readonly Operation[]) => makePlan({ name: 'm', operations }, schema, facts)
type Plan = ReturnType<typeof planOf>
const told = ({ steps }: Plan, ...phases: readonly string[]) =>
  steps.filter(({ phase }) => phases.includes(phase)).map(({ does }) => does)
const back = ({ rollback }: Plan) => rollback.map(({ phase, does }) => `${phase}: ${does}`)
const refusal = (...operations: readonly Operation[]) => thrownBy(() => planOf(...operations))

describe('what is built on a column that gets another name', () => {
  test('stands when that is filled, and before anybody is told of it', () => {
    const plan = planOf(rename, index, {
      kind: 'add_constraint',
      ...on,
      check: CHECK,
      when: 'before_rollout',
    })
    expect(told(plan, 'expand', 'backfill')).toEqual([
      'add the column "full_name" and keep "name" and "full_name" of "users" in step',
      'fill "full_name" from "name" where "users" still lacks it',
    ])
    expect(told(plan, 'verify')).toEqual([
      'look for rows of "users" that the unique index "users_full_name_idx" would not take',
      'look for rows against the check of "users"',
      'compare "name" and "full_name" in every row of "users"',
      'have the database keep "name" and "full_name" equal from now on',
      'prove that every row of "users" keeps to it',
      'build the index "users_full_name_idx" of "users"',
      'put the check "users_full_name_check1" on "users" for new rows',
      'prove the check "users_full_name_check1" for the rows that are there',
      'offer "full_name" to new instances',
    ])
    expect(back(plan)).toEqual([
      'retire: bring the column "name" of "users" back',
      'expand: take the check "users_full_name_check1" of "users" away again',
      'expand: drop the index "users_full_name_idx" again',
      'expand: drop the column "full_name" of "users" again',
    ])
  })

  test('waits for the end of the old version where it does without a rename, and goes first in an undo', () => {
    const plan = planOf(
      { ...rename, from: 'team', to: 'squad' },
      alter('squad', { nullable: false, references: { namespace: 'public', table: 'teams', column: 'id' } }),
    )
    expect(told(plan, 'verify').filter((does) => does.startsWith('look'))).toHaveLength(2)
    expect(told(plan, 'rollout', 'retire')).toEqual([
      'wait until nobody needs "users"."team"',
      'wait until nobody needs what NOT NULL of squad of public.users refuses',
      'wait until nobody needs what the foreign key users_squad_fkey of public.users refuses',
      'look for rows without "squad" of "users"',
      'look for rows without a partner in "teams" of "users"',
      'hide the column "team" of "users"',
      'refuse new rows of "users" without "squad"',
      'prove that every row of "users" has "squad"',
      'make "squad" of "users" NOT NULL',
      'put the foreign key "users_squad_fkey" on "users" for new rows',
      'check the foreign key "users_squad_fkey" on "users" for the rows that are there',
    ])
    expect(
      back(plan)
        .filter((does) => does.startsWith('retire'))
        .at(-1),
    ).toBe('retire: bring the column "team" of "users" back')
  })

  test('has the default that the old one gets, as the server prints it', () => {
    const plan = planOf(rename, alter('full_name', { default: `'x'`, nullable: true }))
    const [first, second] = plan.steps.filter(({ phase }) => phase === 'expand')
    expect([first?.does, second?.does]).toEqual([
      'give "name" of "users" another default',
      'let "name" of "users" be NULL',
    ])
    const texts = JSON.stringify(plan.steps)
    expect(texts).toContain('same_default')
    expect(texts).toContain(`alter column \\"full_name\\" set default 'x'::text`)
    expect(texts).toContain(`is not distinct from '''x''::text'`)
    const looks = plan.rollback.filter(({ kind }) => kind === 'inspect')
    expect(JSON.stringify(looks)).toMatch(/where \\"bellows_retired_[0-9a-f]+_name\\" is null/)
  })

  test.each<[string, readonly Operation[], string]>([
    [
      'a default, where the values change',
      [
        { ...rename, from: 'team', to: 'squad', up: 'team + 1', down: 'squad - 1' },
        alter('squad', { default: '9', comment: 'c' }),
      ],
      'give "squad" of "users" another default',
    ],
    [
      'a default that goes',
      [alter('score', { default: null }), { ...rename, from: 'score', to: 'points' }],
      'take the default of "points" of "users" away',
    ],
  ])('comes last, when the column alone is there, and needs no way back: %s', (_what, operations, does) => {
    const known = { ...facts, ...mapped }
    const plan = makePlan({ name: 'm', operations }, schema, known)
    expect(told(plan, 'purge')).toEqual([expect.stringMatching(/^drop the column/), does])
    expect(back(plan).filter((does) => does.includes('default'))).toEqual([])
    expect(JSON.stringify(plan), 'there is no old version by then').not.toContain('same_default')
  })

  test('is the same in one run of several migrations', () => {
    const several = combined([
      { name: 'l', operations: [rename] },
      { name: 'm', operations: [index] },
    ])
    const plan = makePlan(several, schema, facts)
    expect(plan.migration).toBe(several)
    expect(told(plan, 'verify')).toEqual(told(planOf(rename, index), 'verify'))
  })

  test('does not part what is done together', () => {
    const other: Operation = { ...rename, from: 'team', to: 'squad' }
    const plan = planOf(
      rename,
      index,
      alter('full_name', { comment: 'c' }),
      widen,
      alter('score', { default: '9' }),
      other,
    )
    const kinds = plan.steps.map(({ kind }) => kind)
    for (const once of ['install_dual_write', 'backfill', 'verify', 'retire', 'purge'])
      expect(kinds.filter((kind) => kind === once)).toHaveLength(1)
  })
})

describe('what is built on a column that gets another type', () => {
  const all = [
    widen,
    alter('score', {
      default: '9',
      comment: 'c',
      nullable: false,
      check: { name: 'some', constraint: 'score > 0' },
    }),
    { kind: 'create_index', definition: 'create index on users (score)' } as const,
  ]

  test('comes when that has its name, and goes before it is the old one again', () => {
    const plan = planOf(...all)
    expect(JSON.stringify(plan)).not.toContain('same_default')
    expect(told(plan, 'expand', 'verify').every((does) => !/default|index|check "some"/.test(does))).toBe(
      true,
    )
    expect(told(plan, 'retire')).toEqual([
      'have "score" of "users" be the new column, and hide the old one',
      'change how "score" of "users" is described and stored',
      'give "score" of "users" another default',
      'look for rows without "score" of "users"',
      'refuse new rows of "users" without "score"',
      'prove that every row of "users" has "score"',
      'make "score" of "users" NOT NULL',
      'look for rows against the check of "users"',
      'put the check "some" on "users" for new rows',
      'prove the check "some" for the rows that are there',
      'build the index "users_score_idx" of "users"',
    ])
    const phases = plan.rollback.map(({ phase }) => phase)
    expect(phases.slice(0, -1).every((phase) => phase === 'retire')).toBe(true)
    expect(back(plan).at(-2)).toBe('retire: have "score" of "users" be the old column again')
    expect(JSON.stringify(plan.steps)).toContain(`is not distinct from '''9''::bigint'`)
  })

  test('is what the schema has in the end', () => {
    const [found] = applied({ name: 'm', operations: all }, schema, facts).tables
    expect(found?.columns.at(-1)).toMatchObject({
      name: 'score',
      type: 'bigint',
      default: `'9'::bigint`,
      comment: 'c',
      nullable: false,
    })
    expect(found?.indexes.map(({ name }) => name)).toContain('users_score_idx')
  })

  test('waits for nothing where only the catalog changes', () => {
    const plain = schemaOf(
      tableWith([column('code', 'character varying(9)', { default: `'a'::character varying` })]),
    )
    const known = factsWithTypes(
      { text: 'text' },
      {
        expressions: {
          [expressionKey(`'x'`, 'text')]: { volatility: 'stable', text: 'x', printed: `'x'::text` },
        },
      },
    )
    const operations = [
      { ...widen, column: 'code', type: 'text' },
      alter('code', { default: `'x'`, comment: 'c' }),
    ]
    const plan = makePlan({ name: 'm', operations }, plain, known)
    expect(plan.steps.map(({ phase }) => phase)).toEqual(['expand', 'expand', 'expand'])
    // There is a default also when it is still ours.
    const [gives] = plan.rollback.filter(({ does }) => does.includes('default'))
    expect(gives?.probe).toMatch(/^not .* is not distinct from '''x''::text'\)$/)
  })

  test('is refused before the rollout, on a key, and where it lets NULL in again', () => {
    const early = refusal(widen, alter('score', { nullable: false, when: 'before_rollout' }))
    expect([early.message, early.hint]).toEqual([
      'The new "users"."score" has its name from the contract on, so no rule of it can come up before the rollout.',
      'Leave "when" away, or put the rule into the next migration.',
    ])
    expect(
      refusal(widen, {
        kind: 'create_index',
        definition: SCORE,
        when: 'before_rollout',
      }).message,
    ).toBe(early.message)
    const small = schemaOf(table({ columns: [column('id', 'integer', { nullable: false }), column('name')] }))
    const key = thrownBy(() =>
      makePlan(
        { name: 'm', operations: [{ ...widen, column: 'id' }, alter('id', { comment: 'c' })] },
        small,
        facts,
      ),
    )
    expect(key.message).toBe(
      '"users"."id" changes its type together with all that goes by it, and another operation of the migration works on it.',
    )
    const strict = { ...widen, nullable: false, up: 'coalesce(score, 0)', down: 'score::integer' } as const
    expect(refusal(strict, alter('score', { nullable: true })).message).toBe(
      'Two operations of the migration touch "users"."score".',
    )
  })
})

describe('what cannot be built on a copied column', () => {
  const key = unique('users_name_key', ['name'])
  const keyed = schemaOf(
    tableWith([column('name'), column('score', 'integer')], { constraints: [key], indexes: [indexOf(key)] }),
    table({ name: 'teams', columns: [column('id', 'bigint', { nullable: false }), column('owner')] }),
  )
  const points: Operation = {
    kind: 'add_constraint',
    namespace: 'public',
    table: 'teams',
    foreign_key: { columns: ['owner'], references: { ...on, columns: ['full_name'] } },
  }

  test.each<[string, readonly Operation[]]>([
    [
      'a column that is filled from it',
      [
        rename,
        { kind: 'add_column', ...on, column: 'n', type: 'int', nullable: true, up: 'length(full_name)' },
      ],
    ],
  ])('is refused: %s', (_what, operations) => {
    const error = thrownBy(() => makePlan({ name: 'm', operations }, keyed, facts))
    expect([error.message, error.hint]).toEqual([
      'Two operations of the migration touch "users"."full_name".',
      'Put them into two migrations; the second begins when the first is contracted.',
    ])
  })

  test('is no foreign key that points at it, behind its twin', () => {
    const { steps } = makePlan({ name: 'm', operations: [rename, points] }, keyed, facts)
    const kinds = steps.map(({ does, phase }) => `${phase}: ${does}`)
    expect(kinds).toContain('retire: put the foreign key "teams_owner_fkey" on "teams" for new rows')
  })

  test('is a rule by a name that another one has until the purge', () => {
    const taken: Operation = { kind: 'add_constraint', ...on, name: 'users_name_check', check: CHECK }
    expect(refusal(rename, taken).message).toMatch(/^The name "users_name_check" is taken/)
  })
})
