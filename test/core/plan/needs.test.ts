import { describe, expect, test } from 'vitest'
import { identityQuestion } from '../../../src/core/operations/keys/identity.ts'
import type { Operation } from '../../../src/core/operations/migration.ts'
import type { Needs } from '../../../src/core/operations/needs.ts'
import { needsOf } from '../../../src/core/plan/needs.ts'
import { rowHoldersQuestion } from '../../../src/core/plan/row-types.ts'

const users = { namespace: 'public', table: 'users' } as const
const teams = { namespace: 'app', table: 'teams' } as const

const add = (more: Partial<Operation> = {}): Operation =>
  ({ kind: 'add_column', ...users, column: 'slug', type: 'text', nullable: true, ...more }) as Operation
const drop = (more: Partial<Operation> = {}): Operation =>
  ({ kind: 'drop_column', ...users, column: 'age', ...more }) as Operation
const rename = (more: Partial<Operation> = {}): Operation =>
  ({ kind: 'rename_column', ...users, from: 'name', to: 'full_name', ...more }) as Operation

const USERS = { namespace: 'public', name: 'users' }
const TEAMS = { namespace: 'app', name: 'teams' }

const create = (definition: string): Operation => ({ kind: 'create_index', definition })

const NOTHING: Needs = {
  tables: [],
  ofTypes: [],
  types: [],
  expressions: [],
  defaults: [],
  conditions: [],
  names: [],
  values: [],
  indexes: [],
  mappings: [],
  collations: [],
  options: [],
  objects: [],
  bounds: [],
  exclusions: [],
  definitions: [],
  views: [],
  questions: [],
}

/** Of a rename: also what points at the column, and the sequence that it may be an identity by. */
const RENAMED = { ...USERS, columns: ['name', 'full_name'], follows: true }
/** Of a column that is added: what holds rows of the table. */
const HELD = rowHoldersQuestion(USERS)
const IDENTITY = identityQuestion({ namespace: 'public', table: 'users', column: 'name' })

describe('what must be asked of the server', () => {
  test.each<[string, readonly Operation[], Partial<Needs>]>([
    ['no operation', [], { tables: [], types: [], expressions: [] }],
    [
      'a column that is added',
      [add()],
      {
        tables: [{ ...USERS, columns: [] }],
        types: ['text'],
        expressions: [],
        values: [],
        questions: [HELD],
      },
    ],
    [
      'a column that is added with a default',
      [add({ type: 'varchar(20)', default: "'x'" })],
      {
        tables: [{ ...USERS, columns: [] }],
        types: ['varchar(20)'],
        expressions: [{ expression: "'x'", type: 'varchar(20)' }],
        values: [],
        questions: [HELD],
      },
    ],
    [
      'a column that gets its values from others',
      [add({ up: 'lower(name)', default: "'x'" })],
      {
        tables: [{ ...USERS, columns: [] }],
        types: ['text'],
        expressions: [{ expression: "'x'", type: 'text' }],
        values: [
          { table: USERS, expression: "'x'", fits: { type: 'text' }, as: 'default' },
          { table: USERS, expression: 'lower(name)', fits: { type: 'text' }, as: 'row' },
        ],
        questions: [HELD],
      },
    ],
    [
      'a column that is dropped',
      [drop()],
      { tables: [{ ...USERS, columns: ['age'] }], types: [], expressions: [], values: [] },
    ],
    [
      'a column that is renamed',
      [rename()],
      { tables: [RENAMED], types: [], expressions: [], values: [], questions: [IDENTITY] },
    ],
    [
      'a column that is renamed to another type',
      [rename({ type: 'bigint' })],
      { tables: [RENAMED], types: ['bigint'], expressions: [], values: [], questions: [IDENTITY] },
    ],
    [
      'several operations on one table',
      [add(), drop(), rename()],
      {
        tables: [{ ...RENAMED, columns: ['age', 'name', 'full_name'] }],
        types: ['text'],
        expressions: [],
        values: [],
        questions: [HELD, IDENTITY],
      },
    ],
    [
      'operations on two tables, in their order',
      [drop(teams), rename(), drop({ ...teams, column: 'b' })],
      {
        tables: [{ ...TEAMS, columns: ['age', 'b'] }, RENAMED],
        types: [],
        expressions: [],
        values: [],
        questions: [IDENTITY],
      },
    ],
    [
      'a type that is named twice',
      [add(), add({ column: 'b' }), add({ column: 'c', type: 'date' })],
      {
        tables: [{ ...USERS, columns: [] }],
        types: ['text', 'date'],
        expressions: [],
        values: [],
        questions: [HELD],
      },
    ],
    [
      'tables of one name in two namespaces',
      [drop(), drop({ namespace: 'app' })],
      {
        tables: [
          { ...USERS, columns: ['age'] },
          { namespace: 'app', name: 'users', columns: ['age'] },
        ],
        types: [],
        expressions: [],
        values: [],
      },
    ],
    [
      'names with dots, which are not those of other tables',
      [drop({ namespace: 'a.b', table: 'c' }), drop({ namespace: 'a', table: 'b.c' })],
      {
        tables: [
          { namespace: 'a.b', name: 'c', columns: ['age'] },
          { namespace: 'a', name: 'b.c', columns: ['age'] },
        ],
        types: [],
        expressions: [],
        values: [],
      },
    ],
  ])('for %s', (_what, operations, expected) => {
    const { questions, ...needs } = needsOf({ name: '0001_test', operations })
    // Each new column is asked for in the functions of the user, too.
    const isOfFunctions = (one: string) => one.includes('#variable_conflict')
    expect({ ...needs, questions: questions.filter((one) => !isOfFunctions(one)) }).toEqual({
      ...NOTHING,
      ...expected,
    })
    expect(questions.filter(isOfFunctions)).toHaveLength(
      operations.filter(({ kind }) => kind === 'add_column').length,
    )
  })

  test('for an index: its definition, with the columns that the operations before it add to its table', () => {
    const operations = [
      add(),
      add({ ...teams, column: 'b' }),
      create('create index on users (slug)'),
      add({ column: 'c' }),
    ]

    expect(needsOf({ name: '0001_test', operations }).indexes).toEqual([
      {
        table: USERS,
        definition: 'create index on users (slug)',
        added: [{ column: 'slug', type: 'text' }],
      },
    ])
  })
})
