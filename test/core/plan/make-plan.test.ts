import { describe, expect, test } from 'vitest'
import { canonical, hash } from '../../../src/core/hash.ts'
import type { Migration, Operation } from '../../../src/core/operations/migration.ts'
import { conflictsWith } from '../../../src/core/plan/locks.ts'
import { applied, makePlan } from '../../../src/core/plan/make-plan.ts'
import type { Plan } from '../../../src/core/plan/plan.ts'
import { changesOf, LOCK_LEVELS, leaversOf, PHASES, type Step } from '../../../src/core/plan/step.ts'
import type { Schema } from '../../../src/core/schema/model.ts'
import {
  check,
  column,
  factsWithTypes,
  foreignKey,
  index,
  indexOf,
  notNull,
  schemaOf,
  table,
  tableWith,
  thrownBy,
  triedIndex,
  unique,
} from '../../support/model.ts'

const on = { namespace: 'public', table: 'users' } as const
const add: Operation = { kind: 'add_column', ...on, column: 'slug', type: 'varchar(20)', nullable: true }
const addStrict: Operation = { ...add, column: 'kind', nullable: false, default: "'x'" }
const drop: Operation = { kind: 'drop_column', ...on, column: 'age' }
const rename: Operation = { kind: 'rename_column', ...on, from: 'name', to: 'full_name' }
const widen: Operation = { kind: 'rename_column', ...on, from: 'count', to: 'total', type: 'bigint' }
const trim: Operation = {
  kind: 'rename_column',
  ...on,
  from: 'nick',
  to: 'nickname',
  transform: 'trim',
  overlap: 'forward_only',
}

const key = unique('users_name_key', ['name'])
const users = tableWith(
  [
    column('name', 'text', {
      nullable: false,
      default: "'x'::text",
      defaultVolatility: 'stable',
      comment: 'c',
    }),
    column('age', 'integer'),
    column('count', 'integer'),
    column('nick'),
  ],
  {
    constraints: [
      key,
      check('users_name_check', ['name'], "CHECK ((name <> ''::text))"),
      foreignKey('users_name_fkey', ['name']),
      notNull('users_name_not_null', 'name'),
    ],
    indexes: [indexOf(key), index('users_name_idx', ['name']), index('users_age_idx', ['age'])],
  },
)
const schema = schemaOf(users, table({ name: 'teams' }))
const facts = factsWithTypes({ 'varchar(20)': 'character varying(20)', bigint: 'bigint', text: 'text' })

const migration = (...operations: readonly Operation[]): Migration => ({ name: '0001_test', operations })
const planOf = (...operations: readonly Operation[]): Plan =>
  makePlan(migration(...operations), schema, facts)

const PLANS: readonly (readonly [string, readonly Operation[]])[] = [
  ['an added column', [add]],
  ['an added column that is NOT NULL', [addStrict]],
  ['a dropped column', [drop]],
  ['a renamed column', [rename]],
  ['a renamed column of another type', [widen]],
  ['a renamed column without a way back', [trim]],
  ['all that have a way back', [add, addStrict, drop, rename, widen]],
  ['all that have a way back, the other way round', [widen, rename, drop, addStrict, add]],
]

const ORDER = Object.fromEntries(PHASES.map((phase, at) => [phase, at]))
const all = (plan: Plan): readonly Step[] => [...plan.steps, ...plan.rollback]

