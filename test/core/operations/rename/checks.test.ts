import { describe, expect, test } from 'vitest'
import { renameHazards, renameProblems } from '../../../../src/core/operations/rename/checks.ts'
import type { RenameColumn } from '../../../../src/core/operations/rename/rename.ts'
import { workFor } from '../../../../src/core/operations/rename/work.ts'
import { mappingNeeds } from '../../../../src/core/operations/retype/retype.ts'
import type { Facts, TypeFacts } from '../../../../src/core/schema/facts.ts'
import type { Index } from '../../../../src/core/schema/indexes.ts'
import { collationKey, mappingKey } from '../../../../src/core/schema/mappings.ts'
import type { Column, Constraint, Table } from '../../../../src/core/schema/model.ts'
import {
  check,
  column,
  context,
  dependent,
  exclusion,
  factsWithTypes,
  foreignKey,
  index,
  indexOf,
  notNull,
  table,
  tableWith,
  told,
  trigger,
  type,
  unique,
} from '../../../support/model.ts'
import { rename } from '../../../support/rename.ts'

const known = factsWithTypes({
  bigint: 'bigint',
  integer: 'integer',
  text: 'text',
  'varchar(9)': 'character varying(9)',
})
const FORWARD = { transform: 'trim', overlap: 'forward_only' } as const

const problems = (more: Partial<RenameColumn>, of: Table = table(), facts: Facts = known) =>
  renameProblems(rename(more), context(of, facts))
const withName = (of: Partial<Column>, printed = 'text') => tableWith([column('name', printed, of)])
const withRules = (constraints: readonly Constraint[], indexes: readonly Index[] = []) =>
  tableWith([column('name'), column('age', 'integer')], { constraints, indexes })
const key = unique('users_name_key', ['name'])

describe('a column that can be renamed', () => {
  test.each<[string, Partial<RenameColumn>, Table]>([
    ['plain', {}, table()],
    ['NOT NULL', {}, withName({ nullable: false })],
    ['with a default', {}, withName({ default: "'x'" })],
    ['of a domain without constraints', {}, withName({ typeKind: 'domain' })],
    ['to a wider type', { type: 'bigint' }, withName({}, 'integer')],
    ['to a narrower type, forward only', { type: 'varchar(9)', overlap: 'forward_only' }, table()],
    ['with a transform, forward only', FORWARD, table()],
    ['to a column that is there', {}, tableWith([column('name'), column('full_name')])],
    [
      'to a column that is there, when no slot is left',
      {},
      { ...tableWith([column('name'), column('full_name')]), columnSlots: 1600 },
    ],
    ['with a unique constraint', {}, withRules([key], [indexOf(key)])],
    ['with a check', {}, withRules([check('rule', ['name'], '')])],
    ['with a foreign key', {}, withRules([foreignKey('rule', ['name'])])],
    ['with a deferrable foreign key', {}, withRules([foreignKey('rule', ['name'], { deferrable: true })])],
    ['with an exclusion constraint on another column', {}, withRules([exclusion('rule', ['age'])])],
    [
      'with a deferrable unique constraint on another column',
      {},
      withRules([unique('rule', ['age'], { deferrable: true })]),
    ],
    ['with NOT NULL by name, forward only', FORWARD, withRules([notNull('users_name_not_null', 'name')])],
    ['with an index that is not unique, forward only', FORWARD, withRules([], [index('by_name', ['name'])])],
    ['with a rule on another column, forward only', FORWARD, withRules([check('rule', ['age'], '')])],
    ['whose dependents block only the contract', {}, table({ dependents: [dependent('view', 'public.v')] })],
  ])('%s has no problems', (_what, more, of) => {
    expect(told(problems(more, of))).toEqual([])
  })
})

