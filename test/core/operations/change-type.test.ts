import { describe, expect, test } from 'vitest'
import type { ChangeType } from '../../../src/core/operations/change-type/change.ts'
import { changeType } from '../../../src/core/operations/change-type.ts'
import { compileAnewSql } from '../../../src/core/plan/compiled-anew.ts'
import type { StepDraft, TransactionStep } from '../../../src/core/plan/step.ts'
import type { Facts } from '../../../src/core/schema/facts.ts'
import { collationKey, type MappingFacts, mappingKey } from '../../../src/core/schema/mappings.ts'
import type { Table } from '../../../src/core/schema/model.ts'
import {
  check,
  column,
  context,
  dependent,
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
} from '../../support/model.ts'

const change = (more: Partial<ChangeType> = {}): ChangeType => ({
  kind: 'change_type',
  namespace: 'public',
  table: 'users',
  column: 'age',
  ...more,
})
const TO_INTEGER = { type: 'integer', up: 'age::integer', down: 'age::text' } as const

type Known = MappingFacts | { readonly problem: string }

/** Facts of a server that takes the expressions of an operation, and makes NULL of NULL. */
const facts = (op: ChangeType, more: Partial<Facts> = {}, known: readonly Known[] = []): Facts =>
  factsWithTypes(
    {
      integer: 'integer',
      bigint: 'bigint',
      text: 'text',
      'varchar(20)': 'character varying(20)',
      date: 'date',
    },
    {
      mappings: Object.fromEntries(
        (changeType.needs(op).mappings ?? []).map((need, at) => [
          mappingKey(need),
          known[at] ?? { ofNull: 'null' },
        ]),
      ),
      collations: {
        [collationKey({ namespace: 'public', name: 'C' })]: {
          namespace: 'pg_catalog',
          name: 'C',
          deterministic: true,
        },
        [collationKey({ namespace: 'public', name: 'ci' })]: {
          namespace: 'public',
          name: 'ci',
          deterministic: false,
        },
      },
      ...more,
    },
  )

const ages = (type = 'text', more = {}) => tableWith([column('age', type, more)])
const problems = (op: ChangeType, of: Table, known: readonly Known[] = []) =>
  told(changeType.check(op, context(of, facts(op, {}, known)))).map(([, message]) => message)
const stepsOf = (op: ChangeType, of: Table, known: readonly Known[] = []) => {
  const seen = context(of, facts(op, {}, known))
  return {
    expand: changeType.expand(op, seen),
    backfill: changeType.backfill(op, seen),
    contract: changeType.contract(op, seen),
    rollback: changeType.rollback(op, seen),
  }
}
const statements = (step: StepDraft | undefined) => (step as TransactionStep | undefined)?.statements ?? []

const TAG = '8f44d509'
const TWIN = `"bellows_new_${TAG}_age"`
const HIDDEN = `"bellows_retired_${TAG}_age"`
const ON = 'alter table "public"."users"'