describe('a rule that comes up before the rollout', () => {
  test.each<[string, Partial<Operation>]>([
    ['a check', { check: 'age > 0' }],
    [
      'a foreign key',
      {
        foreign_key: {
          columns: ['age'],
          references: { namespace: 'public', table: 'teams', columns: ['id'] },
        },
      },
    ],
    ['a primary key', { primary_key: ['nick'] }],
  ])('has its steps in their order, what is proved behind what is put up: %s', (_what, more) => {
    const op = { kind: 'add_constraint', ...on, when: 'before_rollout', ...more } as Operation
    const bare = { ...schema, tables: schema.tables.map((one) => ({ ...one, constraints: [] })) }
    const { steps } = makePlan(migration(op), 'primary_key' in more ? bare : schema, {
      ...facts,
      casts: { 'integer -> bigint': 'implicit' },
    })
    const kinds = steps.filter(({ phase }) => phase === 'verify').map(({ kind }) => kind)
    const proved = ['ddl', 'validate']
    expect(kinds).toEqual('primary_key' in more ? [...proved, 'ddl', 'concurrent_index', 'ddl'] : proved)
  })
})

describe('every plan', () => {
  test.each(PLANS)('survives a round trip through JSON: %s', (_what, operations) => {
    const plan = planOf(...operations)
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
    // toEqual forgives what is undefined; a plan has nothing of that kind either.
    expect(JSON.parse(JSON.stringify(plan))).toStrictEqual(plan)
  })

  test.each(PLANS)('is the same for the same input, to the byte: %s', (_what, operations) => {
    const again = makePlan(
      structuredClone(migration(...operations)),
      structuredClone(schema),
      structuredClone(facts),
    )
    expect(JSON.stringify(again)).toBe(JSON.stringify(planOf(...operations)))
  })

  test.each(PLANS)('has the hash of everything else in it: %s', (_what, operations) => {
    const { hash: found, ...content } = planOf(...operations)
    expect(found).toBe(hash(canonical(content)))
    expect(found).toMatch(/^[0-9a-f]{64}$/)
  })

  test.each(PLANS)(
    'has its steps in the order of the phases, numbered within each: %s',
    (_what, operations) => {
      const plan = planOf(...operations)
      const phases = plan.steps.map((step) => ORDER[step.phase] ?? -1)
      expect(phases).toEqual(phases.toSorted((a, b) => a - b))
      const counts = new Map<string, number>()
      for (const step of plan.steps) {
        counts.set(step.phase, (counts.get(step.phase) ?? 0) + 1)
        expect(step.id).toBe(`0001_test/${step.phase}/${counts.get(step.phase)}`)
      }
      expect(plan.rollback.map(({ id }) => id)).toEqual(
        plan.rollback.map((_step, at) => `0001_test/rollback/${at + 1}`),
      )
      expect(new Set(all(plan).map(({ id }) => id)).size).toBe(all(plan).length)
    },
  )

  test.each(PLANS)(
    'says of every step what it does, and how to see that it is done: %s',
    (_what, operations) => {
      for (const step of all(planOf(...operations))) {
        expect(step.does, step.id).toMatch(/^[a-z].*[^.]$/)
        expect(step.probe, step.id).not.toBe('')
        if (step.kind === 'backfill' || step.kind === 'verify') {
          expect(step.probe).toBe(
            `exists (select from bellows.checkpoint where step = '${step.id}' and finished)`,
          )
        }
      }
    },
  )

  test.each(PLANS)('states the locks of every statement on a table: %s', (_what, operations) => {
    for (const step of all(planOf(...operations))) {
      if (!('statements' in step)) continue
      const touched = step.statements.filter((text) => /^(alter|create trigger|drop trigger)/.test(text))
      const levels = step.locks.map(({ level }) => level)
      expect(levels.length > 0 || touched.length === 0, step.id).toBe(true)
      for (const { relation, level } of step.locks) {
        expect(LOCK_LEVELS).toContain(level)
        expect(Object.keys(relation)).toEqual(expect.arrayContaining(['namespace', 'name']))
      }
    }
  })

  test.each(PLANS)('scans only under locks that let writers go on: %s', (_what, operations) => {
    for (const step of all(planOf(...operations))) {
      if (!('cost' in step) || step.cost !== 'scan') continue
      // What is implied is taken when the scan is over.
      for (const { level } of step.locks.filter((lock) => lock.implied !== true))
        expect(conflictsWith(level)).not.toContain('row_exclusive')
    }
  })

  test.each(PLANS)('drops a column behind its gate, and never cascades: %s', (_what, operations) => {
    const plan = planOf(...operations)
    const texts = all(plan).flatMap((step) => ('statements' in step ? step.statements : []))
    expect(texts.filter((text) => /cascade/i.test(text))).toEqual([])
    for (const text of texts.filter((one) => one.includes('drop column'))) {
      expect(text).toMatch(/drop column (if exists )?"[^"]+" restrict/)
    }
    for (const step of plan.steps.filter(({ phase }) => phase !== 'purge')) {
      const dropping = 'statements' in step && step.statements.some((text) => text.includes('drop column'))
      expect(dropping, step.id).toBe(false)
    }
    const gates = plan.steps.flatMap((step) => (step.kind === 'gate' ? [step.column] : []))
    const hiding = plan.steps.flatMap((step) => (step.kind === 'retire' ? leaversOf(step) : []))
    expect(hiding.map((one) => one.column)).toEqual(gates)
    const gone = plan.steps.flatMap((step) => (step.kind === 'purge' ? changesOf(step) : []))
    expect(gone).toHaveLength(gates.length)
  })

  test.each(PLANS)('can be taken back: what undoes a retire comes first: %s', (_what, operations) => {
    const { rollback } = planOf(...operations)
    const phases = rollback.map(({ phase }) => (phase === 'retire' ? 0 : 1))
    expect(phases).toEqual(phases.toSorted((a, b) => a - b))
  })

  test.each(PLANS)('warns of every step that stops clients or scans: %s', (_what, operations) => {
    for (const step of all(planOf(...operations))) {
      const codes = step.hazards.map(({ code }) => code)
      const stops =
        step.kind === 'validate'
          ? step.locks.some(({ level }) => level === 'share_row_exclusive')
          : 'locks' in step && step.locks.some(({ level }) => level === 'access_exclusive')
      expect(codes.includes('stops_clients'), step.id).toBe(stops)
      expect(codes.includes('scans'), step.id).toBe('cost' in step && step.cost === 'scan')
    }
  })
})