describe('the names', () => {
  test.each<[string, Partial<RenameColumn>, string, string]>([
    ['no new name', { to: '' }, 'name_invalid', 'The column name "" is empty.'],
    [
      'one that is too long',
      { to: 'é'.repeat(32) },
      'name_invalid',
      `The column name "${'é'.repeat(32)}" has 64 bytes; PostgreSQL would cut it silently to 63.`,
    ],
    [
      'one of a system column',
      { to: 'ctid' },
      'name_invalid',
      'The column name "ctid" is the name of a system column.',
    ],
    [
      'the same name',
      { to: 'name' },
      'name_invalid',
      '"from" and "to" are both "name": there is nothing to rename.',
    ],
    ['no such table', { table: 'nobody' }, 'table_not_found', 'There is no table public.nobody.'],
    ['no such column', { from: 'nick' }, 'column_not_found', 'The table "users" has no column "nick".'],
  ])('may not be: %s', (_what, more, code, message) => {
    expect(told(problems(more))).toEqual([[code, message]])
  })

  test('are told together with what is wrong with the table', () => {
    expect(told(problems({ to: '' }, table({ kind: 'view' }))).map(([code]) => code)).toEqual([
      'name_invalid',
      'plan_refused',
    ])
  })
})

describe('the source', () => {
  test.each<[string, Table, string]>([
    [
      'a generated column',
      withName({ generated: 'stored' }),
      '"users"."name" is a generated column; a trigger does not see its value.',
    ],
    [
      'a virtual generated column',
      withName({ generated: 'virtual' }),
      '"users"."name" is a generated column; a trigger does not see its value.',
    ],
    [
      'a row type',
      withName({ typeKind: 'composite' }),
      '"users"."name" is of a composite type, where NULL and a row of NULLs cannot be told apart.',
    ],
    [
      'a table whose row security is forced',
      table({ rowSecurityForced: true }),
      'Row security is forced on "users" for the connected role, which would see only a part of the rows.',
    ],
    [
      'a table whose slots are used up',
      table({ columnSlots: 1600 }),
      '"users" has used all its 1600 column slots; PostgreSQL does not reuse those of dropped columns.',
    ],
  ])('may not be %s', (_what, of, message) => {
    expect(told(problems({}, of))).toEqual([['plan_refused', message]])
  })

  test('may not be of a domain with constraints', () => {
    expect(told(problems({}, withName({ typeKind: 'domain', typeConstrained: true })))).toEqual([
      [
        'plan_refused',
        '"users"."name" is of a domain with constraints; adding another such column rewrites the table.',
      ],
    ])
  })
})

describe('what hangs on it', () => {
  test.each<[string, Constraint, string]>([
    [
      'an exclusion constraint',
      exclusion('no_overlap', ['name']),
      'The exclusion constraint no_overlap cannot be built without stopping writers.',
    ],
    [
      'a deferrable unique constraint',
      unique('Unique One', ['name'], { deferrable: true }),
      'The unique constraint "Unique One" is deferrable; a twin would be checked at once while it is built.',
    ],
    [
      'a foreign key that sets a default',
      foreignKey('to_team', ['name'], { setsDefault: true }),
      'The foreign key to_team sets a default, which two columns cannot share.',
    ],
  ])('may not be %s', (_what, rule, message) => {
    const found = problems({}, withRules([rule]))
    expect(told(found)).toEqual([['plan_refused', message]])
    expect(found[0]?.hint).toBe(
      'Drop the constraint for the time of the migration, and add it again afterwards.',
    )
  })

  test('may not be what only an index names: an exclusion constraint on an expression', () => {
    const rule = exclusion('no_overlap', ['age'])
    const found = problems({}, withRules([rule], [indexOf(rule, { columns: ['age', 'name'] })]))
    expect(told(found)).toEqual([
      ['plan_refused', 'The exclusion constraint no_overlap cannot be built without stopping writers.'],
    ])
  })

  test('may not be NOT NULL that rows from before it may break', () => {
    const rule = { ...notNull('nn', 'name'), definition: 'NOT NULL name NOT VALID', validated: false }
    const found = problems({}, withRules([rule]))
    expect(told(found)).toEqual([
      [
        'plan_refused',
        'NOT NULL of "users"."name" is NOT VALID: rows that are there may be without a value.',
      ],
    ])
    expect(found[0]?.hint).toContain('alter table "public"."users" validate constraint "nn"')
    expect(problems({}, withRules([{ ...rule, columns: ['age'] }]))).toEqual([])
  })

  test('may not be a unique constraint without overlaps', () => {
    const rule = unique('temporal', ['name'], { definition: 'UNIQUE (name, during WITHOUT OVERLAPS)' })
    expect(told(problems({}, withRules([rule])))).toEqual([
      ['plan_refused', 'The constraint temporal is WITHOUT OVERLAPS, which cannot be built concurrently.'],
    ])
  })

  test('is told in full', () => {
    const rules = [
      exclusion('a', ['name', 'age']),
      unique('b', ['age', 'name'], { deferrable: true }),
      foreignKey('c', ['name'], { setsDefault: true }),
    ]
    expect(problems({}, withRules(rules))).toHaveLength(3)
  })
})

