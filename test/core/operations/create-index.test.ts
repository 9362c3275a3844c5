import { describe, expect, test } from 'vitest'
import { createIndex } from '../../../src/core/operations/create-index.ts'
import type { Namesake } from '../../../src/core/schema/indexes.ts'
import { context, facts, index, table, told, triedIndex } from '../../support/model.ts'

const on = (definition: string, more: Parameters<typeof triedIndex>[2] = {}, of = table()) => ({
  op: { kind: 'create_index', definition } as const,
  known: context(of, facts({ indexes: { [definition]: triedIndex('users_name_idx', ['name'], more) } })),
})
const PLAIN = 'create index on users (name)'
const namesake = (name: string, more: Partial<Namesake> = {}): Namesake => ({
  name,
  table: 'users',
  valid: true,
  using: 'USING btree (name)',
  ...more,
})

describe('the check of create_index', () => {
  test.each([
    [
      'of no statement',
      'create inde',
      {},
      'migration_invalid',
      'The definition of the index cannot be used: syntax error at or near "inde".',
    ],
    ['of no table', 'create index on nobody (a)', {}, 'table_not_found', 'There is no table public.nobody.'],
    [
      'of a name that something else has',
      'create index taken on users (name)',
      { namesakes: [namesake('taken', { table: null, using: null })] },
      'plan_refused',
      'There is a taken already, and it is no index of "users".',
    ],
    [
      'of a name that an index of another table has',
      'create index taken on users (name)',
      { namesakes: [namesake('taken', { table: 'teams' })] },
      'plan_refused',
      'There is a taken already, and it is no index of "users".',
    ],
    [
      'of a name that another index has',
      'create index taken on users (name)',
      { namesakes: [namesake('taken', { using: 'USING btree (id)', valid: false })] },
      'plan_refused',
      'The table "users" has another index taken: USING btree (id)',
    ],
    [
      'of an index that is there',
      'create index taken on users (name)',
      { namesakes: [namesake('taken')] },
      'plan_refused',
      'The table "users" has this index taken already.',
    ],
    [
      'of an index that the migration makes',
      'create index users_pkey on users (name)',
      {},
      'plan_refused',
      'The migration makes another index users_pkey.',
    ],
  ] as const)('refuses one %s', (_what, definition, more, code, message) => {
    const { op, known } = on(definition, more)
    expect(told(createIndex.check(op, known))).toEqual([[code, message]])
  })

  test('says what the server said', () => {
    const op = { kind: 'create_index', definition: PLAIN } as const
    const known = context(
      table(),
      facts({ indexes: { [PLAIN]: { problem: 'Functions in index expression must be marked IMMUTABLE.' } } }),
    )
    const [problem] = createIndex.check(op, known)
    expect(problem?.message).toBe(
      'PostgreSQL does not take the index on "users": Functions in index expression must be marked IMMUTABLE.',
    )
    expect(problem?.hint).toContain('a time at a fixed zone')
  })

  test.each([
    [140_003, 1],
    [140_004, 0],
  ])('knows the releases that build corrupt indexes: %s', (serverVersion, problems) => {
    const { op, known } = on(PLAIN)
    expect(createIndex.check(op, { ...known, facts: { ...known.facts, serverVersion } })).toHaveLength(
      problems,
    )
  })

  test('takes a failed build of the same definition for its own', () => {
    const { op, known } = on('create index failed on users (name)', {
      namesakes: [namesake('failed', { valid: false })],
    })
    expect(createIndex.check(op, known)).toEqual([])
  })
})

