import { describe, expect, test } from 'vitest'
import { type DropColumn, dropColumn } from '../../../src/core/operations/drop-column.ts'
import { clearColumnState, setColumnState } from '../../../src/core/plan/column-state.ts'
import { nothingElseOn } from '../../../src/core/plan/dependents.ts'
import { noIdentityOn } from '../../../src/core/plan/identity.ts'
import { namesFor } from '../../../src/core/plan/names.ts'
import { all, columnAbsent, columnExists } from '../../../src/core/plan/probes.ts'
import type { StepDraft, TransactionStep } from '../../../src/core/plan/step.ts'
import { type Facts, valueKey } from '../../../src/core/schema/facts.ts'
import type { Column, Table } from '../../../src/core/schema/model.ts'
import {
  check,
  column,
  context,
  exclusion,
  facts,
  foreignKey,
  index,
  indexOf,
  notNull,
  primaryKeyOf,
  SEED,
  schemaOf,
  table,
  tableWith,
  told,
  USERS,
  unique,
} from '../../support/model.ts'

const drop = (more: Partial<DropColumn> = {}): DropColumn => ({
  kind: 'drop_column',
  namespace: 'public',
  table: 'users',
  column: 'name',
  ...more,
})

const key = unique('users_name_key', ['name'])
const full = tableWith([column('name'), column('age', 'integer')], {
  constraints: [
    key,
    check('users_check', ['name', 'age'], "CHECK (((name <> ''::text) OR (age > 3)))"),
    check('positive', ['age'], 'CHECK ((age > 0))'),
    foreignKey('users_name_fkey', ['name']),
    notNull('users_name_not_null', 'name'),
  ],
  indexes: [indexOf(key), index('by_name', ['name']), index('by_age', ['age'])],
})
const names = namesFor(SEED, 'name', [])
const { hidden } = names
/** What is left when nobody counts any more. */
const UNCOUNTED = [
  ...['insert', 'update'].map(
    (word) =>
      `drop trigger if exists "${names.trigger.replace('_dual_write_', `_count_${word}_`)}" on "public"."users"`,
  ),
  `drop function if exists bellows."${names.counter}"()`,
  `drop table if exists bellows."${names.counter}"`,
  `drop sequence if exists bellows."${names.counter}_number"`,
  `delete from bellows.brownout where counter = '${names.counter}'`,
]

const leaving = (of: Table, op = drop()) => dropColumn.apply(op, schemaOf(of), facts()).tables[0]
const problems = (op: DropColumn, of: Table = table()) => dropColumn.check(op, context(of))

describe('a column that can be dropped', () => {
  test.each<[string, Table]>([
    ['nullable', table()],
    ['nullable with a default', tableWith([column('name', 'text', { default: "'x'" })])],
    ['NOT NULL with a default', tableWith([column('name', 'text', { nullable: false, default: "'x'" })])],
    ['with indexes and constraints of its own', full],
    [
      'NOT NULL that the server fills',
      tableWith([column('name', 'integer', { nullable: false, identity: 'always' })]),
    ],
    [
      'NOT NULL that the server computes',
      tableWith([column('name', 'text', { nullable: false, generated: 'stored' })]),
    ],
  ])('%s has no problems', (_what, of) => {
    expect(problems(drop(), of)).toEqual([])
  })
})