describe('a column of the new name that is there', () => {
  test.each<[string, Partial<Column>, Partial<RenameColumn>, string]>([
    ['NOT NULL', { nullable: false }, {}, 'is NOT NULL, so old writers fail already'],
    ['with a default', { default: "'x'" }, {}, 'has a default, which cannot be told from a value'],
    ['generated', { generated: 'stored' }, {}, 'is generated'],
    ['of another type than is asked for', {}, { type: 'varchar(9)' }, 'is of type text, not varchar(9)'],
  ])('may not be %s', (_what, of, more, problem) => {
    const found = problems(more, tableWith([column('name'), column('full_name', 'text', of)]))
    expect(told(found)).toEqual([['plan_refused', `"users"."full_name" is already there and ${problem}.`]])
    expect(found[0]?.hint).toBe('Choose another name, or drop what is in the way.')
  })

  test('may not have rules of its own: a write of the old column could break them', () => {
    const own = unique('own_key', ['full_name'])
    const users = tableWith([column('name'), column('full_name')], {
      constraints: [own, check('own_check', ['full_name'], "CHECK ((full_name <> ''::text))")],
      indexes: [
        indexOf(own),
        index('own_unique', ['full_name'], { unique: true }),
        index('own_index', ['full_name']),
      ],
    })
    expect(told(problems({}, users)).map(([, message]) => message)).toEqual(
      ['own_key', 'own_check', 'own_unique'].map(
        (name) =>
          `"users"."full_name" is already there and has a rule of its own, ${name}, which the old values need not meet.`,
      ),
    )
  })

  test('may be of another type, if the values fit', () => {
    const users = tableWith([column('name', 'integer'), column('full_name', 'bigint')])
    expect(problems({}, users)).toEqual([])
    expect(problems({ type: 'bigint' }, users)).toEqual([])
  })

  test('may not be of a type that the values do not fit', () => {
    const users = tableWith([column('name', 'text'), column('full_name', 'integer')])
    expect(told(problems({}, users))).toEqual([
      ['plan_refused', '"name" cannot be copied to "full_name": text cannot be assigned to integer.'],
    ])
  })
})

