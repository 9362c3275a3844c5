import { describe, expect, test } from 'vitest'
import { type SplitColumn, splitColumn } from '../../../src/core/operations/split-column.ts'
import type { StepDraft, TransactionStep } from '../../../src/core/plan/step.ts'
import type { MappingFacts } from '../../../src/core/schema/mappings.ts'
import type { Table } from '../../../src/core/schema/model.ts'
import {
  check,
  column,
  context,
  factsWithTypes,
  index,
  indexOf,
  mappingFacts,
  notNull,
  table,
  tableWith,
  told,
  unique,
} from '../../support/model.ts'

type Known = MappingFacts | { readonly problem: string }

const FIRST = { name: 'first', type: 'text', nullable: false, up: 'lower(name)' }
const LAST = { name: 'last', type: 'varchar(20)', nullable: true, up: 'upper(name)' }
const split = (more: Partial<SplitColumn> = {}): SplitColumn => ({
  kind: 'split_column',
  namespace: 'public',
  table: 'users',
  from: 'name',
  to: [FIRST, LAST],
  down: 'first || last',
  ...more,
})
const TYPES = { text: 'text', 'varchar(20)': 'character varying(20)', 'char(2)': 'character(2)' }
const seen = (op: SplitColumn, of: Table, known: readonly Known[] = []) =>
  context(of, factsWithTypes(TYPES, { mappings: mappingFacts(splitColumn.needs(op), known) }))
const names = (more = {}) => tableWith([column('name', 'text', { nullable: false, ...more })])
const statements = (step: StepDraft | undefined) => (step as TransactionStep | undefined)?.statements ?? []
const ON = 'alter table "public"."users"'
const TAG = '8f44d509'
const VALUE: Known = { ofNull: 'value' }
const NULL: Known = { ofNull: 'null' }

describe('what is refused', () => {
  test.for<[string, Partial<SplitColumn>, Table, string, (readonly Known[])?]>([
    [
      'a new name that is there',
      { to: [FIRST, { ...LAST, name: 'id' }] },
      names(),
      'The table "users" already has a column "id".',
    ],
    [
      'a new name that is the old one',
      { to: [FIRST, { ...LAST, name: 'name' }] },
      names(),
      '"name" is named twice; old and new columns need names of their own.',
    ],
    ['a column that is not there', { from: 'nick' }, names(), 'The table "users" has no column "nick".'],
    [
      'a type that is not there',
      { to: [FIRST, { ...LAST, type: 'txt' }] },
      names(),
      'There is no type "txt" for the column "last".',
    ],
    [
      'a type that cuts',
      { to: [FIRST, { ...LAST, type: 'char(2)' }] },
      names(),
      'Values cannot be assigned to character(2) without being cut.',
    ],
    [
      'an expression over the wrong side',
      { down: 'name' },
      names(),
      'The expression for "name" (name) cannot be used: it names "name", and it can be made of "first" and "last" only.',
    ],
    [
      'an expression that the server does not take',
      {},
      names(),
      'The expression for "last" (upper(name)) cannot be used: generation expression is not immutable.',
      [NULL, { problem: 'generation expression is not immutable' }],
    ],
    [
      'a check on the old column',
      {},
      tableWith([column('name', 'text', { nullable: false })], {
        constraints: [check('rule', ['name'], "CHECK ((name <> ''::text))")],
      }),
      'rule holds for "users"."name", and nobody knows what it means for the new columns.',
    ],
    [
      'a unique constraint on the old column',
      {},
      tableWith([column('name', 'text', { nullable: false })], {
        constraints: [unique('key', ['name'])],
        indexes: [indexOf(unique('key', ['name']))],
      }),
      'key holds for "users"."name", and nobody knows what it means for the new columns.',
    ],
    [
      'a default that differs each time',
      {},
      names({ default: 'gen_random_uuid()', defaultVolatility: 'volatile' }),
      '"users"."name" has a default that differs each time, so the new columns would not agree with it.',
    ],
    [
      'grants on the old column',
      {},
      names({ grants: [{ grantee: 'app', toPublic: false, privilege: 'SELECT', grantable: false }] }),
      '"users"."name" has grants of its own, which the new columns cannot share out.',
    ],
    [
      'a NOT NULL column into nullable ones',
      { to: [{ ...FIRST, nullable: true }, LAST] },
      names(),
      '"name" is NOT NULL, and all new columns take NULL: what writers leave out there could not be taken back.',
    ],
    [
      'a nullable column into one that is NOT NULL, without a value for NULL',
      {},
      names({ nullable: true }),
      '"first" is to be NOT NULL, and its expression (lower(name)) makes no value where all is NULL.',
    ],
    [
      'an expression that makes a value of nothing, where all takes NULL',
      { to: [{ ...FIRST, nullable: true }, LAST] },
      names({ nullable: true }),
      'The expression for "name" (first || last) makes a value where all is NULL, so a row that was written so looks like one that waits.',
      [NULL, NULL, VALUE],
    ],
    [
      'an expression that fails for nothing, where that may be written',
      { to: [{ ...FIRST, nullable: true }, LAST] },
      names({ nullable: true }),
      'The expression for "last" (upper(name)) fails where all is NULL.',
      [NULL, { ofNull: 'fails' }],
    ],
  ])('%s', ([, more, of, message, known]) => {
    const op = split(more)
    expect(told(splitColumn.check(op, seen(op, of, known))).map(([, text]) => text)).toContain(message)
  })

  test.for<[string, Partial<SplitColumn>, Table, (readonly Known[])?]>([
    ['a NOT NULL column into one of each', {}, names()],
    [
      'a nullable column into nullable ones',
      { to: [{ ...FIRST, nullable: true }, LAST] },
      names({ nullable: true }),
    ],
    ['a nullable column into one that gets a value for NULL', {}, names({ nullable: true }), [VALUE, NULL]],
  ])('nothing of %s', ([, more, of, known]) => {
    const op = split(more)
    expect(splitColumn.check(op, seen(op, of, known))).toEqual([])
  })
})