describe('create_index', () => {
  test('takes the first free name that PostgreSQL would take', () => {
    const { op, known } = on(PLAIN, {
      namesakes: [namesake('users_name_idx'), namesake('users_name_idx1', { table: null })],
    })
    expect(createIndex.apply(op, known.schema, known.facts).tables[0]?.indexes.at(-1)).toEqual(
      index('users_name_idx2', ['name'], {
        definition: 'CREATE INDEX "users_name_idx2" ON "public"."users" USING btree (name)',
      }),
    )
  })

  test('builds concurrently, and looks at what is in the way first', () => {
    const { op, known } = on(PLAIN)
    const [build, ...more] = createIndex.expand(op, known)
    expect(more).toEqual([])
    expect(build).toMatchObject({
      kind: 'concurrent_index',
      phase: 'expand',
      does: 'build the index "users_name_idx" of "users"',
      makes: { namespace: 'public', name: 'users_name_idx' },
      locks: [{ level: 'share_update_exclusive' }],
      statement: 'create index concurrently "users_name_idx" on "public"."users" USING btree (name)',
      requires: [{ code: 'drift_found' }],
    })
    expect(build?.hazards.map(({ code }) => code)).toEqual(['waits_for_transactions', 'ends_hot_updates'])
  })

  test.each([
    [
      'on a column that is indexed',
      table({ indexes: [index('i', ['name'])] }),
      {},
      ['waits_for_transactions'],
    ],
    [
      'of the method brin',
      table(),
      { index: index('i', ['name'], { definition: 'CREATE INDEX i ON t USING brin (name)' }) },
      ['waits_for_transactions'],
    ],
    [
      'that is unique',
      table(),
      { index: index('i', ['name'], { unique: true }) },
      ['waits_for_transactions', 'ends_hot_updates', 'old_writers_may_fail', 'may_break'],
    ],
  ])('names the hazards of an index %s', (_what, of, more, codes) => {
    const { op, known } = on(PLAIN, more, of)
    expect(
      [...createIndex.expand(op, known), ...createIndex.contract(op, known)]
        .at(-1)
        ?.hazards.map(({ code }) => code),
    ).toEqual(codes)
  })

  test.each([
    [
      'plainly',
      { keys: ['(lower(name))'] },
      'select (lower(name)) as "name", count(*) as "how often" from "public"."users" where (lower(name)) is not null group by (lower(name)) having count(*) > 1 order by count(*) desc limit 10',
    ],
    [
      'with NULLs that are equal',
      { nullsDistinct: false },
      'select (name) as "name", count(*) as "how often" from "public"."users" group by (name) having count(*) > 1 order by count(*) desc limit 10',
    ],
    [
      'where its predicate holds',
      { predicate: '(a OR b)', nullsDistinct: false },
      'select (name) as "name", count(*) as "how often" from "public"."users" where ((a OR b)) group by (name) having count(*) > 1 order by count(*) desc limit 10',
    ],
  ])('looks for duplicates %s', (_what, more, offenders) => {
    const { op, known } = on(PLAIN, { index: index('i', ['name'], { unique: true }), ...more })
    expect(createIndex.expand(op, known)[0]).toMatchObject({ kind: 'inspect', offenders })
  })

  const UNIQUE = { index: index('i', ['name'], { unique: true }) }
  const phases = ({ op, known }: ReturnType<typeof on>, when?: 'before_rollout' | 'after_rollout') => {
    const timed = { ...op, ...(when === undefined ? {} : { when }) }
    return [
      ...createIndex.expand(timed, known),
      ...createIndex.contract(timed, known),
      ...createIndex.rollback(timed, known),
    ].map(({ kind, phase }) => `${kind} ${phase}`)
  }

  test('waits for the contract where it is unique, and goes again in an undo', () => {
    expect(phases(on(PLAIN, UNIQUE))).toEqual([
      'inspect expand',
      'inspect retire',
      'gate rollout',
      'concurrent_index retire',
      'outside retire',
    ])
  })

  test.each([
    ['the migration says that everybody keeps to it', context(table()), 'before_rollout'],
    ['the migration makes its table', { ...context(table()), given: { tables: [] } }, undefined],
  ] as const)('is built at once where %s', (_what, { given }, when) => {
    const { op, known } = on(PLAIN, UNIQUE)
    expect(phases({ op, known: { ...known, given } }, when)).toEqual([
      'inspect expand',
      'concurrent_index expand',
      'outside expand',
    ])
  })

  test('has no time of its own where it is not unique', () => {
    const { op, known } = on(PLAIN)
    expect(told(createIndex.check({ ...op, when: 'before_rollout' }, known))).toEqual([
      ['migration_invalid', 'An index that is not unique refuses nothing, and has no "when".'],
    ])
  })

  test('goes back by dropping what the run has built', () => {
    const { op, known } = on(PLAIN)
    expect(createIndex.rollback(op, known)).toMatchObject([
      {
        kind: 'outside',
        phase: 'expand',
        unmakes: { namespace: 'public', name: 'users_name_idx' },
        statements: ['drop index concurrently if exists "public"."users_name_idx"'],
      },
    ])
  })
})