describe('the mapping', () => {
  test.each<[string, Partial<RenameColumn>, Table, string, string]>([
    [
      'a type that nobody knows',
      { type: 'txt' },
      table(),
      'plan_refused',
      '"name" cannot be copied to "full_name": there is no type "txt".',
    ],
    [
      'something that is no type',
      { type: 'text, x' },
      table(),
      'plan_refused',
      '"name" cannot be copied to "full_name": there is no type "text, x".',
    ],
    [
      'a type that the values do not fit',
      { type: 'integer' },
      table(),
      'plan_refused',
      '"name" cannot be copied to "full_name": text cannot be assigned to integer.',
    ],
    [
      'a transform of numbers',
      { ...FORWARD },
      withName({}, 'integer'),
      'plan_refused',
      '"name" cannot be copied to "full_name": "trim" works on text, not from integer to integer.',
    ],
  ])('may not be %s', (_what, more, of, code, message) => {
    expect(told(problems(more, of))).toEqual([[code, message]])
  })

  test.each<[string, Partial<Table>, Partial<NonNullable<TypeFacts['domain']>>, string]>([
    [
      'of a table that is not small',
      { bytes: 2_000_000 },
      {},
      'The domain email of "full_name" has a constraint or a default: PostgreSQL writes the whole table anew for such a column under a lock, and "users" has 2000000 bytes; that is done for at most 1048576.',
    ],
    [
      'with a default',
      {},
      { hasDefault: true },
      'The domain email of "full_name" has a default, and the new column is NULL until it is filled.',
    ],
    [
      'that does not take NULL',
      {},
      { takesNull: false },
      'The domain email of "full_name" does not take NULL, and the new column is NULL until it is filled.',
    ],
    [
      'without a word of what becomes of each value',
      {},
      {},
      'The domain email of "full_name" has a constraint, and nobody knows whether every value keeps to it.',
    ],
  ])('may not lead to a domain with a constraint %s', (_what, of, more, message) => {
    const domain = { hasDefault: false, takesNull: true, ...more }
    const domains = factsWithTypes(
      {},
      {
        types: { email: { ...type('email', { typeConstrained: true }), domain } },
        casts: { 'text -> email': 'assignment', 'email -> text': 'implicit' },
      },
    )
    expect(told(problems({ type: 'email', overlap: 'forward_only' }, table(of), domains))).toEqual([
      ['plan_refused', message],
    ])
  })

  test.each<[string, Partial<RenameColumn>, Table]>([
    ['a transform', { transform: 'upper' }, table()],
    ['a shorter type', { type: 'varchar(9)' }, table()],
    ['a narrower type', { type: 'integer' }, withName({}, 'bigint')],
  ])('without a way back must be accepted: %s', (_what, more, of) => {
    const found = problems(more, of)
    expect(told(found)).toEqual([
      [
        'plan_refused',
        'Values written to "full_name" could not be taken back to "name", so instances of both versions cannot write at the same time.',
      ],
    ])
    expect(found[0]?.hint).toBe(
      'Write down: <the old value, as an expression over full_name>, or say overlap: forward_only to accept that writes of "full_name" fail until "name" is retired.',
    )
    expect(problems({ ...more, overlap: 'forward_only' }, of)).toEqual([])
  })

  test('without a way back may not meet rules that were made for the old values', () => {
    const users = withRules(
      [check('Not Empty', ['name'], ''), key, foreignKey('to_team', ['name']), check('other', ['age'], '')],
      [
        indexOf(key),
        index('once', ['name'], { unique: true }),
        index('by_name', ['name']),
        index('by_age', ['age'], { unique: true }),
      ],
    )
    const about = (name: string) => [
      'plan_refused',
      `${name} holds for "name"; nobody knows whether it holds for the changed values in "full_name".`,
    ]
    expect(told(problems(FORWARD, users))).toEqual([
      about('"Not Empty"'),
      about('users_name_key'),
      about('to_team'),
      about('once'),
    ])
  })

  test('both ways may meet them, where the values stay what they are', () => {
    const users = tableWith([column('name', 'integer')], { constraints: [key], indexes: [indexOf(key)] })
    expect(problems({ type: 'bigint' }, users)).toEqual([])
  })
})

describe('everything that is wrong', () => {
  test('is told at once', () => {
    const users = tableWith(
      [column('name', 'text', { identity: 'always' }), column('full_name', 'text', { nullable: false })],
      {
        constraints: [exclusion('rule', ['name'])],
      },
    )
    expect(told(problems({ transform: 'trim' }, users)).map(([, message]) => message)).toEqual([
      'The exclusion constraint rule cannot be built without stopping writers.',
      '"users"."full_name" is already there and is NOT NULL, so old writers fail already.',
      'rule holds for "name"; nobody knows whether it holds for the changed values in "full_name".',
      'Values written to "full_name" could not be taken back to "name", so instances of both versions cannot write at the same time.',
      '"users"."name" is an identity: its values come from a sequence, and have to be the same in "full_name".',
    ])
  })
})

