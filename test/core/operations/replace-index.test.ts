import { describe, expect, test } from 'vitest'
import { replaceIndex } from '../../../src/core/operations/replace-index.ts'
import type { Index, IndexFacts } from '../../../src/core/schema/indexes.ts'
import { column, context, facts, index, tableWith, told, triedIndex } from '../../support/model.ts'

const DEFINITION = 'create index old on users (name)'
const having = (
  more: Partial<Index> = {},
  { definition = DEFINITION, ...tried }: Partial<IndexFacts> & { definition?: string } = {},
) => ({
  op: { kind: 'replace_index', definition } as const,
  known: context(
    tableWith([column('name')], { indexes: [index('old', ['id'], more)] }),
    facts({ indexes: { [definition]: triedIndex('old', ['name'], tried) } }),
  ),
})

describe('the check of replace_index', () => {
  test.each<[string, Parameters<typeof having>, string]>([
    [
      'that names no index',
      [{}, { definition: 'create index on users (name)' }],
      'The definition does not say which index it replaces.',
    ],
    [
      'of no index',
      [{}, { definition: 'create index no on users (name)' }],
      'The table "users" has no index no.',
    ],
    ['of a constraint', [{ constraint: 'old' }], 'The index old carries the constraint old.'],
    [
      'that CLUSTER goes by',
      [{ clustered: true }],
      'The index old of "users" is the one that CLUSTER goes by.',
    ],
    [
      'by the same definition',
      [{}, { namesakes: [{ name: 'old', table: 'users', valid: true, using: 'USING btree (name)' }] }],
      'The index "old" has this definition already.',
    ],
  ])('refuses one %s', (_what, given, message) => {
    const { op, known } = having(...given)
    expect(told(replaceIndex.check(op, known))).toEqual([['plan_refused', message]])
  })
})

describe('replace_index', () => {
  const hash = /bellows_(copy|retired)_[0-9a-f]{8}_old/g
  const plain = (text: string | undefined) => text?.replaceAll(hash, '$1')

  test('builds the new one beside the old one and swaps their names in one transaction', () => {
    const { op, known } = having({ comment: "what it's for" })
    const [build, swap] = replaceIndex.expand(op, known)
    expect(build?.kind === 'concurrent_index' && plain(build.statement)).toBe(
      'create index concurrently "copy" on "public"."users" USING btree (name)',
    )
    expect(swap?.kind === 'ddl' && swap.statements.map(plain)).toEqual([
      'alter index "public"."old" rename to "retired"',
      'alter index "public"."copy" rename to "old"',
      `comment on index "public"."old" is 'what it''s for'`,
    ])
  })

  test('drops the old one in the purge, and until then gives it its name back', () => {
    const { op, known } = having()
    const [purge] = replaceIndex.contract(op, known)
    expect(purge).toMatchObject({ kind: 'outside', phase: 'purge' })
    expect(purge?.kind === 'outside' && purge.statements.map(plain)).toEqual([
      'drop index concurrently if exists "public"."retired"',
    ])
    const [swap, drop] = replaceIndex.rollback(op, known)
    expect(swap?.kind === 'ddl' && swap.statements.map(plain)).toEqual([
      'alter index "public"."old" rename to "copy"',
      'alter index "public"."retired" rename to "old"',
    ])
    expect(drop?.kind === 'outside' && drop.statements.map(plain)).toEqual([
      'drop index concurrently if exists "public"."copy"',
    ])
  })

  test('says so when duplicates will come in', () => {
    const { op, known } = having({ unique: true })
    expect(
      replaceIndex
        .contract(op, known)
        .at(-1)
        ?.hazards.map(({ code }) => code),
    ).toContain('allows_duplicates')
    expect(replaceIndex.contract(op, known)[0]).toMatchObject({
      kind: 'gate',
      thing: {
        called: expect.stringMatching(/^the old key of the index public\./),
        shows: [{ by: 'conflict' }],
      },
    })
  })

  test.each([
    ['a plain index', 'CREATE INDEX old ON public.users USING btree (name)', 'retire'],
    ['one of other columns', 'CREATE UNIQUE INDEX old ON public.users USING btree (id)', 'retire'],
    [
      'one of fewer columns, in another order, with others along',
      'CREATE UNIQUE INDEX old ON public.users USING btree (team DESC) INCLUDE (id)',
      'expand',
    ],
    [
      'one of some rows',
      'CREATE UNIQUE INDEX old ON public.users USING btree (name) WHERE (id > 1)',
      'retire',
    ],
    [
      'one of the same rows',
      'CREATE UNIQUE INDEX old ON public.users USING btree (name) WHERE (team > 1)',
      'expand',
    ],
    [
      'one by another collation',
      'CREATE UNIQUE INDEX old ON public.users USING btree (name COLLATE "C")',
      'retire',
    ],
    [
      'one that takes NULLs for the same',
      'CREATE UNIQUE INDEX old ON public.users USING btree (name) NULLS NOT DISTINCT',
      'expand',
    ],
  ])('of a unique index in the place of %s', (_what, definition, phase) => {
    const using = 'UNIQUE USING btree (name, team) WHERE (team > 1)'
    const tried = { using, index: index('old', ['name', 'team'], { unique: true }) }
    const { op, known } = having({ definition, unique: definition.includes('UNIQUE') }, tried)
    const steps = [...replaceIndex.expand(op, known), ...replaceIndex.contract(op, known)]
    expect(steps.find(({ kind }) => kind === 'concurrent_index')?.phase).toBe(phase)
    expect(replaceIndex.rollback(op, known).map((step) => step.phase)).toEqual([phase, phase])
  })

  test.each([
    [{ valid: false }, 'UNIQUE USING btree (name)'],
    [{}, 'UNIQUE USING btree (name) NULLS NOT DISTINCT'],
  ] as const)('of an old one %o that tells more rows apart than %s', (more, using) => {
    const tried = { using, index: index('old', ['name'], { unique: true }) }
    const definition = 'CREATE UNIQUE INDEX old ON public.users USING btree (name)'
    const { op, known } = having({ definition, unique: true, ...more }, tried)
    expect(replaceIndex.expand(op, known).map(({ kind }) => kind)).toEqual(['inspect'])
  })
})