describe('the steps', () => {
  const of = { ...names({ default: "'x'::text" }) }
  const op = split()
  const at = seen(op, of)
  const contract = splitColumn.contract(op, at)
  const R = `(pg_catalog.record_image_eq(row("first", "last"), row(pg_catalog."lower"("name")::pg_catalog.text, pg_catalog."upper"("name")::character varying)) or pg_catalog.record_image_eq(row("name"), row(("first" operator(pg_catalog.||) "last")::pg_catalog.text)))`

  test('begin with all columns and the trigger at once', () => {
    const [step] = splitColumn.expand(op, at)
    const [add, body] = statements(step)
    expect(add).toBe(`${ON} add column "first" text, add column "last" varchar(20)`)
    expect(body).toContain('if new."first" is null and new."last" is null then')
    expect(body).toContain('new."first" := pg_catalog."lower"(new."name")::pg_catalog.text;')
    expect(body).toContain('new."name" := (new."first" operator(pg_catalog.||) new."last")::pg_catalog.text;')
    expect(step?.hazards.map(({ code }) => code)).toEqual([
      'column_is_last',
      'may_break',
      'narrow_until_contract',
    ])
  })

  test('fill both columns of a row that lacks both', () => {
    expect(splitColumn.backfill(op, at)).toMatchObject([
      {
        set: `"first" = pg_catalog."lower"("name")::pg_catalog.text, "last" = pg_catalog."upper"("name")::character varying`,
        unfilled: `("first" is null and "last" is null and (pg_catalog."lower"("name")::pg_catalog.text is not null or pg_catalog."upper"("name")::character varying is not null))`,
      },
    ])
  })

  test('compare what agrees and what must not be NULL, and prove it', () => {
    expect(contract.map(({ kind }) => kind)).toEqual([
      'verify',
      'ddl',
      'validate',
      'ddl',
      'gate',
      'retire',
      'purge',
    ])
    expect(contract[0]).toMatchObject({ relation: `(${R} and "first" is not null)` })
    expect(statements(contract[1])).toEqual([
      expect.stringMatching(
        /^alter table "public"."users" add constraint "bellows_proof_.*not valid, add constraint "bellows_filled_.*_first" check \("first" is not null\) not valid$/,
      ),
    ])
  })

  test('end with NOT NULL and what the default comes to, and without the old column', () => {
    expect(statements(contract.at(-1)).slice(-3, -1)).toEqual([
      `${ON} alter column "first" set not null, alter column "first" set default pg_catalog."lower"(('x'::text)::text)::pg_catalog.text, alter column "last" set default pg_catalog."upper"(('x'::text)::text)::character varying`,
      expect.stringMatching(
        new RegExp(
          `drop constraint "bellows_proof_${TAG}_name", .*drop column "bellows_retired_.*_name" restrict$`,
        ),
      ),
    ])
    expect(contract.at(-1)).toMatchObject({
      changes: { kind: 'reshaped', from: ['name'], to: ['first', 'last'] },
    })
  })

  test('take away on a rollback what came with the trigger, and only that', () => {
    const [back, away] = splitColumn.rollback(op, at)
    expect([back?.phase, away?.phase]).toEqual(['retire', 'expand'])
    // A column of the same name without our trigger is somebody else's.
    expect(away).toMatchObject({ probe: expect.stringContaining('to_regprocedure') })
    expect(away).not.toMatchObject({ probe: expect.stringContaining('"first"') })
    expect(away).toMatchObject({
      retires: { column: 'first' },
      retiresAlso: [{ column: 'last' }],
    })
  })

  test('say which indexes go with the old column', () => {
    const indexed = { ...of, indexes: [...of.indexes, index('by_name', ['name'])] }
    const [step] = splitColumn.expand(op, seen(op, indexed))
    expect(step?.hazards.find(({ code }) => code === 'goes_with_column')?.because).toContain('by_name')
  })
})

test('the table afterwards has the new columns at its end, and nothing that hung on the old one', () => {
  const of = tableWith([column('name', 'text', { nullable: false }), column('tail')], {
    indexes: [index('by_name', ['name'])],
    constraints: [notNull('users_name_not_null', 'name')],
  })
  const op = split()
  const { schema, facts } = seen(op, of)
  const [made] = splitColumn.apply(op, schema, facts).tables
  expect(made?.columns.map(({ name, type, nullable }) => [name, type, nullable])).toEqual([
    ['id', 'bigint', false],
    ['tail', 'text', true],
    ['first', 'text', false],
    ['last', 'character varying(20)', true],
  ])
  expect(made?.indexes.map(({ name }) => name)).toEqual(['users_pkey'])
  expect(made?.constraints.map(({ name }) => name)).toEqual(['users_pkey', 'users_first_not_null'])
  expect(made?.columnSlots).toBe(of.columnSlots + 2)
})

test('a table without room for all new columns is refused', () => {
  const op = split()
  const full = { ...table(), ...names(), columnSlots: 1599 }
  expect(told(splitColumn.check(op, seen(op, full))).map(([, text]) => text)).toEqual([
    '"users" has 1 of its 1600 column slots left, and gets 2 new columns; PostgreSQL does not reuse those of dropped columns.',
  ])
})