describe('a plan', () => {
  test('of all operations, by its steps', () => {
    const plan = planOf(add, drop, rename)
    expect(plan.steps.map(({ id, kind }) => `${id} ${kind}`)).toEqual([
      '0001_test/expand/1 ddl',
      '0001_test/expand/2 install_dual_write',
      '0001_test/expand/3 install_dual_write',
      '0001_test/backfill/1 backfill',
      '0001_test/verify/1 verify',
      '0001_test/verify/2 ddl',
      '0001_test/verify/3 validate',
      '0001_test/verify/4 concurrent_index',
      '0001_test/verify/5 concurrent_index',
      '0001_test/verify/6 ddl',
      '0001_test/verify/7 ddl',
      '0001_test/verify/8 validate',
      '0001_test/verify/9 ddl',
      '0001_test/rollout/1 gate',
      '0001_test/rollout/2 gate',
      '0001_test/retire/1 retire',
      '0001_test/purge/1 purge',
    ])
    expect(plan.rollback.map(({ id, phase, does }) => `${id} ${phase}: ${does}`)).toEqual([
      '0001_test/rollback/1 retire: bring the column "name" of "users" back; bring the column "age" of "users" back',
      '0001_test/rollback/2 expand: drop the column "full_name" of "users" again; no longer count who writes "age" of "users"',
      '0001_test/rollback/3 expand: drop the column "slug" of "users" again',
    ])
  })

  test('carries its format, its migration and the server that it was made for', () => {
    expect(planOf(add)).toMatchObject({ format: 1, migration: migration(add), serverVersion: 180_004 })
  })

  test('has another hash for another name, operation or server', () => {
    const hashes = [
      planOf(add).hash,
      makePlan({ ...migration(add), name: '0002_test' }, schema, facts).hash,
      planOf({ ...add, nullable: false, default: '1' }).hash,
      planOf({ ...add, column: 'other' }).hash,
      makePlan(migration(add), schema, { ...facts, serverVersion: 170_000 }).hash,
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  test('is the same when its table has grown', () => {
    const grown = schemaOf(
      ...schema.tables.map((one) => ({ ...one, rowsEstimate: 10 ** 9, bytes: 10 ** 12 })),
    )
    expect(makePlan(migration(add, drop, rename), grown, facts).hash).toBe(planOf(add, drop, rename).hash)
  })

  test('does not depend on tables that it does not touch', () => {
    const bigger = schemaOf(...schema.tables, table({ name: 'another' }))
    expect(makePlan(migration(rename), bigger, facts).hash).toBe(planOf(rename).hash)
  })

  test('gives the temporary objects of two operations names of their own', () => {
    const texts = JSON.stringify(planOf(rename, widen))
    const proofs = new Set(texts.match(/bellows_proof_\w+/g))
    expect(proofs.size).toBe(2)
  })

  test.each([
    ['renames', [trim, rename]],
    ['a rename and a dropped column', [drop, trim]],
  ] as const)('does not mix %s of which one has no way back and another has', (_what, operations) => {
    expect(thrownBy(() => planOf(...operations))).toMatchObject({
      code: 'plan_refused',
      message: expect.stringContaining('no way back once its column is hidden'),
    })
    expect(() => planOf(trim, add)).not.toThrow()
  })

  test('gives those of two migrations names of their own, too', () => {
    const triggersOf = (name: string) =>
      JSON.stringify(makePlan({ name, operations: [rename] }, schema, facts)).match(/zzz_bellows_\w+/)?.[0]
    expect(triggersOf('0001_a')).not.toBe(triggersOf('0001_b'))
  })

  test('lets each operation see what the ones before it leave', () => {
    const slots: Schema = schemaOf({ ...users, columnSlots: 1599 })
    const second: Operation = { ...add, column: 'slug2' }
    expect(() => makePlan(migration(add), slots, facts)).not.toThrow()
    expect(thrownBy(() => makePlan(migration(add, second), slots, facts)).message).toContain(
      'has used all its 1600 column slots',
    )
  })

  test.each<[string, 'before_rollout' | 'after_rollout', readonly string[]]>([
    ['behind the rollout, where new instances may have filled it', 'after_rollout', ['retire']],
    ['when it is filled', 'before_rollout', ['verify']],
  ])('looks for rows in the way of what it adds itself not at the begin, but %s', (_what, when, phases) => {
    const strict: Operation = { kind: 'alter_column', ...on, column: 'slug', nullable: false, when }
    const looks = (plan: Plan) =>
      plan.steps.filter(({ kind }) => kind === 'inspect').map(({ phase }) => phase)
    expect(looks(planOf(add, strict))).toEqual(phases)
    expect(looks(planOf({ ...strict, column: 'age' }))[0]).toBe('expand')
  })

  test('looks for duplicates before it builds a unique index that has a name of its own', () => {
    const definition = 'create unique index by_age on users (age)'
    const unique = triedIndex('by_age', ['age'], { index: index('by_age', ['age'], { unique: true }) })
    const { steps } = makePlan(migration({ kind: 'create_index', definition }), schema, {
      ...facts,
      indexes: { [definition]: unique },
    })
    expect(steps.map(({ kind, phase }) => `${kind} ${phase}`)).toEqual([
      'inspect expand',
      'gate rollout',
      'inspect retire',
      'concurrent_index retire',
    ])
  })

  test('works on two tables of one migration', () => {
    const other: Operation = { kind: 'drop_column', namespace: 'public', table: 'teams', column: 'name' }
    const plan = planOf(rename, other)
    expect(
      plan.steps.filter(({ kind }) => kind === 'gate').map((step) => 'table' in step && step.table.name),
    ).toEqual(['users', 'teams'])
  })
})

describe('a migration', () => {
  test.each<[string, string]>([
    ['', 'The migration name "" is empty.'],
    ['a\0b', 'The migration name "a\0b" contains a NUL character.'],
    [
      'x'.repeat(64),
      `The migration name "${'x'.repeat(64)}" has 64 bytes; PostgreSQL would cut it silently to 63.`,
    ],
  ])('must have a name that PostgreSQL takes: %j', (name, message) => {
    const error = thrownBy(() => makePlan({ name, operations: [add] }, schema, facts))
    expect([error.code, error.message]).toEqual(['name_invalid', message])
  })

  test('must have an operation', () => {
    const error = thrownBy(() => planOf())
    expect([error.code, error.message]).toEqual([
      'migration_invalid',
      'The migration "0001_test" has no operations.',
    ])
  })

  test.each<[string, readonly Operation[], string]>([
    ['added twice', [add, add], 'slug'],
    ['added and dropped', [add, { ...drop, column: 'slug' }], 'slug'],
    ['dropped twice', [drop, drop], 'age'],
    ['renamed twice', [rename, { ...rename, to: 'other' }], 'name'],
    ['renamed and dropped', [rename, { ...drop, column: 'name' }], 'name'],
    ['renamed to what is dropped', [{ ...drop, column: 'full_name' }, rename], 'full_name'],
    ['renamed to one name from two', [rename, { ...rename, from: 'nick' }], 'full_name'],
    ['renamed on from its new name', [rename, { ...rename, from: 'full_name', to: 'x' }], 'full_name'],
    ['added under the name that another gets', [{ ...add, column: 'full_name' }, rename], 'full_name'],
  ])('refuses two operations on one column: %s', (_what, operations, name) => {
    const error = thrownBy(() => planOf(...operations))
    expect([error.code, error.message]).toEqual([
      'plan_refused',
      `Two operations of the migration touch "users"."${name}".`,
    ])
    expect(error.hint).toBe('Put them into two migrations; the second begins when the first is contracted.')
  })

  test.each<[string, readonly Operation[], string]>([
    ['an index', [drop, { ...rename, from: 'count', to: 'total' }], 'users_age_count_idx'],
    [
      'a check',
      [
        { ...drop, column: 'nick' },
        { ...rename, from: 'age', to: 'years' },
      ],
      'both',
    ],
  ])('refuses two operations that take a column away from %s', (_what, operations, name) => {
    const shared = tableWith(
      ['name', 'age', 'count', 'nick'].map((one) => column(one)),
      {
        constraints: [check('both', ['age', 'nick'], 'CHECK ((age <> nick))')],
        indexes: [index('users_age_count_idx', ['age', 'count'])],
      },
    )
    const error = thrownBy(() => makePlan(migration(...operations), schemaOf(shared), facts))
    expect([error.code, error.message]).toEqual([
      'plan_refused',
      `Two operations of the migration take away "${name}", or a column of it.`,
    ])
    expect(error.hint).toBe('Put them into two migrations; the second begins when the first is contracted.')
  })

  test('makes what two renamed columns share once, of both new ones', () => {
    const shared = tableWith([column('age'), column('nick')], {
      constraints: [check('both', ['age', 'nick'], 'CHECK ((age <> nick))')],
      indexes: [
        index('users_age_nick_idx', ['age', 'nick'], {
          definition: 'CREATE INDEX users_age_nick_idx ON public.users USING btree (age, nick)',
        }),
      ],
    })
    const { steps } = makePlan(
      migration({ ...rename, from: 'age', to: 'years' }, { ...rename, from: 'nick', to: 'nickname' }),
      schemaOf(shared),
      facts,
    )
    const text = JSON.stringify(steps)
    expect(text.match(/ON public.users \(years, nickname\)/g)).toHaveLength(1)
    expect(text.match(/CHECK \(years <> nickname\)/g)).toHaveLength(1)
    expect(text).not.toMatch(/years, nick\)|age, nickname\)/)
    expect(text).toContain('rename to \\"users_years_nickname_idx\\"')
  })

  test('knows an index that it drops by the hidden name of a column, too, and does not copy it', () => {
    const dropped = tableWith([column('age')], {
      constraints: [],
      indexes: [
        index('users_age_idx', ['age'], {
          definition: 'CREATE INDEX users_age_idx ON public.users USING btree (age)',
        }),
      ],
    })
    const { steps } = makePlan(
      migration(
        { kind: 'drop_index', namespace: 'public', table: 'users', index: 'users_age_idx' },
        { ...rename, from: 'age', to: 'years' },
      ),
      schemaOf(dropped),
      facts,
    )
    expect(steps.filter(({ kind }) => kind === 'concurrent_index')).toEqual([])
    expect(JSON.stringify(steps.find(({ does }) => does.startsWith('drop the index')))).toMatch(
      /pg_catalog.replace\(pg_catalog.pg_get_indexdef\(.{1,80}\), pg_catalog.quote_ident\('bellows_retired_\w+_age'\), pg_catalog.quote_ident\('age'\)\)/,
    )
  })

  test('may use one name in two tables', () => {
    const namesake = schemaOf(users, table({ namespace: 'app', columns: [column('age')] }))
    expect(() => makePlan(migration(drop, { ...drop, namespace: 'app' }), namesake, facts)).not.toThrow()
  })

  test('is refused with every problem of every operation at once', () => {
    const error = thrownBy(() =>
      planOf(
        { ...add, column: 'name' },
        { ...drop, column: 'gone' },
        { ...rename, table: 'nobody' },
        { ...trim, from: 'count', to: 'total' },
      ),
    )
    expect(error.code).toBe('column_exists')
    expect(error.message.split('\n')).toEqual([
      '4 problems:',
      '- The table "users" already has a column "name".',
      '- The table "users" has no column "gone".',
      '- There is no table public.nobody.',
      '- "count" cannot be copied to "total": "trim" works on text, not from integer to integer.',
    ])
    expect(error.hint?.split('\n')).toEqual([
      'Choose another name, or drop the operation if that column is the one you mean.',
      'It has id, name, age, count, nick.',
      'Check the spelling and the namespace: names are taken literally, capitals included.',
    ])
    expect(error.facts).toMatchObject({
      problems: [
        { code: 'column_exists' },
        { code: 'column_not_found' },
        { code: 'table_not_found' },
        { code: 'plan_refused' },
      ],
    })
  })

  test('is refused with the one problem as it is', () => {
    const error = thrownBy(() => planOf({ ...drop, column: 'gone' }))
    expect([error.code, error.message, error.hint]).toEqual([
      'column_not_found',
      'The table "users" has no column "gone".',
      'It has id, name, age, count, nick.',
    ])
    expect(error.facts).toEqual({})
  })

  test('says first what is wrong with itself', () => {
    const error = thrownBy(() => makePlan({ name: '', operations: [] }, schema, facts))
    expect(error.message).toBe(
      '2 problems:\n- The migration name "" is empty.\n- The migration "" has no operations.',
    )
  })
})

describe('the schema after a migration', () => {
  test('has what every operation leaves, in their order', () => {
    const [after] = applied(migration(add, drop, rename), schema, facts).tables
    expect(after?.columns.map(({ name }) => name)).toEqual(['id', 'count', 'nick', 'slug', 'full_name'])
    expect(after?.indexes.map(({ name }) => name)).toEqual([
      'users_pkey',
      'users_full_name_key',
      'users_full_name_idx',
    ])
  })

  test('is the schema before it when there is nothing to do', () => {
    expect(applied(migration(), schema, facts)).toBe(schema)
  })

  test('leaves the schema that it was given as it was', () => {
    const before = JSON.stringify(schema)
    applied(migration(add, drop, rename, widen), schema, facts)
    planOf(add, drop, rename, widen)
    expect(JSON.stringify(schema)).toBe(before)
  })
})