describe('another type with the other name', () => {
  const BOTH = { type: 'integer', up: 'length(name)', down: 'full_name::text' } as const
  const asked = (op: Partial<RenameColumn>, answers: readonly Facts['mappings'][string][] = []) =>
    factsWithTypes(
      { integer: 'integer', text: 'text', bigint: 'bigint' },
      {
        mappings: Object.fromEntries(
          mappingNeeds(rename(op)).map((need, at) => [mappingKey(need), answers[at] ?? { ofNull: 'null' }]),
        ),
        collations: {
          [collationKey({ namespace: 'public', name: 'C' })]: {
            namespace: 'pg_catalog',
            name: 'C',
            deterministic: true,
          },
        },
      },
    )

  test('is no problem where both directions are written', () => {
    expect(told(problems(BOTH, table(), asked(BOTH)))).toEqual([])
    const filled = { nullable: false, up: `coalesce(name, '')`, down: 'full_name' } as const
    expect(told(problems(filled, table(), asked(filled, [{ ofNull: 'value' }])))).toEqual([])
    const ordered = { collation: 'C' }
    expect(told(problems(ordered, table(), asked(ordered)))).toEqual([])
  })

  test.each<[string, Partial<RenameColumn>, Table, string, ...(readonly Facts['mappings'][string][])]>([
    [
      'up that calls the old column by its new name',
      { ...BOTH, up: 'length(full_name)' },
      table(),
      '"name" cannot be copied to "full_name": "up" (length(full_name)) cannot be used: it names "full_name", and it can be made of "name" only.',
    ],
    [
      'down that calls the new column by its old name',
      { ...BOTH, down: 'name::text' },
      table(),
      '"name" cannot be copied to "full_name": "down" (name::text) cannot be used: it names "name", and it can be made of "full_name" only.',
    ],
    [
      'up that the server does not take',
      BOTH,
      table(),
      '"name" cannot be copied to "full_name": "up" (length(name)) cannot be used: it is volatile.',
      { problem: 'it is volatile' },
    ],
    [
      'up beside a transform',
      { ...BOTH, transform: 'trim' },
      table(),
      '"name" cannot be copied to "full_name": both "transform" and "up" say what becomes of its values.',
    ],
    [
      'down alone',
      { type: 'bigint', down: 'full_name' },
      withName({}, 'integer'),
      '"name" cannot be copied to "full_name": "down" is given without "up".',
    ],
    [
      'NOT NULL without a word on NULL',
      { nullable: false },
      table(),
      '"name" cannot be copied to "full_name": nothing says what becomes of its NULLs.',
    ],
    [
      'up without down, unless that is said',
      { type: 'integer', up: 'length(name)' },
      table(),
      'Values written to "full_name" could not be taken back to "name", so instances of both versions cannot write at the same time.',
    ],
    [
      'a check on changed values',
      BOTH,
      withRules([check('rule', ['name'], '')]),
      'rule holds for "name"; nobody knows whether it holds for the changed values in "full_name".',
    ],
    [
      'an index over an expression of the old type',
      BOTH,
      withRules([], [index('by', ['name'], { nameParts: ['lower'] })]),
      'The index by is made for the old type of "name".',
    ],
    [
      'a check under another collation',
      { collation: 'C' },
      withRules([check('rule', ['name'], '')]),
      'rule holds for "name" as it is ordered now; nobody knows whether it holds under C.',
    ],
    [
      'a column that is there and of another collation',
      { collation: 'C' },
      tableWith([column('name'), column('full_name')]),
      '"users"."full_name" is already there and is of another collation than C.',
    ],
    [
      'a collation that is not there',
      { collation: 'D' },
      table(),
      '"name" cannot be copied to "full_name": there is no collation "D".',
    ],
  ])('is refused with %s', (_what, more, of, message, ...answers) => {
    expect(told(problems(more, of, asked(more, answers))).map(([, one]) => one)).toEqual([message])
  })

  test('is told by its hazards', () => {
    const op = rename({ ...BOTH, overlap: 'forward_only' })
    const found = renameHazards(op, workFor(op, context(table(), asked(BOTH))))
    expect(found.map(({ code }) => code)).toEqual(['column_is_last', 'may_break', 'narrow_until_contract'])
    expect(found[1]?.because).toContain('up (length(name)) fails')
  })
})

test('a column of the new name that is there is no new one, and may have writers', () => {
  const op = rename()
  const of = tableWith([column('name'), column('full_name')])
  const found = renameHazards(op, workFor(op, context(of, known)))
  expect(found.map(({ code }) => code)).toEqual(['may_break'])
  expect(found[0]?.because).toContain('"full_name" is there already, and what is in it stays.')
})