describe('what is refused', () => {
  test.for<[string, Partial<ChangeType>, Table, string, (readonly Known[])?]>([
    [
      'a type that does not take every value, without a word on how',
      { type: 'integer' },
      ages('bigint'),
      '"users"."age" cannot be changed: not every bigint has its place in integer and comes back.',
    ],
    [
      'a type that nothing leads to',
      { type: 'date' },
      ages('integer'),
      '"users"."age" cannot be changed: integer cannot be assigned to date.',
    ],
    ['nothing', {}, ages(), '"users"."age" cannot be changed: nothing says what of it.'],
    [
      'a type that is not there',
      { type: 'intger' },
      ages(),
      '"users"."age" cannot be changed: there is no type "intger".',
    ],
    [
      'a collation that is not there',
      { collation: 'D' },
      ages(),
      '"users"."age" cannot be changed: there is no collation "D".',
    ],
    [
      'down without up',
      { type: 'integer', down: 'age::text' },
      ages(),
      '"users"."age" cannot be changed: "down" is given without "up".',
    ],
    [
      'NOT NULL without a word on NULL',
      { nullable: false },
      ages(),
      '"users"."age" cannot be changed: nothing says what becomes of its NULLs.',
    ],
    [
      'NOT NULL by an expression that makes NULL of NULL',
      { nullable: false, up: 'age', down: 'age' },
      ages(),
      '"users"."age" cannot be changed: it is to be NOT NULL, and "up" (age) makes no value of NULL.',
    ],
    [
      'an expression that fails for NULL, which writers may write',
      { ...TO_INTEGER },
      ages(),
      '"users"."age" cannot be changed: "up" (age::integer) fails for NULL.',
      [{ ofNull: 'fails' }],
    ],
    [
      'a way back that fails for NULL',
      { ...TO_INTEGER },
      ages(),
      '"users"."age" cannot be changed: "down" (age::text) fails for NULL.',
      [{ ofNull: 'null' }, { ofNull: 'fails' }],
    ],
    [
      'an expression over something else',
      { type: 'integer', up: 'id', down: 'age' },
      ages(),
      '"users"."age" cannot be changed: "up" (id) cannot be used: it names "id", and it can be made of "age" only.',
    ],
    [
      'an expression that the server does not take',
      { ...TO_INTEGER },
      ages(),
      '"users"."age" cannot be changed: "down" (age::text) cannot be used: generation expression is not immutable.',
      [{ ofNull: 'null' }, { problem: 'generation expression is not immutable' }],
    ],
    [
      'a change without a way back, unless that is said',
      { type: 'integer', up: 'age::integer' },
      ages(),
      'Without "down" nothing takes new values of "age" back, so the change cannot be undone once it is made.',
    ],
    [
      'a check on changed values',
      { ...TO_INTEGER },
      tableWith([column('age')], { constraints: [check('rule', ['age'], "CHECK ((age <> ''::text))")] }),
      'rule holds for "age"; nobody knows whether it holds for the changed values in "age".',
    ],
    [
      'a unique constraint on changed values, which may become the same',
      { ...TO_INTEGER },
      tableWith([column('age')], {
        constraints: [unique('key', ['age'])],
        indexes: [indexOf(unique('key', ['age']))],
      }),
      'key holds for "age"; nobody knows whether it holds for the changed values in "age".',
    ],
    [
      'a foreign key of changed values',
      { ...TO_INTEGER },
      tableWith([column('age')], { constraints: [foreignKey('fk', ['age'])] }),
      'fk holds for "age"; nobody knows whether it holds for the changed values in "age".',
    ],
    [
      'an index over an expression of the old type',
      { ...TO_INTEGER },
      tableWith([column('age')], { indexes: [index('by', ['age'], { nameParts: ['lower'] })] }),
      'The index by is made for the old type of "age".',
    ],
    [
      'a check under another collation',
      { collation: 'C' },
      tableWith([column('age')], { constraints: [check('rule', ['age'], "CHECK ((age > 'a'::text))")] }),
      'rule holds for "age" as it is ordered now; nobody knows whether it holds under C.',
    ],
    [
      'a unique index under a collation that takes different texts for the same',
      { collation: 'ci' },
      tableWith([column('age')], { indexes: [index('one', ['age'], { unique: true })] }),
      'one holds for "age" as it is ordered now; nobody knows whether it holds under ci.',
    ],
    [
      'a foreign key on an index that includes the column, and points at another one',
      { type: 'bigint' },
      tableWith([column('age', 'integer'), column('name')], {
        indexes: [
          index('by_name', ['name', 'age'], { unique: true, foreignKeys: ['other on public.orders'] }),
        ],
      }),
      'The foreign key other on public.orders stands on by_name, which includes "age" and is made anew with it.',
    ],
    [
      'a generated column',
      { type: 'bigint' },
      ages('integer', { generated: 'stored' }),
      '"users"."age" is a generated column; a trigger does not see its value.',
    ],
    [
      'changed values of the primary key',
      { column: 'id', type: 'text', up: 'id::text', down: 'id::bigint' },
      table(),
      'users_pkey holds for "id"; nobody knows whether it holds for the changed values in "id".',
    ],
    [
      'a wider type while a view uses the column',
      { type: 'varchar(20)' },
      table({
        columns: [...table().columns, column('age', 'character varying(10)')],
        dependents: [{ ...dependent('view', 'v', 'age'), bound: true }],
      }),
      'The view v uses "users"."age", whose type cannot be changed as long as it does.',
    ],
  ])('%s', ([, more, of, message, known]) => {
    expect(problems(change(more), of, known)).toContain(message)
  })

  test('nothing of a wider type whose check would be tried anew in the catalog: it goes by a copy', () => {
    const op = change({ type: 'numeric(16,2)' })
    const of = tableWith([column('age', 'numeric(12,2)')], {
      constraints: [check('rule', ['age'], 'CHECK ((age > (0)::numeric))')],
    })
    const known = facts(op, { types: { 'numeric(16,2)': type('numeric(16,2)') } })
    expect(told(changeType.check(op, context(of, known)))).toEqual([])
    expect(changeType.backfill(op, context(of, known))).toMatchObject([
      { set: `${TWIN} = "age"::numeric(16,2)` },
    ])
  })

  test('nothing of a change that can be made', () => {
    expect(problems(change(TO_INTEGER), ages())).toEqual([])
    expect(problems(change({ type: 'bigint' }), ages('integer'))).toEqual([])
    expect(problems(change({ collation: 'C' }), ages())).toEqual([])
    expect(
      problems(change({ nullable: false, up: "coalesce(age, '')", down: 'age' }), ages(), [
        { ofNull: 'value' },
      ]),
    ).toEqual([])
    expect(
      problems(change({ type: 'integer', up: 'age::integer', overlap: 'forward_only' }), ages()),
    ).toEqual([])
  })
})