describe('a column that cannot be dropped', () => {
  test.each<[string, Partial<DropColumn>, Table, string, string, string | undefined]>([
    [
      'of a table that is not there',
      { table: 'nobody' },
      table(),
      'table_not_found',
      'There is no table public.nobody.',
      'Check the spelling and the namespace: names are taken literally, capitals included.',
    ],
    [
      'that is not there',
      { column: 'Name' },
      table(),
      'column_not_found',
      'The table "users" has no column "Name".',
      'It has id, name.',
    ],
    [
      'of a view',
      {},
      table({ kind: 'view' }),
      'plan_refused',
      'public.users is a view, which this operation does not support yet.',
      undefined,
    ],
    [
      'that writers have to give',
      {},
      tableWith([column('name', 'text', { nullable: false })]),
      'plan_refused',
      '"users"."name" is NOT NULL without a default: writers that no longer know it would fail before it is dropped.',
      'Say what they write into it ("down", an expression over the other columns), or give it a default first: alter table "public"."users" alter column "name" set default <value>',
    ],
  ])('%s', (_what, more, of, code, message, hint) => {
    const found = problems(drop(more), of)
    expect(told(found)).toEqual([[code, message]])
    expect(found[0]?.hint).toBe(hint)
  })

  test('of an exclusion constraint that PostgreSQL does not drop with it', () => {
    const rule = exclusion('no_overlap', ['age'])
    const of = tableWith([column('name'), column('age')], {
      constraints: [rule],
      indexes: [indexOf(rule, { columns: ['age', 'name'] })],
    })
    expect(told(problems(drop(), of))).toEqual([
      ['plan_refused', 'The exclusion constraint no_overlap uses "users"."name".'],
    ])
    expect(problems(drop({ column: 'age' }), of)).toEqual([])
  })

  test('of a primary key that includes it', () => {
    const key = primaryKeyOf(['id'])
    const of = table({ constraints: [key], indexes: [indexOf(key, { columns: ['id', 'name'] })] })
    expect(told(problems(drop(), of))).toEqual([
      [
        'plan_refused',
        '"users"."name" belongs to the primary key, which only change_type and rename_column replace.',
      ],
    ])
  })

  test('of the primary key, with every problem it has', () => {
    expect(told(problems(drop({ column: 'id' })))).toEqual([
      [
        'plan_refused',
        '"users"."id" belongs to the primary key, which only change_type and rename_column replace.',
      ],
      [
        'plan_refused',
        '"users"."id" is NOT NULL without a default: writers that no longer know it would fail before it is dropped.',
      ],
    ])
  })
})