describe('the hazards', () => {
  const hazards = (of: Table, more: Partial<RenameColumn> = {}) =>
    renameHazards(rename(more), workFor(rename(more), context(of, known))).map(({ code, because }) => [
      code,
      because,
    ])
  const IS_LAST = [
    'column_is_last',
    '"full_name" is the last column of the table: SELECT * in a named statement, COPY and INSERT without a column list see another order.',
  ]

  test.each<[string, Table, Partial<RenameColumn>, readonly unknown[]]>([
    ['a plain column', table(), {}, []],
    [
      'a nullable column with a default',
      withName({ default: "'x'" }),
      {},
      [
        [
          'explicit_null_read_as_omitted',
          'An INSERT that gives NULL for "full_name" gets the default of "name" until the contract.',
        ],
      ],
    ],
    ['a NOT NULL column with a default', withName({ nullable: false, default: "'x'" }), {}, []],
    [
      'no way back',
      table(),
      FORWARD,
      [
        [
          'forward_only',
          'Writes that change only "full_name" fail until "name" is retired; an old value that does not fit makes every write of its row fail. Retiring cannot be undone.',
        ],
      ],
    ],
    [
      'triggers of the user',
      table({
        triggers: [
          trigger('Audit'),
          trigger('on_insert', { onUpdate: false }),
          trigger('disabled', { enabled: false }),
          trigger('later', { before: false, asksForBackfill: true }),
          trigger('whole', { before: false, rowLevel: false }),
          trigger('whole_later', { before: false, rowLevel: false, asksForBackfill: true }),
        ],
      }),
      {},
      [
        [
          'user_triggers_fire',
          'The trigger "Audit" fires for every row that the backfill fills. One that is not to fire looks at the setting bellows.backfill.',
        ],
        [
          'user_triggers_fire',
          'The trigger later looks at the setting bellows.backfill: whether it does anything for the rows that the backfill fills is up to it.',
        ],
        [
          'user_triggers_fire',
          'The trigger whole fires for every batch of the backfill, also one that fills no row. One that is not to fire looks at the setting bellows.backfill.',
        ],
        [
          'user_triggers_fire',
          'The trigger whole_later looks at the setting bellows.backfill: whether it does anything for the batches of the backfill is up to it.',
        ],
      ],
    ],
    [
      'a trigger that may change the column itself',
      table({
        triggers: [
          trigger('normalise', { onUpdate: false, text: 'new.name := trim(new.name)' }),
          trigger('other', { onUpdate: false, text: 'new.surname := new.name_of_it' }),
          trigger('later', { onUpdate: false, before: false, text: 'new.name := 1' }),
        ],
      }),
      {},
      [
        [
          'may_break',
          'The trigger normalise names "name": a write through "full_name" reaches it before "name" follows, so it sees the old value; if it changes "name" itself, such a write is refused.',
        ],
      ],
    ],
    [
      'dependents',
      table({ dependents: [dependent('view', 'public.v'), dependent('view', 'public.w', 'age')] }),
      {},
      [
        [
          'blocks_contract',
          'The view public.v uses "name". Change or drop it before the contract, which never cascades.',
        ],
      ],
    ],
    [
      'functions that may use it',
      table({ mentions: [dependent('function', 'f()'), dependent('function', 'g()', 'age')] }),
      {},
      [['may_break', 'The function f() may use "name" in its text.']],
    ],
  ])('of %s', (_what, of, more, expected) => {
    expect(hazards(of, more)).toEqual([IS_LAST, ...expected])
  })

  test.each(['Last Name', 'or"der', 'back\\slash', 'a.b', 'x*', '[1]', 'naïve', "it's"])(
    'find the name %s in the text of a trigger, and not one that is like it',
    (name) => {
      const normalise = trigger('normalise', { onUpdate: false, text: `new."${name}" := 1` })
      const other = trigger('other', { onUpdate: false, text: `new."${name}s" := 1; new."aXb" := 'xx'` })
      const of = table({ columns: [column('id'), column(name)], triggers: [normalise, other] })
      expect(hazards(of, { from: name }).map(([code]) => code)).toContain('may_break')
      expect(JSON.stringify(hazards(of, { from: name }))).not.toContain('trigger other')
    },
  )
})