describe('a copy under the name of the column', () => {
  const op = change(TO_INTEGER)
  const of = ages('text', { default: "'18'::text", nullable: false })
  const { expand, backfill, contract, rollback } = stepsOf(op, of)

  test('begins with a column that nobody knows and that follows the one that everybody uses', () => {
    const [add, body] = statements(expand[0])
    expect(add).toBe(`${ON} add column ${TWIN} integer`)
    expect(body).toContain(`new.${TWIN} := (new."age")::"pg_catalog"."int4"::integer;`)
    expect(body).not.toContain('raise exception')
    expect(expand[0]?.changes).toBeUndefined()
    expect(statements(expand[0]).join()).toContain("'closed'")
  })

  test('is filled and verified, a value that becomes NULL on its way included', () => {
    expect(backfill).toMatchObject([{ set: `${TWIN} = ("age")::"pg_catalog"."int4"::integer` }])
    expect(contract[0]).toMatchObject({
      kind: 'verify',
      relation: expect.stringContaining(`and ${TWIN} is not null)`),
    })
    expect(contract.map(({ kind }) => kind)).toEqual(['verify', 'ddl', 'validate', 'retire', 'purge'])
  })

  test('takes the name over in one transaction, with the default', () => {
    const swap = contract.find(({ kind }) => kind === 'retire')
    const [hide, show, follow, ...rest] = statements(swap)
    expect(hide).toBe(`${ON} rename column "age" to ${HIDDEN}`)
    expect(show).toBe(`${ON} rename column ${TWIN} to "age"`)
    expect(follow).toContain(`new.${HIDDEN} := (new."age")::pg_catalog."text"::pg_catalog.text;`)
    expect(rest).toEqual([
      `${ON} alter column ${HIDDEN} drop default, alter column "age" set default (('18'::text)::text)::"pg_catalog"."int4"::integer`,
      compileAnewSql([of]),
    ])
    expect(swap).not.toHaveProperty('retires')
    expect((swap as TransactionStep).requires.map(({ code }) => code)).toContain('dependents_found')
  })

  test('gives it back in one transaction, with the default as it was', () => {
    expect(rollback.map(({ phase }) => phase)).toEqual(['retire', 'expand'])
    const [byDefault, hide, show, follow, ...rest] = statements(rollback[0])
    expect(byDefault).toBe(
      `${ON} alter column "age" drop default, alter column ${HIDDEN} set default '18'::text`,
    )
    expect(hide).toBe(`${ON} rename column "age" to ${TWIN}`)
    expect(show).toBe(`${ON} rename column ${HIDDEN} to "age"`)
    expect(follow).toBe(statements(expand[0])[1])
    expect(rest).toEqual([compileAnewSql([of])])
  })

  test('ends with NOT NULL under the name that PostgreSQL gives it, which the old column lets go of first', () => {
    const purge = statements(contract.at(-1))
    expect(purge).toContain(`${ON} alter column ${HIDDEN} drop not null, alter column "age" set not null`)
    expect(contract.at(-1)).toMatchObject({ changes: { kind: 'changed', column: 'age' } })
  })

  test('tells what everybody will see, and what blocks it', () => {
    const seen = {
      ...of,
      triggers: [trigger('noisy')],
      dependents: [
        { ...dependent('view', 'v', 'age'), bound: true as const },
        dependent('trigger', 'noisy on users', 'age'),
      ],
      mentions: [dependent('function', 'f()', 'age')],
    }
    const [step] = stepsOf(op, seen).expand
    expect(step?.hazards.map(({ code }) => code)).toEqual([
      'seen_by_all',
      'column_is_last',
      'may_break',
      'narrow_until_contract',
      'user_triggers_fire',
      'blocks_contract',
      'may_break',
      'may_break',
    ])
    expect(step?.hazards.map(({ because }) => because).join('\n')).toContain('The view v would go along')
  })
})