describe('a column that is filled for writers that no longer know it', () => {
  const needed = tableWith([
    column('name', 'text', { nullable: false }),
    column('made', 'text', { generated: 'stored' }),
  ])
  const given = (of: Table, expression: string, known: Facts['values'][string] = { text: expression }) =>
    context(
      of,
      facts({
        values: { [valueKey({ table: USERS, expression, fits: { column: 'name' }, as: 'row' })]: known },
      }),
    )

  test('needs no default', () => {
    expect(dropColumn.check(drop({ down: 'id::text' }), given(needed, 'id::text'))).toEqual([])
  })

  const UNIQUE = 'CREATE UNIQUE INDEX i ON public.users USING btree '
  test.each([
    ['(name, age)', `'x'`, true],
    ['(name, age)', 'now()', true],
    ['(name) INCLUDE (id)', `'x'`, true],
    ['(name) WHERE (age > 3)', `'x'`, true],
    ['(lower(name))', `'x'`, true],
    ['(age) INCLUDE (name)', `'x'`, false],
    ['(age) WHERE (name IS NULL)', `'x'`, false],
    ['(name, id)', `'x'`, false],
    ['(id, name) NULLS NOT DISTINCT', null, false],
    ['(name, age)', null, false],
    ['(name, age) NULLS NOT DISTINCT', null, true],
    ['(lower(name))', null, false],
    [`(COALESCE(name, ''::text), age)`, null, true],
  ] as const)(
    'is refused where what is left of a unique index takes it once: %s, default %s',
    (on, by, refused) => {
      const of = tableWith(
        [
          column('id', 'integer', { nullable: false }),
          column('name', 'text', { default: by }),
          column('age', 'integer'),
        ],
        {
          constraints: [primaryKeyOf(['id'])],
          indexes: [
            indexOf(primaryKeyOf(['id'])),
            index('i', ['name', 'age'], { unique: true, definition: UNIQUE + on }),
          ],
        },
      )
      const told = problems(drop(), of).map(({ message }) => message)
      expect(told).toEqual(refused ? [expect.stringContaining('The unique index i takes the')] : [])
    },
  )

  test.each([
    [
      `'x'`,
      [
        'The exclusion constraint apart takes the default of "users"."name" only once for what else it compares: writers that no longer know the column would fail before it is dropped.',
      ],
    ],
    [null, []],
  ])('is refused where rows exclude one another by it: default %s', (by, messages) => {
    const of = tableWith([column('name', 'text', { default: by }), column('age', 'integer')], {
      constraints: [exclusion('apart', ['name', 'age'])],
    })
    expect(problems(drop(), of).map(({ message }) => message)).toEqual(messages)
  })

  test.each<[string, Table, string, string, Facts['values'][string]?]>([
    [
      'has a default already',
      tableWith([column('name', 'text', { default: "'x'" })]),
      'id::text',
      '"users"."name" has a value for writers that do not know it already, so "down" would never be asked.',
    ],
    [
      'is to be filled from itself',
      needed,
      'lower(name)',
      '"down" of "name" names the column itself, which it is to replace.',
    ],
    [
      'is to be filled from a generated column',
      needed,
      'made',
      '"down" of "name" names "made", a generated column, whose value a trigger does not see.',
    ],
    [
      'is unique, and would have one value for all',
      tableWith([column('name', 'text', { nullable: false })], {
        constraints: [key],
        indexes: [indexOf(key)],
      }),
      "'x'",
      'The unique index users_name_key takes the "down" of "users"."name" only once: writers that no longer know the column would fail before it is dropped.',
    ],
    [
      'is to have what the server does not take',
      needed,
      'random()',
      'The down random() of "name" cannot be used: Generation expression is not immutable.',
      { problem: 'Generation expression is not immutable' },
    ],
  ])('cannot be one that %s', (_what, of, down, message, known) => {
    expect(dropColumn.check(drop({ down }), given(of, down, known)).map((one) => one.message)).toEqual([
      message,
    ])
  })

  test('is so from expand to purge, also under its hidden name', () => {
    const op = drop({ down: 'id::text' })
    const at = given(full, 'id::text')
    const on = '"public"."users"'
    const made = (name: string) =>
      `create or replace function bellows."${names.function}"() returns trigger language plpgsql as '\nbegin\n  new."${name}" := new.id::pg_catalog.text;\n  return new;\nend'`
    const gone = [
      `drop trigger if exists "${names.trigger}" on ${on}`,
      `drop function if exists bellows."${names.function}"()`,
    ]
    const [first, counting, ...more] = dropColumn.expand(op, at)
    expect(counting?.does).toMatch(/^count who/)
    expect(more).toEqual([])
    const steps = [...(first === undefined ? [] : [first]), ...dropColumn.contract(op, at)]
    const statements = (all: readonly StepDraft[]) =>
      all.map((step) => ('statements' in step ? [step.phase, ...step.statements] : [step.phase]))
    expect(statements(steps)).toEqual([
      [
        'expand',
        made('name'),
        `create trigger "${names.trigger}" before insert on ${on} for each row when (new."name" is null) execute function bellows."${names.function}"()`,
        `alter table ${on} enable always trigger "${names.trigger}"`,
      ],
      ['rollout'],
      [
        'retire',
        `alter table ${on} rename column "name" to "${hidden}"`,
        setColumnState(USERS, 'name', 'retired'),
        made(hidden),
      ],
      [
        'purge',
        ...gone,
        ...UNCOUNTED,
        `alter table ${on} drop column "${hidden}" restrict`,
        clearColumnState(USERS, 'name'),
      ],
    ])
    expect(steps[0]?.hazards.map(({ because }) => because)).toEqual([
      'What "down" gives has to meet users_name_key; otherwise writers that no longer know "name" fail.',
      'What "down" gives has to meet users_check; otherwise writers that no longer know "name" fail.',
      'What "down" gives has to meet users_name_fkey; otherwise writers that no longer know "name" fail.',
    ])
    const required = table({ columns: table().columns.map((one) => ({ ...one, nullable: false })) })
    const [filling] = dropColumn.expand(op, { ...at, schema: schemaOf(required) })
    expect(filling?.hazards[0]?.because).toBe(
      'What "down" gives has to meet NOT NULL; otherwise writers that no longer know "name" fail.',
    )
    expect(statements(dropColumn.rollback(op, at))).toEqual([
      [
        'retire',
        `alter table ${on} rename column "${hidden}" to "name"`,
        clearColumnState(USERS, 'name'),
        made('name'),
      ],
      ['expand', ...UNCOUNTED],
      ['expand', ...gone],
    ])
  })
})

describe('the schema afterwards', () => {
  test('lacks the column, and every index and constraint that needed it', () => {
    const left = leaving(full)
    expect(left?.columns.map(({ name }) => name)).toEqual(['id', 'age'])
    expect(left?.constraints.map(({ name }) => name)).toEqual(['users_pkey', 'positive'])
    expect(left?.indexes.map(({ name }) => name)).toEqual(['users_pkey', 'by_age'])
  })

  test('keeps the slots that are used up: PostgreSQL never reuses one', () => {
    expect(leaving(full)?.columnSlots).toBe(full.columnSlots)
  })

  test('is otherwise as it was', () => {
    expect(leaving(full)).toEqual({
      ...full,
      columns: full.columns.filter(({ name }) => name !== 'name'),
      constraints: full.constraints.filter(({ name }) => ['users_pkey', 'positive'].includes(name)),
      indexes: full.indexes.filter(({ name }) => ['users_pkey', 'by_age'].includes(name)),
    })
  })
})

describe('the steps', () => {
  const contract = (of: Table = table(), op = drop()) => dropColumn.contract(op, context(of))

  test('count who writes the column before the gate, and nothing else', () => {
    expect(dropColumn.expand(drop(), context()).map(({ does }) => does)).toEqual([
      'count who still writes "name" of "users"',
    ])
    expect(contract()[0]).toMatchObject({ kind: 'gate', counter: names.counter })
    expect(dropColumn.backfill(drop(), context())).toEqual([])
  })

  test.for<[string, Partial<Column>, 'table' | 'partitioned', string | undefined]>([
    ['a value', {}, 'table', 'not (new."name" is null)'],
    [
      'a value that is not the default',
      { default: `'x'::text` },
      'table',
      `not (new."name" is null or pg_catalog.record_image_eq(row(new."name"), row(('x'::pg_catalog.text)::pg_catalog.text)))`,
    ],
    ['no value that the server makes anew each time', { identity: 'by_default' }, 'table', undefined],
    ['no value that may come from another partition', {}, 'partitioned', undefined],
  ])('count an INSERT that gives it %s, and an UPDATE that names it', ([, more, kind, inserted]) => {
    const before = context({ ...tableWith([column('name', 'text', more)]), kind })
    const made = dropColumn
      .expand(drop(), before)
      .flatMap((one) => (one as TransactionStep).statements)
      .filter((one) => one.startsWith('create trigger'))
    expect(made).toEqual([
      ...(inserted === undefined
        ? []
        : [
            expect.stringContaining(
              `before insert on "public"."users" for each row when (${inserted}) execute`,
            ),
          ]),
      expect.stringContaining('before update of "name" on "public"."users" for each row execute'),
    ])
    const [gate] = dropColumn.contract(drop(), before)
    expect(gate).toMatchObject(inserted === undefined ? { counts: 'changes' } : {})
    expect('counts' in (gate ?? {})).toBe(inserted === undefined)
  })

  test('count nothing of a column that is computed', () => {
    const computed = context(tableWith([column('name', 'text', { generated: 'stored' })]))
    expect(dropColumn.expand(drop(), computed)).toEqual([])
    expect(dropColumn.contract(drop(), computed)[0]).not.toHaveProperty('counter')
    expect(dropColumn.rollback(drop(), computed)).toHaveLength(1)
  })

  test('wait, hide and drop', () => {
    expect(contract().map(({ kind, phase, does }) => [kind, phase, does])).toEqual([
      ['gate', 'rollout', 'wait until nobody needs "users"."name"'],
      ['retire', 'retire', 'hide the column "name" of "users"'],
      ['purge', 'purge', 'drop the column "name" of "users"'],
    ])
  })

  test('hide it by another name', () => {
    expect(contract()[1]).toMatchObject({
      locks: [{ relation: USERS, level: 'access_exclusive' }],
      statements: [
        `alter table "public"."users" rename column "name" to "${hidden}"`,
        setColumnState(USERS, 'name', 'retired'),
      ],
      retires: { table: USERS, column: 'name' },
    })
  })

  test('drop it for good', () => {
    expect(contract()[2]).toEqual({
      shares: expect.objectContaining({ at: 'drop' }),
      kind: 'purge',
      phase: 'purge',
      does: 'drop the column "name" of "users"',
      hazards: [
        {
          code: 'drops_values',
          because: 'The values of "name" are gone after this step; there is no way back.',
        },
      ],
      probe: columnAbsent(USERS, hidden),
      changes: { kind: 'removed', column: 'name' },
      locks: [{ relation: USERS, level: 'access_exclusive' }],
      requires: [
        {
          that: nothingElseOn(USERS, hidden, []),
          code: 'drift_found',
          otherwise:
            'an index or a constraint was put on "users"."name" since the plan was made; it would be lost',
        },
        noIdentityOn(USERS, hidden, 'name'),
      ],
      statements: [
        ...UNCOUNTED,
        `alter table "public"."users" drop column "${hidden}" restrict`,
        clearColumnState(USERS, 'name'),
      ],
      cost: 'instant',
    })
  })

  const purge = (of: Table) => contract(of)[2] as Omit<TransactionStep, 'id'>

  test('say what goes with it, by name', () => {
    expect(purge(full).hazards.map(({ code, because }) => [code, because])).toEqual([
      ['drops_values', 'The values of "name" are gone after this step; there is no way back.'],
      ['goes_with_column', 'The index by_name needs "name" and is dropped with it.'],
      ['goes_with_column', 'The constraint users_name_key needs "name" and is dropped with it.'],
      ['goes_with_column', 'The constraint users_check needs "name" and is dropped with it.'],
      ['goes_with_column', 'The constraint users_name_fkey needs "name" and is dropped with it.'],
    ])
  })

  test('say what goes with it though only its index names it', () => {
    const including = unique('users_age_key', ['age'])
    const of = tableWith([column('name'), column('age')], {
      constraints: [including],
      indexes: [indexOf(including, { columns: ['age', 'name'] })],
    })
    expect(purge(of).hazards.at(-1)?.because).toBe(
      'The constraint users_age_key needs "name" and is dropped with it.',
    )
    expect(leaving(of)?.constraints.map(({ name }) => name)).toEqual(['users_pkey'])
  })

  test('know those by name, and stop for any other', () => {
    const known = [
      'users_name_key',
      'by_name',
      'users_name_key',
      'users_check',
      'users_name_fkey',
      'users_name_not_null',
    ]
    expect(purge(full).requires[0]?.that).toBe(nothingElseOn(USERS, hidden, known))
    const retire = contract(full)[1]
    expect(retire !== undefined && 'requires' in retire && retire.requires[0]?.that).toBe(
      nothingElseOn(USERS, 'name', known),
    )
  })

  test('lock the table that a foreign key points at, too', () => {
    expect(purge(full).locks).toEqual([
      { relation: USERS, level: 'access_exclusive' },
      { relation: { namespace: 'public', name: 'teams' }, level: 'access_exclusive', implied: true },
    ])
  })

  test('that undo it bring the column back', () => {
    expect(dropColumn.rollback(drop(), context())).toEqual([
      {
        shares: expect.objectContaining({ at: 'show' }),
        kind: 'ddl',
        phase: 'retire',
        does: 'bring the column "name" of "users" back',
        hazards: [],
        probe: all([columnExists(USERS, 'name'), columnAbsent(USERS, hidden)]),
        locks: [{ relation: USERS, level: 'access_exclusive' }],
        requires: [expect.objectContaining({ that: `not ${columnExists(USERS, 'name')}`, early: true })],
        statements: [
          `alter table "public"."users" rename column "${hidden}" to "name"`,
          clearColumnState(USERS, 'name'),
        ],
        cost: 'instant',
      },
      expect.objectContaining({ phase: 'expand', kind: 'ddl', statements: UNCOUNTED }),
    ])
  })

  test('are not asked for before the check', () => {
    expect(() => dropColumn.contract(drop({ table: 'gone' }), context())).toThrow(
      'Bellows broke its own rule: steps come after check',
    )
  })
})