describe('the sequence of a serial', () => {
  const serial = ages('integer', { sequences: [{ namespace: 'public', name: 'ages' }] })
  const ofSequence = (op: ChangeType) =>
    stepsOf(op, serial)
      .contract.filter(({ phase }) => phase === 'purge')
      .flatMap(statements)
      .filter((one) => one.startsWith('alter sequence'))
  const owned = 'alter sequence "public"."ages" owned by "public"."users"."age"'

  test('goes on as far as the new column does', () => {
    expect(ofSequence(change({ type: 'bigint' }))).toEqual([
      owned,
      'alter sequence "public"."ages" as bigint',
    ])
  })

  test('stays as it is where nothing counts in the new type', () => {
    expect(ofSequence(change({ type: 'text', up: 'age::text', down: 'age::integer' }))).toEqual([owned])
  })
})

describe('a copy without a way back', () => {
  test('lets go of the old column as the new one takes over, and cannot be undone', () => {
    const op = change({ type: 'integer', up: 'age::integer', overlap: 'forward_only' })
    const { contract, rollback } = stepsOf(op, ages())
    const swap = statements(contract.find(({ kind }) => kind === 'retire'))
    expect(swap).toContain(
      `${ON} drop constraint "bellows_proof_${TAG}_age", alter column ${HIDDEN} drop not null`,
    )
    expect(rollback.map(({ phase }) => phase)).toEqual(['expand'])
  })
})

describe('a wider type', () => {
  const op = change({ type: 'varchar(20)' })
  const of = ages('character varying(10)')
  const { expand, backfill, contract, rollback } = stepsOf(op, of)

  test('is taken into the catalog, and nothing is copied', () => {
    expect(expand.flatMap(statements)).toEqual([
      `${ON} alter column "age" type character varying(20)`,
      compileAnewSql([of]),
    ])
    expect([...backfill, ...contract]).toEqual([])
    expect(expand[0]?.hazards.map(({ code }) => code)).toEqual(['stays_wide'])
  })

  test('is taken back only where there is no row', () => {
    expect(rollback.flatMap(statements)).toEqual([
      `${ON} alter column "age" type character varying(10)`,
      compileAnewSql([of]),
    ])
    expect((rollback[0] as TransactionStep).requires).toMatchObject([{ code: 'rows_in_the_way' }])
  })

  test('that it has already is nothing to do, as after a rollback that has left it', () => {
    const { expand, rollback } = stepsOf(change({ type: 'text' }), ages())
    expect([...expand, ...rollback]).toEqual([])
  })

  test('keeps its collation', () => {
    const collated = ages('character varying(10)', { collation: { namespace: 'pg_catalog', name: 'C' } })
    expect(stepsOf(op, collated).expand.flatMap(statements)).toEqual([
      `${ON} alter column "age" type character varying(20) collate "pg_catalog"."C"`,
      compileAnewSql([collated]),
    ])
  })
})

describe('the table afterwards', () => {
  const changed = (op: ChangeType, of: Table, known: readonly Known[] = []) =>
    changeType.apply(op, { tables: [of] }, facts(op, {}, known)).tables[0]

  test('has the column at its end, of the new type and with the default that goes through the mapping', () => {
    const of = tableWith([
      column('age', 'text', { default: "'18'::text", defaultText: '18', comment: 'c' }),
      column('tail'),
    ])
    expect(changed(change(TO_INTEGER), of)?.columns.at(-1)).toEqual(
      column('age', 'integer', {
        default: `(('18'::text)::text)::"pg_catalog"."int4"::integer`,
        comment: 'c',
      }),
    )
  })

  test('has a NOT NULL with a name where it had none', () => {
    const op = change({ nullable: false, up: "coalesce(age, '')", down: 'age' })
    const made = changed(op, ages(), [{ ofNull: 'value' }])
    expect(made?.columns.at(-1)?.nullable).toBe(false)
    expect(made?.constraints).toMatchObject([
      {},
      { ...notNull('users_age_not_null', 'age'), definition: 'NOT NULL "age"' },
    ])
  })

  test.each([
    ["coalesce(age, '')", false],
    ["nullif(age, '')", true],
  ])('is NOT NULL, which %s may not keep to: %s', (up, mayBeNull) => {
    const [step] = stepsOf(change({ nullable: false, up, down: 'age' }), ages(), [{ ofNull: 'value' }]).expand
    const because = step?.hazards.map((one) => one.because).join() ?? ''
    expect(because).toContain(`up (${up}) fails`)
    expect(because.includes('or gives NULL, which is refused')).toBe(mayBeNull)
  })

  test('has a widened column where it was', () => {
    const of = tableWith([column('age', 'character varying(10)'), column('tail')])
    expect(
      changed(change({ type: 'varchar(20)' }), of)?.columns.map(({ name, type }) => [name, type]),
    ).toEqual([
      ['id', 'bigint'],
      ['age', 'character varying(20)'],
      ['tail', 'text'],
    ])
  })
})
